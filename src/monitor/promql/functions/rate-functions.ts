/**
 * rate, increase, delta, irate and idelta, with Prometheus' extrapolation (promql/functions.go, extrapolatedRate). The order
 * of the floating-point operations affects the result. Start timestamps, where samples have them, show resets that the
 * values do not show. When the first sample of the window began inside it, they also give a zero point.
 */
import type { Histogram } from '../../../model/histogram.ts';
import {
  addHistograms,
  detectReset,
  divideHistogram,
  scaleHistogram,
  subtractHistograms,
  withHint,
} from '../histograms/arithmetic.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Column } from '../columns/column.ts';
import type { Expr } from '../syntax/ast.ts';
import { histogramIncrease } from '../histograms/rate.ts';
import {
  floatCount,
  histogramCount,
  histogramsOf,
  fallsInside,
  metricOf,
  type Window,
  type WindowFunction,
} from '../columns/window.ts';
import { extrapolation, lostInResets, type RateKind } from './float-rates.ts';
import { startsAfter } from './window-functions.ts';

function floatRate(w: Window, kind: RateKind): number | undefined {
  const { t, v, st } = w.series;
  if (st !== undefined && kind.isCounter) return floatRateWithStart(w, kind, st);
  const { lo } = w;
  const last = w.hi - 1;
  if (last <= lo) return undefined;
  let increase = v[last] - v[lo];
  if (kind.isCounter) {
    // Most windows contain no reset and need no search.
    if (fallsInside(w)) increase = lostInResets(v, lo, w.hi, increase);
  }
  const { endMs, rangeMs, coarseUntilMs } = w;
  return increase * extrapolation(kind, endMs, rangeMs, t[lo], t[last], last - lo, v[lo], increase, coarseUntilMs);
}

/** A start time inside the window and before the first sample counts as a sample of value zero. */
function zeroPoint(st: number, t: number, w: Window): boolean {
  return st !== 0 && st > w.endMs - w.rangeMs && st < t;
}

/** True when a start time is neither the previous one nor after the previous sample: the samples contradict each other. */
function overlaps(st: Float64Array, t: Float64Array, i: number): boolean {
  return st[i] !== 0 && st[i] < t[i - 1] && st[i] !== st[i - 1];
}

function floatRateWithStart(w: Window, kind: RateKind, st: Float64Array): number | undefined {
  const { t, v } = w.series;
  const { lo, hi } = w;
  const zero = zeroPoint(st[lo], t[lo], w);
  const points = hi - lo + (zero ? 1 : 0);
  if (points < 2) return undefined;
  let increase = v[hi - 1] - (zero ? 0 : v[lo]);
  for (let i = lo + 1; i < hi; i += 1) {
    if (v[i] < v[i - 1] || startsAfter(st[i], t[i - 1], t[i])) increase += v[i - 1];
    else if (overlaps(st, t, i)) w.notes.startTimeOverlap(metricOf(w), w.pos);
  }
  const firstT = zero ? st[lo] : t[lo];
  const first = zero ? 0 : v[lo];
  const { endMs, rangeMs, coarseUntilMs } = w;
  return increase * extrapolation(kind, endMs, rangeMs, firstT, t[hi - 1], points - 1, first, increase, coarseUntilMs);
}

function noteOverlaps(w: Window, st: Float64Array, t: Float64Array): void {
  for (let i = w.hlo + 1; i < w.hhi; i += 1) {
    if (overlaps(st, t, i)) {
      w.notes.startTimeOverlap(metricOf(w), w.pos);
      return;
    }
  }
}

/** The sum of the increases, including the zero point when there is one. */
function increaseOf(w: Window, isCounter: boolean, zero: boolean): Histogram | undefined {
  const { t, h, st } = histogramsOf(w);
  const { hlo, hhi } = w;
  if (hhi - hlo === 1) return h[hlo];
  const resetAt = (i: number): boolean => st !== undefined && startsAfter(st[hlo + i], t[hlo + i - 1], t[hlo + i]);
  const increase = histogramIncrease(h.slice(hlo, hhi), isCounter, resetAt, metricOf(w), w.notes, w.pos);
  return increase && zero ? (addHistograms(increase, h[hlo])?.h ?? increase) : increase;
}

