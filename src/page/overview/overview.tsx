/** Shows whether anything is wrong, where, and since when: verdict, key figures, charts, phases, services. */
import type { JSX } from 'preact';
import { errorsPanel, latencyPanel, trafficPanel } from '../../dashboards/overview.ts';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { useResource } from '../state/api.ts';
import { frame, history15m } from '../state/connection.ts';
import { STEP_MS } from '../state/range.ts';
import { closedCards, CONNECT_CARD } from '../state/preferences.ts';
import { address, go, param, setParams } from '../state/router.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { lazily } from '../ui/lazily.tsx';
import { Loading } from '../ui/states.tsx';
import type { ActiveAlertsProps } from './active-alerts.tsx';
import { FailingTargets } from './failing-targets.tsx';
import { Kpis } from './kpis.tsx';
import { isNextShown, NextSteps, useSample } from './next-steps.tsx';
import type { LedgerProps } from './phase-table.tsx';
import type { ServiceHealthProps } from './service-health.tsx';
import type { UpstreamsProps } from './upstreams.tsx';
import { VerdictLine } from './verdict-line.tsx';

const SERVICES_EVERY_MS = 5_000;
const TABS = [
  ['traffic', 'Traffic'],
  ['latency', 'Latency'],
  ['errors', 'Errors'],
] as const;

/** The traces of one bucket of the latency chart, slowest first. */
function openBucket(timeMs: number): void {
  go(address('/traces', { from: String(timeMs - STEP_MS), to: String(timeMs + STEP_MS), sort: 'duration' }));
}

function Charts(): JSX.Element {
  const asked = param('chart');
  const tab = TABS.find(([id]) => id === asked)?.[0] ?? 'latency';
  return (
    <div class="charts" data-tab={tab}>
      <div class="seg" role="tablist" aria-label="Chart">
        {TABS.map(([id, title]) => (
          <button
            key={id}
            type="button"
            role="tab"
            aria-selected={tab === id}
            onClick={() => setParams({ chart: id === 'latency' ? '' : id }, true)}
          >
            {title}
          </button>
        ))}
      </div>
      <PanelCard panel={trafficPanel} className="p-traffic" />
      <PanelCard panel={latencyPanel} className="p-latency" onPick={openBucket} />
      {tab === 'errors' && <PanelCard panel={errorsPanel} className="p-errors" />}
    </div>
  );
}

// They stand below the charts, so the first figures do not wait for their code.
const Ledger = lazily<LedgerProps>(async () => (await import('./phase-table.tsx')).Ledger);
const ServiceHealth = lazily<ServiceHealthProps>(async () => (await import('./service-health.tsx')).ServiceHealth);
const ActiveAlerts = lazily<ActiveAlertsProps>(async () => (await import('./active-alerts.tsx')).ActiveAlerts);
const Upstreams = lazily<UpstreamsProps>(async () => (await import('./upstreams.tsx')).Upstreams);
const Components = lazily<UpstreamsProps>(async () => (await import('./upstreams.tsx')).Components);
const ConnectCard = lazily(async () => (await import('./connect-card.tsx')).ConnectCard);

export function OverviewPage(): JSX.Element {
  const now = frame.value;
  const services = useResource<ServicesAnswer>('/api/services', SERVICES_EVERY_MS);
  const { sample, reload } = useSample();
  if (now === undefined) return <Loading height={400} />;
  // The first minutes last while the sample services run, or until a service of the user's sends something.
  const first = sample !== undefined || param('connect') !== '' || services.data?.services.length === 0;
  const { current, alerts, timeMs } = now;
  // The link of another page opens a closed card again.
  const connects = param('connect') !== '' || !closedCards.value.includes(CONNECT_CARD);
  return (
    <>
      <h1 class="vh">Overview</h1>
      <VerdictLine frame={now} services={services.data?.services ?? []} />
      <Kpis current={current} past={history15m.value} sample={sample} />
      <FailingTargets />
      {first && connects && <ConnectCard />}
      {first && isNextShown() && <NextSteps sample={sample} reload={reload} />}
      <Charts />
      <Ledger routes={current.routes} windowSeconds={current.window_seconds} />
      <ServiceHealth services={services} />
      <ActiveAlerts alerts={alerts} nowMs={timeMs} />
      <Upstreams current={current} />
      <Components current={current} />
    </>
  );
}
