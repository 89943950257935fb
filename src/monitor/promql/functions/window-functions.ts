/**
 * Functions of a range vector that evaluate each window separately: the `*_over_time` functions, changes, resets and the
 * regressions. They treat floats and native histograms as Prometheus' promql/functions.go does. Functions that ignore
 * histograms add an info annotation.
 */
import type { Histogram } from '../../../model/histogram.ts';
import { queryFailed } from '../columns/column.ts';
import { addTo, meanOf, quantileOf, sumOf, varianceOf } from '../columns/float-sums.ts';
import { detectReset, histogramsEqual } from '../histograms/arithmetic.ts';
import { meanOfHistograms, sumOfHistograms } from '../histograms/sums.ts';
import {
  floatCount,
  histogramCount,
  histogramsOf,
  metricOf,
  type Window,
  type WindowFunction,
} from '../columns/window.ts';

/** For functions of floats: returns false when the window has no floats; adds an info when it ignores histograms. */
function onlyFloats(w: Window, atLeast = 1): boolean {
  const floats = floatCount(w);
  if (floats > 0 && histogramCount(w) > 0) w.notes.histogramsIgnoredInRange(metricOf(w), w.pos);
  return floats >= atLeast;
}

/** True, with a warning, when the window mixes floats and histograms, which cannot be added. */
function isMixed(w: Window): boolean {
  if (floatCount(w) === 0 || histogramCount(w) === 0) return false;
  w.notes.mixedFloatsHistograms(metricOf(w), w.pos);
  return true;
}

const floatsOf = (w: Window): Float64Array => w.series.v.slice(w.lo, w.hi);

function sumOverTime(w: Window): number | Histogram | undefined {
  if (isMixed(w)) return undefined;
  if (floatCount(w) > 0) return sumOf(w.series.v, w.lo, w.hi);
  return sumOfHistograms(histogramsOf(w).h.slice(w.hlo, w.hhi), metricOf(w), w.notes, w.pos);
}

function avgOverTime(w: Window): number | Histogram | undefined {
  if (isMixed(w)) return undefined;
  if (floatCount(w) > 0) return meanOf(w.series.v, w.lo, w.hi);
  return meanOfHistograms(histogramsOf(w).h.slice(w.hlo, w.hhi), metricOf(w), w.notes, w.pos);
}

/**
 * Index of the largest or smallest float; any number is preferred to NaN. With `orEqual`, the last of equal values is
 * chosen.
 */
function extremeIndex(w: Window, sign: 1 | -1, orEqual: boolean): number {
  const { v } = w.series;
  let best = w.lo;
  for (let i = w.lo; i < w.hi; i += 1) {
    const better = sign * v[i] > sign * v[best] || (orEqual && v[i] === v[best]);
    if (better || Number.isNaN(v[best])) best = i;
  }
  return best;
}

const extreme =
  (sign: 1 | -1): WindowFunction =>
  (w) =>
    onlyFloats(w) ? w.series.v[extremeIndex(w, sign, false)] : undefined;

const timeOfExtreme =
  (sign: 1 | -1): WindowFunction =>
  (w) =>
    onlyFloats(w) ? w.series.t[extremeIndex(w, sign, true)] / 1000 : undefined;

/** The last (or first) sample of the window, float or histogram, as index and kind. */
function edge(w: Window, last: boolean): { readonly float: boolean; readonly at: number } {
  const at = last ? w.hi - 1 : w.lo;
  const hat = last ? w.hhi - 1 : w.hlo;
  if (histogramCount(w) === 0) return { float: true, at };
  if (floatCount(w) === 0) return { float: false, at: hat };
  const floatLater = w.series.t[at] > histogramsOf(w).t[hat];
  return floatLater === last ? { float: true, at } : { float: false, at: hat };
}

const edgeValue =
  (last: boolean): WindowFunction =>
  (w) => {
    const { float, at } = edge(w, last);
    return float ? w.series.v[at] : histogramsOf(w).h[at];
  };

