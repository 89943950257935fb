/**
 * The range that every chart shows: the last quarter of an hour, which slides; while Vitrine is younger than that and
 * nothing older is kept, the time since it began, which grows. An axis of what cannot be there shows nothing.
 */
import { computed, signal } from '@preact/signals';
import { frame } from './connection.ts';

export const STEP_MS = 15_000;
export const RANGE_MS = 900_000;
/** A chart of a few seconds is no shape. */
const LEAST_MS = 120_000;

/** The earliest value that any chart was given. */
const earliestMs = signal(Infinity);

/** A chart has a value of that time. */
export function noteValueAt(timeMs: number): void {
  if (timeMs < earliestMs.peek()) earliestMs.value = timeMs;
}

/** Where a growing range begins, on a step; undefined when it slides. Pure. */
export function growingFrom(nowMs: number, beganMs: number): number | undefined {
  if (!(beganMs > nowMs - RANGE_MS)) return undefined;
  return Math.floor(Math.min(beganMs, nowMs - LEAST_MS) / STEP_MS) * STEP_MS;
}

/** Since when the charts show, while the range grows; undefined once it slides. */
export const growingSinceMs = computed(() => {
  const now = frame.value;
  if (now === undefined) return undefined;
  return growingFrom(now.timeMs, Math.min(now.timeMs - now.health.uptime_seconds * 1_000, earliestMs.value));
});

/** How many steps the range has. */
export const shownSteps = computed(() => {
  const since = growingSinceMs.value;
  return (since === undefined ? RANGE_MS : (frame.value?.timeMs ?? since) - since) / STEP_MS;
});
