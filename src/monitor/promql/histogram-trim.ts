/**
 * The operators `</` and `>/`: the part of a native histogram below or above a value. A bucket that the value cuts is split
 * as quantiles are read: logarithmically, linearly in the zero bucket and in custom buckets. The sum is estimated from the
 * middles of the buckets that are left.
 */
import type { Histogram } from '../../model/histogram.ts';
import {
  allBuckets,
  negativeMap,
  positiveMap,
  toSpans,
  upperBound,
  usesCustomBuckets,
  type Bucket,
} from './histogram-buckets.ts';

/** The share of a bucket's observations at or below v. */
function shareBelow(v: number, bucket: Bucket, linear: boolean): number {
  const { lower, upper } = bucket;
  if (v >= upper) return 1;
  if (v <= lower) return 0;
  if (linear) {
    if (lower === -Infinity) return 1;
    return upper === Infinity ? 0 : (v - lower) / (upper - lower);
  }
  const logLower = Math.log2(Math.abs(lower));
  const logUpper = Math.log2(Math.abs(upper));
  const logV = Math.log2(Math.abs(v));
  return v > 0 ? (logV - logLower) / (logUpper - logLower) : 1 - (logV - logUpper) / (logLower - logUpper);
}

function middleOf(bucket: Bucket, custom: boolean): number {
  const { lower, upper } = bucket;
  if (upper === Infinity) return lower;
  if (lower === -Infinity) return upper;
  if (custom || (lower <= 0 && upper >= 0)) return (lower + upper) / 2;
  return lower > 0 ? Math.sqrt(lower * upper) : -Math.sqrt(lower * upper);
}

export function trimHistogram(h: Histogram, v: number, below: boolean): Histogram {
  const custom = usesCustomBuckets(h);
  let count = 0;
  let sum = 0;
  const cut = (bucket: Bucket, linear: boolean): number => {
    const share = shareBelow(v, bucket, linear);
    const kept = bucket.count * (below ? share : 1 - share);
    const lower = below ? bucket.lower : Math.max(bucket.lower, v);
    const upper = below ? Math.min(bucket.upper, v) : bucket.upper;
    count += kept;
    if (kept > 0) sum += kept * middleOf({ ...bucket, lower, upper }, custom);
    return kept;
  };
  const bucketAt = (lower: number, upper: number, c: number): Bucket => ({
    lower,
    upper,
    count: c,
    lowerInclusive: false,
    upperInclusive: true,
  });
  const positive = positiveMap(h);
  for (const [i, c] of positive) positive.set(i, cut(bucketAt(boundBelow(i, h, custom), upperBound(i, h), c), custom));
  const negative = negativeMap(h);
  for (const [i, c] of negative) negative.set(i, cut(bucketAt(-upperBound(i, h), -upperBound(i - 1, h), c), false));
  const zero = allBuckets(h).find((bucket) => bucket.lower <= 0 && bucket.upper >= 0 && !custom && h.zeroCount > 0);
  const zeroCount = zero === undefined ? 0 : cut(zeroBucket(zero, h), true);
  const p = toSpans(positive);
  const n = toSpans(negative);
  const all = allBuckets(h).reduce((total, bucket) => total + bucket.count, 0);
  return {
    ...h,
    count,
    sum: count === all ? h.sum : sum,
    zeroCount,
    positiveSpans: p.spans,
    positiveBuckets: p.buckets,
    negativeSpans: n.spans,
    negativeBuckets: n.buckets,
  };
}

/** The first custom bucket begins at zero unless it ends at or below it. */
function boundBelow(index: number, h: Histogram, custom: boolean): number {
  const lower = upperBound(index - 1, h);
  return custom && lower === -Infinity && upperBound(index, h) > 0 ? 0 : lower;
}

function zeroBucket(bucket: Bucket, h: Histogram): Bucket {
  if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) return { ...bucket, lower: 0 };
  if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) return { ...bucket, upper: 0 };
  return bucket;
}