const edgeTime =
  (last: boolean): WindowFunction =>
  (w) => {
    const { float, at } = edge(w, last);
    return (float ? w.series.t[at] : histogramsOf(w).t[at]) / 1000;
  };

/** A sample, float or histogram; `st` is 0 where the start time is not known. */
interface AnySample {
  readonly t: number;
  readonly st: number;
  readonly point: number | Histogram;
}

/** Floats and histograms of a window in order of time. */
function* samplesInOrder(w: Window): Generator<AnySample> {
  const { t, v, st } = w.series;
  const hist = histogramsOf(w);
  let i = w.lo;
  let j = w.hlo;
  while (i < w.hi || j < w.hhi) {
    if (j >= w.hhi || (i < w.hi && t[i] < hist.t[j])) {
      yield { t: t[i], st: st?.[i] ?? 0, point: v[i] };
      i += 1;
    } else {
      yield { t: hist.t[j], st: hist.st?.[j] ?? 0, point: hist.h[j] };
      j += 1;
    }
  }
}

/** Counts the samples that differ from the sample before. */
function countTransitions(w: Window, differs: (current: AnySample, previous: AnySample) => boolean): number {
  let count = 0;
  let previous: AnySample | undefined;
  for (const current of samplesInOrder(w)) {
    if (previous !== undefined && differs(current, previous)) count += 1;
    previous = current;
  }
  return count;
}

function changed({ point: current }: AnySample, { point: previous }: AnySample): boolean {
  if (typeof current === 'number' && typeof previous === 'number') {
    return current !== previous && !(Number.isNaN(current) && Number.isNaN(previous));
  }
  return typeof current === 'number' || typeof previous === 'number' || !histogramsEqual(current, previous);
}

function wasReset(current: AnySample, previous: AnySample): boolean {
  if (startsAfter(current.st, previous.t, current.t)) return true;
  if (typeof current.point === 'number' && typeof previous.point === 'number') return current.point < previous.point;
  if (typeof current.point === 'number' || typeof previous.point === 'number') return true;
  return detectReset(current.point, previous.point);
}

/** True when the window has only floats without start times, as nearly all series do. */
const isPlain = (w: Window): boolean => histogramCount(w) === 0 && w.series.st === undefined;

export const changes: WindowFunction = (w) => {
  if (!isPlain(w)) return countTransitions(w, changed);
  const { v } = w.series;
  let count = 0;
  for (let i = w.lo + 1; i < w.hi; i += 1) {
    if (v[i] !== v[i - 1] && !(Number.isNaN(v[i]) && Number.isNaN(v[i - 1]))) count += 1;
  }
  return count;
};

export const resets: WindowFunction = (w) => {
  if (!isPlain(w)) return countTransitions(w, wasReset);
  const { v } = w.series;
  let count = 0;
  for (let i = w.lo + 1; i < w.hi; i += 1) if (v[i] < v[i - 1]) count += 1;
  return count;
};

/** A start time marks a reset when it lies at or after the previous sample and not after its own sample. */
export function startsAfter(st: number, previousT: number, t: number): boolean {
  return st !== 0 && st >= previousT && st <= t;
}

interface Line {
  readonly slope: number;
  readonly intercept: number;
}

/** Least squares with compensated sums; x is in seconds after `originMs`. */
function linearRegression(w: Window, originMs: number): Line {
  const { t, v } = w.series;
  const x1 = { sum: 0, c: 0 };
  const y1 = { sum: 0, c: 0 };
  const xy = { sum: 0, c: 0 };
  const x2 = { sum: 0, c: 0 };
  const first = v[w.lo];
  let constant = true;
  for (let i = w.lo; i < w.hi; i += 1) {
    if (v[i] !== first) constant = false;
    const x = (t[i] - originMs) / 1000;
    addTo(x1, x);
    addTo(y1, v[i]);
    addTo(xy, x * v[i]);
    addTo(x2, x * x);
  }
  if (constant) {
    if (!Number.isFinite(first)) return { slope: Number.NaN, intercept: Number.NaN };
    return { slope: 0, intercept: first };
  }
  const n = w.hi - w.lo;
  const sumX = x1.sum + x1.c;
  const sumY = y1.sum + y1.c;
  const covariance = xy.sum + xy.c - (sumX * sumY) / n;
  const variance = x2.sum + x2.c - (sumX * sumX) / n;
  const slope = covariance / variance;
  return { slope, intercept: sumY / n - (slope * sumX) / n };
}

