/**
 * How far an instant selector looks back for a sample. A user may ask for less than five minutes. Roll-ups keep few samples of
 * every five minutes, so where these are read the lookback is at least as long: with less, a series would have gaps that it did
 * not have, and a sum would be too small.
 */

import { ROLL_UP_STEP_MS } from '../../../model/series.ts';

export interface Lookback {
  readonly ms: number;
  /** Samples up to this time are roll-ups; -Infinity when none are. */
  readonly coarseUntilMs: number;
}

/** A lookback over samples that are all there. */
export const exactly = (ms: number): Lookback => ({ ms, coarseUntilMs: -Infinity });

/** The lookback at an instant, in milliseconds. */
export function lookbackAt({ ms, coarseUntilMs }: Lookback, atMs: number): number {
  return atMs - ms < coarseUntilMs ? Math.max(ms, ROLL_UP_STEP_MS) : ms;
}
