/**
 * Wall time with the resolution of the monotonic clock. `Date.now()` counts whole milliseconds, so a child could seem to begin
 * before its parent. The monotonic clock alone drifts from the wall clock when that is slewed or set, so the offset between
 * them is corrected.
 */

/** A larger difference means that the wall clock was moved. */
const APART_MS = 2;

let offsetMs = performance.timeOrigin;
/** When the clocks were last compared. Within a millisecond the wall clock cannot tell more. */
let comparedMs = -Infinity;

/** Milliseconds since 1970, with a fraction, for a `performance.now()` that was just read. */
export function wallTimeOf(monotonicMs: number): number {
  if (monotonicMs - comparedMs >= 1 || monotonicMs < comparedMs) {
    comparedMs = monotonicMs;
    const wallMs = Date.now();
    const apart = monotonicMs + offsetMs - wallMs;
    if (apart < -APART_MS || apart > APART_MS) offsetMs = wallMs - monotonicMs;
  }
  return monotonicMs + offsetMs;
}
