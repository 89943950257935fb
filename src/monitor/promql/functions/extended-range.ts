/**
 * Range selectors with `anchored` or `smoothed`. These do not extrapolate. The value at an edge of the range is taken from
 * the last sample before it (anchored) or interpolated between the samples around it (smoothed). Samples outside the range
 * also count, up to the lookback (Prometheus' promql/functions.go, extendedRate).
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { RangeVector, RangeSeries, Column } from '../columns/column.ts';
import { queryFailed, newColumn, setPoint } from '../columns/column.ts';
import { lookbackAt, type Lookback } from '../columns/lookback.ts';
import { divideHistogram, usesCustomBuckets, withHint } from '../histograms/arithmetic.ts';
import { metricOf, type Window } from '../columns/window.ts';
import type { Position } from '../syntax/ast.ts';
import { floatBetween, floatChange, histogramBetween, histogramChange, type Notice } from './extended-rate.ts';
import { changes, resets } from './window-functions.ts';

const NO_HISTOGRAMS: NonNullable<RangeSeries['hist']> = { t: new Float64Array(0), h: [], st: undefined };
const ANCHORED = ['changes', 'delta', 'increase', 'rate', 'resets'];
const SMOOTHED = ['delta', 'increase', 'rate'];

/** Throws `query_failed` when the function does not support the modifier. */
export function checkExtended(func: string, extended: 'anchored' | 'smoothed'): void {
  const known = extended === 'anchored' ? ANCHORED : SMOOTHED;
  if (!known.includes(func)) {
    throw queryFailed(`${extended} modifier can only be used with: ${known.join(', ')} - not with ${func}`);
  }
}

const scaled = (value: number | Histogram, divisor: number): number | Histogram =>
  typeof value === 'number' ? value / divisor : divideHistogram(value, divisor);

/** Applies a function with an extended range to one series. `w` is scratch space. */
export function runExtended(
  func: string,
  vector: RangeVector,
  series: RangeSeries,
  w: Window,
  lookback: Lookback,
): Column {
  const smoothed = vector.extended === 'smoothed';
  const column = newColumn(series.labels, vector.ends.length, true);
  const hist = series.hist ?? NO_HISTOGRAMS;
  w.series = series;
  const isCounter = func !== 'delta';
  for (let k = 0; k < vector.ends.length; k += 1) {
    const endMs = vector.ends[k];
    const startMs = endMs - vector.rangeMs;
    const from = startMs - lookbackAt(lookback, startMs);
    const to = smoothed ? endMs + lookbackAt(lookback, endMs) : endMs;
    w.lo = above(series.t, from);
    w.hi = above(series.t, to);
    w.hlo = above(hist.t, from);
    w.hhi = above(hist.t, to);
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
    const range = { startMs, endMs, smoothed, isCounter };
    const change =
      w.lo < w.hi
        ? floatChange(series.t, series.v, w.lo, w.hi, range)
        : histogramChange(hist.t, hist.h, w.hlo, w.hhi, range, { notes: w.notes, metric: metricOf(w), pos: w.pos });
    if (change === undefined) continue;
    setPoint(column, k, func === 'rate' ? scaled(change, vector.rangeMs / 1000) : change);
  }
  return column;
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
export function smoothedColumn(
  series: RangeSeries,
  times: Float64Array,
  lookback: Lookback,
  notes: Annotations,
  pos: Position,
): Column {
  const column = newColumn(series.labels, times.length, false);
  const { t, v, hist = NO_HISTOGRAMS } = series;
  const notice = { notes, metric: series.labels.name, pos };
  for (let k = 0; k < times.length; k += 1) {
    const reachMs = lookbackAt(lookback, times[k]);
    const [fromMs, toMs] = [times[k] - reachMs, times[k] + reachMs];
    const [lo, hi, hlo, hhi] = [above(t, fromMs), above(t, toMs), above(hist.t, fromMs), above(hist.t, toMs)];
    if (lo < hi && hlo < hhi) {
      notes.mixedFloatsHistograms(notice.metric, pos);
      continue;
    }
    const value =
      lo < hi
        ? floatAt(t, v, lo, hi, times[k])
        : hlo < hhi
          ? histogramAt(hist.t, hist.h, hlo, hhi, times[k], notice)
          : undefined;
    if (value !== undefined) setPoint(column, k, value);
  }
  return column;
}

/** Before the first of the samples [lo, hi) there is no value; after the last one its value holds. */
function floatAt(t: Float64Array, v: Float64Array, lo: number, hi: number, atMs: number): number | undefined {
  const at = above(t, atMs) - 1;
  if (at < lo) return undefined;
  return t[at] === atMs || at + 1 >= hi ? v[at] : floatBetween(t, v, at, atMs, false);
}

function histogramAt(
  t: Float64Array,
  h: readonly Histogram[],
  lo: number,
  hi: number,
  atMs: number,
  notice: Notice,
): Histogram | undefined {
  const at = above(t, atMs) - 1;
  if (at < lo) return undefined;
  if (t[at] === atMs) return h[at];
  if (at + 1 >= hi) return withHint(h[at], 'unknown');
  if (usesCustomBuckets(h[at]) !== usesCustomBuckets(h[at + 1])) {
    notice.notes.mixedExponentialCustom(notice.metric, notice.pos);
    return undefined;
  }
  const isCounter = h[at].resetHint !== 'gauge' || h[at + 1].resetHint !== 'gauge';
  return histogramBetween(h, t, at, atMs, isCounter, notice);
}
