/**
 * Makes the answer for one client from a stored response: 304 when the client already has it (RFC 9110 section 13), one
 * byte range (section 14), or the head alone for HEAD. Adds Age and Cache-Status (RFC 9211).
 */
import type { CacheRequest, CachedResponse } from '../../model/response-cache.ts';
import { headerObject } from './directives.ts';
import type { KeptResponse } from './response-entries.ts';

export const CACHE_NAME = 'vitrine';
const EMPTY = Buffer.alloc(0);
/** The fields of a 304 beside Age (RFC 9110 section 15.4.5); the client has all others. */
const IN_304 = new Set(['cache-control', 'content-location', 'date', 'etag', 'expires', 'vary', 'last-modified']);

export function ageMs(kept: KeptResponse, nowMs: number): number {
  return Math.max(0, nowMs - kept.freshness.bornMs);
}

/** `how` is `hit`, or the reason for which the request was forwarded. The ttl is negative for a stale answer. */
export function answerFrom(kept: KeptResponse, request: CacheRequest, nowMs: number, how: string): CachedResponse {
  const age = ageMs(kept, nowMs);
  const ttl = Math.floor((kept.freshness.lifetimeMs - age) / 1000);
  const cacheStatus = `${CACHE_NAME}; ${how}; ttl=${ttl}`;
  const ageField = ['Age', String(Math.floor(age / 1000))];
  if (kept.status === 200 && clientHas(kept, request)) {
    return { status: 304, headers: [...keptFields(kept.headers), ...ageField], body: EMPTY, cacheStatus };
  }
  const headers = [...kept.headers, ...ageField];
  if (request.method === 'HEAD') {
    headers.push('Content-Length', String(kept.body.length));
    return { status: kept.status, headers, body: EMPTY, cacheStatus };
  }
  const range = kept.status === 200 ? byteRange(request.headers.range, kept.body.length) : undefined;
  if (range === undefined) return { status: kept.status, headers, body: kept.body, cacheStatus };
  headers.push('Content-Range', `bytes ${range.first}-${range.last}/${kept.body.length}`);
  return { status: 206, headers, body: kept.body.subarray(range.first, range.last + 1), cacheStatus };
}

/** 504 for only-if-cached without an answer (RFC 9111 section 5.2.1.7). */
export function notCached(): CachedResponse {
  return { status: 504, headers: [], body: EMPTY, cacheStatus: `${CACHE_NAME}; fwd=miss; detail=only-if-cached` };
}

function keptFields(flat: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < flat.length; i += 2) if (IN_304.has(flat[i].toLowerCase())) fields.push(flat[i], flat[i + 1]);
  return fields;
}

function clientHas(kept: KeptResponse, { headers }: CacheRequest): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.trim() === '*' || (kept.etag !== undefined && hasTag(tags, kept.etag));
  const since = Date.parse(headers['if-modified-since'] ?? '');
  const modified = Date.parse(kept.lastModified ?? '');
  return modified <= since;
}

/** Weak comparison (RFC 9110 section 8.8.3.2). */
export function hasTag(list: string, etag: string): boolean {
  const opaque = etag.replace(/^W\//, '');
  return [...list.matchAll(/(?:W\/)?("[^"]*")/g)].some(([, tag]) => tag === opaque);
}

/** A single satisfiable range. Any other range is ignored, which is always allowed, and the whole body is sent. */
function byteRange(field: string | undefined, length: number): { first: number; last: number } | undefined {
  const found = /^bytes=(\d{0,15})-(\d{0,15})$/.exec(field ?? '');
  if (!found || length === 0) return undefined;
  const [, from, to] = found;
  if (from === '')
    return to === '' || to === '0' ? undefined : { first: Math.max(0, length - Number(to)), last: length - 1 };
  const first = Number(from);
  const last = to === '' ? length - 1 : Math.min(Number(to), length - 1);
  return first <= last ? { first, last } : undefined;
}

/** The fields of a 304 replace the stored ones, except those that describe the stored body (RFC 9111 section 3.2). */
export function updatedHeaders(kept: readonly string[], fresh: readonly string[]): string[] {
  const incoming = headerObject(fresh);
  for (const name of ['content-length', 'content-encoding', 'content-type', 'content-range']) delete incoming[name];
  const headers: string[] = [];
  for (let i = 0; i < kept.length; i += 2) {
    if (!(kept[i].toLowerCase() in incoming)) headers.push(kept[i], kept[i + 1]);
  }
  for (let i = 0; i < fresh.length; i += 2) {
    if (fresh[i].toLowerCase() in incoming) headers.push(fresh[i], fresh[i + 1]);
  }
  return headers;
}
