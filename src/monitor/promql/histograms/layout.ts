/**
 * A native histogram in the form in which two of them can be brought together: the coarser schema, the wider zero bucket,
 * and with custom bounds only the bounds that both have. The rules are from Prometheus' model/histogram/float_histogram.go.
 */
import { exponentialBound } from './exponential-bounds.ts';
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import { coarsen, negativeMap, positiveMap, toSpans, upperBound, type BucketMap } from './buckets.ts';

/** A histogram in the form used for arithmetic. */
export interface Layout {
  schema: number;
  zeroThreshold: number;
  zeroCount: number;
  count: number;
  sum: number;
  positive: BucketMap;
  negative: BucketMap;
  customValues: readonly number[];
}

export function layoutOf(h: Histogram): Layout {
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

export function build(layout: Layout, resetHint: ResetHint): Histogram {
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

/** Widens the zero bucket to `threshold`, or to the end of a populated bucket that contains `threshold`. */
export function widenZeroBucket(layout: Layout, threshold: number): void {
  let wanted = threshold;
  for (let again = true; again;) {
    again = false;
    for (const map of [layout.positive, layout.negative]) {
      for (const [index, count] of map) {
        if (count === 0) continue;
        const upper = upperBound(index, layout);
        if (upperBound(index - 1, layout) < wanted && upper > wanted) {
          wanted = upper;
          again = true;
        }
      }
    }
  }
  for (const map of [layout.positive, layout.negative]) {
    for (const [index, count] of map) {
      if (upperBound(index - 1, layout) >= wanted) continue;
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

export function reduceTo(layout: Layout, schema: number): void {
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
export function reconcile(a: Layout, b: Layout, custom: boolean): boolean {
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
export function combineHints(a: ResetHint, b: ResetHint): { hint: ResetHint; collision: boolean } {
  if (a === b) return { hint: a, collision: false };
  if (a === 'gauge' || b === 'gauge') return { hint: 'gauge', collision: false };
  return { hint: 'unknown', collision: a !== 'unknown' && b !== 'unknown' };
}

/** Removes the buckets of an addend that lie inside its zero bucket, which a well-made histogram does not have. */
export function dropInsideZero(layout: Layout): void {
  for (const map of [layout.positive, layout.negative])
    for (const index of map.keys())
      if (exponentialBound(index, layout.schema) <= layout.zeroThreshold) map.delete(index);
}