function histogramRate(w: Window, kind: RateKind): Histogram | undefined {
  const { t, h, st } = histogramsOf(w);
  const { hlo, hhi } = w;
  const zero = kind.isCounter && st !== undefined && zeroPoint(st[hlo], t[hlo], w);
  if (hhi - hlo + (zero ? 1 : 0) < 2) return undefined;
  if (kind.isCounter && st !== undefined) noteOverlaps(w, st, t);
  const increase = increaseOf(w, kind.isCounter, zero);
  if (increase === undefined) return undefined;
  const firstT = zero ? st[hlo] : t[hlo];
  const intervals = hhi - hlo - 1 + (zero ? 1 : 0);
  const factor = extrapolation(
    kind,
    w.endMs,
    w.rangeMs,
    firstT,
    t[hhi - 1],
    intervals,
    zero ? 0 : h[hlo].count,
    increase.count,
    w.coarseUntilMs,
  );
  return withHint(scaleHistogram(increase, factor), 'gauge');
}

const extrapolated =
  (kind: RateKind): WindowFunction =>
  (w) => {
    if (histogramCount(w) === 0) return floatRate(w, kind);
    if (floatCount(w) > 0) {
      w.notes.mixedFloatsHistograms(metricOf(w), w.pos);
      return undefined;
    }
    return histogramRate(w, kind);
  };

interface LastPair {
  readonly t0: number;
  readonly t1: number;
  readonly v0: number | Histogram;
  readonly v1: number | Histogram;
  readonly restarted: boolean;
}

/** The last two samples, floats or histograms. */
function lastPair(w: Window): LastPair | undefined {
  const { t, v, st } = w.series;
  const hist = histogramsOf(w);
  const taken: { t: number; v: number | Histogram; st: number }[] = [];
  for (let i = w.hi - 1, j = w.hhi - 1; taken.length < 2 && (i >= w.lo || j >= w.hlo);) {
    if (j < w.hlo || (i >= w.lo && t[i] > hist.t[j])) {
      taken.push({ t: t[i], v: v[i], st: st?.[i] ?? 0 });
      i -= 1;
    } else {
      taken.push({ t: hist.t[j], v: hist.h[j], st: hist.st?.[j] ?? 0 });
      j -= 1;
    }
  }
  if (taken.length < 2) return undefined;
  const [last, previous] = taken;
  return {
    t0: previous.t,
    t1: last.t,
    v0: previous.v,
    v1: last.v,
    restarted: startsAfter(last.st, previous.t, last.t),
  };
}

function instantHistogram(
  w: Window,
  v0: Histogram,
  v1: Histogram,
  restarted: boolean,
  isRate: boolean,
): Histogram | undefined {
  const gauges = [v0, v1].filter((h) => h.resetHint === 'gauge').length;
  if (isRate && gauges > 0) w.notes.notACounter(metricOf(w), w.pos);
  if (!isRate && gauges < 2) w.notes.notAGauge(metricOf(w), w.pos);
  if (isRate && (restarted || detectReset(v1, v0))) return withHint(v1, 'gauge');
  const difference = subtractHistograms(v1, v0);
  if (difference === undefined) {
    w.notes.mixedExponentialCustom(metricOf(w), w.pos);
    return undefined;
  }
  if (difference.reconciled) w.notes.mismatchedCustomBuckets('subtraction', w.pos);
  return withHint(difference.h, 'gauge');
}

const instantaneous =
  (isRate: boolean): WindowFunction =>
  (w) => {
    const pair = lastPair(w);
    if (pair === undefined || pair.t1 === pair.t0) return undefined;
    const { v0, v1 } = pair;
    const seconds = isRate ? (pair.t1 - pair.t0) / 1000 : 1;
    if (typeof v0 === 'number' && typeof v1 === 'number') {
      const restarted = isRate && (v1 < v0 || pair.restarted);
      return (restarted ? v1 : v1 - v0) / seconds;
    }
    if (typeof v0 === 'number' || typeof v1 === 'number') {
      w.notes.mixedFloatsHistograms(metricOf(w), w.pos);
      return undefined;
    }
    const difference = instantHistogram(w, v0, v1, pair.restarted, isRate);
    return difference && (isRate ? divideHistogram(difference, seconds) : difference);
  };

export const RATE_FUNCTIONS: ReadonlyMap<string, WindowFunction> = new Map<string, WindowFunction>([
  ['rate', extrapolated({ isCounter: true, isRate: true })],
  ['increase', extrapolated({ isCounter: true, isRate: false })],
  ['delta', extrapolated({ isCounter: false, isRate: false })],
  ['irate', instantaneous(true)],
  ['idelta', instantaneous(false)],
]);

/** Adds an info when `rate` or `increase` had floats of a metric whose name has none of the suffixes that counters have. */
export function noteNonCounter(func: string, { labels, has, h }: Column, notes: Annotations, arg: Expr): void {
  if (func !== 'rate' && func !== 'increase') return;
  const { name } = labels;
  if (name === '' || /_(?:total|sum|count|bucket)$/.test(name)) return;
  if (has.some((there, k) => there === 1 && h?.[k] === undefined)) notes.possibleNonCounter(name, arg.pos);
}
