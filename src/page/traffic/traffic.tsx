/**
 * The data path: upstreams with their state, queue, retries and ejections with reasons, the phases of a request, and the
 * cache with its hot and most-missed keys. Editors drain, weigh, maintain and purge here; each change can be taken back.
 */
import type { JSX } from 'preact';
import { EJECTIONS, TRAFFIC } from '../../dashboards/computed.ts';
import { balancer } from '../../dashboards/balancer.ts';
import { cache } from '../../dashboards/cache.ts';
import type { BalancerAnswer, CacheAnswer } from '../../monitor/api/care-contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { PanelCard } from '../charts/panel-card.tsx';
import { Ledger } from '../overview/phase-table.tsx';
import { useResource } from '../state/api.ts';
import { frame } from '../state/connection.ts';
import { digits, NONE } from '../state/format.ts';
import { single, useInstants } from '../state/instant.ts';
import { isMoving } from '../state/range.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { CacheCard } from './cache-card.tsx';
import { ChangesCard } from './changes-card.tsx';
import { UpstreamsCard } from './upstreams-card.tsx';
import { verdictOn } from './verdict.ts';

const EVERY_MS = 2_000;

const [IN_FLIGHT, QUEUE, RETRIES, SHED] = TRAFFIC.queries;
const QUERIES = {
  queue: QUEUE.expr,
  inFlight: IN_FLIGHT.expr,
  retries: RETRIES.expr,
  shed: SHED.expr,
  ejections: EJECTIONS,
};
export type TrafficFigures = keyof typeof QUERIES;

/** The panels that the figures above do not show as well. */
const CHARTS = [
  'balancer-upstream-requests',
  'balancer-phases',
  'balancer-in-flight',
  'balancer-retries',
  'balancer-ejections',
  'balancer-shed',
];
const CACHE_CHARTS = ['cache-hit-ratio', 'cache-lookups', 'cache-lookup-time', 'cache-size', 'cache-evictions'];

function Line({
  routes,
  figures,
}: {
  routes: BalancerAnswer | undefined;
  figures: Partial<Record<TrafficFigures, number | null>>;
}): JSX.Element {
  const drained = (routes?.routes ?? []).flatMap(({ upstreams }) => upstreams.filter(({ drained: by }) => by));
  const [status, text] = verdictOn(routes?.routes);
  const number = (value: number | null | undefined): string => (value == null ? NONE : digits(value));
  return (
    <section class="verdict" aria-label="Verdict">
      <StatusIcon status={status} />
      <p>
        <b>{text}</b> {drained.length > 0 && `${drained.length} drained by hand.`}
      </p>
      <div class="facts">
        <span>
          in flight <b>{number(figures.inFlight)}</b>
        </span>
        <span>
          queue <b>{number(figures.queue)}</b>
        </span>
        <span>
          retries/s <b>{number(figures.retries ?? 0)}</b>
        </span>
        <span>
          refused/s <b>{number(figures.shed ?? 0)}</b>
        </span>
        <HowComputed of={TRAFFIC} />
      </div>
    </section>
  );
}

export function TrafficPage(): JSX.Element {
  const every = isMoving.value ? EVERY_MS : undefined;
  const routes = useResource<BalancerAnswer>('/api/balancer', every);
  const figures = useInstants(QUERIES, EVERY_MS * 2);
  const keys = useResource<CacheAnswer>('/api/cache', every);
  const now = frame.value?.current;
  const line = {
    queue: single(figures.data?.queue),
    inFlight: single(figures.data?.inFlight),
    retries: single(figures.data?.retries),
    shed: single(figures.data?.shed),
  };
  return (
    <>
      <h1 class="page-title c12">Traffic</h1>
      <Line routes={routes.data} figures={line} />
      <UpstreamsCard routes={routes} figures={figures.data} current={now} />
      <ChangesCard routes={routes} />
      {now !== undefined && <Ledger routes={now.routes} windowSeconds={now.window_seconds} />}
      {balancer.panels
        .filter(({ id }) => CHARTS.includes(id))
        .map((panel) => (
          <PanelCard key={panel.id} panel={panel} className="c4 half" />
        ))}
      <CacheCard keys={keys} current={now?.cache ?? null} />
      {cache.panels
        .filter(({ id }) => CACHE_CHARTS.includes(id))
        .map((panel) => (
          <PanelCard key={panel.id} panel={panel} className="c4 half" />
        ))}
    </>
  );
}
