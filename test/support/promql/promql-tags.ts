/** The features that a case of a PromQL script needs, so that results can be counted by feature. */
import type { Block, EvalCase } from './promql-script.ts';

const EXPERIMENTAL =
  /\b(?:double_exponential_smoothing|mad_over_time|sort_by_label(?:_desc)?|limitk|limit_ratio|info|ts_of_\w+_over_time|first_over_time|histogram_quantiles|max_of|min_of|start|end|step|range)\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(/i;

/** True when a case expects native histograms or can meet one: it names their metric, or no metric at all. */
function usesNative(test: EvalCase, block: Block): boolean {
  if (test.series.some(({ values }) => values.some((value) => value?.h !== undefined))) return true;
  const names = new Set<string>();
  for (const { series, nhcb } of block.loads) {
    for (const { labels, samples } of series) {
      if (samples.some(({ h }) => h !== undefined)) names.add(labels.name);
      if (nhcb) names.add(labels.name.replace(/_(?:bucket|count|sum)$/, ''));
    }
  }
  if (names.size === 0) return false;
  const words: readonly string[] = test.expr.match(/[a-zA-Z_:][\w:]*/g) ?? [];
  return words.some((word) => names.has(word)) || /(?:^|[^\w:])\{/.test(test.expr);
}

export function tagsOf(test: EvalCase, block: Block): string[] {
  const expr = test.expr.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""');
  const series = block.loads.flatMap((load) => load.series);
  const tags: string[] = [test.range === undefined ? 'instant' : 'range'];
  const native = usesNative(test, block);
  if (native) tags.push('native');
  if (series.some(({ samples }) => samples.some(({ st }) => st !== undefined))) tags.push('start_timestamps');
  if (/\b(?:anchored|smoothed)\b/.test(expr)) tags.push('extended_range');
  if (/\bfill(?:_left|_right)?\s*\(/.test(expr)) tags.push('fill');
  if (/<\/|>\//.test(expr)) tags.push('trim');
  if (EXPERIMENTAL.test(expr)) tags.push('experimental');
  if (tags.length === 1) tags.push('plain');
  if (test.expected.has('fail')) tags.push('expect_fail');
  if (/warn|info/.test([...test.expected.keys()].join(' '))) tags.push('annotations');
  return tags;
}
