/** The histogram_* functions, over native histograms and over classic ones (series that share all labels but `le`). */
import type { Histogram } from '../../../model/histogram.ts';
import type { Labels } from '../../../model/labels.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Expr } from '../syntax/ast.ts';
import type { Budget } from '../columns/budget.ts';
import { classicFraction, classicQuantile, parseBound, type ClassicBucket } from './classic.ts';
import { newColumn, type Column, type Frame } from '../columns/column.ts';
import { formatGeneral } from '../../../model/go-float.ts';
import { hasNaNObservations, nativeFraction, nativeQuantile, nativeVariance } from './quantile.ts';

const LE = 'le';

/** Functions of one native histogram; floats are left out of their results. */
export const HISTOGRAM_FUNCTIONS: ReadonlyMap<string, (h: Histogram) => number> = new Map([
  ['histogram_count', (h: Histogram) => h.count],
  ['histogram_sum', (h: Histogram) => h.sum],
  ['histogram_avg', (h: Histogram) => h.sum / h.count],
  ['histogram_stdvar', nativeVariance],
  ['histogram_stddev', (h: Histogram) => Math.sqrt(nativeVariance(h))],
]);

/**
 * One histogram of the input. It has classic buckets as series, or a series of native histograms. When it has both, neither
 * is used.
 */
interface Source {
  readonly labels: Labels;
  readonly buckets: { readonly bound: number; readonly column: Column }[];
  readonly native: Column[];
}

/** Groups series into histograms. Floats without a valid `le` are left out with a warning. */
function sourcesOf(series: readonly Column[], notes: Annotations, arg: Expr): Source[] {
  const sources = new Map<string, Source>();
  const sourceOf = (labels: Labels): Source => {
    let source = sources.get(labels.key);
    if (source === undefined) {
      source = { labels, buckets: [], native: [] };
      sources.set(labels.key, source);
    }
    return source;
  };
  for (const column of series) {
    if (column.h?.some((h, k) => h !== undefined && column.has[k] === 1)) sourceOf(column.labels).native.push(column);
    if (!column.has.some((has, k) => has === 1 && column.h?.[k] === undefined)) continue;
    const text = column.labels.get(LE);
    const bound = parseBound(text);
    if (bound === undefined) notes.badBucketLabel(column.labels.name, text, arg.pos);
    else sourceOf(column.labels.with(LE, '')).buckets.push({ bound, column });
  }
  return [...sources.values()];
}

function bucketsAt(source: Source, k: number): ClassicBucket[] {
  const buckets: ClassicBucket[] = [];
  for (const { bound, column } of source.buckets) {
    if (column.has[k] === 1 && column.h?.[k] === undefined) buckets.push({ upperBound: bound, count: column.v[k] });
  }
  return buckets;
}

interface Reader {
  classic(buckets: ClassicBucket[], k: number, metric: string): number;
  native(h: Histogram, k: number, metric: string): number;
}

/** Evaluates every histogram at every step. */
function readHistograms(
  series: readonly Column[],
  steps: number,
  reader: Reader,
  notes: Annotations,
  arg: Expr,
): Column[] {
  const out: Column[] = [];
  for (const source of sourcesOf(series, notes, arg)) {
    const metric = source.labels.name;
    const column = newColumn(source.labels, steps, true);
    for (let k = 0; k < steps; k += 1) {
      const buckets = bucketsAt(source, k);
      const native = source.native.find((c) => c.has[k] === 1 && c.h?.[k] !== undefined)?.h?.[k];
      if (buckets.length > 0 && native !== undefined) {
        notes.mixedClassicNative(metric, arg.pos);
        continue;
      }
      if (buckets.length === 0 && native === undefined) continue;
      column.has[k] = 1;
      column.v[k] = native === undefined ? reader.classic(buckets, k, metric) : reader.native(native, k, metric);
    }
    out.push(column);
  }
  return out;
}

/** The q-quantile of each histogram. */
export function histogramQuantile(
  q: Float64Array,
  series: readonly Column[],
  frame: Frame,
  notes: Annotations,
  args: { readonly q: Expr; readonly vector: Expr },
): Column[] {
  for (const value of new Set(q)) {
    if (!(value >= 0 && value <= 1)) notes.invalidQuantile(value, args.q.pos);
  }
  const reader: Reader = {
    classic: (buckets, k, metric) => {
      const { value, repaired } = classicQuantile(q[k], buckets);
      if (repaired !== undefined) {
        const t = frame.startMs + k * frame.stepMs;
        notes.forcedMonotonicity(metric, args.vector.pos, t, repaired.from, repaired.to, repaired.diff);
      }
      return value;
    },
    native: (h, k, metric) => {
      const { value, effect } = nativeQuantile(q[k], h);
      if (effect !== 'none') notes.nanObservations(effect, metric, args.vector.pos);
      return value;
    },
  };
  return readHistograms(series, frame.steps, reader, notes, args.vector);
}

/** The quantile as the value of a label: `0.5`, `1.0`, `NaN`, `+Inf` (OpenMetrics). */
export function quantileLabel(q: number): string {
  return Number.isInteger(q) ? `${formatGeneral(q)}${Math.abs(q) < 1e6 ? '.0' : ''}` : formatGeneral(q);
}

/** Several quantiles at once. Each result has its quantile in a label. */
export function histogramQuantiles(
  series: readonly Column[],
  label: string,
  quantiles: readonly { readonly q: Float64Array; readonly expr: Expr }[],
  frame: Frame,
  notes: Annotations,
  vector: Expr,
  budget: Budget,
): Column[] {
  return quantiles.flatMap(({ q, expr }) => {
    const values = [...new Set(q)];
    const columns = histogramQuantile(q, series, frame, notes, { q: expr, vector });
    budget.take(columns.length * values.length * frame.steps);
    // A quantile that changes along the steps makes one series for each of its values.
    return columns.flatMap((column) =>
      values.map((value) => ({
        ...column,
        labels: column.labels.with(label, quantileLabel(value)),
        has: column.has.map((has, k) => (Object.is(q[k], value) ? has : 0)),
      })),
    );
  });
}

export function histogramFraction(
  lower: Float64Array,
  upper: Float64Array,
  series: readonly Column[],
  frame: Frame,
  notes: Annotations,
  vector: Expr,
): Column[] {
  const reader: Reader = {
    classic: (buckets, k) => classicFraction(lower[k], upper[k], buckets),
    native: (h, k, metric) => {
      if (hasNaNObservations(h)) notes.nanObservationsInFraction(metric, vector.pos);
      return nativeFraction(lower[k], upper[k], h);
    },
  };
  return readHistograms(series, frame.steps, reader, notes, vector);
}
