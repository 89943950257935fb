/**
 * Windows over the samples of a series: for each step, the samples with end - range < t <= end. Two indices find them and
 * only move forward, because the times of steps never decrease. A whole range query therefore costs O(samples + steps) for
 * each series.
 */
import type { Histogram } from '../../../model/histogram.ts';
import { Labels } from '../../../model/labels.ts';
import type { Samples, Series } from '../../../model/series.ts';
import type { Annotations } from './annotations.ts';
import type { Position } from '../syntax/ast.ts';
import type { Budget } from './budget.ts';
import {
  newColumn,
  setPoint,
  type Column,
  type HistogramSamples,
  type RangeSeries,
  type RangeVector,
} from './column.ts';

/** The input of a window function at one step: floats in series.v[lo, hi), histograms in series.hist.h[hlo, hhi). */
export interface Window {
  series: RangeSeries;
  lo: number;
  hi: number;
  hlo: number;
  hhi: number;
  /** Index of the step. */
  step: number;
  /** End of the window: the evaluation time, shifted by `@` and `offset`. */
  endMs: number;
  /** Evaluation time of the step, without the shift. */
  evalMs: number;
  /**
   * For the current series: samples [0, seenFalls) were checked; lastFall is the last one below its predecessor (0: none).
   */
  seenFalls: number;
  lastFall: number;
  readonly rangeMs: number;
  /** Samples up to this time are roll-ups; -Infinity when none are. */
  readonly coarseUntilMs: number;
  /** Scalar arguments of the call, in order, with one value for each step. */
  readonly scalars: readonly Float64Array[];
  readonly notes: Annotations;
  /** Position of the range vector in the query. */
  readonly pos: Position;
}

/** The result at one step; undefined where the series has none. */
export type WindowFunction = (w: Window) => number | Histogram | undefined;

export const metricOf = (w: Window): string => w.series.labels.name;
export const floatCount = (w: Window): number => w.hi - w.lo;
export const histogramCount = (w: Window): number => w.hhi - w.hlo;

const EMPTY = new Float64Array(0);
const NO_HISTOGRAMS: HistogramSamples = { t: EMPTY, h: [], st: undefined };

export const histogramsOf = (w: Window): HistogramSamples => w.series.hist ?? NO_HISTOGRAMS;

const NO_SERIES: RangeSeries = {
  labels: Labels.empty,
  dropName: false,
  t: EMPTY,
  v: EMPTY,
  st: undefined,
  hist: undefined,
};

/** A window that moves over series and steps. One object serves a whole call. */
export function newWindow(
  { rangeMs, coarseUntilMs = -Infinity }: Pick<RangeVector, 'rangeMs' | 'coarseUntilMs'>,
  scalars: readonly Float64Array[],
  notes: Annotations,
  pos: Position,
): Window {
  const nowhere = { lo: 0, hi: 0, hlo: 0, hhi: 0, step: 0, endMs: 0, evalMs: 0, seenFalls: 1, lastFall: 0 };
  return { series: NO_SERIES, ...nowhere, rangeMs, coarseUntilMs, scalars, notes, pos };
}

/** The first index, starting from `at`, whose time is after `limit`. */
function after(t: Float64Array, at: number, limit: number): number {
  let i = at;
  while (i < t.length && t[i] <= limit) i += 1;
  return i;
}

/** The clock is read once for this many samples. */
const SAMPLES_PER_LOOK = 20_000;

/** Runs a window function over all steps of a series; undefined when no step has a result. */
export async function runWindows(
  vector: RangeVector,
  series: RangeSeries,
  w: Window,
  evalTimes: Float64Array,
  fn: WindowFunction,
  dropName: boolean,
  budget: Budget,
): Promise<Column | undefined> {
  const { ends, rangeMs, refusedUntilMs } = vector;
  const column = newColumn(series.labels, ends.length, dropName);
  w.series = series;
  w.seenFalls = 1;
  w.lastFall = 0;
  w.lo = 0;
  w.hi = 0;
  w.hlo = 0;
  w.hhi = 0;
  let any = false;
  let seen = 0;
  for (let k = 0; k < ends.length; k += 1) {
    moveTo(w, ends[k], ends[k] - rangeMs);
    if (w.lo === w.hi && w.hlo === w.hhi) continue;
    if (refusedUntilMs !== undefined && ends[k] - rangeMs < refusedUntilMs) continue;
    seen += w.hi - w.lo + w.hhi - w.hlo;
    if (seen > SAMPLES_PER_LOOK) {
      seen = 0;
      if (budget.due) await budget.pause();
    }
    w.step = k;
    w.evalMs = evalTimes[k];
    const point = fn(w);
    if (point === undefined) continue;
    setPoint(column, k, point);
    any = true;
  }
  return any ? column : undefined;
}

