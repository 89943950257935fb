/** The time of the shown targets on one chart, own and competitors' together; competitors' are named so in the legend. */
import type { JSX } from 'preact';
import type { TargetJson } from '../../monitor/api/targets/contract.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { quoted } from '../state/instant.ts';

/** More lines than this cannot be told apart; the first are the worst. */
const MOST = 12;

const pattern = (names: readonly string[]): string =>
  quoted(names.map((name) => name.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('|'));

export function ComparisonChart({ targets }: { targets: readonly TargetJson[] }): JSX.Element {
  const compared = targets.filter(({ kind }) => kind !== 'heartbeat').slice(0, MOST);
  const queries = [
    { of: compared.filter(({ competitor }) => !competitor), legend: '{{target}}' },
    { of: compared.filter(({ competitor }) => competitor), legend: '{{target}} (competitor)' },
  ].flatMap(({ of, legend }) =>
    of.length === 0
      ? []
      : [{ expr: `probe_duration_seconds{job="targets",target=~${pattern(of.map(({ name }) => name))}}`, legend }],
  );
  const panel = {
    id: 'targets-compared',
    title: 'Time of a check',
    subtitle:
      targets.length > compared.length ? `the first ${compared.length} of ${targets.length}` : 'own and competitors',
    unit: 'seconds',
    kind: 'timeseries',
    queries,
    width: 12,
  } as const;
  if (queries.length === 0) return <></>;
  return <PanelCard key={queries.map(({ expr }) => expr).join()} panel={panel} className="c12" />;
}
