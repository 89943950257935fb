/**
 * `GET /api/traces`: traces with a span that matches, of all stored spans, newest first. Conditions on a whole trace (its
 * duration, whether a span failed) are tested on the newest matching traces, and the answer says how far back that was.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import type { SpanRecord } from '../../../model/records.ts';
import type { TraceSummary } from '../../../model/ports.ts';
import { traceSummary, searchTraces, type FoundTrace } from '../../search/traces.ts';
import type { TracesAnswer } from '../contract.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import { spread } from '../trace-spread.ts';
import { summaryView } from '../views.ts';
import { followTraces, WHOLE_AFTER_MS, type TraceFollowing } from './follow-traces.ts';
import { endedAt, limitFrom, nextView, outcomeView, searchFrom, type Asked } from './parameters.ts';
import { compareAnswer } from './trace-compare.ts';
import { withId } from './trace-ids.ts';

export interface TraceRoutesOptions extends TraceFollowing {
  readonly records: RecordSource;
}

/** Of so many newest matching traces the slowest, or those that meet a condition on the whole trace, are chosen. */
const MAX_CHOICE = 2_000;
const DURATION = { min: 0, max: 86_400_000, fallback: undefined };

interface Listed {
  readonly trace: FoundTrace;
  readonly summary: TraceSummary;
}

type Fits = (listed: Listed) => boolean;

/** `min_duration_ms`, `max_duration_ms`, `errors`, `complete`: undefined when the request has none of them. */
function fitsOf(query: URLSearchParams, nowMs: number): Fits | undefined {
  const least = numberFrom(query, 'min_duration_ms', DURATION);
  const most = numberFrom(query, 'max_duration_ms', DURATION);
  const onlyErrors = isTrue(textFrom(query, 'errors'));
  const onlyWhole = isTrue(textFrom(query, 'complete'));
  if (least === undefined && most === undefined && !onlyErrors && !onlyWhole) return undefined;
  return ({ trace, summary: { durationMs, errors, startUnixNano } }) => {
    if (durationMs < (least ?? 0) || durationMs > (most ?? Infinity) || (onlyErrors && errors === 0)) return false;
    // A trace that is still coming has no root yet. An old one without a root is partial, and is listed.
    return !onlyWhole || hasRoot(trace.spans) || Number(startUnixNano / 1_000_000n) < nowMs - WHOLE_AFTER_MS;
  };
}

const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1';
const hasRoot = (spans: readonly SpanRecord[]): boolean => spans.some(({ parentSpanId }) => parentSpanId === '');

async function tracesAnswer({ records, clock }: TraceRoutesOptions, { query, ctx }: Call): Promise<TracesAnswer> {
  const nowMs = clock.now();
  const limit = limitFrom(query);
  const sort = textFrom(query, 'sort') ?? 'time';
  const fits = fitsOf(query, nowMs);
  const given = searchFrom('traces', query, nowMs, ctx);
  const id = textFrom(query, 'id');
  const asked: Asked<'traces'> = id === undefined ? given : await withId(records, given, id, clock);
  const page = await searchTraces(records, asked, sort === 'time' && fits === undefined ? limit : MAX_CHOICE, clock);
  const found = page.traces
    .flatMap((trace) => (trace.spans.length === 0 ? [] : [{ trace, summary: traceSummary(trace.spans) }]))
    .filter(fits ?? (() => true));
  const more = page.next !== undefined || found.length > limit;
  const traces = chosen(found, sort, limit);
  const views = traces.map(({ summary, trace }) => summaryView(summary, trace.spans));
  // Only the order by time has pages. Other orders choose among the newest traces, so older ones were not looked at.
  if (sort === 'time') {
    const next = found.length > limit ? traces[limit - 1].trace.position : page.next;
    const outcome = fits === undefined || page.next === undefined ? page : endedAt(page, page.next);
    return { traces: views, more, next: nextView(next), ...outcomeView(outcome) };
  }
  return { traces: views, more, next: null, ...outcomeView(page.next === undefined ? page : endedAt(page, page.next)) };
}

function chosen(found: readonly Listed[], sort: string, limit: number): readonly Listed[] {
  if (sort === 'duration') return found.toSorted((a, b) => b.summary.durationMs - a.summary.durationMs).slice(0, limit);
  if (sort === 'spread') {
    const kept = new Set(
      spread(
        found.map(({ summary }) => summary),
        limit,
      ),
    );
    return found.filter(({ summary }) => kept.has(summary));
  }
  if (sort === 'time') return found.slice(0, limit);
  throw new VitrineError('bad_request', '"sort" must be time, duration or spread.');
}

export function traceRoutes(options: TraceRoutesOptions): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/traces',
      handler: (call) =>
        isTrue(textFrom(call.query, 'follow'))
          ? followTraces(call.ctx, options, call.query)
          : tracesAnswer(options, call),
    },
    { method: 'GET', path: '/api/traces/compare', handler: (call) => compareAnswer(options, call) },
  ];
}
