/** `GET /api/logs` and the counts beside it. */
import type { Context } from 'koa';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { RecordSource } from '../../../model/record-source.ts';
import { fieldFigures, histogram, valueCounts } from '../../search/counts.ts';
import { contextOf } from '../../search/context.ts';
import { cursorPosition, cursorText, searchPage } from '../../search/page.ts';
import type { Tail } from '../../search/tail.ts';
import type { LogRecord } from '../../../model/records.ts';
import type { LogsAnswer, WireAttributes } from '../contract.ts';
import type { FieldsAnswer, LogContextAnswer, LogHistogramAnswer, ValuesAnswer } from './contract.ts';
import { numberFrom, textFrom, type Call, type Route } from '../routes.ts';
import { attributesOf, logView } from '../views.ts';
import { follow } from './follow.ts';
import { limitFrom, nextView, outcomeView, searchFrom } from './parameters.ts';

export interface LogRoutesOptions {
  readonly records: RecordSource;
  readonly tail: Tail;
  readonly clock: Clock;
}

const HOUR_MS = 3_600_000;
const MAX_STEPS = 1_000;
const USUAL_STEPS = 60;
/** Steps that people read: 1, 2, 5, 10, 15, 30 s and so on. */
const STEPS_MS = [1, 2, 5, 10, 15, 30].flatMap((count) => [count * 1_000, count * 60_000]);
const LONG_STEPS_MS = [1, 2, 3, 6, 12, 24, 48, 168].map((hours) => hours * HOUR_MS);

async function logsAnswer({ records, clock }: LogRoutesOptions, { query, ctx }: Call): Promise<LogsAnswer> {
  const page = await searchPage(records, searchFrom('logs', query, clock.now(), ctx), limitFrom(query), clock);
  const resources = new Map<string, number>();
  const numberOf = ({ resource }: LogRecord): number => {
    const key = JSON.stringify(attributesOf(resource.attributes));
    const known = resources.get(key);
    if (known === undefined) resources.set(key, resources.size);
    return known ?? resources.size - 1;
  };
  return {
    logs: page.rows.map(({ record, position }) => ({
      ...logView(record, cursorText(position)),
      resource: numberOf(record),
    })),
    resources: [...resources.keys()].map((text) => JSON.parse(text) as WireAttributes),
    more: page.next !== undefined,
    next: nextView(page.next),
    ...outcomeView(page),
  };
}

async function contextAnswer(
  { records, clock }: LogRoutesOptions,
  query: URLSearchParams,
  id: string,
): Promise<LogContextAnswer> {
  const count = (name: string): number => numberFrom(query, name, { min: 0, max: 500, fallback: 10 }) ?? 10;
  const rows = await contextOf(records, cursorPosition(id), count('before'), count('after'), clock);
  if (rows === undefined) {
    throw new VitrineError('not_found', 'This line is not here.', {
      hint: 'It may have left the store. An id is that of a line in an answer of this address.',
    });
  }
  return { logs: rows.map(({ record, position }) => logView(record, cursorText(position))) };
}

/** The step of the request, or one that gives about 60 steps. */
function stepFrom(query: URLSearchParams, rangeMs: number): number {
  const least = Math.max(1, Math.ceil(rangeMs / MAX_STEPS));
  const given = numberFrom(query, 'step', { min: least, max: 8.64e15, fallback: undefined });
  if (given !== undefined) return given;
  const wanted = Math.max(least, Math.floor(rangeMs / USUAL_STEPS));
  const all = [...STEPS_MS, ...LONG_STEPS_MS].sort((a, b) => a - b);
  return all.find((step) => step >= wanted) ?? Math.ceil(wanted / HOUR_MS) * HOUR_MS;
}

async function histogramAnswer(
  { records, clock }: LogRoutesOptions,
  { query, ctx }: Call,
): Promise<LogHistogramAnswer> {
  const nowMs = clock.now();
  const asked = searchFrom('logs', query, nowMs, ctx, nowMs - HOUR_MS);
  const toMs = query.get('to') === null ? nowMs + 1 : asked.toMs;
  const stepMs = stepFrom(query, toMs - asked.fromMs);
  const found = await histogram(records, { ...asked, toMs }, stepMs, clock);
  return {
    step_ms: stepMs,
    times_ms: found.timesMs,
    levels: Object.fromEntries(found.levels),
    total: found.total,
    ...outcomeView(found),
  };
}

async function fieldsAnswer({ records, clock }: LogRoutesOptions, { query, ctx }: Call): Promise<FieldsAnswer> {
  const nowMs = clock.now();
  const found = await fieldFigures(records, searchFrom('logs', query, nowMs, ctx, nowMs - HOUR_MS), clock);
  return { fields: found.fields, omitted: found.omitted, ...outcomeView(found) };
}

async function valuesAnswer({ records, clock }: LogRoutesOptions, { query, ctx }: Call): Promise<ValuesAnswer> {
  const field = textFrom(query, 'field');
  if (field === undefined) throw new VitrineError('bad_request', '"field" is missing.');
  const nowMs = clock.now();
  const asked = searchFrom('logs', query, nowMs, ctx, nowMs - HOUR_MS);
  const found = await valueCounts(records, asked, field, limitFrom(query), clock);
  return {
    field,
    values: found.values.map(({ value, count, error }) => ({ value, count, ...(error === 0 ? {} : { error }) })),
    cardinality: found.cardinality,
    total: found.total,
    present: found.present,
    ...outcomeView(found),
  };
}

const isFollowing = (query: URLSearchParams): boolean => query.get('follow') === 'true' || query.get('follow') === '1';

/** A path that is literal in this table and a parameter in another must come first; none is here. */
export function logRoutes(options: LogRoutesOptions): Route[] {
  const counts = (path: string, handler: (call: Call) => Promise<unknown>): Route => ({ method: 'GET', path, handler });
  return [
    {
      method: 'GET',
      path: '/api/logs',
      handler(call) {
        const { query } = call;
        if (isFollowing(query)) return followed(options, call.ctx, query);
        const around = textFrom(query, 'around');
        return around === undefined ? logsAnswer(options, call) : contextAnswer(options, query, around);
      },
    },
    counts('/api/logs/histogram', (call) => histogramAnswer(options, call)),
    counts('/api/logs/fields', (call) => fieldsAnswer(options, call)),
    counts('/api/logs/values', (call) => valuesAnswer(options, call)),
  ];
}

function followed({ tail, clock }: LogRoutesOptions, ctx: Context, query: URLSearchParams): undefined {
  follow(ctx, tail, query, clock);
  return undefined;
}
