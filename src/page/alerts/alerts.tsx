/** Alerts by state with reason and labels; beside them who is on call, silences and noise; channels and ledger as views. */
import type { JSX } from 'preact';
import type { AlertView } from '../../monitor/api/contract.ts';
import { frame } from '../state/connection.ts';
import { clockTime } from '../state/format.ts';
import { viewNowMs, zoomTo } from '../state/range.ts';
import { param, setParams } from '../state/router.ts';
import { Name } from '../ui/name.tsx';
import { Empty, Loading } from '../ui/states.tsx';
import { AlertRow } from './alert-row.tsx';
import { ChannelsCard } from './channels-card.tsx';
import { LedgerCard } from './ledger-list.tsx';
import { NoiseCard } from './noise-card.tsx';
import { OnCallCard } from './oncall-card.tsx';
import { GroupsCard } from './groups-card.tsx';
import { HistoryCard } from './history-card.tsx';
import { SilencesCard } from './silences-card.tsx';
import { TrialCard } from './trial-card.tsx';
import '../styles/alerts.css';

const GROUPS: readonly [AlertView['state'], string, string][] = [
  ['firing', 'Firing', ''],
  ['pending', 'Pending', 'over the limit, not for long enough yet; nobody is told'],
  ['resolved', 'Resolved', 'in the last 15 minutes'],
];
const VIEWS = [
  ['', 'Alerts'],
  ['groups', 'Groups'],
  ['history', 'History'],
  ['channels', 'Channels'],
  ['ledger', 'Ledger'],
] as const;

/** A chart that begins with the alert does not show what led to it. */
const BEFORE_MS = 300_000;

function Labels({ alert }: { alert: AlertView }): JSX.Element {
  const labels = Object.entries(alert.labels).filter(([name]) => name !== 'alertname' && name !== 'severity');
  return (
    <p class="labels">
      <button
        type="button"
        class="btn sm ghost"
        title="Show every chart since this alert began"
        onClick={() => zoomTo(alert.activeAtMs - BEFORE_MS, alert.resolvedAtMs ?? viewNowMs.value)}
      >
        since <b>{clockTime(alert.activeAtMs)}</b>
      </button>
      {labels.map(([name, value]) => (
        <span class="chip mono" key={name}>
          <Name of={`${name}=${value}`} most={80} />
        </span>
      ))}
    </p>
  );
}

interface GroupProps {
  readonly title: string;
  readonly sub: string;
  readonly alerts: readonly AlertView[];
  readonly nowMs: number;
}

function Group({ title, sub, alerts, nowMs }: GroupProps): JSX.Element {
  return (
    <section class="card alerts" aria-label={title}>
      <div class="hd">
        <h2>{title}</h2>
        <span class="sub">
          {alerts.length} {sub}
        </span>
      </div>
      {alerts.map((alert) => (
        <div key={alert.fingerprint}>
          <AlertRow alert={alert} nowMs={nowMs} care />
          <Labels alert={alert} />
        </div>
      ))}
    </section>
  );
}

function Active(): JSX.Element {
  const now = frame.value;
  if (now === undefined) return <Loading height={200} />;
  const groups = GROUPS.map(([state, title, sub]) => ({
    title,
    sub,
    alerts: now.alerts.filter((alert) => alert.state === state),
  })).filter(({ alerts }) => alerts.length > 0);
  return (
    <>
      <div class="c8 column">
        {groups.length === 0 && (
          <section class="card">
            <Empty text="Nothing is firing or pending, and nothing was resolved in the last 15 minutes." />
          </section>
        )}
        {groups.map((group) => (
          <Group key={group.title} {...group} nowMs={now.timeMs} />
        ))}
      </div>
      <div class="c4 column">
        <OnCallCard />
        <SilencesCard />
        <NoiseCard />
      </div>
    </>
  );
}

function View({ name }: { name: string }): JSX.Element {
  if (name === 'channels')
    return (
      <>
        <ChannelsCard />
        <TrialCard />
      </>
    );
  if (name === 'groups') return <GroupsCard />;
  if (name === 'history') return <HistoryCard />;
  return name === 'ledger' ? <LedgerCard /> : <Active />;
}

export function AlertsPage(): JSX.Element {
  const view = param('view');
  return (
    <>
      <h1 class="page-title c12">Alerts</h1>
      <div class="c12 alert-tools">
        <div class="seg shown" role="group" aria-label="View">
          {VIEWS.map(([id, title]) => (
            <button
              key={id}
              type="button"
              aria-pressed={view === id}
              onClick={() => setParams({ view: id === '' ? undefined : id, type: undefined })}
            >
              {title}
            </button>
          ))}
        </div>
        <span class="sp" />
        <a class="btn" href="/alerts/rules">
          Rules
        </a>
      </div>
      <View name={view} />
    </>
  );
}
