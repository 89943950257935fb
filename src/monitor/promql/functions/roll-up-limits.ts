/**
 * Functions over ranges that include roll-ups. For these the store keeps the first, last, least and greatest sample of every
 * five minutes, and the samples around resets. Functions that need every sample have no value there. Approximations add a
 * warning.
 */
import { ROLL_UP_STEP_MS } from '../../../model/series.ts';
import type { CallExpr, Expr, Position } from '../syntax/ast.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { RangeVector } from '../columns/column.ts';
import { lookbackAt, type Lookback } from '../columns/lookback.ts';
import type { QueryBounds, SelectorKey } from '../columns/plan.ts';
import { selectorsOf, unwrapParens } from '../syntax/expression-shape.ts';

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
const LONG_MS = 4 * ROLL_UP_STEP_MS;

/** The parts of a running query that decide about roll-ups. */
interface Reading {
  readonly bounds: QueryBounds;
  readonly notes: Annotations;
  /** For each selector that reads roll-ups, the time up to which it reads them. */
  readonly coarse: ReadonlyMap<SelectorKey, number>;
}

const upTo = (untilMs: number): string => `samples up to ${new Date(untilMs).toISOString()} are five-minute roll-ups`;

/** The lookback of a selector whose first instant is `firstMs`. Adds a warning where it is longer than the one asked for. */
export function honestLookback(key: SelectorKey, firstMs: number, { bounds, coarse, notes }: Reading): Lookback {
  const lookback = { ms: bounds.lookbackMs, coarseUntilMs: coarse.get(key) ?? -Infinity };
  if (lookbackAt(lookback, firstMs) > lookback.ms)
    notes.warn(`${upTo(lookback.coarseUntilMs)}: the lookback is five minutes there`, key.pos);
  return lookback;
}

/** Leaves out windows whose value would be wrong over roll-ups. Subqueries read single samples, which roll-ups keep. */
export function honestRange(call: CallExpr, arg: Expr, range: RangeVector, { coarse, notes }: Reading): RangeVector {
  const node = unwrapParens(arg);
  if (node.kind === 'subquery') {
    const untilMs = Math.max(-Infinity, ...selectorsOf(node).map((selector) => coarse.get(selector) ?? -Infinity));
    if (untilMs > -Infinity) noteSubqueryRollUps(call.func, arg.pos, untilMs, notes);
  }
  const untilMs = node.kind === 'matrix_selector' ? coarse.get(node.selector) : undefined;
  if (untilMs === undefined) return range;
  const refusedUntilMs = noteRollUps(call.func, arg.pos, range, untilMs, notes);
  return { ...range, coarseUntilMs: untilMs, refusedUntilMs };
}

/** Adds the warning. Returns the time before which no window may begin, or undefined when all windows have a value. */
function noteRollUps(
  func: string,
  pos: Position,
  { ends, rangeMs }: RangeVector,
  untilMs: number,
  notes: Annotations,
): number | undefined {
  if (ends.length === 0 || ends[0] - rangeMs >= untilMs) return undefined;
  const warn = (what: string): void => notes.warn(`${upTo(untilMs)}: ${what}`, pos);
  if (NEEDS_EVERY_SAMPLE.has(func)) {
    warn(`${func} needs every sample and has no value there`);
    return untilMs;
  }
  if (NEEDS_DENSITY.has(func)) warn(`${func} is an approximation there`);
  else if (EXTRAPOLATES.has(func) && rangeMs < LONG_MS) {
    warn(`${func} over less than 20 minutes is an approximation there`);
  } else if (rangeMs < ROLL_UP_STEP_MS) warn('a range of less than five minutes may hold none of them');
  return undefined;
}

/**
 * Adds a warning for a function over a subquery whose expression reads roll-ups: its points are single samples, and roll-ups
 * keep the extreme ones, so a mean or a quantile of them leans towards the extremes.
 */
function noteSubqueryRollUps(func: string, pos: Position, untilMs: number, notes: Annotations): void {
  if (!NEEDS_EVERY_SAMPLE.has(func) && !NEEDS_DENSITY.has(func)) return;
  notes.warn(`${upTo(untilMs)}: ${func} over a subquery is an approximation there`, pos);
}
