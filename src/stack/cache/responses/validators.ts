/** Validators (RFC 9110 sections 8.8 and 13): entity tags and dates, and what they say about a stored response. */
import type { CacheFill, CacheRequest } from '../../../model/response-cache.ts';
import { headerObject } from '../rules/directives.ts';
import { parseHttpDate } from '../rules/http-date.ts';
import type { KeptResponse } from './response-entries.ts';

const TAG = /(?:W\/)?("[^"]*")/g;

/** Weak comparison with each tag of a list (section 8.8.3.2). */
export function hasTag(list: string, etag: string): boolean {
  const opaque = etag.replace(/^W\//, '');
  return [...list.matchAll(TAG)].some(([, tag]) => tag === opaque);
}

/** A tag that identifies the same bytes: quoted and not weak. */
export function isStrong(etag: string | undefined): etag is string {
  return etag !== undefined && /^"[^"]*"$/.test(etag);
}

/** Whether the client has this response: If-None-Match takes precedence over If-Modified-Since (section 13.2.2). */
export function clientHas(kept: KeptResponse, { headers }: CacheRequest, nowMs: number): boolean {
  const tags = headers['if-none-match'];
  if (tags !== undefined) return tags.trim() === '*' || (kept.etag !== undefined && hasTag(tags, kept.etag));
  const since = headers['if-modified-since'];
  if (since === undefined) return false;
  const sinceMs = parseHttpDate(since, nowMs);
  // Without Last-Modified, the Date of the response stands in for it (RFC 9111 section 4.3.2).
  const modifiedMs = parseHttpDate(kept.lastModified ?? headerObject(kept.headers).date, nowMs);
  if (sinceMs === undefined) return false;
  // Most clients send Last-Modified back unchanged, whatever it is.
  return modifiedMs === undefined ? since === kept.lastModified : modifiedMs <= sinceMs;
}

/** Whether a range of the stored response may be sent (section 13.1.5): strong comparison, or exactly the same date. */
export function rangeHolds(kept: KeptResponse, ifRange: string | undefined): boolean {
  if (ifRange === undefined) return true;
  if (ifRange.startsWith('"') || ifRange.startsWith('W/')) return isStrong(kept.etag) && kept.etag === ifRange;
  return kept.lastModified !== undefined && kept.lastModified === ifRange;
}

/** Fields that replace those of the client, or, when undefined, remove them. */
export function conditionalFor(kept: KeptResponse | undefined, unconditional: boolean): CacheFill['conditional'] {
  if (kept?.etag !== undefined) return { 'if-none-match': kept.etag, 'if-modified-since': undefined };
  if (kept?.lastModified !== undefined) {
    return { 'if-none-match': undefined, 'if-modified-since': kept.lastModified };
  }
  return unconditional ? { 'if-none-match': undefined, 'if-modified-since': undefined } : undefined;
}
