/** Stored responses: made from what arrived, joined with another part, and usable stale or not. */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { ageMs } from './answers.ts';
import { joinParts } from '../rules/byte-range.ts';
import { headerObject } from '../rules/directives.ts';
import type { Freshness } from '../rules/freshness.ts';
import { requestRules, type RequestRules } from '../rules/request-rules.ts';
import type { KeptResponse } from './response-entries.ts';
import { isStrong } from './validators.ts';

/** How long a stale response is kept: for validation, or for a client when the upstream cannot be reached. */
const STALE_MS = 3_600_000;

/** The freshness of an answer that is not stored. */
export const PASSED: Omit<Freshness, 'bornMs'> = {
  lifetimeMs: 0,
  whileRevalidateMs: 0,
  ifErrorMs: 0,
  strict: true,
  declaredOnly: true,
  vary: [],
  forAuthorized: false,
};

/**
 * Whether a stale response may answer when the upstream fails. A directive of the response or the request may allow it (RFC
 * 5861 section 4). When the upstream cannot be reached at all, RFC 9111 section 4.2.4 allows it, unless the response forbids
 * it.
 */
export function usableOnError(kept: KeptResponse, request: CacheRequest, nowMs: number, unreachable: boolean): boolean {
  const { lifetimeMs, ifErrorMs, strict, declaredOnly } = kept.freshness;
  if (strict) return false;
  const askedMs = declaredOnly ? 0 : requestRules(request).ifErrorMs;
  const allowedMs = Math.max(ifErrorMs, askedMs, unreachable && !declaredOnly ? STALE_MS : 0);
  return allowedMs > 0 && ageMs(kept, nowMs) < lifetimeMs + allowedMs;
}

export function keptFrom(status: number, headers: readonly string[], freshness: Freshness, body: Buffer): KeptResponse {
  const { etag, 'last-modified': lastModified } = headerObject(headers);
  return { kind: 'response', status, headers, body, etag, lastModified, freshness, part: undefined, tags: [] };
}

/** The new part, with the stored one where both are of the same representation (RFC 9111 section 3.4). */
export function joined(kept: KeptResponse, earlier: KeptResponse | undefined, maxBytes: number): KeptResponse {
  const { part, body } = kept;
  const same = earlier?.part !== undefined && isStrong(kept.etag) && kept.etag === earlier.etag;
  const both = same && part && earlier.part && joinParts({ part, body }, { part: earlier.part, body: earlier.body });
  const now = both && both.body.length <= maxBytes ? both : { part, body };
  if (now.part === undefined || now.body.length < now.part.total) return { ...kept, ...now };
  return { ...kept, status: 200, body: now.body, part: undefined };
}

export function usefulMs(kept: KeptResponse, nowMs: number): number {
  const { lifetimeMs, whileRevalidateMs, ifErrorMs } = kept.freshness;
  return Math.max(1, lifetimeMs - ageMs(kept, nowMs) + Math.max(whileRevalidateMs, ifErrorMs, STALE_MS));
}

/**
 * allowed: stale, but the client accepts a stale response (max-stale). refresh: stale, but the upstream allows its use
 * meanwhile (stale-while-revalidate).
 */
export function stateOf(
  kept: KeptResponse,
  rules: RequestRules,
  nowMs: number,
): 'fresh' | 'allowed' | 'refresh' | 'stale' {
  const { lifetimeMs, whileRevalidateMs, strict, declaredOnly } = kept.freshness;
  const age = ageMs(kept, nowMs);
  if (age > rules.maxAgeMs) return 'stale';
  if (age + rules.minFreshMs < lifetimeMs) return 'fresh';
  if (strict || rules.minFreshMs > 0) return 'stale';
  if (!declaredOnly && age < lifetimeMs + rules.maxStaleMs) return 'allowed';
  return age < lifetimeMs + whileRevalidateMs ? 'refresh' : 'stale';
}
