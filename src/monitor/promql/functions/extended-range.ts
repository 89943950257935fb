/**
 * Range selectors with `anchored` or `smoothed`. These do not extrapolate. The value at an edge of the range is taken from
 * the last sample before it (anchored) or interpolated between the samples around it (smoothed). Samples outside the range
 * also count, up to the lookback (Prometheus' promql/functions.go, extendedRate).
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { RangeVector, RangeSeries, Column } from '../columns/column.ts';
import { queryFailed, newColumn, setPoint } from '../columns/column.ts';
import {
  addHistograms,
  detectReset,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
  withHint,
} from '../histograms/arithmetic.ts';
import { metricOf, type Window } from '../columns/window.ts';
import { changes, resets } from './window-functions.ts';

const ANCHORED = ['changes', 'delta', 'increase', 'rate', 'resets'];
const SMOOTHED = ['delta', 'increase', 'rate'];

/** Throws `query_failed` when the function does not support the modifier. */
export function checkExtended(func: string, extended: 'anchored' | 'smoothed'): void {
  const known = extended === 'anchored' ? ANCHORED : SMOOTHED;
  if (!known.includes(func)) {
    throw queryFailed(`${extended} modifier can only be used with: ${known.join(', ')} - not with ${func}`);
  }
}

/** Arithmetic that works for floats and for histograms. */
interface Kind<T> {
  readonly subtract: (a: T, b: T) => T;
  readonly add: (a: T, b: T) => T;
  readonly scale: (a: T, factor: number) => T;
  /** `trustHint` is false where the previous value is interpolated and not a sample. */
  readonly fell: (current: T, previous: T, trustHint: boolean) => boolean;
}

const FLOATS: Kind<number> = {
  subtract: (a, b) => a - b,
  add: (a, b) => a + b,
  scale: (a, factor) => a * factor,
  fell: (current, previous) => current < previous,
};

const HISTOGRAMS: Kind<Histogram> = {
  subtract: (a, b) => subtractHistograms(a, b)?.h ?? a,
  add: (a, b) => addHistograms(a, b)?.h ?? a,
  scale: scaleHistogram,
  fell: (current, previous, trustHint) => detectReset(trustHint ? current : withHint(current, 'unknown'), previous),
};

interface Samples<T> {
  readonly t: Float64Array;
  readonly at: (index: number) => T;
}

/** The value at time t between samples i and i+1. A counter that was reset between them starts again from zero. */
export function interpolate<T>(
  samples: Samples<T>,
  i: number,
  t: number,
  kind: Kind<T>,
  edge: 'left' | 'right' | 'none',
): T {
  let from = samples.at(i);
  let to = samples.at(i + 1);
  if (edge !== 'none' && kind.fell(to, from, true)) {
    if (edge === 'left') from = kind.scale(to, 0);
    else to = kind.add(to, from);
  }
  const share = (t - samples.t[i]) / (samples.t[i + 1] - samples.t[i]);
  return kind.add(from, kind.scale(kind.subtract(to, from), share));
}

interface TimeRange {
  readonly startMs: number;
  readonly endMs: number;
}

/** The points at which a series enters and leaves a range: a sample, or a value between two samples. */
interface Edges<T> {
  readonly first: number;
  readonly last: number;
  readonly left: T;
  readonly right: T;
  readonly leftIsSample: boolean;
  readonly rightIsSample: boolean;
}

/** Index of the last sample that is used. With `smoothed` this is the first sample at or after the end of the range. */
function lastIndex(t: Float64Array, lo: number, hi: number, endMs: number, smoothed: boolean): number {
  if (!smoothed) return hi - 1;
  let last = lo;
  while (last < hi - 1 && t[last] < endMs) last += 1;
  return last;
}

