/**
 * Walks a checked, folded tree from the leaves to the root and computes the value of every node over a frame of steps. Parts
 * that do not change along the steps are evaluated once. The budget is checked between series.
 */
import { Labels } from '../../model/labels.ts';
import type { Series } from '../../model/series.ts';
import { aggregateGroup } from './operators/aggregate.ts';
import { aggregateWithParam, noteQuantiles } from './operators/aggregate-choice.ts';
import type { Annotations } from './columns/annotations.ts';
import type { AggregateExpr, BinaryExpr, CallExpr, Expr, SubqueryExpr, VectorSelector } from './syntax/ast.ts';
import { negate, scalarScalar, vectorScalar } from './operators/binary-scalar.ts';
import { setOperation, vectorVector } from './operators/binary-vectors.ts';
import type { Budget } from './columns/budget.ts';
import { SampleCounts } from './columns/sample-counts.ts';
import {
  frameTimes,
  hasAny,
  mergeSameLabels,
  repeatValue,
  type Column,
  type Frame,
  type RangeSeries,
  type RangeVector,
  type Value,
} from './columns/column.ts';
import { unwrapParens } from './syntax/expression-shape.ts';
import { checkExtended, runExtended, smoothedColumn } from './functions/extended-range.ts';
import { floatRateKind, floatRates } from './functions/float-rates.ts';
import { groupColumns } from './columns/grouping.ts';
import { joinInfo } from './functions/info-join.ts';
import { callInstant } from './functions/instant-calls.ts';
import { selectColumn, selectTimes } from './columns/instant-selector.ts';
import { exactly, type Lookback } from './columns/lookback.ts';
import {
  durationMs,
  firstStep,
  infoMatchers,
  isStepInvariant,
  referenceTimes,
  shiftedTimes,
  subqueryFrame,
  type QueryBounds,
  type SelectorKey,
} from './columns/plan.ts';
import { noteNonCounter, RATE_FUNCTIONS } from './functions/rate-functions.ts';
import { absent } from './functions/vector-functions.ts';
import { columnToRangeSeries, newWindow, runWindows, toRangeSeries, type WindowFunction } from './columns/window.ts';
import { honestLookback, honestRange } from './functions/roll-up-limits.ts';
import { KEEPS_NAME, WINDOW_FUNCTIONS } from './functions/window-functions.ts';

/** The state that all nodes of one query share. */
export interface Run {
  readonly bounds: QueryBounds;
  readonly budget: Budget;
  readonly notes: Annotations;
  /** The series of every selector, selected before the evaluation. */
  readonly selected: ReadonlyMap<SelectorKey, readonly Series[]>;
  /** For each selector that reads roll-ups, the time up to which it reads them. */
  readonly coarse: ReadonlyMap<SelectorKey, number>;
  /** Present when the query asks for `stats`. */
  readonly counts?: SampleCounts | undefined;
}

const vector = (series: Column[]): Value => ({ kind: 'vector', series });

function sizeOf(value: Value): number {
  if (value.kind === 'vector') return value.series.reduce((size, { v }) => size + v.length, 0);
  return value.kind === 'scalar' ? value.v.length : 0;
}

/** The value of any expression but a range vector. Throws VitrineError `query_failed`, `query_timeout`, `query_canceled`. */
export async function evaluate(expr: Expr, frame: Frame, run: Run): Promise<Value> {
  const { budget } = run;
  const mark = budget.held;
  if (budget.due) await budget.pause();
  const once = frame.steps > 1 && isStepInvariant(expr);
  const counts = once && run.counts !== undefined ? new SampleCounts(1) : run.counts;
  let value = await evaluateNode(expr, once ? firstStep(frame) : frame, once ? { ...run, counts } : run);
  if (once) {
    if (counts !== undefined) run.counts?.mergeOnce(counts, frame.steps);
    budget.take(sizeOf(value) * frame.steps);
    value = repeatValue(value, frame.steps);
  }
  budget.settle(mark, sizeOf(value));
  return value;
}

async function evaluateNode(expr: Expr, frame: Frame, run: Run): Promise<Value> {
  switch (expr.kind) {
    case 'number':
      return { kind: 'scalar', v: new Float64Array(frame.steps).fill(expr.value) };
    case 'string':
      return { kind: 'string', v: expr.value };
    case 'paren':
      return evaluate(expr.expr, frame, run);
    case 'unary': {
      const value = await evaluate(expr.expr, frame, run);
      return expr.op === '-' ? negate(value) : value;
    }
    case 'vector_selector':
      return evaluateSelector(expr, frame, run, 'value');
    case 'binary':
      return evaluateBinary(expr, frame, run);
    case 'aggregate':
      return evaluateAggregate(expr, frame, run);
    case 'call':
      return evaluateCall(expr, frame, run);
    default:
      throw new TypeError(`a ${expr.kind} has no value of its own`);
  }
}

