/** The requests themselves, newest first. Each leads to its own page, to its trace and to its lines. */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { Phase } from '../../monitor/api/contract.ts';
import type { RequestsAnswer, RequestView } from '../../monitor/api/records/contract.ts';
import { segmentsOf } from '../overview/phase-table.tsx';
import { useResource } from '../state/api.ts';
import { termOf } from '../state/filter-text.ts';
import { clockTime, millis, NONE } from '../state/format.ts';
import { address } from '../state/router.ts';
import { Icon, StatusIcon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { VirtualRows } from '../ui/virtual-rows.tsx';
import { NoRequests } from './no-requests.tsx';

/** How many rows are shown at first, and after each click. */
const LIMITS = [50, 200, 1_000];
const BAR_PX = 140;
const NO_PHASES: Readonly<Record<Phase, number>> = { queue: 0, cache: 0, connect: 0, upstream: 0, transfer: 0 };

/** Seconds by phase. */
export function phasesOfRow({ phases }: RequestView): Readonly<Record<Phase, number>> {
  const seconds = Object.entries(phases).map(([phase, ms]) => [phase, ms / 1_000]);
  return { ...NO_PHASES, ...Object.fromEntries(seconds) };
}

/** The answer in a word: its status, or why there was none. */
export function Answer({ row }: { row: RequestView }): JSX.Element {
  const { status, reason } = row;
  const text = status === null ? (reason ?? 'no answer') : String(status);
  if (reason === null && (status ?? 0) < 500) return <span>{text}</span>;
  return (
    <span class="word w-crit" title={reason ?? ''}>
      <StatusIcon status="crit" label="" />
      <Name of={text} most={24} />
    </span>
  );
}

function Row({ row, longestMs }: { row: RequestView; longestMs: number }): JSX.Element {
  const lines = address('/logs', { q: termOf('trace', row.trace_id) });
  return (
    <tr>
      <td class="when">
        <time dateTime={new Date(row.time_ms).toISOString()}>{clockTime(row.time_ms, 'millis')}</time>
      </td>
      <td class="mono route">
        <a data-row class="cut" href={`/requests/${encodeURIComponent(row.support_code || row.trace_id)}`}>
          <b>{row.method}</b> <Name of={row.path || row.route} most={80} />
        </a>
      </td>
      <td>
        <Answer row={row} />
      </td>
      <td class="num mean">{millis(row.duration_ms)}</td>
      <td class="phases">
        <svg width={BAR_PX} height="11" aria-hidden="true">
          {segmentsOf(phasesOfRow(row), longestMs / 1_000, BAR_PX).map(({ phase, x, width }) => (
            <rect key={phase} class={`f-ph-${phase}`} x={x} width={width} height="11" rx="2" />
          ))}
        </svg>
      </td>
      <td class="w">{row.cache ?? NONE}</td>
      <td class="w">
        <span class="cut">{row.upstream === null ? NONE : <Name of={row.upstream} most={40} />}</span>
      </td>
      <td class="mono w">{row.support_code}</td>
      <td class="links">
        <a class="btn sm ghost" href={`/traces/${row.trace_id}`}>
          <Icon name="traces" small />
          <span>Trace</span>
        </a>
        <a class="btn sm ghost to-lines" href={lines}>
          <Icon name="logs" small />
          Lines
        </a>
      </td>
    </tr>
  );
}

function Rows({ rows }: { rows: readonly RequestView[] }): JSX.Element {
  const longestMs = Math.max(1, ...rows.map(({ duration_ms: ms }) => ms));
  return (
    <table class="request-rows">
      <thead>
        <tr>
          <th scope="col" class="when">
            Started
          </th>
          <th scope="col">Request</th>
          <th scope="col">Answer</th>
          <th scope="col" class="num">
            duration
          </th>
          <th scope="col" class="phases">
            phases
          </th>
          <th scope="col" class="w">
            cache
          </th>
          <th scope="col" class="w">
            upstream
          </th>
          <th scope="col" class="w">
            code
          </th>
          <th scope="col">
            <span class="vh">leads to</span>
          </th>
        </tr>
      </thead>
      <VirtualRows rows={rows} columns={9}>
        {(row) => <Row key={row.id} row={row} longestMs={longestMs} />}
      </VirtualRows>
    </table>
  );
}

/** `question`: the parameters that all cards of the page share. */
export function RowsCard(props: {
  question: Readonly<Record<string, string>>;
  everyMs: number | undefined;
}): JSX.Element {
  const [turn, setTurn] = useState(0);
  const limit = LIMITS[turn];
  const rows = useResource<RequestsAnswer>(
    address('/api/requests', { ...props.question, limit: String(limit) }),
    props.everyMs,
  );
  const more = rows.data?.next !== null && rows.data !== undefined;
  return (
    <section class="card c12" aria-label="Requests">
      <div class="hd">
        <h2>Requests</h2>
        <span class="sub">
          {rows.data === undefined ? '' : `${rows.data.requests.length}, newest first`}
          {more && turn === LIMITS.length - 1 ? '; narrow the filter for older ones' : ''}
        </span>
      </div>
      <Loaded of={rows} height={240} isEmpty={({ requests }) => requests.length === 0} empty={<NoRequests />}>
        {({ requests }) => <Rows rows={requests} />}
      </Loaded>
      {more && turn < LIMITS.length - 1 && (
        <p class="foot">
          <button type="button" class="btn sm" onClick={() => setTurn(turn + 1)}>
            Show up to {LIMITS[turn + 1]}
          </button>
        </p>
      )}
    </section>
  );
}
