/** `GET /api/requests`, its figures, and one request by its support code or an id. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { isLoopback } from '../../../model/exposure.ts';
import type { LogSource, SpanSource } from '../../../model/ports.ts';
import { REQUEST_FIELDS } from '../../../model/record-fields.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import { serviceOf } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { readSupportCode } from '../../../model/text/support-code.ts';
import { valueAt } from '../../search/counts.ts';
import { cursorText, searchPage } from '../../search/page.ts';
import { requestSpread } from '../../search/request-spread.ts';
import { requestCounts, requestFigures, type RequestCount, type RequestFigure } from '../../search/request-figures.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import { traceAnswer } from '../views.ts';
import type {
  MissingRows,
  RequestAnswer,
  RequestCountsAnswer,
  RequestFiguresAnswer,
  RequestsAnswer,
} from './contract.ts';
import { RequestFollowers } from './follow-requests.ts';
import { limitFrom, nextView, outcomeView, searchFrom } from './parameters.ts';
import { requestView } from './request-view.ts';

export interface RequestRoutesOptions {
  readonly records: RecordSource;
  readonly spans: SpanSource;
  readonly logs: LogSource;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const MAX_BY = 3;
const MAX_STEPS = 2_000;
const MAX_MATCHES = 20;
const MAX_LINES = 1_000;
/** Look-ups a minute from other machines: forty bits must not be guessed. */
const LOOKUPS_A_MINUTE = 30;
const MINUTE_MS = 60_000;
const ID = /^[\w.:-]{8,128}$/;

function missingIn(records: RecordSource, fromMs: number, toMs: number): { readonly missing?: MissingRows } {
  const missing = records.missing(fromMs, toMs);
  return missing.rows === 0 ? {} : { missing };
}

/** `sort=spread`: a choice that shows the distribution of all. */
async function spreadAnswer({ records, clock }: RequestRoutesOptions, { query, ctx }: Call): Promise<RequestsAnswer> {
  const nowMs = clock.now();
  const given = searchFrom('requests', query, nowMs, ctx, nowMs - HOUR_MS);
  const asked = query.has('to') ? given : { ...given, toMs: nowMs + 1 };
  const found = await requestSpread(records, asked, limitFrom(query), clock);
  return {
    requests: found.rows.map(({ record, position }) => requestView(record, cursorText(position))),
    total: found.total,
    next: null,
    ...outcomeView(found),
    ...missingIn(records, asked.fromMs, asked.toMs),
  };
}

async function listAnswer({ records, clock }: RequestRoutesOptions, { query, ctx }: Call): Promise<RequestsAnswer> {
  const asked = searchFrom('requests', query, clock.now(), ctx);
  const page = await searchPage(records, asked, limitFrom(query), clock);
  return {
    requests: page.rows.map(({ record, position }) => requestView(record, cursorText(position))),
    next: nextView(page.next),
    ...outcomeView(page),
    ...missingIn(records, asked.fromMs, asked.toMs),
  };
}

/** @throws VitrineError `bad_request` */
function fieldsFrom(query: URLSearchParams): string[] {
  const fields = (textFrom(query, 'by') ?? '').split(',').filter((field) => field !== '');
  const unknown = fields.find((field) => !Object.hasOwn(REQUEST_FIELDS, field));
  if (unknown !== undefined || fields.length > MAX_BY || new Set(fields).size < fields.length) {
    throw new VitrineError('bad_request', `"by" must name at most ${MAX_BY} different fields of a request.`, {
      hint: `Fields are ${Object.keys(REQUEST_FIELDS).join(', ')}.`,
    });
  }
  return fields;
}

/** `only=counts` leaves out what is made of durations: it costs a quarter, and counts any number of requests. */
async function figuresAnswer(
  { records, clock }: RequestRoutesOptions,
  { query, ctx }: Call,
): Promise<RequestFiguresAnswer | RequestCountsAnswer> {
  const nowMs = clock.now();
  const given = searchFrom('requests', query, nowMs, ctx, nowMs - HOUR_MS);
  // Rates are per second of the range: it ends now when no end is given.
  const asked = query.has('to') ? given : { ...given, toMs: nowMs };
  const { fromMs, toMs } = asked;
  const by = fieldsFrom(query);
  const least = Math.max(1, Math.ceil((toMs - fromMs) / MAX_STEPS));
  const stepMs = numberFrom(query, 'step', { min: least, max: 8.64e15, fallback: undefined });
  const seconds = (stepMs ?? toMs - fromMs) / 1_000;
  const range = { from_ms: fromMs, to_ms: toMs, step_ms: stepMs ?? null, ...missingIn(records, fromMs, toMs) };
  if (onlyFrom(query) === 'counts') {
    const found = await requestCounts(records, asked, by, stepMs, clock);
    return { ...range, figures: found.counts.map((count) => countView(count, by, seconds)), ...outcomeView(found) };
  }
  const found = await requestFigures(records, asked, by, stepMs, clock);
  return { ...range, figures: found.figures.map((figure) => figureView(figure, by, seconds)), ...outcomeView(found) };
}

