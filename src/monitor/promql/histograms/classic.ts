/**
 * Quantiles and fractions of classic histograms: series that share all labels but `le`. Buckets are sorted, buckets of equal
 * bounds are merged, and counts are corrected so that they never decrease. Observations are assumed to be spread evenly
 * inside a bucket (Prometheus' promql/quantile.go).
 */

export interface ClassicBucket {
  readonly upperBound: number;
  count: number;
}

export interface Repaired {
  readonly from: number;
  readonly to: number;
  readonly diff: number;
}

/** Smaller differences, relative to the counts, come from float arithmetic. They are corrected without an annotation. */
const SMALL_DELTA = 1e-12;

/** Sorts by bound and merges buckets with the same bound (`0.1` and `0.10`). */
export function prepareBuckets(buckets: ClassicBucket[]): ClassicBucket[] {
  buckets.sort((a, b) => a.upperBound - b.upperBound);
  const merged: ClassicBucket[] = [];
  for (const bucket of buckets) {
    const last = merged.at(-1);
    if (last !== undefined && last.upperBound === bucket.upperBound) last.count += bucket.count;
    else merged.push({ ...bucket });
  }
  return merged;
}

function almostEqual(a: number, b: number, epsilon: number): boolean {
  if (a === b) return true;
  const sum = Math.abs(a) + Math.abs(b);
  const diff = Math.abs(a - b);
  if (a === 0 || b === 0 || sum < 2.2250738585072014e-308) return diff < epsilon * 2.2250738585072014e-308;
  return diff / Math.min(sum, Number.MAX_VALUE) < epsilon;
}

/**
 * Corrects counts so that they never decrease along the bounds. The result describes corrections larger than rounding
 * errors.
 */
export function ensureMonotonic(buckets: ClassicBucket[]): Repaired | undefined {
  let repaired: { from: number; to: number; diff: number } | undefined;
  let previous = buckets[0].count;
  for (const bucket of buckets.slice(1)) {
    const { count } = bucket;
    if (count === previous) continue;
    if (almostEqual(previous, count, SMALL_DELTA)) {
      bucket.count = previous;
      continue;
    }
    if (count < previous) {
      bucket.count = previous;
      repaired ??= { from: bucket.upperBound, to: bucket.upperBound, diff: 0 };
      repaired.to = bucket.upperBound;
      repaired.diff = Math.max(repaired.diff, previous - count);
    }
    previous = bucket.count;
  }
  return repaired;
}

export interface ClassicQuantile {
  readonly value: number;
  readonly repaired: Repaired | undefined;
}

export function classicQuantile(q: number, unsorted: ClassicBucket[]): ClassicQuantile {
  const plain = (value: number): ClassicQuantile => ({ value, repaired: undefined });
  if (Number.isNaN(q)) return plain(Number.NaN);
  if (q < 0) return plain(-Infinity);
  if (q > 1) return plain(Infinity);
  const buckets = prepareBuckets(unsorted);
  if (buckets.at(-1)?.upperBound !== Infinity) return plain(Number.NaN);
  const repaired = ensureMonotonic(buckets);
  if (buckets.length < 2) return plain(Number.NaN);
  const observations = (buckets.at(-1) as ClassicBucket).count;
  if (observations === 0) return plain(Number.NaN);
  let rank = q * observations;
  const last = buckets.length - 1;
  let at = 0;
  while (at < last && !(buckets[at].count >= rank)) at += 1;
  if (at === last) return { value: buckets[last - 1].upperBound, repaired };
  if (at === 0 && buckets[0].upperBound <= 0) return { value: buckets[0].upperBound, repaired };
  const end = buckets[at].upperBound;
  let start = 0;
  let { count } = buckets[at];
  if (at > 0) {
    start = buckets[at - 1].upperBound;
    count -= buckets[at - 1].count;
    rank -= buckets[at - 1].count;
  }
  return { value: start + (end - start) * (rank / count), repaired };
}

/** The share of observations between lower and upper. */
export function classicFraction(lower: number, upper: number, unsorted: ClassicBucket[]): number {
  const buckets = prepareBuckets(unsorted);
  if (buckets.at(-1)?.upperBound !== Infinity) return Number.NaN;
  ensureMonotonic(buckets);
  const total = (buckets.at(-1) as ClassicBucket).count;
  if (total === 0 || Number.isNaN(lower) || Number.isNaN(upper)) return Number.NaN;
  if (lower >= upper) return 0;
  return (rankOf(upper, buckets, total) - rankOf(lower, buckets, total)) / total;
}

/** The number of observations at or below v. */
function rankOf(v: number, buckets: readonly ClassicBucket[], total: number): number {
  let rank = 0;
  for (const [i, bucket] of buckets.entries()) {
    // The first bucket begins at zero, unless its upper bound is zero or less.
    const start = i > 0 ? buckets[i - 1].upperBound : bucket.upperBound > 0 ? 0 : -Infinity;
    const end = bucket.upperBound;
    if (start >= v) return rank;
    if (end > v) {
      if (start === -Infinity) return bucket.count;
      const inside = bucket.count - rank;
      return rank + (inside * (v - start)) / (end - start);
    }
    rank = bucket.count;
  }
  return total;
}

/**
 * The bound of an `le` label; undefined when the text is not a bound. Reads numbers and infinities as Go's ParseFloat does.
 */
export function parseBound(text: string): number | undefined {
  const found = /^([+-]?)(inf|infinity)$/i.exec(text);
  if (found) return found[1] === '-' ? -Infinity : Infinity;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(text)) return undefined;
  return Number(text);
}