/** Undefined when no sample lies in the range. Only samples with indices [lo, hi) may be used. */
function edgesOf<T>(
  samples: Samples<T>,
  lo: number,
  hi: number,
  range: TimeRange,
  options: { readonly smoothed: boolean; readonly isCounter: boolean },
  kind: Kind<T>,
): Edges<T> | undefined {
  if (lo >= hi) return undefined;
  const { t } = samples;
  const { smoothed, isCounter } = options;
  let first = lo;
  while (first + 1 < hi && t[first + 1] <= range.startMs) first += 1;
  const last = lastIndex(t, lo, hi, range.endMs, smoothed);
  if (t[last] <= range.startMs || t[first] > range.endMs) return undefined;
  const leftIsSample = !(smoothed && t[first] < range.startMs && first < last);
  const rightIsSample = !(smoothed && last > lo && t[last] > range.endMs);
  return {
    first,
    last,
    leftIsSample,
    rightIsSample,
    left: leftIsSample
      ? samples.at(first)
      : interpolate(samples, first, range.startMs, kind, isCounter ? 'left' : 'none'),
    right: rightIsSample
      ? samples.at(last)
      : interpolate(samples, last - 1, range.endMs, kind, isCounter ? 'right' : 'none'),
  };
}

/** For each reset between the edges, adds the value that the counter had before the reset. */
function addResets<T>(change: T, samples: Samples<T>, edges: Edges<T>, range: TimeRange, kind: Kind<T>): T {
  const { t } = samples;
  let result = change;
  let previous = edges.left;
  let trustHint = edges.leftIsSample;
  let rightSeen = false;
  for (let i = edges.first; i <= edges.last; i += 1) {
    if (t[i] <= range.startMs || t[i] >= range.endMs) continue;
    if (kind.fell(samples.at(i), previous, trustHint)) result = kind.add(result, previous);
    previous = samples.at(i);
    trustHint = true;
    rightSeen = edges.rightIsSample && i === edges.last;
  }
  if (rightSeen || !kind.fell(edges.right, previous, edges.rightIsSample && trustHint)) return result;
  return kind.add(result, previous);
}

/** The change over the range; undefined when the range contains no sample. */
function extendedChange<T>(
  samples: Samples<T>,
  lo: number,
  hi: number,
  range: TimeRange,
  options: { readonly smoothed: boolean; readonly isCounter: boolean },
  kind: Kind<T>,
): T | undefined {
  const edges = edgesOf(samples, lo, hi, range, options, kind);
  if (edges === undefined) return undefined;
  const change = kind.subtract(edges.right, edges.left);
  return options.isCounter ? addResets(change, samples, edges, range, kind) : change;
}

const scaled = (value: number | Histogram, divisor: number): number | Histogram =>
  typeof value === 'number' ? value / divisor : divideHistogram(value, divisor);

/** Applies a function with an extended range to one series. `w` is scratch space. */
export function runExtended(
  func: string,
  vector: RangeVector,
  series: RangeSeries,
  w: Window,
  lookbackMs: number,
): Column {
  const smoothed = vector.extended === 'smoothed';
  const column = newColumn(series.labels, vector.ends.length, true);
  const floats: Samples<number> = { t: series.t, at: (i) => series.v[i] };
  const hist = series.hist ?? { t: new Float64Array(0), h: [], st: undefined };
  const histograms: Samples<Histogram> = { t: hist.t, at: (i) => hist.h[i] };
  w.series = series;
  const isCounter = func !== 'delta';
  for (let k = 0; k < vector.ends.length; k += 1) {
    const endMs = vector.ends[k];
    const startMs = endMs - vector.rangeMs;
    const from = startMs - lookbackMs;
    const to = smoothed ? endMs + lookbackMs : endMs;
    w.lo = above(floats.t, from);
    w.hi = above(floats.t, to);
    w.hlo = above(histograms.t, from);
    w.hhi = above(histograms.t, to);
    w.step = k;
    w.endMs = endMs;
    if (func === 'changes' || func === 'resets') {
      const value = anchoredCount(func, w, startMs);
      if (value !== undefined) setPoint(column, k, value);
      continue;
    }
    if (w.lo < w.hi && w.hlo < w.hhi) {
      w.notes.mixedFloatsHistograms(metricOf(w), w.pos);
      continue;
    }
    const range = { startMs, endMs };
    const options = { smoothed, isCounter };
    const change =
      w.lo < w.hi
        ? extendedChange(floats, w.lo, w.hi, range, options, FLOATS)
        : extendedChange(histograms, w.hlo, w.hhi, range, options, HISTOGRAMS);
    if (change === undefined) continue;
    if (typeof change !== 'number') noteKind(w, hist.h, isCounter);
    setPoint(column, k, func === 'rate' ? scaled(change, vector.rangeMs / 1000) : change);
  }
  return column;
}

