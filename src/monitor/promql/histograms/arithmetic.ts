/**
 * Arithmetic on native histograms. Histograms are immutable: every operation makes a new one, compacted (without empty
 * buckets). Two histograms are first brought to one layout: the coarser schema, the wider zero bucket, and with custom
 * bounds only the bounds that both have. The rules are from Prometheus' model/histogram/float_histogram.go.
 */
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import {
  coarsen,
  negativeMap,
  positiveMap,
  toSpans,
  upperBound,
  usesCustomBuckets,
  type BucketMap,
} from './buckets.ts';

export { usesCustomBuckets } from './buckets.ts';

/** A histogram in the form used for arithmetic. */
interface Layout {
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  sum: number;
  positive: BucketMap;
  negative: BucketMap;
  customValues: readonly number[];
}

export interface Combined {
  readonly h: Histogram;
  /** The hint of one operand says reset, the hint of the other says not reset. */
  readonly collision: boolean;
  /** Custom bounds differed and were reduced to the bounds that both have. */
  readonly reconciled: boolean;
}

function layoutOf(h: Histogram): Layout {
  const { schema, zeroThreshold, zeroCount, count, sum, customValues } = h;
  return {
    schema,
    zeroThreshold,
    zeroCount,
    count,
    sum,
    customValues,
    positive: positiveMap(h),
    negative: negativeMap(h),
  };
}

function build(layout: Layout, resetHint: ResetHint): Histogram {
  const positive = toSpans(layout.positive);
  const negative = toSpans(layout.negative);
  return {
    schema: layout.schema,
    count: layout.count,
    sum: layout.sum,
    zeroThreshold: layout.zeroThreshold,
    zeroCount: layout.zeroCount,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
    customValues: layout.customValues,
    resetHint,
  };
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

/** Widens the zero bucket to `threshold`, or to the end of a populated bucket that contains `threshold`. */
function widenZeroBucket(layout: Layout, threshold: number): void {
  const bounds = { schema: layout.schema, customValues: layout.customValues } as Histogram;
  let wanted = threshold;
  for (let again = true; again;) {
    again = false;
    for (const map of [layout.positive, layout.negative]) {
      for (const [index, count] of map) {
        if (count === 0) continue;
        const upper = upperBound(index, bounds);
        if (upperBound(index - 1, bounds) < wanted && upper > wanted) {
          wanted = upper;
          again = true;
        }
      }
    }
  }
  for (const map of [layout.positive, layout.negative]) {
    for (const [index, count] of map) {
      if (upperBound(index - 1, bounds) >= wanted) continue;
      layout.zeroCount += count;
      map.delete(index);
    }
  }
  layout.zeroThreshold = wanted;
}

function reconcileZero(a: Layout, b: Layout): void {
  while (a.zeroThreshold !== b.zeroThreshold) {
    if (a.zeroThreshold > b.zeroThreshold) widenZeroBucket(b, a.zeroThreshold);
    else widenZeroBucket(a, b.zeroThreshold);
  }
}

function reduceTo(layout: Layout, schema: number): void {
  const levels = layout.schema - schema;
  layout.positive = coarsen(layout.positive, levels);
  layout.negative = coarsen(layout.negative, levels);
  layout.schema = schema;
}

export function sameBounds(a: readonly number[], b: readonly number[]): boolean {
  return a.length === b.length && a.every((bound, i) => bound === b[i]);
}

/** Moves each count to the first of `bounds` that is not below the upper bound of its bucket. */
function projectOnto(layout: Layout, bounds: readonly number[]): void {
  const out: BucketMap = new Map();
  for (const [index, count] of layout.positive) {
    const upper = index < layout.customValues.length ? layout.customValues[index] : Infinity;
    const found = bounds.findIndex((bound) => bound >= upper);
    const target = found < 0 ? bounds.length : found;
    out.set(target, (out.get(target) ?? 0) + count);
  }
  layout.positive = out;
  layout.customValues = bounds;
}

/** Brings two layouts together. Returns true when custom bounds had to be reduced. */
function reconcile(a: Layout, b: Layout, custom: boolean): boolean {
  if (!custom) {
    reconcileZero(a, b);
    const schema = Math.min(a.schema, b.schema);
    reduceTo(a, schema);
    reduceTo(b, schema);
    return false;
  }
  if (sameBounds(a.customValues, b.customValues)) return false;
  const common = a.customValues.filter((bound) => b.customValues.includes(bound));
  projectOnto(a, common);
  projectOnto(b, common);
  return true;
}

/** The hint of a sum, and whether the two hints contradict each other. */
function combineHints(a: ResetHint, b: ResetHint): { hint: ResetHint; collision: boolean } {
  if (a === b) return { hint: a, collision: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', collision: false };
  return { hint: 'unknown', collision: a !== 'unknown' && b !== 'unknown' };
}

function combine(left: Histogram, right: Histogram, sign: 1 | -1): Combined | undefined {
  const custom = usesCustomBuckets(left);
  if (custom !== usesCustomBuckets(right)) return undefined;
  const a = layoutOf(left);
  const b = layoutOf(right);
  const reconciled = reconcile(a, b, custom);
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
