/**
 * Purges: what an operator may remove from the cache, and which keys that is. An entry belongs to a purge by its primary key
 * (scheme, host and target) or by one of its tags.
 */
import type { PurgeTarget } from '../../../model/response-cache.ts';
import { VitrineError } from '../../../base/errors.ts';
import { primaryKey } from '../rules/request-rules.ts';
import { isTag } from '../rules/tags.ts';

export type PurgeMatch =
  | { readonly kind: 'key'; readonly primary: string }
  /** Without `origin`, of every scheme and host. `origin` is `scheme host`. */
  | { readonly kind: 'prefix'; readonly origin: string | undefined; readonly path: string }
  | { readonly kind: 'tag'; readonly tag: string };

const TARGET = /^\/[\x21-\x7e]*$/;

/** Throws VitrineError `bad_request` for a target that names nothing. */
export function purgeMatch(target: PurgeTarget): PurgeMatch {
  if ('tag' in target) {
    if (target.tag !== '' && isTag(target.tag)) return { kind: 'tag', tag: target.tag };
    throw invalid('tag', 'a tag from Cache-Tag or Surrogate-Key, without spaces and commas');
  }
  const text = 'url' in target ? target.url : target.prefix;
  if ('prefix' in target && TARGET.test(text)) return { kind: 'prefix', origin: undefined, path: text };
  const found = /^(https?):\/\/([^/?#]+)(\/[\x21-\x7e]*)?$/i.exec(text);
  if (!found || text.includes('#')) {
    throw invalid('url' in target ? 'url' : 'prefix', 'a URL with http or https, or for a prefix also a path');
  }
  const [scheme, host] = [found[1].toLowerCase(), found[2].toLowerCase()];
  const path = found.at(3) ?? '/';
  if ('prefix' in target) return { kind: 'prefix', origin: `${scheme} ${host}`, path };
  return { kind: 'key', primary: primaryKey({ scheme, host, target: path, headers: {} }) };
}

function invalid(name: string, wanted: string): VitrineError {
  return new VitrineError('bad_request', `"${name}" must be ${wanted}.`);
}

/** Whether a primary key is covered. A prefix ends anywhere: `/img` covers `/img/a.png` and `/images`. */
export function coversKey(match: PurgeMatch, primary: string): boolean {
  if (match.kind === 'key') return primary === match.primary || primary.startsWith(`${match.primary}#`);
  if (match.kind === 'tag') return false;
  const hostEnd = primary.indexOf(' ', primary.indexOf(' ') + 1);
  if (!primary.startsWith(match.path, hostEnd + 1)) return false;
  return match.origin === undefined || primary.slice(0, hostEnd) === match.origin;
}

/** The primary key within the key of a variant or a part: its first three words. */
export function primaryOf(key: string): string {
  const hostEnd = key.indexOf(' ', key.indexOf(' ') + 1);
  const end = key.indexOf(' ', hostEnd + 1);
  return end < 0 ? key : key.slice(0, end);
}
