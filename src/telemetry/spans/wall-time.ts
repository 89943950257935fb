/**
 * Wall time as fine as the monotonic clock. `Date.now()` counts whole milliseconds, in which a child seems to begin before
 * its parent; the monotonic clock alone drifts from the wall when that is slewed or set, so it is held to it.
 */

/** Beyond so much, the wall clock was moved. */
const APART_MS = 2;

let offsetMs = performance.timeOrigin;

/** Milliseconds since 1970, with a fraction, of a `performance.now()` that was just read. */
export function wallTimeOf(monotonicMs: number): number {
  const wallMs = Date.now();
  const apart = monotonicMs + offsetMs - wallMs;
  if (apart < -APART_MS || apart > APART_MS) offsetMs = wallMs - monotonicMs;
  return monotonicMs + offsetMs;
}
