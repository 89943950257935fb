/** The error budget that is left, of the objective that is worst off; nothing while no objective is configured. */
import type { JSX } from 'preact';
import type { ObjectivesJson } from '../../monitor/api/targets/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { objectivesComputed } from '../services/objectives.ts';
import { stateWord, statusOf, worstFirst } from '../slo/objective-text.ts';
import { useResource } from '../state/api.ts';
import { clockTime, digits, NONE } from '../state/format.ts';
import { address } from '../state/router.ts';
import { visibleName } from '../state/visible-name.ts';
import { StatusIcon } from '../ui/icons.tsx';

const EVERY_MS = 30_000;

export function BudgetFact(): JSX.Element | null {
  const found = useResource<ObjectivesJson>('/api/slo', EVERY_MS);
  const objectives = found.data?.objectives ?? [];
  const worst = worstFirst(objectives).at(0);
  if (worst === undefined) return null;
  const { name, budget_left: left, window } = worst;
  const status = statusOf(worst);
  const of = objectives.length === 1 ? '' : `, the worst of ${objectives.length} objectives`;
  const asOf = found.error === undefined ? '' : `; as of ${clockTime(found.loadedAtMs)}`;
  return (
    <span>
      {(status === 'crit' || status === 'warn') && <StatusIcon status={status} label={stateWord(worst)} />}
      <a href={address('/slo', { name })} title={`${visibleName(name, 60).text}, over ${window}${of}${asOf}`}>
        SLO budget <b>{left === null ? NONE : `${digits(left * 100)}\u2009%`}</b>
      </a>
      <HowComputed of={objectivesComputed([worst])} />
    </span>
  );
}
