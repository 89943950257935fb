/** What of a service is firing. Its objectives belong below its alerts, in this card. */
import type { JSX } from 'preact';
import { AlertRow } from '../alerts/alert-row.tsx';
import { frame } from '../state/connection.ts';
import { Empty } from '../ui/states.tsx';

export function AlertsCard({ service }: { service: string }): JSX.Element {
  const now = frame.value;
  const own = (now?.alerts ?? []).filter(({ labels }) => [labels.service, labels.job].includes(service));
  return (
    <section class="card c4 alerts active" aria-label="Alerts">
      <div class="hd">
        <h2>Alerts</h2>
        <span class="sub">of this service</span>
        <a class="note" href="/alerts">
          All alerts
        </a>
      </div>
      {own.length === 0 && <Empty text="Nothing of this service is firing." />}
      {own.map((alert) => (
        <AlertRow key={alert.fingerprint} alert={alert} nowMs={now?.timeMs ?? 0} />
      ))}
    </section>
  );
}
