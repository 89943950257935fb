/**
 * Buckets of native histograms: conversion of spans to (index, count) and back, bounds, and the list of all buckets from low
 * to high. The formulas are from Prometheus' model/histogram (float_histogram.go, generic.go).
 */
import { exponentialBound } from './exponential-bounds.ts';
import { CUSTOM_BUCKETS_SCHEMA, type BucketSpan, type Histogram } from '../../../model/histogram.ts';

/** Counts by bucket index; a missing index means zero. */
export type BucketMap = Map<number, number>;

export interface Bucket {
  lower: number;
  upper: number;
  readonly count: number;
  readonly lowerInclusive: boolean;
  readonly upperInclusive: boolean;
}

export function usesCustomBuckets(h: Histogram): boolean {
  return h.schema === CUSTOM_BUCKETS_SCHEMA;
}

export function bucketMap(spans: readonly BucketSpan[], counts: readonly number[]): BucketMap {
  const map: BucketMap = new Map();
  let index = 0;
  let at = 0;
  for (const span of spans) {
    index += span.offset;
    for (let i = 0; i < span.length && at < counts.length; i += 1) {
      map.set(index, counts[at]);
      index += 1;
      at += 1;
    }
  }
  return map;
}

/** Spans and counts of a map that has no empty buckets. */
export function toSpans(map: BucketMap): { spans: BucketSpan[]; buckets: number[] } {
  const indices = [...map.keys()].filter((i) => map.get(i) !== 0).sort((a, b) => a - b);
  const spans: { offset: number; length: number }[] = [];
  let next = 0;
  for (const index of indices) {
    const open = spans.at(-1);
    if (open !== undefined && index === next) open.length += 1;
    else spans.push({ offset: index - next, length: 1 });
    next = index + 1;
  }
  return { spans, buckets: indices.map((i) => map.get(i) as number) };
}

/** The index of a bucket in a schema that is `levels` coarser. */
export const coarserIndex = (index: number, levels: number): number => Math.ceil(index / 2 ** levels);

/** Merges buckets down to a coarser schema: 2^levels buckets become one. */
export function coarsen(map: BucketMap, levels: number): BucketMap {
  if (levels === 0) return map;
  const out: BucketMap = new Map();
  for (const [index, count] of map) {
    const target = coarserIndex(index, levels);
    out.set(target, (out.get(target) ?? 0) + count);
  }
  return out;
}

/** The upper bound of positive bucket `index`. */
export function upperBound(index: number, h: Pick<Histogram, 'schema' | 'customValues'>): number {
  if (h.schema === CUSTOM_BUCKETS_SCHEMA) {
    if (index >= h.customValues.length) return Infinity;
    return index < 0 ? -Infinity : h.customValues[index];
  }
  return exponentialBound(index, h.schema);
}

export function positiveMap(h: Histogram): BucketMap {
  return bucketMap(h.positiveSpans, h.positiveBuckets);
}

export function negativeMap(h: Histogram): BucketMap {
  return bucketMap(h.negativeSpans, h.negativeBuckets);
}

const ascending = (map: BucketMap): number[] => [...map.keys()].sort((a, b) => a - b);

/**
 * All buckets from the lowest to the highest, with the zero bucket between the two sides. Bounds never reach into the zero
 * bucket.
 */
export function allBuckets(h: Histogram): Bucket[] {
  const buckets: Bucket[] = [];
  const custom = usesCustomBuckets(h);
  const negative = negativeMap(h);
  for (const index of ascending(negative).reverse()) {
    const upper = -upperBound(index - 1, h);
    buckets.push({
      lower: -upperBound(index, h),
      upper: upper > -h.zeroThreshold ? -h.zeroThreshold : upper,
      count: negative.get(index) as number,
      lowerInclusive: true,
      upperInclusive: false,
    });
  }
  if (h.zeroCount > 0) {
    const width = h.zeroThreshold;
    buckets.push({ lower: -width, upper: width, count: h.zeroCount, lowerInclusive: true, upperInclusive: true });
  }
  const positive = positiveMap(h);
  for (const index of ascending(positive)) {
    const lower = upperBound(index - 1, h);
    buckets.push({
      lower: !custom && lower < h.zeroThreshold ? h.zeroThreshold : lower,
      upper: upperBound(index, h),
      count: positive.get(index) as number,
      lowerInclusive: custom && index === 0,
      upperInclusive: true,
    });
  }
  return buckets;
}
