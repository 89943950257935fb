/** A look-up as it goes on, and the pure questions about it. */
import type { CacheLookup, CacheRequest } from '../../../model/response-cache.ts';
import type { LookupResult } from '../figures/lookup-counts.ts';
import { isSingleRange } from '../rules/byte-range.ts';
import type { RequestRules } from '../rules/request-rules.ts';
import type { Match } from './matches.ts';
import { PART, type KeptResponse } from './response-entries.ts';

/** Added to the key of a fill that only updates a stored response. */
const HEAD = ' head';

/**
 * A look-up, and the result to count when it differs from the kind of the look-up: a request that no cache could answer is
 * not a miss.
 */
export interface Decision {
  readonly lookup: CacheLookup;
  readonly result?: LookupResult | undefined;
}

export interface Ask {
  readonly request: CacheRequest;
  readonly rules: RequestRules;
  readonly primary: string;
  /** Monotonic time up to which the request may wait for others. */
  readonly waitUntilMs: number;
  /** Whether the request has waited for another one. */
  readonly collapsed: boolean;
  /** How many of those that it waited for have failed. */
  readonly failures: number;
}

/** Why nothing stored answers (RFC 9211 section 2.2). */
export function missReason({ part, index }: Match): string {
  if (part !== undefined) return 'partial';
  return index === undefined ? 'uri-miss' : 'vary-miss';
}

/** The suffix of the key of a fill that is not for the whole response; undefined when the cache cannot use the answer. */
export function asideFor({ method, headers }: CacheRequest, kept: KeptResponse | undefined): string | undefined {
  if (method === 'HEAD') return kept === undefined ? undefined : HEAD;
  if (headers.range === undefined) return '';
  if (!isSingleRange(headers.range)) return undefined;
  return kept === undefined ? PART : '';
}
