/**
 * The step of a chart: how finely an expression is evaluated for a range and a width. The finest step that Prometheus'
 * limit of points allows is wanted, because down-sampling then keeps peaks that a coarse evaluation never sees. Old days
 * hold one selection of samples for each five minutes, so long ranges have no finer data. Pure.
 */
import { MAX_POINTS } from '../../promql/point-limit.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Steps that people can read. */
const LADDER = [
  ...[1, 2, 5, 10, 15, 30].map((n) => n * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((n) => n * HOUR),
] as const;

/** Days in roll-ups begin at the earliest after this time (`store.raw_retention`). */
const LONG_RANGE_MS = 8 * 24 * HOUR;
const LONG_RANGE_STEP_MS = 15 * MINUTE;

/** The smallest step of the ladder that is not below `leastMs`; whole days above the ladder. */
export function roundStep(leastMs: number): number {
  return LADDER.find((step) => step >= leastMs) ?? Math.ceil(leastMs / (24 * HOUR)) * 24 * HOUR;
}

export interface Resolution {
  /** On whole steps, so that the same step is evaluated at the same times whenever it is asked for. */
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number;
  /** Points of one series. */
  readonly count: number;
}

export function gridOf(fromMs: number, toMs: number, stepMs: number): Resolution {
  const startMs = Math.floor(fromMs / stepMs) * stepMs;
  const endMs = Math.max(startMs, Math.floor(toMs / stepMs) * stepMs);
  return { startMs, endMs, stepMs, count: (endMs - startMs) / stepMs + 1 };
}

/** The finest evaluation that is worth while. */
export function finest(fromMs: number, toMs: number, leastStepMs: number): Resolution {
  const rangeMs = toMs - fromMs;
  const least = Math.max(leastStepMs, rangeMs / (MAX_POINTS - 2), rangeMs > LONG_RANGE_MS ? LONG_RANGE_STEP_MS : 0);
  return gridOf(fromMs, toMs, roundStep(least));
}

/** One point for each pixel: the evaluation that is made first when the finest may be expensive. */
export function coarse(fromMs: number, toMs: number, leastStepMs: number, width: number): Resolution {
  return gridOf(fromMs, toMs, roundStep(Math.max(leastStepMs, (toMs - fromMs) / width)));
}

const PLACEHOLDER = /\$__(?:rate_interval|interval|range)\b/g;
/** A rate needs some samples: four collections at the slowest usual interval. */
const LEAST_RATE_MS = MINUTE;

/** Over roll-ups rates need 20 minutes to be exact (docs/adr/0023-honest-roll-ups.md). */
const LEAST_LONG_RATE_MS = 20 * MINUTE;

const rateWindow = (stepMs: number): number =>
  Math.max(stepMs, stepMs >= LONG_RANGE_STEP_MS ? LEAST_LONG_RATE_MS : LEAST_RATE_MS);

/** Grafana's placeholders as durations: `$__interval` is the step, `$__rate_interval` at least a minute, `$__range` the range. */
export function filledIn(expr: string, { startMs, endMs, stepMs }: Resolution): string {
  return expr.replace(PLACEHOLDER, (name) => {
    if (name === '$__range') return secondsText(Math.max(SECOND, endMs - startMs));
    return secondsText(name === '$__interval' ? stepMs : rateWindow(stepMs));
  });
}

function secondsText(ms: number): string {
  if (ms % HOUR === 0) return `${ms / HOUR}h`;
  return ms % MINUTE === 0 ? `${ms / MINUTE}m` : `${Math.ceil(ms / SECOND)}s`;
}
