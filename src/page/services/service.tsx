/**
 * One service: a sentence, key figures, rate, errors and duration, its routes, the calls it makes, its alerts, failed and
 * slow traces, log lines, its runtime, and metrics of its own that somebody pinned. The address names the service.
 */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { ServicesAnswer } from '../../monitor/api/contract.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { termOf } from '../state/filter-text.ts';
import { useResource } from '../state/api.ts';
import { useInstants } from '../state/instant.ts';
import { isMoving, shown } from '../state/range.ts';
import { address, go, param } from '../state/router.ts';
import { Crumbs } from '../ui/crumbs.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty } from '../ui/states.tsx';
import { AlertsCard } from './alerts-card.tsx';
import { CallsCard } from './calls.tsx';
import { ErrorsCard } from './errors.tsx';
import { FiguresStrip, Sentence } from './figures.tsx';
import { Pins } from './pins.tsx';
import { LinesCard, TracesCard } from './records.tsx';
import { RoutesCard } from './routes.tsx';
import { insidePanels, redPanels, serviceQueries, workPanels } from './service-queries.ts';
import { VersionsCard } from './versions.tsx';
import '../styles/map.css';

const EVERY_MS = 5_000;
/** The change is against the time this long ago. */
const BEFORE = '15m';

/** The traces of one bucket of a chart, slowest first. */
function openBucket(service: string, timeMs: number): void {
  const { stepMs } = shown.value;
  go(
    address('/traces', {
      q: termOf('service', service),
      from: String(timeMs - stepMs),
      to: String(timeMs + stepMs),
      sort: 'duration',
    }),
  );
}

function Unnamed(): JSX.Element {
  return (
    <section class="card c12">
      <Empty
        text="The address names no service."
        action={
          <a class="btn sm" href="/services">
            Show all services
          </a>
        }
      />
    </section>
  );
}

function Service({ service }: { service: string }): JSX.Element {
  const queries = useMemo(() => serviceQueries(service, BEFORE), [service]);
  const panels = useMemo(() => ({ red: redPanels(service), inside: insidePanels(service) }), [service]);
  const figures = useInstants(queries, EVERY_MS);
  const services = useResource<ServicesAnswer>('/api/services', isMoving.value ? EVERY_MS : undefined);
  const row = services.data?.services.find((one) => one.service === service);
  const names = useMemo(() => services.data?.services.map((one) => one.service) ?? [], [services.data]);
  const known = services.data === undefined || row !== undefined;
  return (
    <>
      <div class="page-head">
        <Crumbs list="Services" path="/services" name={service} />
        <span class="acts">
          <a class="btn sm" href={address('/traces', { q: termOf('service', service) })}>
            Traces
          </a>
          <a class="btn sm" href={address('/traces', { q: `${termOf('service', service)} span.status:error` })}>
            Failed traces
          </a>
        </span>
      </div>
      {!known && (
        <p class="renew c12" role="status">
          <span>This service has sent nothing for 15 minutes.</span>
        </p>
      )}
      <Sentence service={service} row={row} figures={figures.data} before={BEFORE} />
      <Loaded of={figures} height={86}>
        {(data) => <FiguresStrip service={service} row={row} data={data} before={BEFORE} />}
      </Loaded>
      {panels.red.map((panel) => (
        <PanelCard
          key={panel.queries[0].expr}
          panel={panel}
          className="c4 half"
          {...(panel.id === 'service-duration' ? { onPick: (timeMs: number) => openBucket(service, timeMs) } : {})}
        />
      ))}
      <RoutesCard service={service} figures={figures} before={BEFORE} />
      <AlertsCard service={service} services={names} />
      <ErrorsCard service={service} />
      <CallsCard service={service} figures={figures} before={BEFORE} />
      <TracesCard service={service} />
      <VersionsCard service={service} data={figures.data} />
      <LinesCard service={service} />
      {workPanels(service, figures.data?.work ?? []).map((panel) => (
        <PanelCard key={panel.id} panel={panel} className="c4 half" />
      ))}
      {panels.inside.map((panel) => (
        <PanelCard key={panel.queries[0].expr} panel={panel} className="c6 half" />
      ))}
      <Pins service={service} />
    </>
  );
}

export function ServicePage(): JSX.Element {
  const service = param('service');
  // Another service is another page: nothing of the one before may stay.
  return service === '' ? <Unnamed /> : <Service key={service} service={service} />;
}
