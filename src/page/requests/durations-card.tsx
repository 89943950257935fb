/**
 * Requests by time and duration. A box that is drawn around some of them leads to their traces, where they are compared with the
 * others; a mark leads to its request.
 */
import type { JSX } from 'preact';
import type { RequestsAnswer, RequestView } from '../../monitor/api/records/contract.ts';
import { boxText, slowestOf, type Box } from '../charts/data/box.ts';
import { Scatter, type Timed } from '../charts/scatter.tsx';
import { useResource } from '../state/api.ts';
import { digits } from '../state/format.ts';
import { address, go, param } from '../state/router.ts';
import { Loaded } from '../ui/loaded.tsx';
import { NoRequests } from './no-requests.tsx';

const MARKS = '400';

const markOf = (row: RequestView): Timed => ({
  key: row.id,
  href: `/requests/${encodeURIComponent(row.support_code || row.trace_id)}`,
  name: `${row.method} ${(row.path || row.route).slice(0, 80)}`,
  startMs: row.time_ms,
  durationMs: row.duration_ms,
  failed: row.reason !== null,
});

/** The traces page with this box and the page's filter; the range stays. */
const toTraces = (box: Box): void => go(address('/traces', { q: param('q'), box: boxText(box) }));

/** `question`: the parameters that all cards of the page share. */
export function DurationsCard(props: {
  question: Readonly<Record<string, string>>;
  everyMs: number | undefined;
}): JSX.Element {
  const asked = address('/api/requests', { ...props.question, sort: 'spread', limit: MARKS });
  const found = useResource<RequestsAnswer>(asked, props.everyMs);
  const marks = (found.data?.requests ?? []).map(markOf);
  const all = found.data?.total ?? marks.length;
  const slow = slowestOf(marks);
  return (
    <section class="card c12" aria-label="Duration over time">
      <div class="hd">
        <h2>Duration</h2>
        <span class="sub">
          {all > marks.length
            ? `the slowest and one other of each moment, of ${digits(all)}`
            : 'each mark is a request'}
          , a cross failed; draw a box to see its traces
        </span>
        {slow !== undefined && (
          <button type="button" class="btn sm ghost" onClick={() => toTraces(slow)}>
            Traces of the slowest tenth
          </button>
        )}
      </div>
      <Loaded of={found} height={180} isEmpty={({ requests }) => requests.length === 0} empty={<NoRequests />}>
        {() => <Scatter label="Duration of requests over time" marks={marks} box={undefined} onBox={toTraces} />}
      </Loaded>
    </section>
  );
}
