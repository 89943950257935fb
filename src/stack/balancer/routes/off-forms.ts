/**
 * A switch that is written but changes nothing, such as `request_headers: {}` from a generated configuration, is treated as left
 * out: it must not cost a request anything. An empty `allow` is no such form: it serves nobody.
 */
import type { RouteOptions } from '../config.ts';
import type { FieldEdits } from '../options/route-options.ts';

const isEmpty = (fields: object | undefined): boolean => fields !== undefined && Object.keys(fields).length === 0;

const editsOrNone = (edits: FieldEdits | undefined): FieldEdits | undefined =>
  edits !== undefined && isEmpty(edits.set) && isEmpty(edits.add) && edits.remove.length === 0 ? undefined : edits;

export function withoutOffForms(options: RouteOptions): RouteOptions {
  const { request_headers, response_headers, match_headers, deny, add_prefix } = options;
  return {
    ...options,
    request_headers: editsOrNone(request_headers),
    response_headers: editsOrNone(response_headers),
    match_headers: isEmpty(match_headers) ? undefined : match_headers,
    deny: deny?.length === 0 ? undefined : deny,
    add_prefix: add_prefix === '/' ? undefined : add_prefix,
  };
}
