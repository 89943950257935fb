/**
 * The pause before the next try of a delivery: exponential, half of it by chance, so that many groups do not hit a receiver that
 * comes back in one instant; at least as long as the receiver asked for.
 */
import type { Random } from '../../../../base/random.ts';

const FIRST_MS = 500;
const FACTOR = 1.5;
const LONGEST_MS = 60_000;

/** `failures` counts from 1. */
export function retryPauseMs(failures: number, random: Random, retryAfterMs = 0): number {
  const ceiling = Math.min(LONGEST_MS, FIRST_MS * FACTOR ** (failures - 1));
  return Math.max(retryAfterMs, ceiling * (0.5 + random()));
}
