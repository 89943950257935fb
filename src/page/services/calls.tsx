/**
 * What a service calls and who calls it: edges of the map, with rate, errors, the time that it waits and the part of it that
 * is the network; and operations of databases from its own metrics, which no span pair has.
 */
import type { JSX } from 'preact';
import type { MapAnswer } from '../../monitor/api/records/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { Resource } from '../state/api.ts';
import { useResource } from '../state/api.ts';
import { digits, duration, joined, NONE, percent } from '../state/format.ts';
import { byLabel } from '../state/instant.ts';
import { isMoving, searchTimes } from '../state/range.ts';
import { address } from '../state/router.ts';
import { sortedBy } from '../state/sorting.ts';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell, type Tone } from '../ui/service-state.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import type { Figures } from './figures.tsx';
import { callsComputed } from './service-queries.ts';

const MOST = 30;
const EVERY_MS = 30_000;

interface CallRow {
  readonly to: string;
  readonly kind: string;
  readonly rate: number;
  readonly errors: number | null;
  readonly p95: number | null;
  readonly network: number | null;
}

const KINDS: Readonly<Record<string, string>> = {
  '': 'service',
  database: 'database',
  messaging_system: 'queue',
  virtual_node: 'outside',
};

function edgeRows(map: MapAnswer | undefined, service: string): readonly CallRow[] {
  return (map?.edges ?? [])
    .filter(({ client, server }) => client === service && server !== service)
    .map((edge) => ({
      to: edge.server,
      kind: KINDS[edge.connection] ?? edge.connection,
      rate: edge.rate,
      errors: edge.error_ratio,
      p95: edge.p95_seconds,
      network: edge.network_seconds,
    }));
}

/** From the service's own metrics: calls by address, when no span tells who was called. */
function addressRows(data: Figures): readonly CallRow[] {
  const names = ['server_address', 'server_port'] as const;
  const errors = byLabel(data.callErrors ?? [], ...names);
  const p95 = byLabel(data.callP95 ?? [], ...names);
  return (data.callRate ?? []).map(({ labels, value }) => {
    const { server_address: host = '', server_port: port = '' } = labels;
    const at = `${host}\u0000${port}`;
    return {
      to: port === '' ? host : `${host}:${port}`,
      kind: 'HTTP',
      rate: value,
      errors: value === 0 ? 0 : (errors.get(at) ?? 0) / value,
      p95: p95.get(at) ?? null,
      network: null,
    };
  });
}

function databaseRows(data: Figures): readonly CallRow[] {
  const slow = byLabel(data.dbP95 ?? [], 'db_system_name', 'db_operation_name');
  return (data.dbRate ?? []).map(({ labels, value }) => {
    const { db_system_name: system = '', db_operation_name: operation = '' } = labels;
    const p95 = slow.get(`${system}\u0000${operation}`) ?? null;
    return { to: operation, kind: system, rate: value, errors: null, p95, network: null };
  });
}

export function callRows(data: Figures, map: MapAnswer | undefined, service: string): readonly CallRow[] {
  const edges = edgeRows(map, service);
  const all = [...(edges.some(({ kind }) => kind !== 'database') ? edges : [...edges, ...addressRows(data)])];
  return sortedBy(
    [...all, ...databaseRows(data)].filter(({ rate }) => rate > 0),
    ({ p95 }) => p95,
    true,
  ).slice(0, MOST);
}

const toneOf = ({ errors, p95 }: CallRow): Tone => {
  const [bad, slow] = [levelOf(errors, 0.01, 0.05), levelOf(p95, 0.2, 1)];
  return bad === 'crit' || slow === 'crit' ? 'crit' : bad || slow;
};

/** A line from the service to each row. One row is one unit tall, whatever the height of rows is. */
function Fan({ rows }: { rows: readonly CallRow[] }): JSX.Element {
  const middle = rows.length / 2;
  return (
    <svg viewBox={`0 0 40 ${rows.length}`} preserveAspectRatio="none" aria-hidden="true">
      {rows.map((row, at) => (
        <path
          key={at}
          class={`edge e-${toneOf(row) || 'calm'}`}
          d={`M0 ${middle} C20 ${middle} 16 ${at + 0.5} 40 ${at + 0.5}`}
          stroke-width={Math.min(4, 1 + Math.log10(1 + row.rate))}
        />
      ))}
    </svg>
  );
}

