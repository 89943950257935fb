/**
 * Reads which reuse a request allows (RFC 9111 sections 2, 4 and 5.2.1), and makes its cache key. The key is scheme, host
 * and target without any change, and the fields by which a trusted proxy changes links. Some upstreams silently choose
 * another answer by certain fields: a request with such a field is never answered from the cache and its answer is never
 * stored, so these fields cannot poison the cache.
 */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { parseDirectives, seconds } from './directives.ts';
import { normalValue } from './vary.ts';

export interface RequestRules {
  /** A stored response must be validated with the upstream first. */
  readonly noCache: boolean;
  readonly onlyIfCached: boolean;
  readonly maxAgeMs: number;
  readonly minFreshMs: number;
  readonly maxStaleMs: number;
  readonly ifErrorMs: number;
}

/** Fields by which some frameworks choose another resource, whoever sends them. */
const UNKEYED = [
  'x-original-url',
  'x-rewrite-url',
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
  'x-host',
  'x-original-host',
] as const;
/** Fields of trusted proxies from which upstreams build links: part of the key. Those of other peers are never forwarded. */
const KEYED = [
  'x-forwarded-prefix',
  'x-forwarded-path',
  'x-forwarded-port',
  'x-forwarded-server',
  'x-forwarded-ssl',
  'x-forwarded-scheme',
] as const;
/** Preconditions that only the upstream can evaluate. */
const PASSED_ON = ['if-match', 'if-unmodified-since'] as const;

/** The reason for which the request bypasses the cache, as a Cache-Status parameter. Undefined when it does not. */
export function bypassReason(request: CacheRequest): string | undefined {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'HEAD') return 'fwd=method';
  if (headers['content-length'] !== undefined && headers['content-length'] !== '0') return 'fwd=bypass; detail=body';
  if ('transfer-encoding' in headers) return 'fwd=bypass; detail=body';
  if (request.ambiguous === true || UNKEYED.some((name) => name in headers)) return 'fwd=bypass; detail=unkeyed';
  if (PASSED_ON.some((name) => name in headers)) return 'fwd=bypass; detail=precondition';
  if (parseDirectives(headers['cache-control']).has('no-store')) return 'fwd=request';
  return undefined;
}

/** A request without directives. */
export const NO_RULES: RequestRules = {
  noCache: false,
  onlyIfCached: false,
  maxAgeMs: Infinity,
  minFreshMs: 0,
  maxStaleMs: 0,
  ifErrorMs: 0,
};

export function requestRules({ headers }: CacheRequest): RequestRules {
  const field = headers['cache-control'];
  if (field === undefined) {
    return /(^|,)\s*no-cache\b/i.test(headers.pragma ?? '') ? { ...NO_RULES, noCache: true } : NO_RULES;
  }
  const directives = parseDirectives(field);
  const maxStale = directives.get('max-stale');
  return {
    noCache: directives.has('no-cache'),
    onlyIfCached: directives.has('only-if-cached'),
    maxAgeMs: directives.has('max-age') ? seconds(directives.get('max-age')) * 1000 : Infinity,
    minFreshMs: seconds(directives.get('min-fresh')) * 1000,
    maxStaleMs: maxStale === '' ? Infinity : seconds(maxStale) * 1000,
    ifErrorMs: seconds(directives.get('stale-if-error')) * 1000,
  };
}

/** No part can contain a space, so the parts cannot be confused. */
export function primaryKey({ scheme, host, target, headers, partition }: Omit<CacheRequest, 'method'>): string {
  const plain = `${scheme} ${host} ${target}`;
  const key = partition === undefined ? plain : `${plain}#${encodeURIComponent(partition)}`;
  for (const name of KEYED) if (name in headers) return key + forwardedKey(headers);
  return key;
}

/** Percent-encoded, so that it has no space and begins with a character that no target has. */
function forwardedKey(headers: CacheRequest['headers']): string {
  return KEYED.map((name) => `#${encodeURIComponent(headers[name] ?? '')}`).join('');
}

/** Each new list of fields gets a new `id`, so removing the list removes all variants. */
export function variantKey(primary: string, id: string, vary: readonly string[], request: CacheRequest): string {
  const { headers, sent } = request;
  const values = vary.map((name) => normalValue(name, sent === undefined ? headers[name] : sent(name)));
  // JSON separates the values whatever they contain.
  return `${primary} ${id} ${JSON.stringify(values)}`;
}
