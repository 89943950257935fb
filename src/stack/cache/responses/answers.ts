/**
 * Makes the answer for one client from a stored response: 304 when the client already has it (RFC 9110 section 13), one byte
 * range (section 14), or the head alone for HEAD. Adds Age and Cache-Status (RFC 9211).
 */
import type { CacheRequest, CachedResponse } from '../../../model/response-cache.ts';
import { byteRange, isUnsatisfiable, type ByteRange } from '../rules/byte-range.ts';
import type { KeptResponse } from './response-entries.ts';
import { clientHas, rangeHolds } from './validators.ts';

export const CACHE_NAME = 'vitrine';
const EMPTY = Buffer.alloc(0);
/** The fields of a 304 in addition to Age (RFC 9110 section 15.4.5); the client has all others. */
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
  if (kept.status === 200 && clientHas(kept, request, nowMs)) {
    return { status: 304, headers: [...fieldsOf304(kept.headers), ...ageField], body: EMPTY, cacheStatus };
  }
  const headers = [...kept.headers, ...ageField];
  if (request.method === 'HEAD') {
    headers.push('Content-Length', String(kept.body.length));
    return { status: kept.status, headers, body: EMPTY, cacheStatus };
  }
  if (
    kept.part === undefined &&
    rangeApplies(kept, request) &&
    isUnsatisfiable(request.headers.range, kept.body.length)
  )
    return notSatisfiable(kept, ageField, cacheStatus);
  const range = rangeFor(kept, request);
  if (range === undefined) return { status: kept.status, headers, body: kept.body, cacheStatus };
  const { total, first: offset } = kept.part ?? { total: kept.body.length, first: 0 };
  headers.push('Content-Range', `bytes ${range.first}-${range.last}/${total}`);
  const body = kept.body.subarray(range.first - offset, range.last + 1 - offset);
  return { status: 206, headers, body, cacheStatus };
}

function rangeApplies(kept: KeptResponse, { headers }: CacheRequest): boolean {
  if (headers.range === undefined || (kept.status !== 200 && kept.part === undefined)) return false;
  return rangeHolds(kept, headers['if-range']);
}

/** The range to send; undefined for the whole body. */
function rangeFor(kept: KeptResponse, request: CacheRequest): ByteRange | undefined {
  if (!rangeApplies(kept, request)) return undefined;
  return byteRange(request.headers.range, kept.part?.total ?? kept.body.length);
}

/** 416 for a range beyond the end (RFC 9110 section 15.5.17). */
function notSatisfiable(kept: KeptResponse, ageField: readonly string[], cacheStatus: string): CachedResponse {
  const at = kept.headers.findIndex((name, i) => i % 2 === 0 && name.toLowerCase() === 'date');
  const date = at < 0 ? [] : kept.headers.slice(at, at + 2);
  const headers = [...date, 'Content-Range', `bytes */${kept.body.length}`, ...ageField];
  return { status: 416, headers, body: EMPTY, cacheStatus };
}

/** Whether a stored part contains all that the request asks for. */
export function partAnswers(kept: KeptResponse, request: CacheRequest): boolean {
  const { part } = kept;
  const range = part && rangeFor(kept, request);
  return part !== undefined && range !== undefined && range.first >= part.first && range.last <= part.last;
}

/** 504 for only-if-cached without an answer (RFC 9111 section 5.2.1.7). */
export function notCached(): CachedResponse {
  return { status: 504, headers: [], body: EMPTY, cacheStatus: `${CACHE_NAME}; detail=only-if-cached` };
}

function fieldsOf304(flat: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < flat.length; i += 2) if (IN_304.has(flat[i].toLowerCase())) fields.push(flat[i], flat[i + 1]);
  return fields;
}
