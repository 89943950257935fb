/**
 * Functions over ranges that include roll-ups. For these the store keeps the first, last, least and greatest sample of every
 * five minutes, and the samples around resets. Functions that need every sample have no value there. Approximations add a
 * warning.
 */
import type { Position } from '../syntax/ast.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { RangeVector } from '../columns/column.ts';

const STEP_MS = 300_000;

/** The value of these functions depends on every sample, so it would be wrong. */
const NEEDS_EVERY_SAMPLE: ReadonlySet<string> = new Set([
  'count_over_time',
  'sum_over_time',
  'avg_over_time',
  'stddev_over_time',
  'stdvar_over_time',
  'quantile_over_time',
  'mad_over_time',
  'changes',
]);
/** The value of these functions depends on how dense the samples are, or on two neighbours. */
const NEEDS_DENSITY: ReadonlySet<string> = new Set([
  'irate',
  'idelta',
  'deriv',
  'predict_linear',
  'double_exponential_smoothing',
]);
/** These functions extrapolate to the edges of the range, which matters less the longer the range is. */
const EXTRAPOLATES: ReadonlySet<string> = new Set(['rate', 'increase', 'delta']);
const LONG_MS = 4 * STEP_MS;

/** Adds the warning. Returns the time before which no window may begin, or undefined when all windows have a value. */
export function noteRollUps(
  func: string,
  pos: Position,
  { ends, rangeMs }: RangeVector,
  untilMs: number,
  notes: Annotations,
): number | undefined {
  if (ends.length === 0 || ends[0] - rangeMs >= untilMs) return undefined;
  const warn = (what: string): void =>
    notes.warn(`samples up to ${new Date(untilMs).toISOString()} are five-minute roll-ups: ${what}`, pos);
  if (NEEDS_EVERY_SAMPLE.has(func)) {
    warn(`${func} needs every sample and has no value there`);
    return untilMs;
  }
  if (NEEDS_DENSITY.has(func)) warn(`${func} is an approximation there`);
  else if (EXTRAPOLATES.has(func) && rangeMs < LONG_MS) {
    warn(`${func} over less than 20 minutes is an approximation there`);
  } else if (rangeMs < STEP_MS) warn('a range of less than five minutes may hold none of them');
  return undefined;
}

/**
 * Adds a warning for a function over a subquery whose expression reads roll-ups: its points are single samples, and roll-ups
 * keep the extreme ones, so a mean or a quantile of them leans towards the extremes.
 */
export function noteSubqueryRollUps(func: string, pos: Position, untilMs: number, notes: Annotations): void {
  if (!NEEDS_EVERY_SAMPLE.has(func) && !NEEDS_DENSITY.has(func)) return;
  const until = new Date(untilMs).toISOString();
  notes.warn(`samples up to ${until} are five-minute roll-ups: ${func} over a subquery is an approximation there`, pos);
}
