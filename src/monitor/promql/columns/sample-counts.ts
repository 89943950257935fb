/**
 * The samples that a query reads, counted as Prometheus does for `stats` (util/stats/query_stats.go). They are counted only
 * for queries that ask for them, in passes of their own, so that other queries pay nothing. A window costs a look-up: walking
 * all samples of the series at each step held the thread for 340 ms.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { Column, Frame, RangeSeries, RangeVector } from './column.ts';
import { lookbackAt, type Lookback } from './lookback.ts';

/** A native histogram counts as many samples as floats fit into its memory in Prometheus (FloatHistogram.Size). */
function sizeOf(h: Histogram): number {
  const { positiveSpans, negativeSpans, positiveBuckets, negativeBuckets, customValues } = h;
  const parts = positiveSpans.length + negativeSpans.length + positiveBuckets.length + negativeBuckets.length;
  return Math.trunc((168 + 8 * (parts + customValues.length) + 8) / 16);
}

/** The index of the first time that is later. Times ascend. */
function firstAfter(times: Float64Array, ms: number): number {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (times[middle] > ms) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** `sums[i]`: of the values before index i. */
function runningSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let at = 0; at < values.length; at += 1) sums[at + 1] = sums[at] + values[at];
  return sums;
}

export class SampleCounts {
  /** All samples that were used, at each step anew. */
  total = 0;
  /** Samples read from the store, at the step that reads them. */
  readonly #read: Float64Array;
  #ofSubquery = 0;

  constructor(steps: number) {
    this.#read = new Float64Array(steps);
  }

  get read(): number {
    return this.#read.reduce((sum, count) => sum + count, 0);
  }

  #use(step: number, samples: number, read: boolean): void {
    this.total += samples;
    if (read) this.#read[step] += samples;
  }

  /** The points of an instant selector. */
  points(columns: readonly Column[]): void {
    for (const { has, h } of columns) {
      for (let k = 0; k < has.length; k += 1) {
        const histogram = h?.[k];
        if (has[k] === 1) this.#use(k, histogram === undefined ? 1 : sizeOf(histogram), true);
      }
    }
  }

  /** The windows of one series. Samples of a subquery are read by its own expression. */
  windows(range: RangeVector, series: RangeSeries, lookback: Lookback, frame: Frame, stored: boolean): void {
    const { ends, rangeMs, extended } = range;
    const { t, hist } = series;
    const sizes = hist === undefined ? undefined : runningSums(hist.h.map(sizeOf));
    const count = (fromMs: number, toMs: number): number => {
      if (toMs <= fromMs) return 0;
      const floats = firstAfter(t, toMs) - firstAfter(t, fromMs);
      if (hist === undefined || sizes === undefined) return floats;
      return floats + sizes[firstAfter(hist.t, toMs)] - sizes[firstAfter(hist.t, fromMs)];
    };
    for (let k = 0; k < ends.length; k += 1) {
      const startMs = ends[k] - rangeMs;
      const fromMs = extended === undefined ? startMs : startMs - lookbackAt(lookback, startMs);
      const toMs = extended === 'smoothed' ? ends[k] + lookbackAt(lookback, ends[k]) : ends[k];
      this.#use(k, count(fromMs, toMs), false);
      // A later step reads what is after the end of the step before it. With `@` all steps share one window.
      const moved = k === 0 || ends[k] !== ends[k - 1];
      if (stored && moved) this.#read[k] += count(k === 0 ? fromMs : Math.max(fromMs, toMs - frame.stepMs), toMs);
    }
  }

  /** An instant query for a range vector of a subquery uses the samples of its expression. */
  useSubquery(): void {
    this.total += this.#ofSubquery;
  }

  /** A part that does not change along the steps: used at each of them, read once. */
  mergeOnce(once: SampleCounts, steps: number): void {
    this.total += once.total * steps;
    this.#read[0] += once.read;
  }

  /** Samples that a subquery read in the gaps between the windows of the outer steps do not count. */
  mergeSubquery(inner: SampleCounts, innerFrame: Frame, outer: Frame, offsetMs: number, rangeMs: number): void {
    this.#ofSubquery = inner.total;
    if (outer.steps <= 1) {
      this.#read[0] += inner.read;
      return;
    }
    inner.#read.forEach((count, k) => {
      const atMs = innerFrame.startMs + k * innerFrame.stepMs + offsetMs;
      const step = Math.max(0, Math.ceil((atMs - outer.startMs) / outer.stepMs));
      const last = Math.min(step, outer.steps - 1);
      if (atMs > outer.startMs + last * outer.stepMs - rangeMs) this.#read[last] += count;
    });
  }
}
