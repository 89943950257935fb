/** Shows whether anything is wrong, where, and since when: verdict, key figures, charts, phases, services. */
import type { JSX } from 'preact';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { useResource } from '../state/api.ts';
import { frame, history15m } from '../state/connection.ts';
import { closedCards, CONNECT_CARD } from '../state/preferences.ts';
import { param } from '../state/router.ts';
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
// They stand below the first figures, which do not wait for their code. That of charts is the largest of the page.
const Charts = lazily(async () => (await import('./charts.tsx')).Charts, 232);
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
