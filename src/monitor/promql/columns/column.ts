/**
 * The values that flow between the nodes of a query. Labels do not change along the steps of a range query, so a vector is
 * kept as columns: one label set, one value per step, one presence byte per step (NaN is a value, so absence needs a bit of
 * its own). An instant query is a range of one step; there is no second evaluator.
 */
import type { SelectPace } from '../../../model/ports.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Histogram } from '../../../model/histogram.ts';
import { METRIC_NAME, type Labels } from '../../../model/labels.ts';

/** The steps a node is evaluated at: startMs, startMs + stepMs, … */
export interface Frame {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
  /** A single evaluation (an instant query, or a part that does not change along the steps): the order of results matters. */
  readonly instant: boolean;
}

/** One series over the steps of its frame. Whoever receives a column from an evaluation may write into it. */
export interface Column {
  labels: Labels;
  readonly v: Float64Array;
  /** 1 where there is a sample. */
  readonly has: Uint8Array;
  /** Native histograms by step; where there is one, `v` means nothing. */
  h: (Histogram | undefined)[] | undefined;
  /** The metric name is to be removed at the end of the query (delayed name removal). */
  dropName: boolean;
}

export interface VectorValue {
  readonly kind: 'vector';
  readonly series: Column[];
}

export interface ScalarValue {
  readonly kind: 'scalar';
  readonly v: Float64Array;
}

export interface StringValue {
  readonly kind: 'string';
  readonly v: string;
}

export type Value = VectorValue | ScalarValue | StringValue;

/** Samples of one series for window functions: floats and histograms apart, stale markers taken out. */
export interface RangeSeries {
  readonly labels: Labels;
  readonly dropName: boolean;
  readonly t: Float64Array;
  readonly v: Float64Array;
  readonly st: Float64Array | undefined;
  readonly hist: HistogramSamples | undefined;
}

export interface HistogramSamples {
  readonly t: Float64Array;
  readonly h: readonly Histogram[];
  readonly st: Float64Array | undefined;
}

/** A range vector is never materialised: step k sees the samples with ends[k] - rangeMs < t <= ends[k]. */
export interface RangeVector {
  readonly series: readonly RangeSeries[];
  readonly rangeMs: number;
  /** Never decreasing. */
  readonly ends: Float64Array;
  readonly extended: 'anchored' | 'smoothed' | undefined;
  /** Windows that begin before have no value: a roll-up has not all of their samples. */
  readonly refusedUntilMs?: number | undefined;
}

export const TOO_MANY_SAMPLES = 'query processing would load too many samples into memory in query execution';
export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** The error of a query that cannot be executed, with Prometheus' message. */
export function queryFailed(message: string): VitrineError {
  return new VitrineError('query_failed', message);
}

export function newColumn(labels: Labels, steps: number, dropName: boolean): Column {
  return { labels, v: new Float64Array(steps), has: new Uint8Array(steps), h: undefined, dropName };
}

export function setHistogram(column: Column, step: number, histogram: Histogram): void {
  column.h ??= Array.from<Histogram | undefined>({ length: column.v.length });
  column.h[step] = histogram;
  column.has[step] = 1;
}

export function setPoint(column: Column, step: number, point: number | Histogram): void {
  if (typeof point === 'number') {
    column.v[step] = point;
    column.has[step] = 1;
    if (column.h !== undefined) column.h[step] = undefined;
  } else {
    setHistogram(column, step, point);
  }
}

export function hasAny(column: Column): boolean {
  return column.has.includes(1);
}

export function frameTimes(frame: Frame): Float64Array {
  const times = new Float64Array(frame.steps);
  for (let k = 0; k < frame.steps; k += 1) times[k] = frame.startMs + k * frame.stepMs;
  return times;
}

/** A value of one step, repeated over all steps of a frame. */
export function repeatValue(value: Value, steps: number): Value {
  if (value.kind === 'string') return value;
  if (value.kind === 'scalar') return { kind: 'scalar', v: new Float64Array(steps).fill(value.v[0]) };
  return { kind: 'vector', series: value.series.filter((c) => c.has[0] === 1).map((c) => repeatColumn(c, steps)) };
}

function repeatColumn(column: Column, steps: number): Column {
  const histogram = column.h?.[0];
  return {
    labels: column.labels,
    dropName: column.dropName,
    v: new Float64Array(steps).fill(column.v[0]),
    has: new Uint8Array(steps).fill(1),
    h: histogram === undefined ? undefined : Array.from({ length: steps }, () => histogram),
  };
}

/** The labels that describe a metric and go with its name (`__type__` and `__unit__` since Prometheus 3.5). */
export function isMetadataLabel(name: string): boolean {
  return name === METRIC_NAME || name === '__type__' || name === '__unit__';
}

export function dropMetadata(labels: Labels): Labels {
  return labels.filter((name) => !isMetadataLabel(name));
}

/** When to give the event loop a turn, and how. */
export type Turn = Pick<SelectPace, 'due' | 'pause'>;

/**
 * Joins columns of one label set. They may be there at different steps; at the same step it is an error, as two series of
 * one name would be.
 */
export async function mergeSameLabels(series: Column[], budget: Turn): Promise<Column[]> {
  if (series.length < 2) return series;
  const byKey = new Map<string, Column>();
  for (const column of series) {
    if (budget.due) await budget.pause();
    const first = byKey.get(column.labels.key);
    if (first === undefined) byKey.set(column.labels.key, column);
    else mergeInto(first, column);
  }
  return byKey.size === series.length ? series : [...byKey.values()];
}

function mergeInto(target: Column, other: Column): void {
  for (let k = 0; k < other.has.length; k += 1) {
    if (other.has[k] === 0) continue;
    if (target.has[k] === 1) throw queryFailed(SAME_LABELSET);
    setPoint(target, k, other.h?.[k] ?? other.v[k]);
  }
}

/** The last step of every query: removes the names that were marked, then merges series whose labels are equal. */
export async function removeNames(series: Column[], budget: Turn): Promise<Column[]> {
  for (const column of series) {
    if (!column.dropName) continue;
    if (budget.due) await budget.pause();
    column.labels = dropMetadata(column.labels);
    column.dropName = false;
  }
  return mergeSameLabels(series, budget);
}
