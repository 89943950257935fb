/** What a case of a PromQL script needs of an engine, so that results can be counted by feature. */
import type { Block, EvalCase } from './promql-script.ts';

const EXPERIMENTAL =
  /\b(?:double_exponential_smoothing|mad_over_time|sort_by_label(?:_desc)?|limitk|limit_ratio|info|ts_of_\w+_over_time|first_over_time|histogram_quantiles|max_of|min_of|start|end|step|range)\s*(?:(?:by|without)\s*\([^)]*\)\s*)?\(/i;

export function tagsOf(test: EvalCase, block: Block): string[] {
  const expr = test.expr.replaceAll(/"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|`[^`]*`/g, '""');
  const series = block.loads.flatMap((load) => load.series);
  const tags: string[] = [test.range === undefined ? 'instant' : 'range'];
  const native =
    block.loads.some(({ nhcb }) => nhcb) || series.some(({ samples }) => samples.some(({ h }) => h !== undefined));
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
