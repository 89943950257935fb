/**
 * The change of a series over a range with `anchored` or `smoothed` edges. Nothing is extrapolated: the value at an edge is
 * that of the last sample before it (anchored), or lies between the samples around it (smoothed). A counter that was reset
 * between two samples begins again at zero. The order of the operations is Prometheus' (promql/functions.go, extendedRate and
 * extendedHistogramRate), so that results are equal to the last bit.
 */
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Position } from '../syntax/ast.ts';
import {
  addHistograms,
  detectReset,
  scaleHistogram,
  subtractHistograms,
  usesCustomBuckets,
  withHint,
} from '../histograms/arithmetic.ts';
import { combineHints } from '../histograms/layout.ts';

export interface ExtendedRange {
  readonly startMs: number;
  readonly endMs: number;
  readonly smoothed: boolean;
  readonly isCounter: boolean;
}

/** Where warnings about histograms go. */
export interface Notice {
  readonly notes: Annotations;
  readonly metric: string;
  readonly pos: Position;
}

interface Edges {
  readonly first: number;
  readonly last: number;
}

/** The samples at or around the edges, of those with indices [lo, hi). Undefined when none lies in the range. */
function edgesOf(t: Float64Array, lo: number, hi: number, range: ExtendedRange): Edges | undefined {
  const end = hi - 1;
  let first = lo;
  while (first + 1 < end && t[first + 1] <= range.startMs) first += 1;
  let last = end;
  if (range.smoothed) for (last = lo; last < end && t[last] < range.endMs;) last += 1;
  if (t[last] <= range.startMs || (range.smoothed && t[first] > range.endMs)) return undefined;
  return { first, last };
}

const shareOf = (t: Float64Array, i: number, atMs: number): number => (atMs - t[i]) / (t[i + 1] - t[i]);

export function floatBetween(t: Float64Array, v: Float64Array, i: number, atMs: number, isCounter: boolean): number {
  const from = isCounter && v[i + 1] < v[i] ? 0 : v[i];
  return from + ((v[i + 1] - from) * (atMs - t[i])) / (t[i + 1] - t[i]);
}

export function floatChange(
  t: Float64Array,
  v: Float64Array,
  lo: number,
  hi: number,
  range: ExtendedRange,
): number | undefined {
  const edges = lo < hi ? edgesOf(t, lo, hi, range) : undefined;
  if (edges === undefined) return undefined;
  const { startMs, endMs, smoothed, isCounter } = range;
  const { first, last } = edges;
  const left = smoothed && t[first] < startMs ? floatBetween(t, v, first, startMs, isCounter) : v[first];
  const right = smoothed && last > lo && t[last] > endMs ? floatBetween(t, v, last - 1, endMs, isCounter) : v[last];
  if (!isCounter) return right - left;
  let correction = 0;
  let previous = left;
  for (let i = t[first] <= startMs ? first + 1 : first; i <= (t[last] >= endMs ? last - 1 : last); i += 1) {
    if (v[i] < previous) correction += previous;
    previous = v[i];
  }
  if (right < previous) correction += previous;
  return right - left + correction;
}

/** Undefined, with a warning, when one has exponential buckets and the other custom ones. */
export function histogramBetween(
  h: readonly Histogram[],
  t: Float64Array,
  i: number,
  atMs: number,
  isCounter: boolean,
  notice: Notice,
): Histogram | undefined {
  const [from, to] = [h[i], h[i + 1]];
  if (atMs === t[i]) return from;
  if (atMs === t[i + 1]) return to;
  const share = shareOf(t, i, atMs);
  if (isCounter && detectReset(to, from)) return scaleHistogram(to, share);
  const difference = combined(subtractHistograms(to, from), 'subtraction', notice);
  if (difference === undefined) return undefined;
  const hint: ResetHint = combineHints(to.resetHint, from.resetHint).hint;
  const sum = combined(addHistograms(scaleHistogram(difference, share), from), 'addition', notice);
  return sum && withHint(sum, hint);
}

