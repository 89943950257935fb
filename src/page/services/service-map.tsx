/** The map of services: who calls whom, with rate and errors on each edge, drawn and as a table that says the same. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import { askedFor, CALLS_COUNTED } from '../../dashboards/computed.ts';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import type { MapAnswer } from '../../monitor/api/records/contract.ts';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { Resource } from '../state/api.ts';
import { useResource } from '../state/api.ts';
import { digits, duration, joined, NONE, percent } from '../state/format.ts';
import { isMoving, searchTimes } from '../state/range.ts';
import { address, param } from '../state/router.ts';
import { seriesToken } from '../state/series-colour.ts';
import type { Order } from '../state/sorting.ts';
import { orderOf, sortedBy } from '../state/sorting.ts';
import { visibleName } from '../state/visible-name.ts';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, STATE_STATUS, STATE_WORD, ToneCell } from '../ui/service-state.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import { Empty } from '../ui/states.tsx';
import { layoutOf, NODE_HEIGHT, NODE_WIDTH, type MapEdge, type PlacedNode } from './map-layout.ts';
import '../styles/map.css';

const EVERY_MS = 15_000;
const MOST_ROWS = 200;
const COLUMNS = ['client', 'server', 'rate', 'errors', 'p95', 'network'] as const;
type Column = (typeof COLUMNS)[number];

const VALUES: Readonly<Record<Column, (edge: MapEdge) => string | number | null>> = {
  client: ({ client }) => client,
  server: ({ server }) => server,
  rate: ({ rate }) => rate,
  errors: (edge) => edge.error_ratio,
  p95: (edge) => edge.p95_seconds,
  network: (edge) => edge.network_seconds,
};

const KIND_WORDS: Readonly<Record<string, string>> = {
  caller: 'outside callers',
  database: 'database',
  queue: 'queue',
  outside: 'no telemetry of its own',
  service: 'no telemetry of its own',
};

type States = ReadonlyMap<string, ServiceRow>;

function Node({ node, states }: { node: PlacedNode; states: States }): JSX.Element {
  const row = states.get(node.name);
  const word = row === undefined ? (KIND_WORDS[node.kind] ?? node.kind) : STATE_WORD[row.state];
  const status = row === undefined ? 'outside' : STATE_STATUS[row.state];
  const name = node.kind === 'caller' ? 'Callers' : visibleName(node.name, 20).text;
  const box = (
    <g transform={`translate(${node.x} ${node.y})`} class={`node n-${status}`}>
      <title>{`${visibleName(node.name, 200).text}: ${word}`}</title>
      <rect width={NODE_WIDTH} height={NODE_HEIGHT} rx="7" />
      <rect
        style={{ fill: `var(--${seriesToken(node.name)})` }}
        x="8"
        y="10"
        width="3"
        height={NODE_HEIGHT - 20}
        rx="1.5"
      />
      <text class="title" x="18" y="17">
        {name}
      </text>
      <text class="word" x="18" y="31">
        {word}
      </text>
    </g>
  );
  return row === undefined ? box : <a href={address('/service', { service: node.name })}>{box}</a>;
}

/** Wider for more calls, in steps that the eye tells apart. */
const widthOf = (rate: number): number => Math.min(4, 1 + Math.log10(1 + rate));

function edgeText({ rate, error_ratio: errors }: MapEdge): string {
  return `${digits(rate)}/s${errors > 0 ? ` · ${joined(percent(errors))} failed` : ''}`;
}

function Drawing({ map, states }: { map: MapAnswer; states: States }): JSX.Element {
  const layout = useMemo(() => layoutOf(map), [map]);
  const bad = map.edges.filter((edge) => levelOf(edge.error_ratio, 0.01, 0.05) !== '').length;
  const told = `${layout.nodes.length} services and ${layout.edges.length} edges, ${bad} with failing calls; the table has the same figures`;
  return (
    <figure class="call-map" aria-label={told}>
      <svg viewBox={`0 0 ${layout.width} ${layout.height}`} style={{ maxWidth: `${layout.width}px` }} role="group">
        <g aria-hidden="true">
          {layout.edges.map(({ edge, path }) => (
            <path
              key={`${edge.client}\n${edge.server}\n${edge.connection}`}
              class={`edge e-${levelOf(edge.error_ratio, 0.01, 0.05) || 'calm'}`}
              d={path}
              stroke-width={widthOf(edge.rate)}
            />
          ))}
        </g>
        {layout.nodes.map((node) => (
          <Node key={node.name} node={node} states={states} />
        ))}
        <g aria-hidden="true">
          {layout.edges.map(({ edge, labelX, labelY }) => (
            <text
              key={`${edge.client}\n${edge.server}\n${edge.connection}`}
              class={`edge-label l-${levelOf(edge.error_ratio, 0.01, 0.05) || 'calm'}`}
              x={labelX}
              y={labelY}
              text-anchor="middle"
            >
              {edgeText(edge)}
            </text>
          ))}
        </g>
      </svg>
      {layout.left > 0 && <figcaption class="muted">{layout.left} more with fewer calls are in the table.</figcaption>}
    </figure>
  );
}

