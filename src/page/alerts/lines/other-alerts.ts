/** Alerts that no rule of this server made: those that a Prometheus, a script or amtool sent to the API. */
import type { GroupsAnswer } from '../../../monitor/api/alerts/contract.ts';

type Member = GroupsAnswer['groups'][number]['alerts'][number];

/** Each alert once, although it may be in several groups, and none of those that are shown already. Pure. */
export function othersIn(groups: GroupsAnswer['groups'], shown: ReadonlySet<string>): Member[] {
  const found = new Map<string, Member>();
  for (const { alerts } of groups)
    for (const alert of alerts) if (!shown.has(alert.fingerprint)) found.set(alert.fingerprint, alert);
  return [...found.values()];
}
