/** Routes that list recent traces and alerts, and read one trace; `records/` searches the store. */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Alert } from '../../model/alert.ts';
import type { LogSource, SpanSource, TraceQuery, TraceSummary } from '../../model/ports.ts';
import type { AlertsAnswer, TraceAnswer, TracesAnswer } from './contract.ts';
import type { Handler, Route } from './routes.ts';
import { numberFrom, textFrom } from './routes.ts';
import { spread } from './trace-spread.ts';
import { alertViews, summaryView, traceAnswer, traceSummary } from './views.ts';

export interface RecordSources {
  readonly spans: SpanSource;
  readonly logs: LogSource;
  readonly alerts: () => readonly Alert[];
  readonly clock: Clock;
}

const MAX_LIMIT = 1_000;
const MAX_TRACE_LOGS = 1_000;
const isTrue = (text: string | undefined): boolean => text === 'true' || text === '1';
const TIME = { min: 0, max: 8.64e15, fallback: undefined };

/** `name=value` or `name:value`. @throws VitrineError `bad_request` */
function attributeFrom(query: URLSearchParams): { name: string; value: string } | undefined {
  const text = textFrom(query, 'attribute');
  if (text === undefined) return undefined;
  const at = text.search(/[=:]/);
  if (at < 1 || at === text.length - 1) {
    throw new VitrineError('bad_request', '"attribute" must have the form name=value.', {
      hint: 'For example attribute=transaction_id=T-42.',
    });
  }
  return { name: text.slice(0, at), value: text.slice(at + 1) };
}

/** Chooses the traces and their order when there are more than requested. */
type Choice = (found: readonly TraceSummary[], limit: number) => readonly TraceSummary[];

const CHOICES: Readonly<Record<string, Choice>> = {
  time: (found, limit) => found.slice(0, limit),
  duration: (found, limit) => found.toSorted((a, b) => b.durationMs - a.durationMs).slice(0, limit),
  spread,
};

function choiceFrom(query: URLSearchParams): string {
  const sort = textFrom(query, 'sort') ?? 'time';
  if (!Object.hasOwn(CHOICES, sort)) {
    throw new VitrineError('bad_request', '"sort" must be time, duration or spread.');
  }
  return sort;
}

/** More than a store holds in memory. The search needs the slowest of all traces, not the slowest of the newest. */
const ALL_TRACES = 1_000_000;
/** Spans of one trace come from several processes, and each process sends once a second. */
const TOLD_AFTER_MS = 2_000;

async function tracesAnswer({ spans, clock }: RecordSources, query: URLSearchParams): Promise<TracesAnswer> {
  const rootlessBeforeMs = isTrue(textFrom(query, 'complete')) ? clock.now() - TOLD_AFTER_MS : undefined;
  const asked = { ...traceQueryFrom(query), rootlessBeforeMs };
  const sort = choiceFrom(query);
  const found = await spans.find(sort === 'time' ? oneMore(asked) : { ...asked, limit: ALL_TRACES });
  return { traces: CHOICES[sort](found, asked.limit).map(summaryView), more: found.length > asked.limit };
}

/** Attribute names under which spans and log lines carry ids. */
const ID_ATTRIBUTES = ['transaction_id', 'payments.transaction.id', 'http.request.header.x-request-id', 'request_id'];

/**
 * The traces that belong to the id of a trace, transaction or request. They are found through spans and through log lines.
 */
async function tracesById({ spans, logs }: RecordSources, id: string): Promise<TracesAnswer> {
  const limit = 100;
  const named = ID_ATTRIBUTES.map((name) => ({ attribute: { name, value: id }, limit }));
  const traceIds = new Set(/^[0-9a-f]{1,32}$/.test(id) ? [id] : []);
  for (const query of named) for (const { traceId } of await spans.find(query)) traceIds.add(traceId);
  for (const query of named) for (const { traceId } of await logs.search(query)) traceIds.add(traceId);
  const found = await Promise.all([...traceIds].slice(0, limit).map(async (traceId) => spans.trace(traceId)));
  const traces = found.flatMap((each) => (each.length === 0 ? [] : [summaryView(traceSummary(each))]));
  return { traces: traces.sort((a, b) => b.startMs - a.startMs), more: traceIds.size > limit };
}

function limitFrom(query: URLSearchParams): number {
  return Math.floor(numberFrom(query, 'limit', { min: 1, max: MAX_LIMIT, fallback: 100 }) ?? 100);
}

export function traceQueryFrom(query: URLSearchParams): TraceQuery {
  return {
    service: textFrom(query, 'service'),
    route: textFrom(query, 'route'),
    attribute: attributeFrom(query),
    fromMs: numberFrom(query, 'from', TIME),
    toMs: numberFrom(query, 'to', TIME),
    minDurationMs: numberFrom(query, 'min_duration_ms', { min: 0, max: 86_400_000, fallback: undefined }),
    onlyErrors: isTrue(textFrom(query, 'errors')),
    limit: limitFrom(query),
  };
}

/** Requests one more than wanted, so that "there are more" is known for certain. */
const oneMore = <T extends { readonly limit: number }>(query: T): T => ({ ...query, limit: query.limit + 1 });

async function traceById({ spans, logs }: RecordSources, traceId: string): Promise<TraceAnswer> {
  if (!/^[0-9a-f]{1,32}$/.test(traceId)) {
    throw new VitrineError('bad_request', 'A trace id is up to 32 lower-case hexadecimal digits.');
  }
  const [found, lines] = await Promise.all([spans.trace(traceId), logs.search({ traceId, limit: MAX_TRACE_LOGS })]);
  if (found.length === 0) {
    throw new VitrineError('not_found', 'This trace is not here.', {
      hint: 'It may have left the store: failed and slow traces are kept longer than the rest.',
    });
  }
  return traceAnswer(traceId, found, lines);
}

/** `GET /api/traces` without a filter: the traces in memory. */
export function recentTraces(sources: RecordSources): Handler {
  return ({ query }): Promise<TracesAnswer> => {
    const id = textFrom(query, 'id');
    return id === undefined ? tracesAnswer(sources, query) : tracesById(sources, id);
  };
}

export function recordRoutes(sources: RecordSources): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/traces/:id',
      handler: ({ params }) => traceById(sources, params.id),
    },
    {
      method: 'GET',
      path: '/api/alerts',
      handler: (): AlertsAnswer => ({ alerts: alertViews(sources.alerts()) }),
    },
  ];
}