/** The node of callers without a span is called so; a service of this name would send telemetry. */
const isCaller = (name: string, states: States): boolean => name === 'user' && !states.has(name);

function Side({ name, states }: { name: string; states: States }): JSX.Element {
  const text = isCaller(name, states) ? <span class="muted">outside callers</span> : <Name of={name} most={40} />;
  return states.has(name) ? (
    <a class="cut" href={address('/service', { service: name })}>
      {text}
    </a>
  ) : (
    <span class="cut">{text}</span>
  );
}

function Table({ map, states, order }: { map: MapAnswer; states: States; order: Order<Column> }): JSX.Element {
  const rows = sortedBy(map.edges, VALUES[order.column], order.descending).slice(0, MOST_ROWS);
  return (
    <table class="services map-table two-lines">
      <caption class="vh">Calls between services</caption>
      <thead>
        <tr>
          <SortHead column="client" title="From" order={order} isText />
          <SortHead column="server" title="To" order={order} isText />
          <SortHead column="rate" title="calls/s" order={order} />
          <SortHead column="errors" title="errors" order={order} />
          <SortHead column="p95" title="p95" order={order} />
          <SortHead column="network" title="network" order={order} className="w" />
        </tr>
      </thead>
      <tbody>
        {rows.map((edge) => (
          <tr key={`${edge.client}\n${edge.server}\n${edge.connection}`}>
            <td class="svc">
              <Side name={edge.client} states={states} />
            </td>
            <td class="svc">
              <Side name={edge.server} states={states} />
            </td>
            <td class="num">{digits(edge.rate)}</td>
            <ToneCell text={joined(percent(edge.error_ratio))} tone={levelOf(edge.error_ratio, 0.01, 0.05)} />
            <ToneCell text={joined(duration(edge.p95_seconds))} tone={levelOf(edge.p95_seconds, 0.2, 1)} />
            <td class="num w">{edge.network_seconds === null ? NONE : joined(duration(edge.network_seconds))}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const NOTHING = (
  <Empty
    text="No span of this range shows a call. The map is drawn from traces."
    action={
      <a class="btn sm" href="/?connect=1">
        Send traces
      </a>
    }
  />
);

/** The calls of the range, of the spans that `filter` selects. */
const callsPath = (filter: string): string => address('/api/map', { q: filter, ...searchTimes.value });

export const useCalls = (filter = ''): Resource<MapAnswer> =>
  useResource<MapAnswer>(callsPath(filter), isMoving.value ? EVERY_MS : undefined);

export function ServiceMap({ services }: { services: readonly ServiceRow[] }): JSX.Element {
  return <MapCard services={services} map={useCalls()} />;
}

export function MapCard(props: {
  readonly services: readonly ServiceRow[];
  readonly map: Resource<MapAnswer>;
  /** What selected the spans. */
  readonly filter?: string;
}): JSX.Element {
  const { services, map, filter = '' } = props;
  const states = useMemo(() => new Map(services.map((row) => [row.service, row])), [services]);
  const order = orderOf<Column>(param('sort'), COLUMNS, { column: 'rate', descending: true });
  return (
    <section class="card c12" aria-label="Service map">
      <div class="hd">
        <h2>Map</h2>
        <span class="sub">
          from the spans of the range; the figures of an edge are those of its calls
          {map.data !== undefined && !map.data.complete && ', not all of the range was read'}
        </span>
        <HowComputed of={askedFor('Map', callsPath(filter), CALLS_COUNTED)} />
      </div>
      <Loaded of={map} height={320} isEmpty={({ edges }) => edges.length === 0} empty={NOTHING}>
        {(data) => (
          <div class="map-body">
            <Drawing map={data} states={states} />
            <Table map={data} states={states} order={order} />
          </div>
        )}
      </Loaded>
    </section>
  );
}
