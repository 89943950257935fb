/** Who calls whom: services, databases, queues and outside callers of the last minutes, with rate, errors and p95 of each call. */
import type { JSX } from 'preact';
import type { MapAnswer } from '../../monitor/api/records/contract.ts';
import { useWidth } from '../charts/width.ts';
import { useResource } from '../state/api.ts';
import { termOf } from '../state/filter-text.ts';
import { digits, joined, millis, percent, rate } from '../state/format.ts';
import { isMoving, searchTimes } from '../state/range.ts';
import { address, param, setParams } from '../state/router.ts';
import { orderOf, sortedBy } from '../state/sorting.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf, ToneCell } from '../ui/service-state.tsx';
import { SortHead } from '../ui/sort-head.tsx';
import { Empty } from '../ui/states.tsx';
import { layoutOf, type MapEdge, type MapNode, type Placed } from './layout.ts';
import '../styles/records.css';

const EVERY_MS = 10_000;
/** The drawing shows the busiest calls; the table has all. */
const DRAWN_EDGES = 80;
const NODE_W = 148;
const NODE_H = 38;
const ROW_H = 66;
const LEAST_GAP = 70;
const SORTS = ['rate', 'errors', 'p95'] as const;

const KIND: Readonly<Record<string, string>> = {
  caller: 'caller',
  database: 'database',
  outside: 'outside',
  queue: 'queue',
  service: 'service',
};

/** What is called has spans of its own, or only those of its callers. */
const tracesOf = ({ client, server, connection }: MapEdge): string =>
  address('/traces', { q: termOf('service', connection === '' || client === 'user' ? server : client) });

function NodeBox({ at, x, y }: { at: Placed; x: number; y: number }): JSX.Element {
  const { name, kind } = at.node;
  const drawn = (
    <g transform={`translate(${x} ${y})`} class={`node k-${KIND[kind] ?? 'service'}`}>
      <rect width={NODE_W} height={NODE_H} rx={kind === 'service' ? 6 : NODE_H / 2} />
      <text x={NODE_W / 2} y="16" text-anchor="middle">
        {name.length > 20 ? `${name.slice(0, 19)}…` : name}
      </text>
      <text x={NODE_W / 2} y="29" text-anchor="middle" class="kind">
        {KIND[kind] ?? kind}
      </text>
      <title>{name}</title>
    </g>
  );
  if (kind !== 'service') return drawn;
  return <a href={address('/service', { service: name })}>{drawn}</a>;
}

interface DrawnEdge {
  readonly edge: MapEdge;
  readonly from: { readonly x: number; readonly y: number };
  readonly to: { readonly x: number; readonly y: number };
  readonly widest: number;
}

function EdgeLine({ edge, from, to, widest }: DrawnEdge): JSX.Element {
  const tone = levelOf(edge.error_ratio, 0.01, 0.05);
  const [x1, y1] = [from.x + NODE_W, from.y + NODE_H / 2];
  const [x2, y2] = [to.x, to.y + NODE_H / 2];
  const isForward = x2 > x1;
  const bend = Math.max(30, Math.abs(x2 - x1) / 2);
  // A call back, or within one column, goes around below.
  const path = isForward
    ? `M${x1} ${y1}C${x1 + bend} ${y1} ${x2 - bend} ${y2} ${x2} ${y2}`
    : `M${x1} ${y1}C${x1 + 60} ${y1 + ROW_H} ${x2 - 60} ${y2 + ROW_H} ${x2} ${y2}`;
  return (
    <a href={tracesOf(edge)} aria-label={edgeText(edge)}>
      <path class="hit" d={path} />
      <path class={`call ${tone}`} d={path} stroke-width={1 + 4 * Math.sqrt(edge.calls / widest)} />
      <title>{edgeText(edge)}</title>
      {isForward && x2 - x1 >= LEAST_GAP && (
        <text x={(x1 + x2) / 2} y={(y1 + y2) / 2 - 5} text-anchor="middle" class={tone}>
          {joined(rate(edge.rate))}
        </text>
      )}
    </a>
  );
}

function edgeText({ client, server, rate: perSecond, error_ratio: ratio, p95_seconds: p95 }: MapEdge): string {
  const failed = ratio === 0 ? 'none failed' : `${joined(percent(ratio))} failed`;
  return `${client} calls ${server}: ${joined(rate(perSecond))}, ${failed}, p95 ${millis(p95 * 1_000)}`;
}

