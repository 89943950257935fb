/** One request by its support code or an id: the row, the time of each phase, and the ways to its trace and lines. */
import type { JSX } from 'preact';
import type { RequestAnswer, RequestView } from '../../monitor/api/records/contract.ts';
import { useWidth } from '../charts/width.ts';
import { LedgerBar, PhaseLegend, segmentsOf } from '../overview/phase-table.tsx';
import { ApiError, useResource } from '../state/api.ts';
import { termOf } from '../state/filter-text.ts';
import { bytes, dateTime, joined, millis } from '../state/format.ts';
import { address } from '../state/router.ts';
import { Crumbs } from '../ui/crumbs.tsx';
import { Icon } from '../ui/icons.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import { Answer, phasesOfRow } from './rows-card.tsx';
import '../styles/records.css';

type Found = RequestAnswer['requests'][number];

function factsOf(row: RequestView): readonly (readonly [string, string | null])[] {
  return [
    ['path', row.path],
    ['route', row.route],
    ['upstream', row.upstream],
    ['tries', String(row.tries)],
    ['cache', row.cache],
    ['reason', row.reason],
    ['received', row.request_bytes === null ? null : joined(bytes(row.request_bytes))],
    ['sent', row.response_bytes === null ? null : joined(bytes(row.response_bytes))],
    ['user', row.user],
    ['service', row.service],
    ['version', row.version],
    ['instance', row.instance],
    ['request id', row.request_id],
    ['trace', row.trace_id],
  ];
}

/** Which services of the request sent spans, so that a gap is not taken for speed. */
function spansText({ trace, services }: Found): string {
  if (trace === null) return 'No span and no line of this request is in the store.';
  const lines = `${trace.logs.length} ${trace.logs.length === 1 ? 'line' : 'lines'}`;
  return services.length === 0
    ? `${lines}; no service sent a span.`
    : `${trace.spans.length} spans of ${services.length === 1 ? 'one service' : `${services.length} services`}, ${lines}.`;
}

function RequestCard({ found }: { found: Found }): JSX.Element {
  const { request: row } = found;
  const [box, width] = useWidth();
  const phases = phasesOfRow(row);
  return (
    <section class="card c12 one-request" aria-label="Request">
      <div class="hd">
        <h2 class="cut">
          <span class="mono">{row.method}</span> <Name of={row.path || row.route} most={80} mono />
        </h2>
        <Answer row={row} />
        <span class="sub">
          after {millis(row.duration_ms)}, {dateTime(row.time_ms, 'seconds')}
        </span>
        <PhaseLegend />
      </div>
      <div class="trace-ledger">
        <div ref={box}>
          {width > 0 && (
            <svg width={width} height="30" role="img" aria-label="Time of each phase">
              <LedgerBar segments={segmentsOf(phases, row.duration_ms / 1_000, width)} height={22} />
            </svg>
          )}
        </div>
      </div>
      <dl class="pairs">
        {factsOf(row).map(([name, value]) =>
          value === null || value === '' ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>
                <Name of={value} mono />
              </dd>
            </div>
          ),
        )}
      </dl>
      <p class="foot">
        <a class="btn sm" data-row href={`/traces/${row.trace_id}`}>
          <Icon name="traces" small />
          Open trace
        </a>
        <a class="btn sm" href={address('/logs', { q: termOf('trace', row.trace_id), ...around(row) })}>
          <Icon name="logs" small />
          Its lines
        </a>
        <span>{spansText(found)}</span>
      </p>
    </section>
  );
}

/** A code may be weeks old: its lines are looked for around its own time. */
const MINUTE_MS = 60_000;
const around = ({ time_ms: ms, duration_ms: tookMs }: RequestView): { from: string; to: string } => ({
  from: String(Math.floor(ms - MINUTE_MS)),
  to: String(Math.ceil(ms + tookMs + MINUTE_MS)),
});

export function RequestPage({ id }: { id: string }): JSX.Element {
  const found = useResource<RequestAnswer>(`/api/requests/${encodeURIComponent(id)}`);
  const isUnknown = found.error instanceof ApiError && (found.error.status === 404 || found.error.status === 400);
  return (
    <>
      <Crumbs list="Requests" path="/requests" name={id} />
      {isUnknown ? (
        <section class="card c12">
          <Empty
            text={`${found.error?.message ?? ''} ${found.error instanceof ApiError ? found.error.hint : ''}`}
            action={
              <a class="btn sm" href="/requests">
                Show all requests
              </a>
            }
          />
        </section>
      ) : (
        <Loaded of={found} height={300}>
          {({ requests }) => requests.map((one) => <RequestCard key={one.request.id} found={one} />)}
        </Loaded>
      )}
    </>
  );
}