/** Moves the window forward; times never decrease. */
function moveTo(w: Window, end: number, start: number): void {
  const { t, hist } = w.series;
  w.endMs = end;
  w.hi = after(t, w.hi, end);
  w.lo = after(t, w.lo, start);
  if (hist === undefined) return;
  w.hhi = after(hist.t, w.hhi, end);
  w.hlo = after(hist.t, w.hlo, start);
}

/** True when any sample of the window except its first is below its predecessor. Checks each sample of a series once. */
export function fallsInside(w: Window): boolean {
  const { hi } = w;
  const { v } = w.series;
  let last = w.lastFall;
  for (let i = w.seenFalls; i < hi; i += 1) if (v[i] < v[i - 1]) last = i;
  if (hi > w.seenFalls) w.seenFalls = hi;
  w.lastFall = last;
  return last > w.lo;
}

/**
 * A stored series in the form that window functions read. The result shares the store's arrays when the series has no stale
 * markers and no histograms.
 */
export function toRangeSeries(series: Series): RangeSeries {
  const { t, v, stale, h, st } = series.samples;
  const base = { labels: series.labels, dropName: false };
  if (stale === undefined && h === undefined) return { ...base, t, v, st, hist: undefined };
  const floats: number[] = [];
  const histograms: number[] = [];
  for (let i = 0; i < t.length; i += 1) {
    if (stale?.[i] === 1) continue;
    if (h?.[i] === undefined) floats.push(i);
    else histograms.push(i);
  }
  const pick = (column: Float64Array, at: readonly number[]): Float64Array => Float64Array.from(at, (i) => column[i]);
  return {
    ...base,
    t: pick(t, floats),
    v: pick(v, floats),
    st: st && pick(st, floats),
    hist: histograms.length === 0 ? undefined : pickHistograms(series.samples, histograms, pick),
  };
}

function pickHistograms(
  samples: Samples,
  at: readonly number[],
  pick: (column: Float64Array, at: readonly number[]) => Float64Array,
): HistogramSamples {
  const h = samples.h as readonly (Histogram | undefined)[];
  return { t: pick(samples.t, at), h: at.map((i) => h[i] as Histogram), st: samples.st && pick(samples.st, at) };
}

/** The points of an inner evaluation as samples: the input that a subquery gives to a window function. */
export function columnToRangeSeries(column: Column, times: Float64Array): RangeSeries {
  const floats: number[] = [];
  const histograms: number[] = [];
  for (let k = 0; k < times.length; k += 1) {
    if (column.has[k] === 0) continue;
    if (column.h?.[k] === undefined) floats.push(k);
    else histograms.push(k);
  }
  const full = floats.length === times.length;
  return {
    labels: column.labels,
    dropName: column.dropName,
    t: full ? times : Float64Array.from(floats, (k) => times[k]),
    v: full ? column.v : Float64Array.from(floats, (k) => column.v[k]),
    st: undefined,
    hist:
      histograms.length === 0
        ? undefined
        : {
            t: Float64Array.from(histograms, (k) => times[k]),
            // One histogram may be the value at several steps. Its reset must be counted only once.
            h: histograms.map((k) => ({
              ...(column.h?.[k] as Histogram),
              resetHint: subqueryHint(column.h?.[k] as Histogram),
            })),
            st: undefined,
          },
  };
}

const subqueryHint = (h: Histogram): Histogram['resetHint'] => (h.resetHint === 'gauge' ? 'gauge' : 'unknown');
