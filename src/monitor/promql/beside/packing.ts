/**
 * The form in which series and results are sent between threads: a few hundred series a message, with their times and values
 * in one array that is transferred. Samples that a source has put into memory of this query alone are sent as they lie, others
 * are copied. Packing one part at a time keeps each thread free for its other work.
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
  /** Where the times and the values of each series begin in `floats`. */
  readonly times: Uint32Array<ArrayBuffer>;
  readonly values: Uint32Array<ArrayBuffer>;
  readonly floats: Float64Array<ArrayBuffer>;
  /** The stale markers of each series that has any. */
  readonly stale: readonly (Uint8Array | undefined)[];
  readonly h: readonly (readonly (Histogram | undefined)[] | undefined)[];
  readonly st: readonly (Float64Array | undefined)[];
}

/** Says of memory that it holds samples of the series to send and nothing else. */
export type IsOwner = (memory: ArrayBufferLike) => boolean;
const ownsNothing: IsOwner = () => false;

/** Cuts a list of series into parts. Each part takes a few milliseconds, and own memory belongs to one part. */
export function* partsOf<T extends Series>(series: readonly T[], isOwner = ownsNothing): Generator<readonly T[]> {
  let from = 0;
  let samples = 0;
  for (let i = 0; i < series.length; i += 1) {
    const memory = series[i].samples.t.buffer;
    samples += series[i].samples.t.length;
    const owned = isOwner(memory);
    const next = series[i + 1]?.samples.t.buffer;
    if (next !== undefined && next === memory && owned) continue;
    const goesOn = next !== undefined && !owned && !isOwner(next);
    if (goesOn && i + 1 - from < PART.series && samples < PART.samples) continue;
    yield series.slice(from, i + 1);
    from = i + 1;
    samples = 0;
  }
}

export function packSeries(series: readonly Series[], isOwner = ownsNothing): PackedSeries {
  return {
    labels: series.map(({ labels }) => labels.pairs),
    counts: Uint32Array.from(series, ({ samples }) => samples.t.length),
    ...(ownMemory(series, isOwner) ?? copied(series)),
    stale: series.map(({ samples }) => samples.stale),
    h: series.map(({ samples }) => samples.h),
    st: series.map(({ samples }) => samples.st),
  };
}

type Floats = Pick<PackedSeries, 'times' | 'values' | 'floats'>;

/** The memory of all samples as it is; undefined when they do not lie in one piece of own memory. */
function ownMemory(series: readonly Series[], isOwner: IsOwner): Floats | undefined {
  const memory = series[0]?.samples.t.buffer;
  if (!(memory instanceof ArrayBuffer) || !isOwner(memory)) return undefined;
  if (!series.every(({ samples: { t, v } }) => t.buffer === memory && v.buffer === memory)) return undefined;
  return {
    times: Uint32Array.from(series, ({ samples }) => samples.t.byteOffset / Float64Array.BYTES_PER_ELEMENT),
    values: Uint32Array.from(series, ({ samples }) => samples.v.byteOffset / Float64Array.BYTES_PER_ELEMENT),
    floats: new Float64Array(memory),
  };
}

function copied(series: readonly Series[]): Floats {
  const floats = new Float64Array(series.reduce((sum, { samples }) => sum + 2 * samples.t.length, 0));
  const times = new Uint32Array(series.length);
  const values = new Uint32Array(series.length);
  let at = 0;
  series.forEach(({ samples: { t, v } }, i) => {
    times[i] = at;
    values[i] = at + t.length;
    floats.set(t, times[i]);
    floats.set(v, values[i]);
    at = values[i] + v.length;
  });
  return { times, values, floats };
}

/** The arrays that are transferred to the receiver instead of being copied. */
export const transferOf = ({ counts, times, values, floats }: PackedSeries): ArrayBuffer[] => [
  counts.buffer,
  times.buffer,
  values.buffer,
  floats.buffer,
];

export function unpackSeries({ labels, counts, times, values, floats, stale, h, st }: PackedSeries): Series[] {
  return labels.map((pairs, i) => {
    const samples: Samples = {
      t: floats.subarray(times[i], times[i] + counts[i]),
      v: floats.subarray(values[i], values[i] + counts[i]),
      stale: stale[i],
      h: h[i],
      st: st[i],
    };
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