function combined(
  result: { readonly h: Histogram; readonly reconciled: boolean } | undefined,
  operation: string,
  { notes, metric, pos }: Notice,
): Histogram | undefined {
  if (result === undefined) notes.mixedExponentialCustom(metric, pos);
  else if (result.reconciled) notes.mismatchedCustomBuckets(operation, pos);
  return result?.h;
}

/** False, with a warning, when layouts of both kinds are in the range. */
function sameKind(h: readonly Histogram[], isCounter: boolean, { notes, metric, pos }: Notice): boolean {
  const custom = usesCustomBuckets(h[0]);
  for (const one of h) {
    if (usesCustomBuckets(one) !== custom) {
      notes.mixedExponentialCustom(metric, pos);
      return false;
    }
    if (isCounter && one.resetHint === 'gauge') notes.notACounter(metric, pos);
  }
  return true;
}

function edgeValues(
  t: Float64Array,
  h: readonly Histogram[],
  lo: number,
  { first, last }: Edges,
  { startMs, endMs, smoothed, isCounter }: ExtendedRange,
  notice: Notice,
): readonly [left: Histogram | undefined, right: Histogram | undefined] {
  const [before, after] = [smoothed && t[first] < startMs, smoothed && last > lo && t[last] > endMs];
  return [
    before ? histogramBetween(h, t, first, startMs, isCounter, notice) : h[first],
    after ? histogramBetween(h, t, last - 1, endMs, isCounter, notice) : h[last],
  ];
}

export function histogramChange(
  t: Float64Array,
  h: readonly Histogram[],
  lo: number,
  hi: number,
  range: ExtendedRange,
  notice: Notice,
): Histogram | undefined {
  const edges = lo < hi ? edgesOf(t, lo, hi, range) : undefined;
  if (edges === undefined) return undefined;
  const { startMs, smoothed, isCounter } = range;
  const { first, last } = edges;
  if (!sameKind(h.slice(first, last + 1), isCounter, notice)) return undefined;
  const [left, right] = edgeValues(t, h, lo, edges, range, notice);
  if (left === undefined || right === undefined) return undefined;
  if (!isCounter && (left.resetHint !== 'gauge' || right.resetHint !== 'gauge'))
    notice.notes.notAGauge(notice.metric, notice.pos);
  const change = combined(subtractHistograms(right, left), 'subtraction', notice);
  if (change === undefined || !isCounter) return change && withHint(change, 'gauge');
  const spansReset = smoothed && t[first] < startMs && detectReset(h[first + 1], h[first]);
  return corrected(change, resetsOf(h, edges, left, right, spansReset, notice), notice);
}

function corrected(
  change: Histogram,
  correction: Histogram | 'none' | undefined,
  notice: Notice,
): Histogram | undefined {
  if (correction === undefined) return undefined;
  const sum = correction === 'none' ? change : combined(addHistograms(change, correction), 'addition', notice);
  return sum && withHint(sum, 'gauge');
}

/**
 * The sum of the values that the counter had before each reset. Undefined when they cannot be added. With `spansReset` the
 * left edge is interpolated over a reset, which is part of its value already.
 */
function resetsOf(
  h: readonly Histogram[],
  { first, last }: Edges,
  left: Histogram,
  right: Histogram,
  spansReset: boolean,
  notice: Notice,
): Histogram | 'none' | undefined {
  if (spansReset && first + 1 === last) return 'none';
  let sum: Histogram | undefined;
  let previous = spansReset ? h[first + 1] : left;
  for (const current of [...h.slice(spansReset ? first + 2 : first + 1, last), right]) {
    if (detectReset(current, previous)) {
      sum = sum === undefined ? previous : combined(addHistograms(sum, previous), 'addition', notice);
      if (sum === undefined) return undefined;
    }
    previous = current;
  }
  return sum ?? 'none';
}
