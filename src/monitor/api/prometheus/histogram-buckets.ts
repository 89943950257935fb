/** Buckets of a native histogram from the lowest to the highest, with their bounds, as the HTTP API lists them. */
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
  if (schema <= 0) {
    const exponent = index * 2 ** -schema;
    // The bucket that would end at 2^1024 ends at the largest number instead; the bucket after it ends at +Inf.
    return exponent === 1024 ? Number.MAX_VALUE : 2 ** exponent;
  }
  const perOctave = 2 ** schema;
  const octave = Math.floor(index / perOctave);
  const within = index - octave * perOctave;
  if (octave === 1024 && within === 0) return Number.MAX_VALUE;
  return 2 ** (within / perOctave) * 2 ** octave;
}

/** Empty buckets are left out. */
export function histogramBuckets(h: Histogram): Bucket[] {
  const custom = h.schema === CUSTOM_BUCKETS_SCHEMA;
  const out: Bucket[] = [];
  for (const [index, count] of bucketsOf(h.negativeSpans, h.negativeBuckets)) {
    if (count !== 0) out.push({ rule: 1, lower: -upperBound(h, index), upper: -upperBound(h, index - 1), count });
  }
  out.reverse();
  // The zero bucket is left out when its count is zero, negative or NaN, as in Prometheus' list.
  if (h.zeroCount > 0) out.push({ rule: 3, lower: -h.zeroThreshold, upper: h.zeroThreshold, count: h.zeroCount });
  for (const [index, count] of bucketsOf(h.positiveSpans, h.positiveBuckets)) {
    const rule = custom && index === 0 ? 3 : 0;
    if (count !== 0) out.push({ rule, lower: upperBound(h, index - 1), upper: upperBound(h, index), count });
  }
  return out;
}
