/** The alerts that fire, and those that ended in the last fifteen minutes, on the overview. */
import type { JSX } from 'preact';
import type { AlertView } from '../../monitor/api/contract.ts';
import { AlertRow } from '../alerts/alert-row.tsx';
import { Empty } from '../ui/states.tsx';

export interface ActiveAlertsProps {
  readonly alerts: readonly AlertView[];
  readonly nowMs: number;
}

export function ActiveAlerts({ alerts, nowMs }: ActiveAlertsProps): JSX.Element {
  const firing = alerts.filter(({ state }) => state === 'firing').length;
  const resolved = alerts.filter(({ state }) => state === 'resolved').length;
  return (
    <section class="card c4 alerts active" aria-label="Active alerts">
      <div class="hd">
        <h2>Active alerts</h2>
        <span class="sub">
          {firing} firing{resolved > 0 ? `, ${resolved} resolved` : ''}
        </span>
        <a class="note" href="/alerts">
          All alerts
        </a>
      </div>
      {alerts.length === 0 && <Empty text="Nothing is firing." />}
      {alerts.slice(0, 4).map((alert) => (
        <AlertRow key={alert.fingerprint} alert={alert} nowMs={nowMs} />
      ))}
    </section>
  );
}