/** @throws VitrineError `bad_request` */
function onlyFrom(query: URLSearchParams): 'counts' | undefined {
  const only = textFrom(query, 'only');
  if (only === undefined || only === 'counts') return only;
  throw new VitrineError('bad_request', '"only" can be "counts".');
}

function countView(
  { values, timeMs, requests, errors }: RequestCount,
  by: readonly string[],
  seconds: number,
): RequestCountsAnswer['figures'][number] {
  return {
    by: Object.fromEntries(by.map((field, at) => [field, values[at]])),
    ...(timeMs === undefined ? {} : { time_ms: timeMs }),
    requests,
    errors,
    error_ratio: errors / requests,
    rate: requests / seconds,
  };
}

function figureView(
  figure: RequestFigure,
  by: readonly string[],
  seconds: number,
): RequestFiguresAnswer['figures'][number] {
  const { requests, sumMs, p50, p95, p99, max, phases } = figure;
  return { ...countView(figure, by, seconds), mean: sumMs / requests, p50, p95, p99, max, phases };
}

/** @throws VitrineError `bad_request`, `not_found` */
async function requestAnswer(options: RequestRoutesOptions, id: string): Promise<RequestAnswer> {
  if (!ID.test(id)) throw new VitrineError('bad_request', 'This is neither a support code nor the id of a request.');
  const code = readSupportCode(id);
  const rows = await rowsOf(options.records, id, code);
  if (rows.length === 0) {
    throw new VitrineError('not_found', 'No request has this code or id.', {
      hint: 'Rows are kept for `store.requests.retention`. A code has eight characters; letters that look like digits are read as digits.',
    });
  }
  return { requests: await Promise.all(rows.map((row) => withTrace(options, row))) };
}

async function rowsOf(records: RecordSource, id: string, code: string | undefined): Promise<Found[]> {
  const ids = code === undefined ? [[id]] : [[code, id]];
  const found: Found[] = [];
  const wanted = id.toLowerCase();
  for await (const batch of records.scan({ signal: 'requests', fromMs: -Infinity, toMs: Infinity, ids })) {
    // A batch has tens of thousands of rows, of which one is decoded.
    const [codes, traces, requests] = ['code', 'trace', 'request.id'].map((field) => batch.column(field));
    for (let row = batch.end - 1; row >= batch.begin; row -= 1) {
      const requestId = valueAt(requests, row);
      const isThis =
        (code !== undefined && valueAt(codes, row) === code) ||
        valueAt(traces, row) === wanted ||
        (typeof requestId === 'string' && requestId.toLowerCase() === wanted);
      if (isThis) found.push({ row: batch.record(row), id: cursorText(batch.positionOf(row)) });
      if (found.length === MAX_MATCHES) return found;
    }
  }
  return found;
}

interface Found {
  readonly row: RequestRow;
  readonly id: string;
}

async function withTrace(
  { spans, logs }: RequestRoutesOptions,
  { row, id }: Found,
): Promise<RequestAnswer['requests'][number]> {
  const { traceId } = row;
  const [found, lines] = await Promise.all([spans.trace(traceId), logs.search({ traceId, limit: MAX_LINES })]);
  const services = [...new Set(found.map(({ resource }) => serviceOf(resource)))].sort();
  const trace = found.length === 0 && lines.length === 0 ? null : traceAnswer(traceId, found, lines);
  return { request: requestView(row, id), trace, services };
}

/** Look-ups of the last minute from beyond this machine. */
class Lookups {
  readonly #clock: Clock;
  #times: number[] = [];

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @throws VitrineError `too_many_requests` */
  check(peer: string): void {
    if (isLoopback(peer.replace(/^::ffff:/, ''))) return;
    const now = this.#clock.monotonic();
    this.#times = this.#times.filter((time) => now - time < MINUTE_MS);
    if (this.#times.length >= LOOKUPS_A_MINUTE) {
      throw new VitrineError('too_many_requests', `${LOOKUPS_A_MINUTE} requests a minute may be looked up.`, {
        headers: { 'Retry-After': '60' },
      });
    }
    this.#times.push(now);
  }
}

export function requestRoutes(options: RequestRoutesOptions): Route[] {
  const lookups = new Lookups(options.clock);
  const followers = new RequestFollowers(options.records, options.clock);
  return [
    {
      method: 'GET',
      path: '/api/requests',
      handler(call) {
        if (textFrom(call.query, 'follow') === 'true') return followers.follow(call.ctx, call.query);
        const sort = textFrom(call.query, 'sort') ?? 'time';
        if (sort === 'spread') return spreadAnswer(options, call);
        if (sort === 'time') return listAnswer(options, call);
        throw new VitrineError('bad_request', '"sort" must be time or spread.');
      },
    },
    { method: 'GET', path: '/api/requests/figures', handler: (call) => figuresAnswer(options, call) },
    {
      method: 'GET',
      path: '/api/requests/:id',
      handler({ params, ctx }) {
        lookups.check(ctx.req.socket.remoteAddress ?? '');
        return requestAnswer(options, params.id);
      },
    },
  ];
}
