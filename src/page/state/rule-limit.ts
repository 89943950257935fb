/** The limit of a panel, taken from the loaded rule, so that a chart always shows the limit at which the alert fires. */
import type { Threshold } from '../../dashboards/panel.ts';
import { useResource } from './api.ts';
import { limitOf } from './rule-expression.ts';

interface RulesAnswer {
  readonly data: { readonly groups: readonly { readonly rules: readonly { name: string; query: string }[] }[] };
}

/** `threshold` with the limit of the loaded rule of that name; unchanged while the rules are unknown or none has that name. */
export function useRuleLimit(threshold: Threshold | undefined): Threshold | undefined {
  const rules = useResource<RulesAnswer>(threshold === undefined ? undefined : '/api/v1/rules?type=alert', 60_000);
  if (threshold === undefined) return undefined;
  const all = rules.data?.data.groups.flatMap((group) => group.rules) ?? [];
  const query = all.find(({ name }) => name === threshold.rule)?.query;
  return { ...threshold, above: (query === undefined ? undefined : limitOf(query)) ?? threshold.above };
}
