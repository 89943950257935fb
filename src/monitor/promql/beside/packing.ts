/**
 * The form in which series and results are sent between threads: a few hundred series a message, with times and values in
 * two arrays that are transferred without a copy. Packing one part at a time keeps each thread free for its other work.
 */
import type { Histogram } from '../../../model/histogram.ts';
import { Labels } from '../../../model/labels.ts';
import type { MatrixSeries, QueryValue } from '../../../model/ports.ts';
import type { Samples, Series } from '../../../model/series.ts';

/** Limits for the series and samples of one message. A message with a single series may have more samples. */
const PART = { series: 500, samples: 100_000 };

export interface PackedSeries {
  readonly labels: readonly (readonly string[])[];
  /** Number of samples of each series. */
  readonly counts: Uint32Array<ArrayBuffer>;
  readonly t: Float64Array<ArrayBuffer>;
  readonly v: Float64Array<ArrayBuffer>;
  /** The stale markers of each series that has any. */
  readonly stale: readonly (Uint8Array | undefined)[];
  readonly h: readonly (readonly (Histogram | undefined)[] | undefined)[];
  readonly st: readonly (Float64Array | undefined)[];
}

/** Cuts a list of series into parts. Each part takes a few milliseconds. */
export function* partsOf<T extends Series>(series: readonly T[]): Generator<readonly T[]> {
  let from = 0;
  let samples = 0;
  for (let i = 0; i < series.length; i += 1) {
    samples += series[i].samples.t.length;
    if (i + 1 - from < PART.series && samples < PART.samples) continue;
    yield series.slice(from, i + 1);
    from = i + 1;
    samples = 0;
  }
  if (from < series.length) yield series.slice(from);
}

export function packSeries(series: readonly Series[]): PackedSeries {
  const counts = Uint32Array.from(series, ({ samples }) => samples.t.length);
  const total = counts.reduce((sum, count) => sum + count, 0);
  const t = new Float64Array(total);
  const v = new Float64Array(total);
  let at = 0;
  for (const { samples } of series) {
    t.set(samples.t, at);
    v.set(samples.v, at);
    at += samples.t.length;
  }
  return {
    labels: series.map(({ labels }) => labels.pairs),
    counts,
    t,
    v,
    stale: series.map(({ samples }) => samples.stale),
    h: series.map(({ samples }) => samples.h),
    st: series.map(({ samples }) => samples.st),
  };
}

/** The arrays that are transferred to the receiver instead of being copied. */
export const transferOf = ({ counts, t, v }: PackedSeries): ArrayBuffer[] => [counts.buffer, t.buffer, v.buffer];

export function unpackSeries({ labels, counts, t, v, stale, h, st }: PackedSeries): Series[] {
  let at = 0;
  return labels.map((pairs, i) => {
    const end = at + counts[i];
    const samples: Samples = {
      t: t.subarray(at, end),
      v: v.subarray(at, end),
      stale: stale[i],
      h: h[i],
      st: st[i],
    };
    at = end;
    return { labels: Labels.fromSorted(pairs), samples };
  });
}

/** A result without its series. The series follow in parts. */
export type ResultHead =
  | Exclude<QueryValue, { kind: 'vector' | 'matrix' }>
  | { readonly kind: 'vector' }
  | { readonly kind: 'matrix' };

/** The series of a result as samples: each series of a vector has one sample. */
export function resultSeries(value: QueryValue): Series[] {
  if (value.kind === 'matrix') return value.series.map(({ labels, t, v, h }) => ({ labels, samples: { t, v, h } }));
  if (value.kind !== 'vector') return [];
  return value.series.map(({ labels, point }) => ({
    labels,
    samples: {
      t: Float64Array.of(point.t),
      v: Float64Array.of(point.v),
      h: point.h === undefined ? undefined : [point.h],
    },
  }));
}

export function headOf(value: QueryValue): ResultHead {
  return value.kind === 'vector' || value.kind === 'matrix' ? { kind: value.kind } : value;
}

export function resultOf(head: ResultHead, series: readonly Series[]): QueryValue {
  if (head.kind === 'matrix') {
    return { kind: 'matrix', series: series.map(({ labels, samples }): MatrixSeries => ({ labels, ...samples })) };
  }
  if (head.kind !== 'vector') return head;
  return {
    kind: 'vector',
    series: series.map(({ labels, samples: { t, v, h } }) => ({
      labels,
      point: h?.[0] === undefined ? { t: t[0], v: v[0] } : { t: t[0], v: v[0], h: h[0] },
    })),
  };
}
