/** Alerts by state with reason and labels; beside them who is on call, silences and noise; channels and ledger as views. */
import type { JSX } from 'preact';
import { ALERT_LINES_COUNTED, askedFor } from '../../dashboards/computed.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { GroupsAnswer } from '../../monitor/api/alerts/contract.ts';
import type { LinesAnswer } from '../../monitor/api/alerts/rule-contract.ts';
import type { AlertView } from '../../monitor/api/contract.ts';
import { useResource } from '../state/api.ts';
import { frame } from '../state/connection.ts';
import { clockTime } from '../state/format.ts';
import { shown, viewNowMs, zoomTo } from '../state/range.ts';
import { address, param, setParams } from '../state/router.ts';
import { Name } from '../ui/name.tsx';
import { Empty, Loading } from '../ui/states.tsx';
import { AlertRow } from './alert-row.tsx';
import { ChannelsCard } from './channels-card.tsx';
import { LedgerCard } from './ledger-list.tsx';
import { NoiseCard } from './noise-card.tsx';
import { OnCallCard } from './oncall-card.tsx';
import { GroupsCard, OthersCard } from './groups-card.tsx';
import { HistoryCard } from './history-card.tsx';
import type { AlertLine } from './lines/limit-drawing.ts';
import { LimitLine } from './lines/limit-line.tsx';
import { othersIn } from './lines/other-alerts.ts';
import { TimeLineCard } from './lines/time-line-card.tsx';
import { SilencesCard } from './mutes/silences-card.tsx';
import { WindowsCard } from './mutes/windows-card.tsx';
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
  /** By fingerprint; an alert without one has a rule without a figure. */
  readonly lines: ReadonlyMap<string, AlertLine>;
}

function Group({ title, sub, alerts, nowMs, lines }: GroupProps): JSX.Element {
  return (
    <section class="card alerts" aria-label={title}>
      <div class="hd">
        <h2>{title}</h2>
        <span class="sub">
          {alerts.length} {sub}
        </span>
        <HowComputed of={askedFor(`${title} alerts`, '/api/alerts/lines', ALERT_LINES_COUNTED)} />
      </div>
      {alerts.map((alert) => {
        const line = lines.get(alert.fingerprint);
        return (
          <div key={alert.fingerprint}>
            <AlertRow alert={alert} nowMs={nowMs} care />
            <div class="alert-foot">
              <Labels alert={alert} />
              {line !== undefined && <LimitLine of={line} />}
            </div>
          </div>
        );
      })}
    </section>
  );
}

/** The figures of the alerts over the range of the page; nothing is asked while there is no alert. */
function useLines(hasAlerts: boolean): ReadonlyMap<string, AlertLine> {
  const { fromMs, toMs } = shown.value;
  const path = address('/api/alerts/lines', { from: String(fromMs), to: String(toMs) });
  const { data } = useResource<LinesAnswer>(hasAlerts ? path : undefined, 10_000);
  return new Map((data?.lines ?? []).map((line) => [line.fingerprint, line]));
}

function Active(): JSX.Element {
  const now = frame.value;
  const lines = useLines((now?.alerts.length ?? 0) > 0);
  const told = useResource<GroupsAnswer>('/api/alerts/groups', 5_000);
  if (now === undefined) return <Loading height={200} />;
  const others = othersIn(told.data?.groups ?? [], new Set(now.alerts.map(({ fingerprint }) => fingerprint)));
  const groups = GROUPS.map(([state, title, sub]) => ({
    title,
    sub,
    alerts: now.alerts.filter((alert) => alert.state === state),
  })).filter(({ alerts }) => alerts.length > 0);
  return (
    <>
      <div class="c8 column">
        {groups.length === 0 && others.length === 0 && (
          <section class="card">
            <Empty text="Nothing is firing or pending, and nothing was resolved in the last 15 minutes." />
          </section>
        )}
        {groups.map((group) => (
          <Group key={group.title} {...group} nowMs={now.timeMs} lines={lines} />
        ))}
        {others.length > 0 && <OthersCard alerts={others} />}
        <TimeLineCard />
      </div>
      <div class="c4 column">
        <OnCallCard />
        <SilencesCard />
        <WindowsCard />
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
