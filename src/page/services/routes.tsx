/** Rate, errors and duration of each route of a service, sorted in the address, with a total. */
import type { JSX } from 'preact';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { termOf } from '../state/filter-text.ts';
import type { Resource } from '../state/api.ts';
import { digits, duration, joined, NONE, percent } from '../state/format.ts';
import { byLabel, single } from '../state/instant.ts';
import { address, param } from '../state/router.ts';
import type { Order } from '../state/sorting.ts';
import { orderOf, sortedBy } from '../state/sorting.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell } from '../ui/service-state.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import { Empty } from '../ui/states.tsx';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import type { Figures } from './figures.tsx';
import { routesComputed } from './service-queries.ts';

const COLUMNS = ['route', 'rate', 'errors', 'p50', 'p95', 'p99', 'change'] as const;
type Column = (typeof COLUMNS)[number];

interface RouteRow {
  readonly method: string;
  readonly route: string;
  readonly rate: number | null;
  readonly errors: number | null;
  readonly p50: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
  readonly change: number | null;
}

/** A route is listed when it had requests; errors without any are none. */
export function routeRows(data: Figures): readonly RouteRow[] {
  const of = (name: string): ReadonlyMap<string, number> =>
    byLabel(data[name] ?? [], 'http_request_method', 'http_route');
  const [errors, p50, p95, p99, before] = ['routeErrors', 'routeP50', 'routeP95', 'routeP99', 'routeBefore'].map(of);
  return (data.routeRate ?? [])
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => {
      const { http_request_method: method = '', http_route: route = '' } = labels;
      const key = `${method}\u0000${route}`;
      const [now, was] = [p95.get(key) ?? null, before.get(key) ?? null];
      return {
        method,
        route,
        rate: value,
        errors: errors.get(key) ?? 0,
        p50: p50.get(key) ?? null,
        p95: now,
        p99: p99.get(key) ?? null,
        change: now === null || was === null ? null : now - was,
      };
    });
}

function changeText(change: number | null): string {
  if (change === null) return NONE;
  if (Math.abs(change) < 0.001) return 'same';
  return `${change > 0 ? '+' : '−'}${joined(duration(Math.abs(change)))}`;
}

function Row({ row, service }: { row: RouteRow; service: string }): JSX.Element {
  return (
    <tr>
      <td class="svc">
        <a
          class="cut mono"
          data-row
          href={address('/traces', {
            q: `${termOf('service', service)} ${termOf('route', row.route)}`,
            sort: 'duration',
          })}
        >
          <b>{row.method}</b> {row.route === '' ? '(no route)' : <Name of={row.route} most={80} />}
        </a>
      </td>
      <td class="num">{row.rate === null ? NONE : digits(row.rate)}</td>
      <ToneCell text={joined(percent(row.errors))} tone={levelOf(row.errors, 0.01, 0.05)} />
      <td class="num w">{joined(duration(row.p50))}</td>
      <ToneCell text={joined(duration(row.p95))} tone={levelOf(row.p95, 0.2, 1)} />
      <td class="num w">{joined(duration(row.p99))}</td>
      <td class={`num w${(row.change ?? 0) > 0.1 ? ' crit' : ' muted'}`}>{changeText(row.change)}</td>
    </tr>
  );
}

const VALUES: Readonly<Record<Column, (row: RouteRow) => string | number | null>> = {
  route: ({ method, route }) => `${route} ${method}`,
  rate: ({ rate }) => rate,
  errors: ({ errors }) => errors,
  p50: ({ p50 }) => p50,
  p95: ({ p95 }) => p95,
  p99: ({ p99 }) => p99,
  change: ({ change }) => change,
};

function Table({ data, service, order }: { data: Figures; service: string; order: Order<Column> }): JSX.Element {
  const rows = sortedBy(routeRows(data), VALUES[order.column], order.descending);
  return (
    <table class="services two-lines">
      <thead>
        <tr>
          <SortHead column="route" title="Route" order={order} isText param="routes" />
          <SortHead column="rate" title="req/s" order={order} param="routes" />
          <SortHead column="errors" title="errors" order={order} param="routes" />
          <SortHead column="p50" title="p50" order={order} param="routes" className="w" />
          <SortHead column="p95" title="p95" order={order} param="routes" />
          <SortHead column="p99" title="p99" order={order} param="routes" className="w" />
          <SortHead column="change" title="change" order={order} param="routes" className="w" />
        </tr>
      </thead>
      <VirtualRows rows={rows} columns={7}>
        {(row) => <Row key={`${row.method} ${row.route}`} row={row} service={service} />}
      </VirtualRows>
      <tfoot>
        <tr>
          <td>{rows.length === 1 ? 'one route' : `${rows.length} routes`}</td>
          <td class="num">{digits(single(data.rate) ?? 0)}</td>
          <td class="num">{joined(percent(single(data.errors) ?? 0))}</td>
          <td class="w" />
          <td class="num">{joined(duration(single(data.p95)))}</td>
          <td class="w" colSpan={2} />
        </tr>
      </tfoot>
    </table>
  );
}

interface RoutesCardProps {
  readonly service: string;
  readonly figures: Resource<Figures>;
  readonly before: string;
}

export function RoutesCard({ service, figures, before }: RoutesCardProps): JSX.Element {
  const order = orderOf<Column>(param('routes'), COLUMNS, { column: 'p95', descending: true });
  return (
    <section class="card c8" aria-label="Routes">
      <div class="hd">
        <h2>Routes</h2>
        <span class="sub">last minute, change of p95 against {before.replace('m', ' min')} ago</span>
        <HowComputed of={routesComputed(service, before)} />
      </div>
      <Loaded
        of={figures}
        height={160}
        isEmpty={(data) => routeRows(data).length === 0}
        empty={<Empty text="No request reached this service in the last minute of the range." />}
      >
        {(data) => <Table data={data} service={service} order={order} />}
      </Loaded>
    </section>
  );
}
