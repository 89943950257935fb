/**
 * The operators `</` and `>/`: the part of a native histogram below or above a value. A bucket that contains the value is
 * split with the interpolation that quantiles use: logarithmic in exponential buckets, linear in the zero bucket and in
 * custom buckets. The sum is estimated from the middles of the remaining buckets.
 */
import { log2 } from './go-math.ts';
import type { Histogram } from '../../../model/histogram.ts';
import {
  allBuckets,
  negativeMap,
  positiveMap,
  toSpans,
  upperBound,
  usesCustomBuckets,
  type Bucket,
} from './buckets.ts';

/** The share of a bucket's observations at or below v. */
function shareBelow(v: number, bucket: Bucket, linear: boolean): number {
  const { lower, upper } = bucket;
  if (v >= upper) return 1;
  if (v <= lower) return 0;
  if (linear) {
    if (lower === -Infinity) return 1;
    return upper === Infinity ? 0 : (v - lower) / (upper - lower);
  }
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  const logV = log2(Math.abs(v));
  return v > 0 ? (logV - logLower) / (logUpper - logLower) : 1 - (logV - logUpper) / (logLower - logUpper);
}

function middleOf(bucket: Bucket, linear: boolean): number {
  const { lower, upper } = bucket;
  if (upper === Infinity) return lower;
  if (lower === -Infinity) return upper;
  if (linear) return (lower + upper) / 2;
  return lower > 0 ? Math.sqrt(lower * upper) : -Math.sqrt(lower * upper);
}

/** The part of the histogram below (or above) v. The sum does not change when nothing is cut off. */
export function trimHistogram(h: Histogram, v: number, below: boolean): Histogram {
  const custom = usesCustomBuckets(h);
  let count = 0;
  let sum = 0;
  const cut = (bucket: Bucket, linear: boolean, openBelow = false): number => {
    // The beginning of a bucket without a lower bound is not known, so a cut below zero removes all of it.
    const lost = openBelow && !below && v > -Infinity && v <= bucket.lower;
    const share = lost ? 1 : shareBelow(v, bucket, linear);
    const kept = bucket.count * (below ? share : 1 - share);
    const lower = below ? bucket.lower : Math.max(bucket.lower, v);
    const upper = below ? Math.min(bucket.upper, v) : bucket.upper;
    count += kept;
    if (kept > 0) sum += kept * middleOf({ ...bucket, lower, upper }, linear);
    return kept;
  };
  const positive = positiveMap(h);
  for (const [i, c] of positive) {
    const lower = upperBound(i - 1, h);
    const upper = upperBound(i, h);
    const openBelow = lower === -Infinity;
    positive.set(i, cut(bucketOf(openBelow && upper > 0 ? 0 : lower, upper, c), custom, openBelow));
  }
  const negative = negativeMap(h);
  for (const [i, c] of negative) negative.set(i, cut(bucketOf(-upperBound(i, h), -upperBound(i - 1, h), c), false));
  const zeroCount = custom || h.zeroCount === 0 ? 0 : cut(zeroBucket(h), true);
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

function bucketOf(lower: number, upper: number, count: number): Bucket {
  return { lower, upper, count, lowerInclusive: false, upperInclusive: true };
}

/** With positive buckets only, the zero bucket begins at zero. With negative buckets only, it ends at zero. */
function zeroBucket(h: Histogram): Bucket {
  const bucket = bucketOf(-h.zeroThreshold, h.zeroThreshold, h.zeroCount);
  if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) bucket.lower = 0;
  else if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) bucket.upper = 0;
  return bucket;
}
