/**
 * The values that nodes of a query pass to each other. Labels do not change along the steps of a range query, so a vector is
 * stored as columns: one label set, one value for each step, one presence byte for each step (NaN is a value, so absence
 * needs its own byte). An instant query is a range query with one step; there is no second evaluator.
 */
import type { SelectPace } from '../../../model/ports.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Histogram } from '../../../model/histogram.ts';
import { METRIC_NAME, type Labels } from '../../../model/labels.ts';

/** The steps at which a node is evaluated: startMs, startMs + stepMs, … */
export interface Frame {
  readonly startMs: number;
  readonly stepMs: number;
  readonly steps: number;
  /**
   * True for a single evaluation (an instant query, or a part that does not change along the steps). The order of its
   * results matters.
   */
  readonly instant: boolean;
}

/** One series over the steps of its frame. The receiver of an evaluated column may write into it. */
export interface Column {
  labels: Labels;
  readonly v: Float64Array;
  /** 1 where there is a sample. */
  readonly has: Uint8Array;
  /** Native histograms by step. Where a step has one, `v` has no meaning. */
  h: (Histogram | undefined)[] | undefined;
  /** The metric name must be removed at the end of the query (delayed name removal). */
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

/** Samples of one series for window functions. Floats and histograms are separate; stale markers are removed. */
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

/** A range vector is never materialised: step k reads the samples with ends[k] - rangeMs < t <= ends[k]. */
export interface RangeVector {
  readonly series: readonly RangeSeries[];
  readonly rangeMs: number;
  /** The values never decrease. */
  readonly ends: Float64Array;
  readonly extended: 'anchored' | 'smoothed' | undefined;
  /** Samples up to this time are roll-ups; absent when all samples are there. */
  readonly coarseUntilMs?: number | undefined;
  /** Windows that begin before this time have no value, because a roll-up does not keep all of their samples. */
  readonly refusedUntilMs?: number | undefined;
}

export const TOO_MANY_SAMPLES = 'query processing would load too many samples into memory in query execution';
export const SAME_LABELSET = 'vector cannot contain metrics with the same labelset';

/** The error of a query that cannot be executed, with Prometheus' message. */
export function queryFailed(message: string): VitrineError {
  return new VitrineError('query_failed', message);
}

/**
 * Columns of a query are cut from pieces of memory: thousands of small arrays would each be known to the garbage collector,
 * and kept a third of a heavy query's time busy. A piece is freed with the last of its columns. V8 keeps very short arrays in
 * its own heap, where they cost less, and long ones are worth a piece of their own.
 */
const PIECE_BYTES = 65_536;
const [SHORT, LONG] = [8, 1_024];
let piece = new ArrayBuffer(0);
let used = 0;

export function newColumn(labels: Labels, steps: number, dropName: boolean): Column {
  if (steps <= SHORT || steps > LONG) {
    return { labels, v: new Float64Array(steps), has: new Uint8Array(steps), h: undefined, dropName };
  }
  const values = used;
  const presence = values + steps * Float64Array.BYTES_PER_ELEMENT;
  const end = presence + steps;
  if (end > piece.byteLength) {
    piece = new ArrayBuffer(PIECE_BYTES);
    used = 0;
    return newColumn(labels, steps, dropName);
  }
  // The next column begins where a number may.
  used = Math.ceil(end / Float64Array.BYTES_PER_ELEMENT) * Float64Array.BYTES_PER_ELEMENT;
  const v = new Float64Array(piece, values, steps);
  return { labels, v, has: new Uint8Array(piece, presence, steps), h: undefined, dropName };
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

/** Repeats the value of one step over all steps of a frame. */
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

/**
 * True for a label that describes the metric and is removed with its name (`__type__` and `__unit__` since Prometheus 3.5).
 */
export function isMetadataLabel(name: string): boolean {
  return name === METRIC_NAME || name === '__type__' || name === '__unit__';
}

export function dropMetadata(labels: Labels): Labels {
  return labels.filter((name) => !isMetadataLabel(name));
}

/** Says when the event loop must get a turn, and gives it one. */
export type Turn = Pick<SelectPace, 'due' | 'pause'>;

/**
 * Joins columns of one label set that have values at different steps. Two values at the same step are an error, as two
 * series with one name would be.
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

/** The last part of every query: removes the marked names, then merges series whose labels are equal. */
export async function removeNames(series: Column[], budget: Turn): Promise<Column[]> {
  for (const column of series) {
    if (!column.dropName) continue;
    if (budget.due) await budget.pause();
    column.labels = dropMetadata(column.labels);
    column.dropName = false;
  }
  return mergeSameLabels(series, budget);
}
