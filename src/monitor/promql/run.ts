/** Turns one parsed query into its result: fold, plan, select, evaluate, remove names, build the result. */
import type { Histogram } from '../../model/histogram.ts';
import type { MatrixSeries, QueryRead, QueryResult, QueryStats, QueryValue, SampleSource } from '../../model/ports.ts';
import { Labels, type Matcher } from '../../model/labels.ts';
import { ROLL_UP_STEP_MS, type Series } from '../../model/series.ts';
import { VitrineError } from '../../base/errors.ts';
import { Annotations } from './columns/annotations.ts';
import type { Expr } from './syntax/ast.ts';
import type { Budget } from './columns/budget.ts';
import { SampleCounts } from './columns/sample-counts.ts';
import { valueTypeOf } from './syntax/checker.ts';
import {
  frameTimes,
  hasAny,
  queryFailed,
  removeNames,
  SAME_LABELSET,
  type Column,
  type Frame,
  type RangeSeries,
} from './columns/column.ts';
import { exactly } from './columns/lookback.ts';
import { foldDurations } from './syntax/durations.ts';
import { evaluate, evaluateRange, type Run } from './evaluator.ts';
import { unwrapParens } from './syntax/expression-shape.ts';
import { planSelectors, type PlannedSelector, type QueryBounds, type SelectorKey } from './columns/plan.ts';

export interface QueryRequest {
  /** The result of `parse`; it is never changed. */
  readonly parsed: Expr;
  readonly text: string;
  readonly bounds: QueryBounds;
  readonly instant: boolean;
  readonly budget: Budget;
  /** Whether the result has `stats`. */
  readonly stats?: boolean | undefined;
}

/** The result, and for `stats` the samples and when the evaluation began. */
export interface RunResult extends Omit<QueryResult, 'stats'> {
  readonly samples?: QueryStats['samples'] | undefined;
  readonly preparedMs?: number | undefined;
}

/** Throws VitrineError `query_invalid`, `query_failed`, `query_timeout`, `query_canceled`. */
export async function runQuery(request: QueryRequest, source: SampleSource): Promise<RunResult> {
  const { bounds, budget, text, parsed, instant } = request;
  const { startMs, endMs, stepMs } = bounds;
  const type = valueTypeOf(parsed);
  if (!instant && type !== 'vector' && type !== 'scalar') {
    const name = type === 'matrix' ? 'range vector' : 'string';
    throw new VitrineError(
      'query_invalid',
      `invalid expression type "${name}" for range query, must be Scalar or instant Vector`,
    );
  }
  const expr = foldDurations(parsed, { stepMs: instant ? 0 : stepMs, rangeMs: endMs - startMs });
  const steps = instant ? 1 : Math.floor((endMs - startMs) / stepMs) + 1;
  const frame: Frame = { startMs, stepMs, steps, instant };
  const counts = request.stats === true ? new SampleCounts(steps) : undefined;
  const notes = new Annotations(text);
  const { planned, coarse } = await plan(expr, frame, bounds, source);
  const { selected, read } = await selectAll(planned, source, budget);
  const run: Run = { bounds, budget, notes, selected, coarse, counts };
  const preparedMs = budget.nowMs;
  const value = type === 'matrix' ? await instantMatrix(expr, frame, run) : await shaped(expr, frame, run);
  budget.check();
  const result: RunResult = { value, warnings: notes.warnings, infos: notes.infos, read };
  if (counts === undefined) return result;
  const peakSamples = budget.peak;
  return {
    ...result,
    samples: { totalQueryableSamples: counts.total, samplesRead: counts.read, peakSamples },
    preparedMs,
  };
}

/** Selects every selector once; equal selectors are selected together. */
async function selectAll(
  planned: readonly PlannedSelector[],
  source: SampleSource,
  budget: Budget,
): Promise<{ selected: Map<SelectorKey, readonly Series[]>; read: QueryRead }> {
  const selected = new Map<SelectorKey, readonly Series[]>();
  const known = new Map<string, readonly Series[]>();
  const read = { series: 0, samples: 0 };
  for (const { key, matchers, mintMs, maxtMs } of planned) {
    budget.check();
    const question = JSON.stringify([mintMs, maxtMs, matchers.map((m: Matcher) => [m.name, m.op, m.value])]);
    let series = known.get(question);
    if (series === undefined) {
      const mark = budget.held;
      series = maxtMs < mintMs ? [] : await source.select(matchers, mintMs, maxtMs, budget);
      // Some sources do not count samples while they read.
      const samples = series.reduce((count, { samples: { t } }) => count + t.length, 0);
      budget.take(mark + samples - budget.held);
      read.series += series.length;
      read.samples += samples;
      known.set(question, series);
    }
    selected.set(key, series);
  }
  return { selected, read };
}

/** Over roll-ups the lookback is at least as long as their step, so their selectors reach further back. */
async function plan(
  expr: Expr,
  frame: Frame,
  bounds: QueryBounds,
  source: SampleSource,
): Promise<{ planned: readonly PlannedSelector[]; coarse: ReadonlyMap<SelectorKey, number> }> {
  const lookbackMs = Math.max(bounds.lookbackMs, ROLL_UP_STEP_MS);
  const planned = planSelectors(expr, frame, { ...bounds, lookbackMs });
  const coarse = await coarseness(planned, source);
  if (coarse.size > 0 || lookbackMs === bounds.lookbackMs) return { planned, coarse };
  return { planned: planSelectors(expr, frame, bounds), coarse };
}

