/** The limit of a panel as the rule says it that is loaded now, so that a chart never shows another than the one that fires. */
import type { Threshold } from '../../dashboards/panel.ts';
import { useResource } from './api.ts';
import { limitOf } from './rule-expression.ts';

interface RulesAnswer {
  readonly data: { readonly groups: readonly { readonly rules: readonly { name: string; query: string }[] }[] };
}

/** `threshold` with the limit of the loaded rule of that name; as it is while rules are not known or none has the name. */
export function useRuleLimit(threshold: Threshold | undefined): Threshold | undefined {
  const rules = useResource<RulesAnswer>(threshold === undefined ? undefined : '/api/v1/rules?type=alert', 60_000);
  if (threshold === undefined) return undefined;
  const all = rules.data?.data.groups.flatMap((group) => group.rules) ?? [];
  const query = all.find(({ name }) => name === threshold.rule)?.query;
  return { ...threshold, above: (query === undefined ? undefined : limitOf(query)) ?? threshold.above };
}
