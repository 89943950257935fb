/** A native histogram as text, in the form of Prometheus' FloatHistogram.String. `count_values` uses the text as its key. */
import type { Histogram } from '../../../model/histogram.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { allBuckets } from './buckets.ts';

export function histogramText(h: Histogram): string {
  let out = `{count:${formatGeneral(h.count)}, sum:${formatGeneral(h.sum)}`;
  for (const bucket of allBuckets(h)) {
    if (bucket.count === 0) continue;
    const open = bucket.lowerInclusive ? '[' : '(';
    const close = bucket.upperInclusive ? ']' : ')';
    out += `, ${open}${formatGeneral(bucket.lower)},${formatGeneral(bucket.upper)}${close}:${formatGeneral(bucket.count)}`;
  }
  return `${out}}`;
}
