/**
 * OpenTelemetry exponential histograms as Prometheus native histograms (opentelemetry.io/docs/specs/otel/compatibility/
 * prometheus_and_openmetrics, "Exponential Histograms"). An OpenTelemetry bucket i holds (b^i, b^(i+1)], a Prometheus one
 * (b^(i-1), b^i]: the index is one higher. Scales above 8 are merged down to 8; below -4 there is no schema.
 */
import type { BucketSpan, Histogram } from '../../../model/histogram.ts';
import type { Buckets, ExponentialValue } from './metric-points.ts';

export const MAX_SCHEMA = 8;
export const MIN_SCHEMA = -4;
/** SDKs stop at 20; a finer scale does not come from a measurement. */
const MAX_SCALE = 64;
/** Prometheus' zero threshold, for senders that state none. */
const DEFAULT_ZERO_THRESHOLD = 1e-128;
/** Up to this many empty buckets are written out instead of starting a new span: two numbers cost less than a span. */
const MAX_GAP = 2;
/** A sum of two histograms is made coarser when it would have more buckets than this on one side. */
const MAX_DENSE_BUCKETS = 4096;

/** Merges 2^`by` neighbours into one. */
export function downscale(buckets: Buckets, by: number): Buckets {
  if (by <= 0 || buckets.counts.length === 0) return buckets;
  const width = 2 ** by;
  const offset = Math.floor(buckets.offset / width);
  const last = Math.floor((buckets.offset + buckets.counts.length - 1) / width);
  const counts: number[] = Array.from({ length: last - offset + 1 }, () => 0);
  for (const [i, count] of buckets.counts.entries()) counts[Math.floor((buckets.offset + i) / width) - offset] += count;
  return { offset, counts };
}

/** Undefined when the scale has no schema. */
export function nativeHistogram(value: ExponentialValue): Histogram | undefined {
  if (value.scale < MIN_SCHEMA || value.scale > MAX_SCALE) return undefined;
  const by = Math.max(0, value.scale - MAX_SCHEMA);
  const [positiveSpans, positiveBuckets] = sparse(downscale(value.positive, by));
  const [negativeSpans, negativeBuckets] = sparse(downscale(value.negative, by));
  return {
    schema: value.scale - by,
    count: value.count,
    sum: value.sum,
    zeroThreshold: value.zeroThreshold > 0 ? value.zeroThreshold : DEFAULT_ZERO_THRESHOLD,
    zeroCount: value.zeroCount,
    positiveSpans,
    positiveBuckets,
    negativeSpans,
    negativeBuckets,
    customValues: [],
    resetHint: 'unknown',
  };
}

function sparse({ offset, counts }: Buckets): [spans: BucketSpan[], buckets: number[]] {
  const spans: { offset: number; length: number }[] = [];
  const buckets: number[] = [];
  /** Index after the last bucket written. */
  let next = 0;
  for (const [i, count] of counts.entries()) {
    if (count === 0) continue;
    const index = offset + i + 1;
    const span = spans.at(-1);
    const gap = index - next;
    if (span === undefined || gap > MAX_GAP) {
      spans.push({ offset: span === undefined ? index : gap, length: 1 });
    } else {
      for (let k = 0; k < gap; k += 1) buckets.push(0);
      span.length += gap + 1;
    }
    buckets.push(count);
    next = index + 1;
  }
  return [spans, buckets];
}

/** The sum of two histograms, at a scale that both have; undefined when their buckets lie too far apart for any schema. */
export function addExponential(a: ExponentialValue, b: ExponentialValue): ExponentialValue | undefined {
  let scale = Math.min(a.scale, b.scale, MAX_SCHEMA);
  for (; scale >= MIN_SCHEMA; scale -= 1) {
    const positive = addBuckets(downscale(a.positive, a.scale - scale), downscale(b.positive, b.scale - scale));
    const negative = addBuckets(downscale(a.negative, a.scale - scale), downscale(b.negative, b.scale - scale));
    if (positive === undefined || negative === undefined) continue;
    return {
      scale,
      count: a.count + b.count,
      sum: a.sum + b.sum,
      zeroCount: a.zeroCount + b.zeroCount,
      zeroThreshold: Math.max(a.zeroThreshold, b.zeroThreshold),
      positive,
      negative,
    };
  }
  return undefined;
}

function addBuckets(a: Buckets, b: Buckets): Buckets | undefined {
  if (a.counts.length === 0) return b;
  if (b.counts.length === 0) return a;
  const offset = Math.min(a.offset, b.offset);
  const end = Math.max(a.offset + a.counts.length, b.offset + b.counts.length);
  if (end - offset > MAX_DENSE_BUCKETS) return undefined;
  const counts: number[] = Array.from({ length: end - offset }, () => 0);
  for (const [i, count] of a.counts.entries()) counts[a.offset - offset + i] += count;
  for (const [i, count] of b.counts.entries()) counts[b.offset - offset + i] += count;
  return { offset, counts };
}