function noteKind(w: Window, h: readonly Histogram[], isCounter: boolean): void {
  const window = h.slice(w.hlo, w.hhi);
  if (isCounter && window.some((one) => one.resetHint === 'gauge')) w.notes.notACounter(metricOf(w), w.pos);
  if (!isCounter && window.some((one) => one.resetHint !== 'gauge')) w.notes.notAGauge(metricOf(w), w.pos);
}

/** Counts changes or resets, starting at the last sample at or before the start of the range. */
function anchoredCount(func: 'changes' | 'resets', w: Window, startMs: number): number | undefined {
  const { t } = w.series;
  const ht = w.series.hist?.t ?? new Float64Array(0);
  const insideLo = Math.max(w.lo, above(t, startMs));
  const insideHlo = Math.max(w.hlo, above(ht, startMs));
  if (insideLo >= w.hi && insideHlo >= w.hhi) return undefined;
  const floatAnchor = insideLo > w.lo ? t[insideLo - 1] : -Infinity;
  const histogramAnchor = insideHlo > w.hlo ? ht[insideHlo - 1] : -Infinity;
  w.lo = insideLo - (floatAnchor > histogramAnchor ? 1 : 0);
  w.hlo = insideHlo - (histogramAnchor > floatAnchor ? 1 : 0);
  const result = func === 'changes' ? changes(w) : resets(w);
  return typeof result === 'number' ? result : undefined;
}

/** Index of the first time after `limit`. */
function above(t: Float64Array, limit: number): number {
  let lo = 0;
  let hi = t.length;
  while (lo < hi) {
    const middle = (lo + hi) >>> 1;
    if (t[middle] > limit) hi = middle;
    else lo = middle + 1;
  }
  return lo;
}

/** `metric smoothed`: at each step, the value interpolated between the samples around the step. */
export function smoothedColumn(series: RangeSeries, times: Float64Array, lookbackMs: number): Column {
  const column = newColumn(series.labels, times.length, false);
  const hist = series.hist ?? { t: new Float64Array(0), h: [], st: undefined };
  const floats: Samples<number> = { t: series.t, at: (i) => series.v[i] };
  const histograms: Samples<Histogram> = { t: hist.t, at: (i) => hist.h[i] };
  for (let k = 0; k < times.length; k += 1) {
    const value =
      pointAt(floats, times[k], lookbackMs, FLOATS, 'none') ??
      pointAt(histograms, times[k], lookbackMs, HISTOGRAMS, 'left');
    if (value !== undefined) setPoint(column, k, value);
  }
  return column;
}

function pointAt<T>(
  samples: Samples<T>,
  t: number,
  lookbackMs: number,
  kind: Kind<T>,
  edge: 'left' | 'none',
): T | undefined {
  const next = above(samples.t, t);
  const at = next - 1;
  if (at < 0 || samples.t[at] <= t - lookbackMs) return undefined;
  const hasNext = next < samples.t.length && samples.t[next] <= t + lookbackMs;
  if (samples.t[at] === t || !hasNext) return samples.at(at);
  return interpolate(samples, at, t, kind, edge);
}