async function evaluateSelector(
  node: VectorSelector,
  frame: Frame,
  run: Run,
  what: 'value' | 't' | 'st',
): Promise<Value> {
  const { budget, bounds } = run;
  const times = shiftedTimes(node, frame, bounds);
  const lookback = honestLookback(node, times[0], run);
  const out: Column[] = [];
  for (const series of run.selected.get(node) ?? []) {
    if (budget.due) await budget.pause();
    budget.take(frame.steps);
    let column: Column | undefined;
    if (what !== 'value') column = selectTimes(series, times, lookback, what);
    else if (node.extended === 'smoothed')
      column = smoothedColumn(toRangeSeries(series), times, lookback, run.notes, node.pos);
    else column = selectColumn(series, times, lookback);
    if (column !== undefined && hasAny(column)) out.push(column);
  }
  if (node.extended !== 'smoothed') run.counts?.points(out);
  return vector(out);
}

async function evaluateBinary(node: BinaryExpr, frame: Frame, run: Run): Promise<Value> {
  const left = await evaluate(node.left, frame, run);
  const right = await evaluate(node.right, frame, run);
  const { notes, budget } = run;
  if (budget.due) await budget.pause();
  if (left.kind === 'scalar' && right.kind === 'scalar') return scalarScalar(node, left.v, right.v);
  if (left.kind === 'vector' && right.kind === 'scalar') {
    return vector(vectorScalar(node, left.series, right.v, false, notes));
  }
  if (left.kind === 'scalar' && right.kind === 'vector') {
    return vector(vectorScalar(node, right.series, left.v, true, notes));
  }
  if (left.kind !== 'vector' || right.kind !== 'vector') throw new TypeError(`${node.op} between strings`);
  if (node.op === 'and' || node.op === 'or' || node.op === 'unless') {
    return vector(setOperation(node, left.series, right.series, frame.steps));
  }
  return vector(await vectorVector(node, left.series, right.series, frame.steps, notes, budget));
}

async function evaluateAggregate(node: AggregateExpr, frame: Frame, run: Run): Promise<Value> {
  const { notes, budget } = run;
  const param = node.param === undefined ? undefined : await evaluate(node.param, frame, run);
  const value = await evaluate(node.expr, frame, run);
  const series = value.kind === 'vector' ? value.series : [];
  if (budget.due) await budget.pause();
  if (node.param !== undefined && param !== undefined) {
    budget.take(series.length * frame.steps);
    return vector(await aggregateWithParam(node, node.param, param, series, frame, notes, budget));
  }
  const out: Column[] = [];
  for (const group of groupColumns(series, node)) {
    if (budget.due) await budget.pause();
    budget.take(frame.steps);
    out.push(await aggregateGroup(group, frame.steps, node, notes, budget));
  }
  return vector(out);
}

async function evaluateCall(node: CallExpr, frame: Frame, run: Run): Promise<Value> {
  const { func } = node;
  const windowed = WINDOW_FUNCTIONS.get(func) ?? RATE_FUNCTIONS.get(func);
  if (windowed !== undefined) return vector(await evaluateWindows(node, windowed, frame, run));
  if (func === 'absent_over_time') {
    const present = await evaluateWindows(node, () => 1, frame, run);
    return absent(present, node.args[0], frame.steps);
  }
  if (func === 'timestamp' || func === 'start_timestamp') {
    const selector = unwrapParens(node.args[0]);
    if (selector.kind === 'vector_selector') {
      return evaluateSelector(selector, frame, run, func === 'timestamp' ? 't' : 'st');
    }
  }
  if (func === 'info') return evaluateInfo(node, frame, run);
  const args: Value[] = [];
  for (const arg of node.args) args.push(await evaluate(arg, frame, run));
  return callInstant({ node, args, frame, bounds: run.bounds, notes: run.notes, budget: run.budget });
}

async function evaluateInfo(node: CallExpr, frame: Frame, run: Run): Promise<Value> {
  const base = await evaluate(node.args[0], frame, run);
  const times = referenceTimes(node.args[0], frame, run.bounds);
  const series = base.kind === 'vector' ? base.series : [];
  const info = run.selected.get(node) ?? [];
  const lookback = honestLookback(node, times[0], run);
  return vector(joinInfo(series, info, infoMatchers(node), times, lookback, run.counts));
}

