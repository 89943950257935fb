/**
 * Native histograms as the rows of a heatmap: one row for each bucket, with its count at every step. All histograms of an
 * answer get the same rows: exponential ones in the coarsest of their schemas, and neighbours merged while there are more
 * rows than the answer may hold. Merging adds whole buckets, so no count is estimated. Pure.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { MatrixSeries } from '../../../model/ports.ts';
import {
  allBuckets,
  coarsen,
  negativeMap,
  positiveMap,
  toSpans,
  usesCustomBuckets,
} from '../../promql/histograms/buckets.ts';

/** The counts of one bucket of one series, at the times of its histograms. */
export interface BucketRow {
  readonly labels: MatrixSeries['labels'];
  readonly from: number;
  readonly to: number;
  readonly t: Float64Array;
  readonly v: Float64Array;
}

interface Bounds {
  from: number;
  to: number;
}

/** The same observations in a schema that is coarser by some levels. */
function coarser(h: Histogram, schema: number): Histogram {
  if (usesCustomBuckets(h) || h.schema <= schema) return h;
  const positive = toSpans(coarsen(positiveMap(h), h.schema - schema));
  const negative = toSpans(coarsen(negativeMap(h), h.schema - schema));
  return {
    ...h,
    schema,
    positiveSpans: positive.spans,
    positiveBuckets: positive.buckets,
    negativeSpans: negative.spans,
    negativeBuckets: negative.buckets,
  };
}

const keyOf = ({ from, to }: Bounds): string => `${from} ${to}`;

/** Rows from low to high, at most `most`; each bucket is in the row that its key leads to. */
function rowsFor(buckets: ReadonlyMap<string, Bounds>, most: number): ReadonlyMap<string, Bounds> {
  const sorted = [...buckets.values()].sort((a, b) => a.from - b.from || a.to - b.to);
  const each = Math.ceil(sorted.length / most);
  const rowOf = new Map<string, Bounds>();
  let row: Bounds = { from: 0, to: 0 };
  for (const [at, bucket] of sorted.entries()) {
    if (at % each === 0) row = { ...bucket };
    row.to = Math.max(row.to, bucket.to);
    rowOf.set(keyOf(bucket), row);
  }
  return rowOf;
}

interface Counted {
  readonly t: number;
  readonly buckets: readonly (Bounds & { readonly count: number })[];
}

function countedOf({ t, h = [] }: MatrixSeries, schema: number): readonly Counted[] {
  return h.flatMap((one, at) =>
    one === undefined
      ? []
      : [
          {
            t: t[at],
            buckets: allBuckets(coarser(one, schema)).map(({ lower, upper, count }) => ({
              from: lower,
              to: upper,
              count,
            })),
          },
        ],
  );
}

export const hasHistograms = ({ h }: MatrixSeries): boolean => h?.some((one) => one !== undefined) === true;

/** The rows of all series, `most` in all, or four of a series when there are many series. */
export function bucketRows(series: readonly MatrixSeries[], most: number): readonly BucketRow[] {
  const histograms = series.flatMap(({ h = [] }) => h.filter((one) => one !== undefined));
  const schema = Math.min(...histograms.filter((one) => !usesCustomBuckets(one)).map((one) => one.schema));
  const counted = series.map((one) => countedOf(one, schema));
  const known = new Map<string, Bounds>();
  for (const { buckets } of counted.flat())
    for (const { from, to } of buckets) known.set(keyOf({ from, to }), { from, to });
  const rowOf = rowsFor(known, Math.max(4, Math.floor(most / Math.max(1, series.length))));
  const rows = [...new Set(rowOf.values())];
  return series.flatMap(({ labels }, at) => {
    const steps = counted[at];
    const t = Float64Array.from(steps, (step) => step.t);
    const counts = new Map(rows.map((row) => [row, new Float64Array(steps.length)]));
    for (const [step, { buckets }] of steps.entries())
      for (const bucket of buckets) {
        const row = rowOf.get(keyOf(bucket));
        const column = row === undefined ? undefined : counts.get(row);
        if (column !== undefined) column[step] += bucket.count;
      }
    return rows.map((row): BucketRow => ({ labels, ...row, t, v: counts.get(row) ?? new Float64Array(0) }));
  });
}
