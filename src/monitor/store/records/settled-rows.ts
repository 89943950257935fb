/**
 * Which ledger rows the application's span can no longer complete. The span comes up to some seconds after the row, and a row
 * in a batch never changes, so the newest rows stay in memory for a moment, unless they would take too much of it.
 */
import type { Clock } from '../../../base/clock.ts';
import { objectBytes, type PendingGroup } from './pending.ts';

/** The balancer and the applications send each second: within two, the application's span of a request is here. */
const SETTLE_MS = 3_000;
/** Rows that wait, those of all services together, may take this share of the memory of rows. */
export const SETTLING_SHARE = 0.5;

/** How many of the group's rows, counted from the oldest, may become a batch when the others may take `roomBytes`. */
export function settledRows(
  { rows }: PendingGroup<'requests'>,
  clock: Clock,
  roomBytes: number,
): { readonly settled: number; readonly waitingBytes: number } {
  const nowMs = clock.now();
  let bytes = 0;
  let settled = rows.count;
  while (settled > rows.settled) {
    const { startUnixNano, durationMs } = rows.record(settled - 1);
    const size = objectBytes(rows.lengthAt(settled - 1));
    const ageMs = nowMs - Number(startUnixNano / 1_000_000n) - durationMs;
    // The row of a clock that is ahead is not waited for.
    if (ageMs >= SETTLE_MS || ageMs < -SETTLE_MS || bytes + size > roomBytes) break;
    bytes += size;
    settled -= 1;
  }
  return { settled, waitingBytes: bytes };
}
