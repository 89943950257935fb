/**
 * Native histograms from the HTTP API, which lists buckets by their bounds and omits the schema. When the bounds lie on an
 * exponential grid, the schema follows from them (upper / lower = 2^(2^-schema)). All other bounds become custom bounds. In
 * both cases the buckets are the ones that the server listed.
 */
import { CUSTOM_BUCKETS_SCHEMA, type BucketSpan, type Histogram } from '../../../model/histogram.ts';

/** `rule` says which bounds belong to the bucket: 0 (lower, upper], 1 [lower, upper), 2 neither, 3 both. */
export interface RemoteBucket {
  readonly rule: number;
  readonly lower: number;
  readonly upper: number;
  readonly count: number;
}

const [MIN_SCHEMA, MAX_SCHEMA] = [-4, 8];
/** How far a bound may be from the grid, in buckets. */
const GRID_TOLERANCE = 1e-3;

interface Indexed {
  readonly index: number;
  readonly count: number;
}

interface Side {
  readonly spans: BucketSpan[];
  readonly counts: number[];
}

function sideOf(buckets: readonly Indexed[]): Side {
  const spans: { offset: number; length: number }[] = [];
  const counts: number[] = [];
  let next = 0;
  for (const { index, count } of [...buckets].sort((a, b) => a.index - b.index)) {
    const last = spans.at(-1);
    if (last !== undefined && index === next) last.length += 1;
    else spans.push({ offset: index - next, length: 1 });
    counts.push(count);
    next = index + 1;
  }
  return { spans, counts };
}

/** The bounds of a bucket as magnitudes, or undefined when the bucket includes zero. */
function magnitudes({ lower, upper }: RemoteBucket): readonly [near: number, far: number] | undefined {
  if (lower > 0) return [lower, upper];
  if (upper < 0) return [-upper, -lower];
  return undefined;
}

function schemaOf(buckets: readonly RemoteBucket[]): number | undefined {
  for (const bucket of buckets) {
    const bounds = magnitudes(bucket);
    if (bounds === undefined) return undefined;
    const [near, far] = bounds;
    // The outermost buckets are cut at the largest number, so the schema cannot be computed from them.
    if (far >= Number.MAX_VALUE || near < 2 ** -1022) continue;
    const schema = -Math.log2(Math.log2(far) - Math.log2(near));
    const whole = Math.round(schema);
    return Math.abs(schema - whole) < GRID_TOLERANCE && whole >= MIN_SCHEMA && whole <= MAX_SCHEMA ? whole : undefined;
  }
  return buckets.length === 0 ? 0 : undefined;
}

/** Index of the bucket that ends at `far` in `schema`, or undefined when no bucket does. */
function indexOf([near, far]: readonly [number, number], schema: number): number | undefined {
  const perOctave = 2 ** schema;
  if (far === Infinity) return 1024 * perOctave + 1;
  if (far === Number.MAX_VALUE) return 1024 * perOctave;
  const exact = Math.log2(far) * perOctave;
  const index = Math.round(exact);
  const width = (Math.log2(far) - Math.log2(near)) * perOctave;
  const fits = Math.abs(exact - index) < GRID_TOLERANCE && (near < 2 ** -1022 || Math.abs(width - 1) < GRID_TOLERANCE);
  return fits ? index : undefined;
}

function exponential(buckets: readonly RemoteBucket[]): Partial<Histogram> | undefined {
  const zero = buckets.find(({ rule, lower, upper }) => rule === 3 && lower === -upper);
  const others = buckets.filter((bucket) => bucket !== zero);
  const schema = schemaOf(others);
  if (schema === undefined) return undefined;
  const [positive, negative]: Indexed[][] = [[], []];
  for (const bucket of others) {
    const bounds = magnitudes(bucket);
    const index = bounds === undefined ? undefined : indexOf(bounds, schema);
    if (index === undefined) return undefined;
    (bucket.lower > 0 ? positive : negative).push({ index, count: bucket.count });
  }
  const [up, down] = [sideOf(positive), sideOf(negative)];
  return {
    schema,
    zeroThreshold: zero?.upper ?? 0,
    zeroCount: zero?.count ?? 0,
    positiveSpans: up.spans,
    positiveBuckets: up.counts,
    negativeSpans: down.spans,
    negativeBuckets: down.counts,
  };
}

function custom(buckets: readonly RemoteBucket[]): Partial<Histogram> {
  const bounds = new Set(buckets.flatMap(({ lower, upper }) => [lower, upper]).filter(Number.isFinite));
  const customValues = [...bounds].sort((a, b) => a - b);
  const place = new Map(customValues.map((bound, index) => [bound, index]));
  const indexed = buckets.map(({ upper, count }) => ({ index: place.get(upper) ?? customValues.length, count }));
  const { spans, counts } = sideOf(indexed);
  return { schema: CUSTOM_BUCKETS_SCHEMA, customValues, positiveSpans: spans, positiveBuckets: counts };
}

export function histogramOf(count: number, sum: number, buckets: readonly RemoteBucket[]): Histogram {
  return {
    schema: 0,
    count,
    sum,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [],
    positiveBuckets: [],
    negativeSpans: [],
    negativeBuckets: [],
    customValues: [],
    resetHint: 'gauge',
    ...(exponential(buckets) ?? custom(buckets)),
  };
}
