/**
 * `rate`, `increase` and `delta` of a series that has only floats without start times: most queries of a monitor are sums of
 * these. One loop with local variables does what `runWindows` does with an object and a call for each step; it takes half its
 * time. The operations and their order are those of rate-functions.ts.
 */
import { ROLL_UP_STEP_MS } from '../../../model/series.ts';
import { newColumn, type Column, type RangeSeries, type RangeVector } from '../columns/column.ts';

export interface RateKind {
  readonly isCounter: boolean;
  readonly isRate: boolean;
}

const KINDS: ReadonlyMap<string, RateKind> = new Map([
  ['rate', { isCounter: true, isRate: true }],
  ['increase', { isCounter: true, isRate: false }],
  ['delta', { isCounter: false, isRate: false }],
]);

/** Windows times samples: a counter that falls in every window is searched in each of them, without a pause. */
const MOST_WORK = 4_000_000;

/** Undefined where the loop is not for this function or this series. */
export function floatRateKind(func: string, range: RangeVector, { t, st, hist }: RangeSeries): RateKind | undefined {
  const plain = range.extended === undefined && range.refusedUntilMs === undefined;
  if (!plain || st !== undefined || hist !== undefined || range.ends.length * t.length > MOST_WORK) return undefined;
  return KINDS.get(func);
}

/** For each reset that the values show, the value that the counter had before it; the sum of these values. */
export function lostInResets(v: Float64Array, lo: number, hi: number, increase: number): number {
  let result = increase;
  let previous = v[lo];
  for (let i = lo + 1; i < hi; i += 1) {
    const current = v[i];
    if (current < previous) result += previous;
    previous = current;
  }
  return result;
}

/**
 * The factor by which an increase between two samples is multiplied to cover the window. `first` is the value of the first
 * sample and `increase` is the increase found (of the count, for histograms); times are in ms. The parameters are numbers
 * instead of an object because this runs for every window.
 *
 * Up to `coarseUntilMs` samples are roll-ups: pairs that are close to each other, with gaps of nearly a step in between. There
 * the mean interval says nothing about the end of a series, and a live one has a sample within a step of each edge.
 */
export function extrapolation(
  kind: RateKind,
  endMs: number,
  rangeMs: number,
  firstT: number,
  lastT: number,
  intervals: number,
  first: number,
  increase: number,
  coarseUntilMs: number,
): number {
  let toStart = (firstT - (endMs - rangeMs)) / 1000;
  let toEnd = (endMs - lastT) / 1000;
  const sampled = (lastT - firstT) / 1000;
  const average = sampled / intervals;
  // When the samples end further from an edge than this, the series most likely ends there: extend it by half an interval
  // only.
  const threshold = average * 1.1;
  const coarse = Math.max(threshold, ROLL_UP_STEP_MS / 1000);
  if (toStart >= (endMs - rangeMs < coarseUntilMs ? coarse : threshold)) toStart = average / 2;
  if (kind.isCounter && increase > 0 && first >= 0) {
    // A counter was never below zero, so the extrapolation does not go back past the point where the line reaches zero.
    const toZero = sampled * (first / increase);
    if (toZero < toStart) toStart = toZero;
  }
  if (toEnd >= (endMs < coarseUntilMs ? coarse : threshold)) toEnd = average / 2;
  const factor = (sampled + toStart + toEnd) / sampled;
  return kind.isRate ? factor / (rangeMs / 1000) : factor;
}

/** Undefined when no window has two samples. */
export function floatRates(
  { ends, rangeMs, coarseUntilMs = -Infinity }: RangeVector,
  { t, v, labels }: RangeSeries,
  kind: RateKind,
  dropName: boolean,
): Column | undefined {
  const column = newColumn(labels, ends.length, dropName);
  const { v: out, has } = column;
  const samples = t.length;
  let [lo, hi, checked, lastFall] = [0, 0, 1, 0];
  let any = false;
  for (let k = 0; k < ends.length; k += 1) {
    const end = ends[k];
    const start = end - rangeMs;
    while (hi < samples && t[hi] <= end) hi += 1;
    while (lo < samples && t[lo] <= start) lo += 1;
    const last = hi - 1;
    if (last <= lo) continue;
    const first = v[lo];
    let increase = v[last] - first;
    if (kind.isCounter) {
      for (; checked < hi; checked += 1) if (v[checked] < v[checked - 1]) lastFall = checked;
      if (lastFall > lo) increase = lostInResets(v, lo, hi, increase);
    }
    out[k] = increase * extrapolation(kind, end, rangeMs, t[lo], t[last], last - lo, first, increase, coarseUntilMs);
    has[k] = 1;
    any = true;
  }
  return any ? column : undefined;
}