/** For each selector that reads roll-ups, the time up to which it reads them. */
async function coarseness(
  planned: readonly PlannedSelector[],
  source: SampleSource,
): Promise<ReadonlyMap<SelectorKey, number>> {
  const coarse = new Map<SelectorKey, number>();
  if (source.coarseUntilMs === undefined) return coarse;
  for (const { key, mintMs, maxtMs } of planned) {
    const untilMs = maxtMs < mintMs ? -Infinity : await source.coarseUntilMs(mintMs, maxtMs);
    if (untilMs > mintMs) coarse.set(key, untilMs);
  }
  return coarse;
}

async function shaped(expr: Expr, frame: Frame, run: Run): Promise<QueryValue> {
  const value = await evaluate(expr, frame, run);
  const t = frame.startMs;
  if (value.kind === 'string') return { kind: 'string', t, v: value.v };
  if (value.kind === 'scalar') {
    if (frame.instant) return { kind: 'scalar', t, v: value.v[0] };
    const has = new Uint8Array(frame.steps).fill(1);
    return matrixOf([{ labels: Labels.empty, v: value.v, has, h: undefined, dropName: false }], frame, run.budget);
  }
  if (!frame.instant) return matrixOf(await removeNames(value.series, run.budget), frame, run.budget);
  return vectorOf(value.series, t, run.budget);
}

/** Keeps the order of the evaluation, which `sort` and `topk` define. */
async function vectorOf(columns: Column[], t: number, budget: Budget): Promise<QueryValue> {
  const there = columns.filter(hasAny);
  const series = await removeNames(there, budget);
  if (series.length !== there.length) throw queryFailed(SAME_LABELSET);
  return {
    kind: 'vector',
    series: series.map(({ labels, v, h }) => ({
      labels,
      point: h?.[0] === undefined ? { t, v: v[0] } : { t, v: Number.NaN, h: h[0] },
    })),
  };
}

async function matrixOf(columns: readonly Column[], frame: Frame, budget: Budget): Promise<QueryValue> {
  const series: MatrixSeries[] = [];
  const times = frameTimes(frame);
  for (const column of columns) {
    if (budget.due) await budget.pause();
    if (hasAny(column)) series.push(compact(column, times));
  }
  return { kind: 'matrix', series: series.sort((a, b) => Labels.compare(a.labels, b.labels)) };
}

/** Keeps only the steps that have a point. A column that has a point at every step is returned unchanged. */
function compact(column: Column, steps: Float64Array): MatrixSeries {
  const { has, v, h, labels } = column;
  let count = 0;
  for (let k = 0; k < has.length; k += 1) count += has[k];
  if (count === has.length && h === undefined) return { labels, t: steps, v, h };
  const times = new Float64Array(count);
  const values = new Float64Array(count);
  const histograms: (Histogram | undefined)[] | undefined = h && Array.from({ length: count });
  let at = 0;
  for (let k = 0; k < has.length; k += 1) {
    if (has[k] === 0) continue;
    times[at] = steps[k];
    const histogram = h?.[k];
    values[at] = histogram === undefined ? v[k] : Number.NaN;
    if (histograms !== undefined) histograms[at] = histogram;
    at += 1;
  }
  return { labels, t: times, v: values, h: histograms };
}

/** An instant query for a range vector returns the samples themselves. */
async function instantMatrix(expr: Expr, frame: Frame, run: Run): Promise<QueryValue> {
  const range = await evaluateRange(expr, frame, run);
  const end = range.ends[0];
  const series: MatrixSeries[] = [];
  const isStored = unwrapParens(expr).kind === 'matrix_selector';
  if (!isStored) run.counts?.useSubquery();
  for (const one of range.series) {
    if (isStored) run.counts?.windows(range, one, exactly(0), frame, true);
    const points = samplesWithin(one, end - range.rangeMs, end);
    if (points.t.length > 0) series.push({ labels: one.labels, ...points });
  }
  return { kind: 'matrix', series: series.sort((a, b) => Labels.compare(a.labels, b.labels)) };
}

function samplesWithin(series: RangeSeries, startMs: number, endMs: number): Omit<MatrixSeries, 'labels'> {
  const points: { t: number; v: number; h: Histogram | undefined }[] = [];
  const inside = (t: number): boolean => t > startMs && t <= endMs;
  series.t.forEach((t, i) => inside(t) && points.push({ t, v: series.v[i], h: undefined }));
  series.hist?.t.forEach((t, i) => inside(t) && points.push({ t, v: Number.NaN, h: series.hist?.h[i] }));
  points.sort((a, b) => a.t - b.t);
  return {
    t: Float64Array.from(points, ({ t }) => t),
    v: Float64Array.from(points, ({ v }) => v),
    h: series.hist === undefined ? undefined : points.map(({ h }) => h),
  };
}
