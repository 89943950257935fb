/** The query of a heatmap, from the query of a quantile. */
import type { Query } from '../../../dashboards/panel.ts';

/** Buckets of classic histograms, and native ones where the same metric has them. */
const withNative = (rate: string): string => `sum by (le) (${rate}) or sum(${rate.replace('_bucket', '')})`;

/** The buckets behind a quantile of a histogram, all groups together; undefined for any other query. */
export function bucketQuery(queries: readonly Query[]): Query | undefined {
  for (const { expr, exact } of queries) {
    const found =
      /histogram_quantile\(\s*[\d.]+\s*,\s*sum\s+by\s*\([^)]*\)\s*\(\s*(rate\(.+?_bucket.*?\](?:\s*offset\s+[\w$]+)?\))\s*\)\s*\)/.exec(
        expr,
      );
    if (found !== null) return { expr: withNative(found[1]), legend: 'up to {{le}}', ...(exact ? { exact } : {}) };
    const native =
      /histogram_quantile\(\s*[\d.]+\s*,\s*sum(?:\s+by\s*\([^)]*\))?\s*\(\s*(rate\([^()]+\]\))\s*\)\s*\)/.exec(expr);
    if (native !== null) return { expr: `sum(${native[1]})`, legend: '', ...(exact ? { exact } : {}) };
    if (expr.startsWith('sum by (le)')) return { expr, legend: 'up to {{le}}', ...(exact ? { exact } : {}) };
  }
  return undefined;
}
