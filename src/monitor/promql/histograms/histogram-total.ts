/**
 * A sum of native histograms that keeps the low bits of every count (Kahan's summation with Neumaier's improvement), so that
 * it equals Prometheus' `KahanAdd` to the last bit whatever the order of the terms. It is changed in place: a sum over many
 * series makes one histogram at its end, and none on the way.
 */
import type { Histogram, ResetHint } from '../../../model/histogram.ts';
import { addTo, isInfinite, type CompensatedSum } from '../columns/float-sums.ts';
import { bucketMap, coarserIndex, toSpans, upperBound, usesCustomBuckets, type BucketMap } from './buckets.ts';
import { combineHints, dropInsideZero, layoutOf, reduceTo, sameBounds, type Layout } from './layout.ts';

type Sums = Map<number, CompensatedSum>;

const sumFrom = (value: number): CompensatedSum => ({ sum: value, c: 0 });
const sumsFrom = (map: BucketMap): Sums => new Map([...map].map(([index, count]) => [index, sumFrom(count)]));
const copied = ({ sum, c }: CompensatedSum): CompensatedSum => ({ sum, c });
const rising = (sums: Sums): number[] => [...sums.keys()].sort((a, b) => a - b);

function addBoth(into: CompensatedSum, from: CompensatedSum): void {
  addTo(into, from.sum);
  addTo(into, from.c);
}

/** Moves every sum to the index that `target` gives; sums that meet are added from low to high. */
function moved(sums: Sums, target: (index: number) => number): Sums {
  const out: Sums = new Map();
  for (const index of rising(sums)) {
    const from = sums.get(index) as CompensatedSum;
    const to = out.get(target(index));
    if (to === undefined) out.set(target(index), from);
    else addBoth(to, from);
  }
  return out;
}

export class HistogramTotal {
  #schema: number;
  #zeroThreshold: number;
  #customValues: readonly number[];
  #hint: ResetHint;
  readonly #custom: boolean;
  readonly #count: CompensatedSum;
  readonly #sum: CompensatedSum;
  #zero: CompensatedSum;
  #positive: Sums;
  #negative: Sums;
  /** True when custom bounds differed and were reduced to the bounds that both had. */
  reconciled = false;

  constructor(h: Histogram) {
    this.#schema = h.schema;
    this.#zeroThreshold = h.zeroThreshold;
    this.#customValues = h.customValues;
    this.#hint = h.resetHint;
    this.#custom = usesCustomBuckets(h);
    this.#count = sumFrom(h.count);
    this.#sum = sumFrom(h.sum);
    this.#zero = sumFrom(h.zeroCount);
    this.#positive = sumsFrom(bucketMap(h.positiveSpans, h.positiveBuckets));
    this.#negative = sumsFrom(bucketMap(h.negativeSpans, h.negativeBuckets));
  }

