/** All alerts by state, each with its reason and labels. */
import type { JSX } from 'preact';
import type { AlertView } from '../../monitor/api/contract.ts';
import { frame } from '../state/connection.ts';
import { clockTime } from '../state/format.ts';
import { viewNowMs, zoomTo } from '../state/range.ts';
import { Empty, Loading } from '../ui/states.tsx';
import { AlertRow } from './alert-row.tsx';

const GROUPS: readonly [AlertView['state'], string][] = [
  ['firing', 'Firing'],
  ['pending', 'Pending'],
  ['resolved', 'Resolved'],
];

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
          {name}={value}
        </span>
      ))}
    </p>
  );
}

function Group({ title, alerts, nowMs }: { title: string; alerts: readonly AlertView[]; nowMs: number }): JSX.Element {
  return (
    <section class="card c12 alerts" aria-label={title}>
      <div class="hd">
        <h2>{title}</h2>
        <span class="sub">{alerts.length}</span>
      </div>
      {alerts.map((alert) => (
        <div key={alert.fingerprint}>
          <AlertRow alert={alert} nowMs={nowMs} />
          <Labels alert={alert} />
        </div>
      ))}
    </section>
  );
}

export function AlertsPage(): JSX.Element {
  const now = frame.value;
  if (now === undefined) return <Loading height={200} />;
  const groups = GROUPS.map(([state, title]) => ({
    title,
    alerts: now.alerts.filter((alert) => alert.state === state),
  }));
  return (
    <>
      <h1 class="page-title c12">Alerts</h1>
      {now.alerts.length === 0 && (
        <section class="card c12">
          <Empty text="Nothing is firing or pending, and nothing was resolved in the last 15 minutes." />
        </section>
      )}
      {groups
        .filter(({ alerts }) => alerts.length > 0)
        .map(({ title, alerts }) => (
          <Group key={title} title={title} alerts={alerts} nowMs={now.timeMs} />
        ))}
    </>
  );
}
