/** `GET /api/traces` with a filter, over all stored spans. Without one, the recent traces are listed by `record-routes.ts`. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { TraceSummary } from '../../../model/ports.ts';
import { searchTraces } from '../../search/traces.ts';
import type { TracesAnswer } from '../contract.ts';
import { numberFrom, textFrom, type Call, type Handler, type Route } from '../routes.ts';
import { spread } from '../trace-spread.ts';
import { summaryView, traceSummary } from '../views.ts';
import { endedAt, limitFrom, nextView, outcomeView, searchFrom } from './parameters.ts';

export interface TraceRoutesOptions {
  readonly records: RecordSource;
  readonly clock: Clock;
  /** Answers requests without `q` and `cursor`. */
  readonly recent: Handler;
}

/** Of so many newest matching traces the slowest, or a spread over time, is chosen. */
const MAX_CHOICE = 2_000;

async function tracesAnswer({ records, clock }: TraceRoutesOptions, { query, ctx }: Call): Promise<TracesAnswer> {
  const limit = limitFrom(query);
  const sort = textFrom(query, 'sort') ?? 'time';
  const asked = searchFrom('traces', query, clock.now(), ctx);
  const page = await searchTraces(records, asked, sort === 'time' ? limit : MAX_CHOICE, clock);
  const minMs = numberFrom(query, 'min_duration_ms', { min: 0, max: 86_400_000, fallback: 0 }) ?? 0;
  const onlyErrors = textFrom(query, 'errors') === 'true';
  const fits = ({ durationMs, errors }: TraceSummary): boolean => durationMs >= minMs && (!onlyErrors || errors > 0);
  const traces = page.traces.flatMap(({ spans }) => (spans.length === 0 ? [] : [traceSummary(spans)])).filter(fits);
  const more = page.next !== undefined || traces.length > limit;
  const views = chosen(traces, sort, limit).map(summaryView);
  // Only the order by time has pages. Other orders choose among the newest traces, so older ones were not looked at.
  if (sort === 'time') return { traces: views, more, next: nextView(page.next), ...outcomeView(page) };
  return { traces: views, more, next: null, ...outcomeView(page.next === undefined ? page : endedAt(page, page.next)) };
}

function chosen(traces: readonly TraceSummary[], sort: string, limit: number): readonly TraceSummary[] {
  if (sort === 'duration') return traces.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, limit);
  if (sort === 'spread') return spread(traces, limit);
  if (sort === 'time') return traces.slice(0, limit);
  throw new VitrineError('bad_request', '"sort" must be time, duration or spread.');
}

export function traceRoutes(options: TraceRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/traces',
      handler: (call) =>
        call.query.has('q') || call.query.has('cursor') ? tracesAnswer(options, call) : options.recent(call),
    },
  ];
}
