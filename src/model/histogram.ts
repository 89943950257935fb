/**
 * A native histogram as Prometheus' data model has it, with float counts throughout.
 * Bucket i of schema s (-4…8) holds (b^(i-1), b^i] with b = 2^(2^-s); schema -53 holds custom upper bounds in `customValues`.
 * Counts are absolute, one per bucket, laid out by spans: the first span's offset is an index, later ones are gaps.
 */

export interface BucketSpan {
  readonly offset: number;
  readonly length: number;
}

export type ResetHint = 'unknown' | 'reset' | 'not_reset' | 'gauge';

export const CUSTOM_BUCKETS_SCHEMA = -53;

export interface Histogram {
  readonly schema: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroThreshold: number;
  readonly zeroCount: number;
  readonly positiveSpans: readonly BucketSpan[];
  readonly positiveBuckets: readonly number[];
  readonly negativeSpans: readonly BucketSpan[];
  readonly negativeBuckets: readonly number[];
  /** Upper bounds, strictly rising, +Inf left out; empty unless schema is -53. */
  readonly customValues: readonly number[];
  readonly resetHint: ResetHint;
}

/** The buckets of one side as (index, count), from low to high. */
export function* bucketsOf(
  spans: readonly BucketSpan[],
  counts: readonly number[],
): Generator<[index: number, count: number]> {
  let index = 0;
  let at = 0;
  for (const { offset, length } of spans) {
    index += offset;
    for (let i = 0; i < length; i += 1) {
      yield [index, counts[at]];
      index += 1;
      at += 1;
    }
  }
}
