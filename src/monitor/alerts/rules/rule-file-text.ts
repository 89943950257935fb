/** Rules as a Prometheus rule file. Prometheus, promtool and Vitrine read it. */
import { stringify } from 'yaml';
import { formatDurationMs } from '../../../base/units.ts';
import type { GroupSpec, RuleSpec, TextEntry } from './spec.ts';

const duration = (ms: number): string | undefined => (ms === 0 ? undefined : formatDurationMs(ms));

const textsOf = (entries: readonly TextEntry[]): Record<string, string> | undefined =>
  entries.length === 0 ? undefined : Object.fromEntries(entries.map(({ name, source }) => [name, source]));

function ruleOf(rule: RuleSpec): object {
  if (rule.kind === 'recording') {
    const labels = Object.keys(rule.labels).length === 0 ? undefined : rule.labels;
    return { record: rule.name, expr: rule.expr, labels };
  }
  return {
    alert: rule.name,
    expr: rule.expr,
    for: duration(rule.forMs),
    keep_firing_for: duration(rule.keepFiringForMs),
    labels: textsOf(rule.labels),
    annotations: textsOf(rule.annotations),
  };
}

/** Group names are unique in a file, so groups of several files are named after their file. */
export function ruleFileText(groups: readonly GroupSpec[]): string {
  const names = new Map<string, number>();
  for (const { name } of groups) names.set(name, (names.get(name) ?? 0) + 1);
  const body = groups.map(({ name, file, intervalMs, queryOffsetMs, limit, rules }) => ({
    name: (names.get(name) ?? 0) > 1 ? `${file} ${name}` : name,
    interval: intervalMs === undefined ? undefined : formatDurationMs(intervalMs),
    query_offset: duration(queryOffsetMs),
    limit: limit === 0 ? undefined : limit,
    rules: rules.map(ruleOf),
  }));
  return stringify({ groups: body }, { lineWidth: 0 });
}