/** Applies a function of a range vector to each window of each series. */
async function evaluateWindows(node: CallExpr, fn: WindowFunction, frame: Frame, run: Run): Promise<Column[]> {
  const { budget, notes } = run;
  const at = node.args.findIndex((arg) => isRange(unwrapParens(arg)));
  const arg = node.args[at];
  const scalars: Float64Array[] = [];
  for (const [i, other] of node.args.entries()) {
    if (i === at) continue;
    const value = await evaluate(other, frame, run);
    if (value.kind === 'scalar') scalars.push(value.v);
  }
  const range = honestRange(node, arg, await evaluateRange(arg, frame, run), run);
  if (range.extended !== undefined) checkExtended(node.func, range.extended);
  const lookback = lookbackOfRange(arg, range, run);
  const evalTimes = frameTimes(frame);
  const w = newWindow(range, scalars, notes, arg.pos);
  const out: Column[] = [];
  for (const series of range.series) {
    if (budget.due) await budget.pause();
    budget.take(frame.steps);
    run.counts?.windows(range, series, lookback, frame, unwrapParens(arg).kind === 'matrix_selector');
    const dropName = series.dropName || !KEEPS_NAME.has(node.func);
    const plain = floatRateKind(node.func, range, series);
    const column =
      plain !== undefined
        ? floatRates(range, series, plain, dropName)
        : range.extended === undefined
          ? await runWindows(range, series, w, evalTimes, fn, dropName, budget)
          : runExtended(node.func, range, series, w, lookback);
    if (column === undefined || !hasAny(column)) continue;
    out.push(column);
    noteNonCounter(node.func, column, notes, arg);
  }
  if (node.func === 'quantile_over_time' && out.length > 0) noteQuantiles(scalars[0], node.args[0], notes);
  return out;
}

/** Only `anchored` and `smoothed` look back from the begin of a window. */
function lookbackOfRange(arg: Expr, { ends, rangeMs, extended }: RangeVector, run: Run): Lookback {
  const node = unwrapParens(arg);
  if (extended === undefined || node.kind !== 'matrix_selector') return exactly(run.bounds.lookbackMs);
  return honestLookback(node.selector, ends[0] - rangeMs, run);
}

const isRange = (expr: Expr): boolean => expr.kind === 'matrix_selector' || expr.kind === 'subquery';

/** The samples of a range vector expression. */
export async function evaluateRange(arg: Expr, frame: Frame, run: Run): Promise<RangeVector> {
  const node = unwrapParens(arg);
  if (node.kind === 'subquery') return evaluateSubquery(node, frame, run);
  if (node.kind !== 'matrix_selector') throw new TypeError(`a ${node.kind} is no range vector`);
  const series: RangeSeries[] = (run.selected.get(node.selector) ?? []).map(toRangeSeries);
  return {
    series,
    rangeMs: durationMs(node.range),
    ends: shiftedTimes(node.selector, frame, run.bounds),
    extended: node.selector.extended,
  };
}

async function evaluateSubquery(node: SubqueryExpr, frame: Frame, run: Run): Promise<RangeVector> {
  const inner = subqueryFrame(node, frame, run.bounds);
  run.budget.take(inner.steps);
  const counts = run.counts && new SampleCounts(inner.steps);
  const value = await evaluate(node.expr, inner, { ...run, counts });
  const rangeMs = durationMs(node.range);
  if (counts !== undefined) {
    const offsetMs = frame.startMs - shiftedTimes(node, frame, run.bounds)[0];
    run.counts?.mergeSubquery(counts, inner, frame, offsetMs, rangeMs);
  }
  const times = frameTimes(inner);
  const columns =
    value.kind === 'vector'
      ? await mergeSameLabels(value.series, run.budget)
      : [
          {
            labels: Labels.empty,
            v: (value as { v: Float64Array }).v,
            has: new Uint8Array(inner.steps).fill(1),
            h: undefined,
            dropName: false,
          },
        ];
  const series: RangeSeries[] = [];
  for (const column of columns) {
    if (run.budget.due) await run.budget.pause();
    if (hasAny(column)) series.push(columnToRangeSeries(column, times));
  }
  return {
    series,
    rangeMs,
    ends: shiftedTimes(node, frame, run.bounds),
    extended: undefined,
  };
}
