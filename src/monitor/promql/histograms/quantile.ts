/**
 * Statistics of native histograms: quantile, fraction, variance. Inside an exponential bucket, observations are assumed to
 * be spread evenly on a logarithmic scale; inside the zero bucket and custom buckets, on a linear scale (Prometheus'
 * promql/quantile.go).
 */
import { exp2, log2 } from './go-math.ts';
import type { Histogram } from '../../../model/histogram.ts';
import { addTo } from '../columns/float-sums.ts';
import { allBuckets, usesCustomBuckets, type Bucket } from './buckets.ts';

/** The effect of NaN observations on a result. They are included in the count but in no bucket. */
export type NaNEffect = 'none' | 'is NaN' | 'is skewed higher';

export interface NativeQuantile {
  readonly value: number;
  readonly effect: NaNEffect;
}

const plain = (value: number): NativeQuantile => ({ value, effect: 'none' });

/** With positive buckets only, the zero bucket begins at zero. With negative buckets only, it ends at zero. */
function clampZeroBucket(bucket: Bucket, h: Histogram): void {
  if (h.negativeBuckets.length === 0 && h.positiveBuckets.length > 0) bucket.lower = 0;
  else if (h.positiveBuckets.length === 0 && h.negativeBuckets.length > 0) bucket.upper = 0;
}

/** The bucket that contains the observation of the given rank, counted from the low end or from the high end. */
function bucketOfRank(h: Histogram, rank: number, forward: boolean): { bucket: Bucket; count: number } | undefined {
  const buckets = forward ? allBuckets(h) : allBuckets(h).reverse();
  let found: Bucket | undefined;
  let count = 0;
  for (const bucket of buckets) {
    if (bucket.count === 0) continue;
    found = bucket;
    count += bucket.count;
    if (count >= rank) break;
  }
  return found && { bucket: found, count: Math.min(count, h.count) };
}

/** The quantile in a custom bucket that has only one finite bound; undefined for all other buckets. */
function atOpenEnd(bucket: Bucket): number | undefined {
  if (bucket.lower !== -Infinity) return bucket.upper === Infinity ? bucket.lower : undefined;
  if (bucket.upper <= 0) return bucket.upper;
  bucket.lower = 0;
  return undefined;
}

export function nativeQuantile(q: number, h: Histogram): NativeQuantile {
  if (q < 0) return plain(-Infinity);
  if (q > 1) return plain(Infinity);
  return h.count === 0 || Number.isNaN(q) ? plain(Number.NaN) : quantileWithin(q, h);
}

function quantileWithin(q: number, h: Histogram): NativeQuantile {
  // NaN observations rank above all buckets, so when there are any, ranks can only be counted from the low end.
  const forward = Number.isNaN(h.sum) || q < 0.5;
  const rank = (forward ? q : 1 - q) * h.count;
  const found = bucketOfRank(h, rank, forward);
  if (found === undefined) return { value: Number.NaN, effect: Number.isNaN(h.sum) ? 'is NaN' : 'none' };
  const { bucket, count } = found;
  const custom = usesCustomBuckets(h);
  if (custom) {
    const end = atOpenEnd(bucket);
    if (end !== undefined) return plain(end);
  } else if (bucket.lower < 0 && bucket.upper > 0) clampZeroBucket(bucket, h);
  if (count < rank) {
    if (Number.isNaN(h.sum)) return { value: Number.NaN, effect: 'is NaN' };
    return plain(forward ? bucket.upper : bucket.lower);
  }
  const within = forward ? rank - (count - bucket.count) : count - rank;
  const effect = hasNaNObservations(h) ? 'is skewed higher' : 'none';
  return { value: insideBucket(bucket, within / bucket.count, custom), effect };
}

/** True when the count exceeds the counts of all buckets together: the other observations were NaN. */
export function hasNaNObservations(h: Histogram): boolean {
  if (!Number.isNaN(h.sum)) return false;
  let inBuckets = 0;
  for (const bucket of allBuckets(h)) inBuckets += bucket.count;
  return inBuckets < h.count;
}

function insideBucket(bucket: Bucket, fraction: number, custom: boolean): number {
  const { lower, upper } = bucket;
  if (custom || (lower <= 0 && upper >= 0)) return lower + (upper - lower) * fraction;
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  if (lower > 0) return exp2(logLower + (logUpper - logLower) * fraction);
  return -exp2(logUpper + (logLower - logUpper) * (1 - fraction));
}

/** The number of observations at or below v in a bucket that begins at the cumulative count `rank`. */
function rankInBucket(v: number, bucket: Bucket, rank: number, linear: boolean): number {
  const { lower, upper, count } = bucket;
  if (linear) {
    if (lower === -Infinity) return count;
    return rank + (count * (v - lower)) / (upper - lower);
  }
  const logLower = log2(Math.abs(lower));
  const logUpper = log2(Math.abs(upper));
  const logV = log2(Math.abs(v));
  const fraction = v > 0 ? (logV - logLower) / (logUpper - logLower) : 1 - (logV - logUpper) / (logLower - logUpper);
  return rank + count * fraction;
}

/** The share of observations between lower and upper. NaN observations are in no such share. */
export function nativeFraction(lower: number, upper: number, h: Histogram): number {
  if (h.count === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  const custom = usesCustomBuckets(h);
  const ranks: [number | undefined, number | undefined] = [undefined, undefined];
  let rank = 0;
  for (const bucket of allBuckets(h)) {
    const aroundZero = bucket.lower <= 0 && bucket.upper >= 0;
    if (aroundZero) clampZeroBucket(bucket, h);
    for (const [i, v] of [lower, upper].entries()) {
      if (ranks[i] !== undefined) continue;
      if (bucket.lower >= v) ranks[i] = rank;
      else if (bucket.upper > v) ranks[i] = rankInBucket(v, bucket, rank, custom || aroundZero);
    }
    rank += bucket.count;
  }
  // Observations outside every bucket lie above all buckets. Without NaN observations the highest rank is the count itself.
  const highest = Number.isNaN(h.sum) ? rank : h.count;
  const capped = (r: number | undefined): number => (r === undefined || r > h.count ? highest : r);
  return (capped(ranks[1]) - capped(ranks[0])) / h.count;
}

/** Population variance. Each observation is assumed to be at the middle of its bucket. */
export function nativeVariance(h: Histogram): number {
  const mean = h.sum / h.count;
  const custom = usesCustomBuckets(h);
  const acc = { sum: 0, c: 0 };
  for (const bucket of allBuckets(h)) {
    if (bucket.count === 0) continue;
    const delta = middle(bucket, custom) - mean;
    addTo(acc, bucket.count * delta * delta);
  }
  return (acc.sum + acc.c) / h.count;
}

function middle({ lower, upper }: Bucket, custom: boolean): number {
  if (custom) return (upper + lower) / 2;
  if (lower <= 0 && upper >= 0) return 0;
  const geometric = Math.sqrt(upper * lower);
  return upper < 0 ? -geometric : geometric;
}
