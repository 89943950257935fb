/** What a fill is given and how it ends, and the state that all fills of a cache share. */
import type { Clock } from '../../../base/clock.ts';
import type { CacheRequest } from '../../../model/response-cache.ts';
import type { KeptResponse, ResponseEntries } from './response-entries.ts';

/**
 * What the waiting requests do next:
 * - stored: look up again;
 * - failed: use a stale response if one is allowed, else one of them fills;
 * - aborted: one of them fills;
 * - refused: each is forwarded, because the upstream said that the response must not be stored.
 */
export type FillOutcome = 'stored' | 'failed' | 'aborted' | 'refused';

/** The state that all fills of a cache share. */
export interface FillRoom {
  readonly entries: ResponseEntries;
  readonly clock: Clock;
  readonly maxEntryBytes: number;
  /** Limit for the bytes of all fills together. */
  readonly maxFillingBytes: number;
  readonly targets: readonly string[];
  /** `storing(targets)`. */
  readonly storing: RegExp;
  fillingBytes: number;
  /** Responses that were not stored because they or all fills together were too large. */
  tooLarge: number;
}

export interface FillTask {
  readonly request: CacheRequest;
  readonly primary: string;
  /** The stored response to validate, if any. */
  readonly kept: KeptResponse | undefined;
  /** The stored part that a 206 may complete; undefined unless the request asks for a range. */
  readonly part?: KeptResponse | undefined;
  /** The client's own conditions are not forwarded, so that the answer can be stored. */
  readonly unconditional: boolean;
  readonly onDone: (outcome: FillOutcome) => void;
}

/** `place`: of those that waited, this one came as number `place`, from 0. */
export type WhenKnown = (outcome: FillOutcome, place: number) => void;