  /** Returns false, and adds nothing, when one has exponential buckets and the other custom ones. */
  add(h: Histogram): boolean {
    if (this.#custom !== usesCustomBuckets(h)) return false;
    const other = layoutOf(h);
    this.#hint = combineHints(this.#hint, h.resetHint).hint;
    if (this.#custom) this.#meetBounds(other);
    else this.#meetZeroBucket(other);
    addTo(this.#count, other.count);
    addTo(this.#sum, other.sum);
    if (this.#custom) {
      this.#addAll(this.#positive, other.positive);
      return true;
    }
    if (other.schema < this.#schema) this.#reduceTo(other.schema);
    else reduceTo(other, this.#schema);
    dropInsideZero(other);
    this.#addAll(this.#positive, other.positive);
    this.#addAll(this.#negative, other.negative);
    return true;
  }

  #addAll(sums: Sums, counts: BucketMap): void {
    for (const [index, count] of counts) {
      const sum = sums.get(index);
      if (sum === undefined) sums.set(index, sumFrom(count));
      else addTo(sum, count);
    }
  }

  #reduceTo(schema: number): void {
    const levels = this.#schema - schema;
    this.#positive = moved(this.#positive, (index) => coarserIndex(index, levels));
    this.#negative = moved(this.#negative, (index) => coarserIndex(index, levels));
    this.#schema = schema;
  }

  /** Brings both to the wider zero bucket, and beyond it to the end of a populated bucket that contains its end. */
  #meetZeroBucket(other: Layout): void {
    const theirs = { sum: other.zeroCount, c: 0 };
    while (other.zeroThreshold !== this.#zeroThreshold) {
      if (this.#zeroThreshold > other.zeroThreshold) {
        const [positive, negative] = [sumsFrom(other.positive), sumsFrom(other.negative)];
        other.zeroThreshold = widened([positive, negative], theirs, this.#zeroThreshold, other.schema);
        other.positive = new Map([...positive].map(([index, { sum }]) => [index, sum]));
        other.negative = new Map([...negative].map(([index, { sum }]) => [index, sum]));
      } else {
        const sides = [this.#positive, this.#negative];
        this.#zeroThreshold = widened(sides, this.#zero, other.zeroThreshold, this.#schema);
      }
    }
    addBoth(this.#zero, theirs);
  }

  #meetBounds(other: Layout): void {
    if (sameBounds(this.#customValues, other.customValues)) return;
    this.reconciled = true;
    const common = this.#customValues.filter((bound) => other.customValues.includes(bound));
    const onto =
      (bounds: readonly number[]) =>
      (index: number): number => {
        const found = common.findIndex((bound) => bound >= (bounds[index] ?? Infinity));
        return found < 0 ? common.length : found;
      };
    this.#positive = moved(this.#positive, onto(this.#customValues));
    const target = onto(other.customValues);
    // Each count of the other is added by itself.
    for (const [index, count] of other.positive) this.#addAll(this.#positive, new Map([[target(index), count]]));
    other.positive = new Map();
    this.#customValues = common;
  }

  #each(change: (value: CompensatedSum) => void): void {
    for (const value of [this.#count, this.#sum, this.#zero]) change(value);
    for (const value of this.#positive.values()) change(value);
    for (const value of this.#negative.values()) change(value);
  }

  get overflowed(): boolean {
    let infinite = false;
    this.#each(({ sum }) => (infinite ||= isInfinite(sum)));
    return infinite;
  }

  multiply(factor: number): void {
    this.#each((value) => {
      value.sum *= factor;
      value.c *= factor;
    });
  }

  divide(divisor: number): void {
    this.#each((value) => {
      value.sum /= divisor;
      value.c /= divisor;
    });
  }

  copy(): HistogramTotal {
    const copy = new HistogramTotal(this.result());
    copy.#hint = this.#hint;
    copy.reconciled = this.reconciled;
    for (const [to, from] of [
      [copy.#count, this.#count],
      [copy.#sum, this.#sum],
      [copy.#zero, this.#zero],
    ])
      Object.assign(to, from);
    copy.#positive = new Map([...this.#positive].map(([index, value]) => [index, copied(value)]));
    copy.#negative = new Map([...this.#negative].map(([index, value]) => [index, copied(value)]));
    return copy;
  }

  result(): Histogram {
    const sideOf = (sums: Sums): ReturnType<typeof toSpans> =>
      toSpans(new Map([...sums].map(([index, { sum, c }]) => [index, sum + c])));
    const [positive, negative] = [sideOf(this.#positive), sideOf(this.#negative)];
    return {
      schema: this.#schema,
      count: this.#count.sum + this.#count.c,
      sum: this.#sum.sum + this.#sum.c,
      zeroThreshold: this.#zeroThreshold,
      zeroCount: this.#zero.sum + this.#zero.c,
      positiveSpans: positive.spans,
      positiveBuckets: positive.buckets,
      negativeSpans: negative.spans,
      negativeBuckets: negative.buckets,
      customValues: this.#customValues,
      resetHint: this.#hint,
    };
  }
}

/** Moves the buckets below `threshold` into `zero`. Returns the threshold, or the end of a populated bucket around it. */
function widened(sides: readonly Sums[], zero: CompensatedSum, threshold: number, schema: number): number {
  const bound = (index: number): number => upperBound(index, { schema, customValues: [] });
  let wanted = threshold;
  for (let again = true; again;) {
    again = false;
    for (const [index, { sum }] of sides.flatMap((side) => [...side])) {
      if (sum === 0 || bound(index - 1) >= wanted || bound(index) <= wanted) continue;
      wanted = bound(index);
      again = true;
    }
  }
  for (const side of sides) {
    for (const index of rising(side)) {
      if (bound(index - 1) >= wanted) break;
      addBoth(zero, side.get(index) as CompensatedSum);
      side.delete(index);
    }
  }
  return wanted;
}
