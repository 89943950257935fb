/**
 * The range of every chart: the last 15 minutes. While Vitrine has run for less than that and stores nothing older, the
 * range is the time since its start, which grows, because an axis without possible data is useless.
 */
import { computed, signal } from '@preact/signals';
import { frame } from './connection.ts';

export const STEP_MS = 15_000;
export const RANGE_MS = 900_000;
/** A chart needs at least this much time. */
const LEAST_MS = 120_000;

/** The earliest value that any chart was given. */
const earliestMs = signal(Infinity);

/** Called when a chart has a value of that time. */
export function noteValueAt(timeMs: number): void {
  if (timeMs < earliestMs.peek()) earliestMs.value = timeMs;
}

/** Where a growing range begins, on a step; undefined when it slides. Pure. */
export function growingFrom(nowMs: number, beganMs: number): number | undefined {
  if (!(beganMs > nowMs - RANGE_MS)) return undefined;
  return Math.floor(Math.min(beganMs, nowMs - LEAST_MS) / STEP_MS) * STEP_MS;
}

/** The start of the charts while the range grows; undefined once it slides. */
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
