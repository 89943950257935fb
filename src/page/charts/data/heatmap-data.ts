/** Classic histogram buckets (`le`, cumulative) as the cells of a heatmap: columns are times, rows are buckets. Pure. */
import type { Query } from '../../../dashboards/panel.ts';
import type { ChartData } from './chart-data.ts';

export interface HeatRow {
  /** Bounds in the unit of the histogram; the lowest bucket begins at 0 or -Infinity, the highest ends at Infinity. */
  readonly from: number;
  readonly to: number;
  /** One a time; null without data. */
  readonly counts: readonly (number | null)[];
}

export interface Heat {
  readonly timesMs: readonly number[];
  /** From the lowest bucket up; buckets that are empty at both ends are left out. */
  readonly rows: readonly HeatRow[];
  readonly largest: number;
}

const boundOf = (text: string): number => (text === '+Inf' ? Infinity : Number(text));

/** Undefined when the lines have no `le`. */
export function heatOf({ timesMs, lines }: ChartData): Heat | undefined {
  const byBound = new Map<number, (number | null)[]>();
  for (const { labels, values } of lines) {
    const bound = boundOf(labels['le'] ?? '');
    if (Number.isNaN(bound) || labels['le'] === undefined) continue;
    const sums = byBound.get(bound) ?? timesMs.map(() => null);
    for (const [at, value] of values.entries()) if (typeof value === 'number') sums[at] = (sums[at] ?? 0) + value;
    byBound.set(bound, sums);
  }
  if (byBound.size === 0) return undefined;
  const bounds = [...byBound.keys()].sort((a, b) => a - b);
  const rows = bounds.map((to, at): HeatRow => {
    const own = byBound.get(to) ?? [];
    const below = at === 0 ? undefined : byBound.get(bounds[at - 1]);
    const from = at === 0 ? Math.min(0, to) : bounds[at - 1];
    // Buckets are sampled one after the other, so a difference may be a little below zero.
    const counts = own.map((value, i) => (value === null ? null : Math.max(0, value - (below?.[i] ?? 0))));
    return { from, to, counts };
  });
  const used = rows.map(({ counts }) => counts.some((count) => (count ?? 0) > 0));
  const [first, last] = [used.indexOf(true), used.lastIndexOf(true)];
  const kept = first < 0 ? rows : rows.slice(Math.max(0, first - 1), last + 2);
  let largest = 0;
  for (const { counts } of kept) for (const count of counts) largest = Math.max(largest, count ?? 0);
  return { timesMs, rows: kept, largest };
}

/** The buckets behind a quantile of a classic histogram, all groups together; undefined for any other query. */
export function bucketQuery(queries: readonly Query[]): Query | undefined {
  for (const { expr, exact } of queries) {
    const found =
      /histogram_quantile\(\s*[\d.]+\s*,\s*sum\s+by\s*\([^)]*\)\s*\(\s*(rate\(.+_bucket.*\]\))\s*\)\s*\)/.exec(expr);
    if (found !== null)
      return { expr: `sum by (le) (${found[1]})`, legend: 'up to {{le}}', ...(exact ? { exact } : {}) };
    if (expr.startsWith('sum by (le)')) return { expr, legend: 'up to {{le}}', ...(exact ? { exact } : {}) };
  }
  return undefined;
}
