/**
 * Ends that nobody has said. A sender repeats an alert while it fires, and gives each time an end some minutes ahead; the alert
 * ends when the repetitions stop. While the pipeline did not run (a restart, a machine that slept, a clock that was set
 * forward), no repetition could arrive, so the silence of the senders says nothing. Such an alert gets its minutes anew:
 * otherwise its receivers would read that it is resolved, and a moment later that it has begun. Pure.
 */
import type { StoredAlert } from './intake.ts';

/** Prometheus and our own rules name an end four minutes ahead. */
const LONGEST_GRACE_MS = 240_000;

/** The time between two looks of the pipeline at the clock, and the gap from which it was not running. */
export const LOOK_MS = 15_000;
const GAP_MS = 60_000;

export const wasAway = (lastLookMs: number, nowMs: number): boolean => nowMs - lastLookMs > GAP_MS;

/** The alert with its new end; undefined when somebody has said its end, or when the end is far enough. */
export function keptOver(alert: StoredAlert, nowMs: number): StoredAlert | undefined {
  const validMs = alert.endsAtMs - alert.updatedAtMs;
  if (validMs <= 0) return undefined;
  const endsAtMs = nowMs + Math.min(validMs, LONGEST_GRACE_MS);
  return endsAtMs > alert.endsAtMs ? { ...alert, endsAtMs } : undefined;
}