function deriv(w: Window): number | undefined {
  return onlyFloats(w, 2) ? linearRegression(w, w.series.t[w.lo]).slope : undefined;
}

function predictLinear(w: Window): number | undefined {
  if (!onlyFloats(w, 2)) return undefined;
  const { slope, intercept } = linearRegression(w, w.evalMs);
  return slope * w.scalars[0][w.step] + intercept;
}

function doubleExponentialSmoothing(w: Window): number | undefined {
  const sf = w.scalars[0][w.step];
  const tf = w.scalars[1][w.step];
  if (!(sf > 0 && sf < 1)) throw queryFailed(`invalid smoothing factor. Expected: 0 < sf < 1, got: ${sf.toFixed(6)}`);
  if (!(tf > 0 && tf < 1)) throw queryFailed(`invalid trend factor. Expected: 0 < tf < 1, got: ${tf.toFixed(6)}`);
  if (!onlyFloats(w, 2)) return undefined;
  const { v } = w.series;
  let previous = 0;
  let smoothed = v[w.lo];
  let trend = v[w.lo + 1] - v[w.lo];
  for (let i = w.lo + 1; i < w.hi; i += 1) {
    if (i > w.lo + 1) trend = tf * (smoothed - previous) + (1 - tf) * trend;
    const next = sf * v[i] + (1 - sf) * (smoothed + trend);
    previous = smoothed;
    smoothed = next;
  }
  return smoothed;
}

function quantileOverTime(w: Window): number | undefined {
  if (!onlyFloats(w)) return undefined;
  return quantileOf(w.scalars[0][w.step], floatsOf(w));
}

function madOverTime(w: Window): number | undefined {
  if (!onlyFloats(w)) return undefined;
  const values = floatsOf(w);
  // A NaN makes the median undefined, and therefore every deviation too.
  if (values.some(Number.isNaN)) return Number.NaN;
  const median = quantileOf(0.5, values);
  return quantileOf(
    0.5,
    values.map((value) => Math.abs(value - median)),
  );
}

/** Functions by name: each takes one range vector (and scalars) and gives one value for each step. */
export const WINDOW_FUNCTIONS: ReadonlyMap<string, WindowFunction> = new Map<string, WindowFunction>([
  ['sum_over_time', sumOverTime],
  ['avg_over_time', avgOverTime],
  ['count_over_time', (w) => floatCount(w) + histogramCount(w)],
  ['min_over_time', extreme(-1)],
  ['max_over_time', extreme(1)],
  ['last_over_time', edgeValue(true)],
  ['first_over_time', edgeValue(false)],
  ['present_over_time', () => 1],
  ['stddev_over_time', (w) => (onlyFloats(w) ? Math.sqrt(varianceOf(w.series.v, w.lo, w.hi)) : undefined)],
  ['stdvar_over_time', (w) => (onlyFloats(w) ? varianceOf(w.series.v, w.lo, w.hi) : undefined)],
  ['quantile_over_time', quantileOverTime],
  ['mad_over_time', madOverTime],
  ['ts_of_min_over_time', timeOfExtreme(-1)],
  ['ts_of_max_over_time', timeOfExtreme(1)],
  ['ts_of_last_over_time', edgeTime(true)],
  ['ts_of_first_over_time', edgeTime(false)],
  ['changes', changes],
  ['resets', resets],
  ['deriv', deriv],
  ['predict_linear', predictLinear],
  ['double_exponential_smoothing', doubleExponentialSmoothing],
]);

/** These functions keep the metric name, because their value is a sample of the series. */
export const KEEPS_NAME: ReadonlySet<string> = new Set(['last_over_time', 'first_over_time']);
