/**
 * The response to a POST that may answer later GET requests (RFC 9110 section 9.3.3): its Content-Location is the target of
 * the request, and its lifetime is explicit.
 */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { cachePolicy } from './targeted.ts';

/** The GET request that it answers; undefined when it answers none. */
export function postedResponse(
  request: CacheRequest,
  status: number,
  named: Readonly<Record<string, string>>,
  targets: readonly string[],
): CacheRequest | undefined {
  const location = named['content-location'];
  if (request.method !== 'POST' || status !== 200 || location === undefined) return undefined;
  const here = `${request.scheme}://${request.host}${request.target}`;
  if (URL.parse(location, here)?.href !== URL.parse(here)?.href) return undefined;
  const { directives, targeted } = cachePolicy(named, targets);
  const explicit = directives.has('max-age') || directives.has('s-maxage') || (!targeted && 'expires' in named);
  return explicit ? { ...request, method: 'GET' } : undefined;
}