function Rows({ rows }: { rows: readonly CallRow[] }): JSX.Element {
  return (
    <table class="calls">
      <thead>
        <tr>
          <td />
          <th scope="col">To</th>
          <th scope="col" class="num">
            per s
          </th>
          <th scope="col" class="num">
            errors
          </th>
          <th scope="col" class="num">
            p95
          </th>
          <th
            scope="col"
            class="num w"
            title="Median of the caller's time less the time of the called: network and queues"
          >
            network
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row, at) => (
          <tr key={`${row.kind} ${row.to}`}>
            {at === 0 && (
              <td class="fan" rowSpan={rows.length}>
                <Fan rows={rows} />
              </td>
            )}
            <td class="svc">
              <span class="cut">
                {row.kind === 'service' ? (
                  <a href={address('/service', { service: row.to })}>
                    <Name of={row.to} most={60} />
                  </a>
                ) : (
                  <Name of={row.to} most={60} />
                )}{' '}
                {row.kind !== 'service' && (
                  <small>
                    <Name of={row.kind} most={20} />
                  </small>
                )}
              </span>
            </td>
            <td class="num">{digits(row.rate)}</td>
            <ToneCell text={joined(percent(row.errors))} tone={levelOf(row.errors, 0.01, 0.05)} />
            <ToneCell text={joined(duration(row.p95))} tone={levelOf(row.p95, 0.2, 1)} />
            <td class="num w">{row.network === null ? NONE : joined(duration(row.network))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Callers({ map, service }: { map: MapAnswer | undefined; service: string }): JSX.Element | null {
  const callers = (map?.edges ?? []).filter(({ client, server }) => server === service && client !== service);
  if (callers.length === 0) return null;
  return (
    <p class="callers">
      <span class="muted">Called by</span>{' '}
      {callers.slice(0, 6).map(({ client, rate }) => (
        <span key={client}>
          {client === 'user' ? (
            'outside callers'
          ) : (
            <a href={address('/service', { service: client })}>
              <Name of={client} most={40} />
            </a>
          )}{' '}
          <b>{digits(rate)}</b> <small>req/s</small>{' '}
        </span>
      ))}
      {callers.length > 6 && <span class="muted">and {callers.length - 6} more</span>}
    </p>
  );
}

function Body({
  figures,
  map,
  service,
}: {
  figures: Resource<Figures>;
  map: MapAnswer | undefined;
  service: string;
}): JSX.Element {
  const rows = callRows(figures.data ?? {}, map, service);
  return (
    <>
      {rows.length === 0 ? <Empty text="It reports no call to another server or a database." /> : <Rows rows={rows} />}
      <Callers map={map} service={service} />
    </>
  );
}

interface CallsCardProps {
  readonly service: string;
  readonly figures: Resource<Figures>;
  readonly before: string;
}

export function CallsCard({ service, figures, before }: CallsCardProps): JSX.Element {
  const mapPath = address('/api/map', searchTimes.value);
  const map = useResource<MapAnswer>(mapPath, isMoving.value ? EVERY_MS : undefined);
  const waits = figures.data === undefined || (map.data === undefined && map.error === undefined);
  return (
    <section class="card c4" aria-label="Calls">
      <div class="hd">
        <h2>Calls</h2>
        <span class="sub">what it waits for, slowest first</span>
        <a class="note" href="/services?view=map">
          Map
        </a>
        <HowComputed of={callsComputed(service, before, mapPath)} />
      </div>
      {figures.data === undefined && figures.error !== undefined ? (
        <Failed error={figures.error} retry={figures.reload} />
      ) : waits ? (
        <Loading height={120} />
      ) : (
        <Body figures={figures} map={map.data} service={service} />
      )}
    </section>
  );
}
