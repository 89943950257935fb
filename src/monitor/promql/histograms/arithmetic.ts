/**
 * Arithmetic on native histograms. Histograms are immutable: every operation makes a new one, compacted (without empty
 * buckets). Two histograms are first brought to one layout: the coarser schema, the wider zero bucket, and with custom
 * bounds only the bounds that both have. The rules are from Prometheus' model/histogram/float_histogram.go.
 */
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import { negativeMap, positiveMap, usesCustomBuckets, type BucketMap } from './buckets.ts';
import {
  build,
  combineHints,
  dropInsideZero,
  layoutOf,
  reconcile,
  reduceTo,
  sameBounds,
  widenZeroBucket,
} from './layout.ts';

export { usesCustomBuckets } from './buckets.ts';

export interface Combined {
  readonly h: Histogram;
  /** The hint of one operand says reset, the hint of the other says not reset. */
  readonly collision: boolean;
  /** Custom bounds differed and were reduced to the bounds that both have. */
  readonly reconciled: boolean;
}

export function withHint(h: Histogram, resetHint: ResetHint): Histogram {
  return h.resetHint === resetHint ? h : { ...h, resetHint };
}

/** A histogram without observations, in the layout of `h`. */
export function emptyLike(h: Histogram): Histogram {
  return {
    schema: h.schema,
    count: 0,
    sum: 0,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [],
    positiveBuckets: [],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: h.customValues,
    resetHint: 'unknown',
  };
}

const mapCounts = (h: Histogram, change: (count: number) => number, resetHint: ResetHint): Histogram => {
  const layout = layoutOf(h);
  const all = (map: BucketMap): BucketMap => new Map([...map].map(([index, count]) => [index, change(count)]));
  layout.count = change(h.count);
  layout.sum = change(h.sum);
  layout.zeroCount = change(h.zeroCount);
  layout.positive = all(layout.positive);
  layout.negative = all(layout.negative);
  return build(layout, resetHint);
};

export function scaleHistogram(h: Histogram, factor: number): Histogram {
  return mapCounts(h, (count) => count * factor, factor < 0 ? 'gauge' : h.resetHint);
}

/** Division by zero gives a histogram without buckets. */
export function divideHistogram(h: Histogram, divisor: number): Histogram {
  const divided = mapCounts(h, (count) => count / divisor, divisor < 0 ? 'gauge' : h.resetHint);
  if (divisor !== 0) return divided;
  return { ...divided, positiveSpans: [], positiveBuckets: [], negativeSpans: [], negativeBuckets: [] };
}

function combine(left: Histogram, right: Histogram, sign: 1 | -1): Combined | undefined {
  const custom = usesCustomBuckets(left);
  if (custom !== usesCustomBuckets(right)) return undefined;
  const a = layoutOf(left);
  const b = layoutOf(right);
  const reconciled = reconcile(a, b, custom);
  if (!custom) dropInsideZero(b);
  a.count += sign * b.count;
  a.sum += sign * b.sum;
  a.zeroCount += sign * b.zeroCount;
  for (const [index, count] of b.positive) a.positive.set(index, (a.positive.get(index) ?? 0) + sign * count);
  for (const [index, count] of b.negative) a.negative.set(index, (a.negative.get(index) ?? 0) + sign * count);
  const { hint, collision } = combineHints(left.resetHint, right.resetHint);
  return { h: build(a, sign === 1 ? hint : 'gauge'), collision, reconciled };
}

/** Undefined when one operand has exponential buckets and the other custom ones. */
export function addHistograms(a: Histogram, b: Histogram): Combined | undefined {
  return combine(a, b, 1);
}

/** Undefined when one operand has exponential buckets and the other custom ones. */
export function subtractHistograms(a: Histogram, b: Histogram): Combined | undefined {
  return combine(a, b, -1);
}

const anyLess = (current: BucketMap, previous: BucketMap): boolean =>
  [...previous].some(([index, count]) => (current.get(index) ?? 0) < count) ||
  [...current].some(([index, count]) => count < (previous.get(index) ?? 0));

/** True when `current` cannot continue `previous`: a count or a bucket decreased, or the resolution increased. */
export function detectReset(current: Histogram, previous: Histogram): boolean {
  if (current.resetHint === 'reset') return true;
  if (current.resetHint === 'not_reset') return false;
  if (current.count < previous.count) return true;
  const custom = usesCustomBuckets(current);
  if (custom !== usesCustomBuckets(previous)) return true;
  const now = layoutOf(current);
  const before = layoutOf(previous);
  if (custom) {
    reconcile(now, before, true);
    return anyLess(now.positive, before.positive);
  }
  if (current.schema > previous.schema || current.zeroThreshold < previous.zeroThreshold) return true;
  if (before.zeroThreshold < now.zeroThreshold) widenZeroBucket(before, now.zeroThreshold);
  // The new threshold lies within a bucket that was populated. Only a reset explains that.
  if (before.zeroThreshold !== now.zeroThreshold) return true;
  if (now.zeroCount < before.zeroCount) return true;
  reduceTo(before, now.schema);
  return anyLess(now.positive, before.positive) || anyLess(now.negative, before.negative);
}

const sameNumber = (a: number, b: number): boolean => a === b || (Number.isNaN(a) && Number.isNaN(b));

const sameCounts = (a: BucketMap, b: BucketMap): boolean =>
  [...a].every(([index, count]) => sameNumber(count, b.get(index) ?? 0)) &&
  [...b].every(([index, count]) => sameNumber(count, a.get(index) ?? 0));

/** Equal layout and counts; reset hints do not matter. */
export function histogramsEqual(a: Histogram, b: Histogram): boolean {
  return (
    a.schema === b.schema &&
    sameNumber(a.count, b.count) &&
    sameNumber(a.sum, b.sum) &&
    a.zeroThreshold === b.zeroThreshold &&
    sameNumber(a.zeroCount, b.zeroCount) &&
    sameBounds(a.customValues, b.customValues) &&
    sameCounts(positiveMap(a), positiveMap(b)) &&
    sameCounts(negativeMap(a), negativeMap(b))
  );
}