function Drawing({ nodes, edges }: { nodes: readonly MapNode[]; edges: readonly MapEdge[] }): JSX.Element {
  const [box, width] = useWidth();
  const busiest = edges.toSorted((a, b) => b.calls - a.calls).slice(0, DRAWN_EDGES);
  const named = new Set(busiest.flatMap(({ client, server }) => [client, server]));
  const { placed, columns, rows } = layoutOf(
    nodes.filter(({ name }) => named.has(name)),
    busiest,
  );
  const least = columns * NODE_W + (columns - 1) * LEAST_GAP + 8;
  const wide = Math.max(width, least);
  const step = columns > 1 ? (wide - NODE_W - 8) / (columns - 1) : 0;
  const height = rows * ROW_H + 28;
  const inColumn = Map.groupBy(placed.values(), ({ column }) => column);
  const at = ({ column, row }: Placed): { x: number; y: number } => ({
    x: 4 + column * step,
    // Shorter columns are centred.
    y: 10 + (row + (rows - (inColumn.get(column)?.length ?? 0)) / 2) * ROW_H,
  });
  const widest = Math.max(1, ...busiest.map(({ calls }) => calls));
  return (
    <div class="map-scroll">
      <div ref={box} />
      {width > 0 && (
        <svg class="service-map" width={wide} height={height} role="group" aria-label="Services and their calls">
          {busiest.map((edge) => {
            const [from, to] = [placed.get(edge.client), placed.get(edge.server)];
            if (from === undefined || to === undefined) return null;
            const key = `${edge.client} ${edge.server} ${edge.connection}`;
            return <EdgeLine key={key} edge={edge} from={at(from)} to={at(to)} widest={widest} />;
          })}
          {[...placed.values()].map((one) => (
            <NodeBox key={one.node.name} at={one} {...at(one)} />
          ))}
        </svg>
      )}
    </div>
  );
}

function valueOf(edge: MapEdge, column: (typeof SORTS)[number]): number {
  if (column === 'rate') return edge.rate;
  return column === 'errors' ? edge.error_ratio : edge.p95_seconds;
}

function Calls({ edges }: { edges: readonly MapEdge[] }): JSX.Element {
  const order = orderOf(param('sort'), SORTS, { column: 'rate', descending: true });
  return (
    <table class="calls">
      <thead>
        <tr>
          <th scope="col" class="name">
            caller
          </th>
          <th scope="col" class="name">
            called
          </th>
          <th scope="col" class="w">
            kind
          </th>
          <SortHead column="rate" title="rate" order={order} />
          <SortHead column="errors" title="errors" order={order} />
          <SortHead column="p95" title="p95" order={order} />
          <th scope="col" class="num w">
            calls
          </th>
        </tr>
      </thead>
      <tbody>
        {sortedBy(edges, (edge) => valueOf(edge, order.column), order.descending).map((edge) => (
          <tr key={`${edge.client} ${edge.server} ${edge.connection}`}>
            <td>
              <Name of={edge.client} most={60} />
            </td>
            <td>
              <a data-row href={tracesOf(edge)}>
                <Name of={edge.server} most={60} />
              </a>
            </td>
            <td class="w">{edge.connection === '' ? 'service' : edge.connection.replaceAll('_', ' ')}</td>
            <td class="num">{joined(rate(edge.rate))}</td>
            <ToneCell text={joined(percent(edge.error_ratio))} tone={levelOf(edge.error_ratio, 0.01, 0.05)} />
            <td class="num">{millis(edge.p95_seconds * 1_000)}</td>
            <td class="num w">{digits(edge.calls)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function noteOf({ complete, spans, omitted }: MapAnswer): string {
  const cut = complete ? '' : ', the newest of the range; a shorter range has them all';
  return `of ${digits(spans)} spans${cut}${omitted > 0 ? `; ${digits(omitted)} calls on further edges are left out` : ''}`;
}

export function MapPage(): JSX.Element {
  const question = { q: param('q'), ...searchTimes.value };
  const found = useResource<MapAnswer>(address('/api/map', question), isMoving.value ? EVERY_MS : undefined);
  const wrong = filterErrorOf(found.error);
  const empty = (
    <Empty
      text={param('q') === '' ? 'No span came in this range.' : 'No call matches this filter.'}
      action={
        <button type="button" class="btn sm" onClick={() => setParams({ q: undefined })}>
          Show all calls
        </button>
      }
    />
  );
  return (
    <>
      <h1 class="page-title c12">Map</h1>
      <FilterBar of="spans" example="service:checkout version:1.4.2" error={wrong} />
      {wrong === undefined && (
        <section class="card c12" aria-label="Map of services">
          <div class="hd">
            <h2>Calls</h2>
            <span class="sub">{found.data === undefined ? '' : noteOf(found.data)}</span>
          </div>
          <Loaded of={found} height={360} isEmpty={({ edges }) => edges.length === 0} empty={empty}>
            {({ nodes, edges }) => (
              <>
                <Drawing nodes={nodes} edges={edges} />
                <Calls edges={edges} />
              </>
            )}
          </Loaded>
        </section>
      )}
    </>
  );
}
