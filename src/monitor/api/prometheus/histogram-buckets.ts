/** Buckets of a native histogram from the lowest to the highest, with their bounds, as the HTTP API lists them. */
import { exponentialBound } from '../../promql/histograms/exponential-bounds.ts';
import type { Histogram } from '../../../model/histogram.ts';
import { bucketsOf, CUSTOM_BUCKETS_SCHEMA } from '../../../model/histogram.ts';

export interface Bucket {
  /** The bounds that belong to the bucket: 0 (lower, upper], 1 [lower, upper), 2 neither, 3 both. */
  readonly rule: 0 | 1 | 2 | 3;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

/** The upper bound of bucket `index`: 2^(index · 2^-schema), or the custom bound. */
function upperBound({ schema, customValues }: Histogram, index: number): number {
  if (schema === CUSTOM_BUCKETS_SCHEMA) {
    if (index < 0) return -Infinity;
    return index < customValues.length ? customValues[index] : Infinity;
  }
  return exponentialBound(index, schema);
}

/** Empty buckets are left out. A bucket that reaches into the zero bucket is shown from its end on. */
export function histogramBuckets(h: Histogram): Bucket[] {
  const custom = h.schema === CUSTOM_BUCKETS_SCHEMA;
  const out: Bucket[] = [];
  for (const [index, count] of bucketsOf(h.negativeSpans, h.negativeBuckets)) {
    const upper = Math.min(-upperBound(h, index - 1), -h.zeroThreshold);
    if (count !== 0) out.push({ rule: 1, lower: -upperBound(h, index), upper, count });
  }
  out.reverse();
  // The zero bucket is left out when its count is zero, negative or NaN, as in Prometheus' list.
  if (h.zeroCount > 0) out.push({ rule: 3, lower: -h.zeroThreshold, upper: h.zeroThreshold, count: h.zeroCount });
  for (const [index, count] of bucketsOf(h.positiveSpans, h.positiveBuckets)) {
    const rule = custom && index === 0 ? 3 : 0;
    const lower = upperBound(h, index - 1);
    const end = custom ? lower : Math.max(lower, h.zeroThreshold);
    if (count !== 0) out.push({ rule, lower: end, upper: upperBound(h, index), count });
  }
  return out;
}
