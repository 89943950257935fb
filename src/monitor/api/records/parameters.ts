/** The parameters that all searches share: `q from to limit cursor`, and the older ones that stand for conditions. */
import type { Context } from 'koa';
import { VitrineError } from '../../../base/errors.ts';
import type { RecordPosition, RecordSignal } from '../../../model/record-source.ts';
import { checkedFilter } from '../../search/checker.ts';
import type { Condition, Filter } from '../../search/filter.ts';
import { relativeTimeMs, timeMsOf } from '../../search/literals.ts';
import { ofUsers } from '../../search/of-users.ts';
import { cursorPosition, cursorText } from '../../search/page.ts';
import type { ScanOutcome, ScanRequest } from '../../search/scan.ts';
import { MAX_FILTER_LENGTH } from '../../search/syntax.ts';
import type { SearchOutcome } from '../search-outcome.ts';
import { numberFrom, textFrom } from '../routes.ts';
import { LEVELS } from '../../../model/text/severity.ts';

const MAX_LIMIT = 1_000;
const MAX_TIME_MS = 8.64e15;

/** Epoch milliseconds, RFC 3339 or `now-1h`. @throws VitrineError `bad_request` */
export function timeFrom(query: URLSearchParams, name: string, nowMs: number): number | undefined {
  const text = textFrom(query, name);
  if (text === undefined) return undefined;
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) : (timeMsOf(text) ?? relativeTimeMs(text, nowMs));
  if (ms === undefined || ms < 0 || ms > MAX_TIME_MS) {
    throw new VitrineError('bad_request', `"${name}" must be a time.`, {
      hint: 'Write milliseconds since 1970, 2026-11-30T12:00:00Z or now-1h.',
    });
  }
  return ms;
}

export function limitFrom(query: URLSearchParams, fallback = 100): number {
  return Math.floor(numberFrom(query, 'limit', { min: 1, max: MAX_LIMIT, fallback }) ?? fallback);
}

/** @throws VitrineError `query_invalid`, `bad_request` */
export function filterFrom(query: URLSearchParams, nowMs: number, name = 'q'): Filter {
  const text = query.get(name) ?? '';
  if (text.length > MAX_FILTER_LENGTH) {
    throw new VitrineError('query_invalid', `the filter is longer than ${MAX_FILTER_LENGTH} characters`);
  }
  const filter = checkedFilter(text, nowMs);
  const parts = conditionsFrom(query);
  if (parts.length === 0) return filter;
  return { ...filter, condition: { kind: 'and', parts: [filter.condition, ...parts] } };
}

const equal = (field: string, text: string): Condition => ({
  kind: 'field',
  field,
  test: { kind: 'equal', text, folded: false },
});

/** `service`, `route`, `trace_id`, `level` (at least) and `attribute=name=value`. */
function conditionsFrom(query: URLSearchParams): Condition[] {
  const parts: Condition[] = [];
  for (const [name, field] of [
    ['service', 'service'],
    ['route', 'route'],
    ['trace_id', 'trace'],
  ] as const) {
    const text = textFrom(query, name);
    if (text !== undefined) parts.push(equal(field, text));
  }
  const level = textFrom(query, 'level')?.toLowerCase();
  if (level !== undefined) {
    if (!Object.hasOwn(LEVELS, level)) {
      throw new VitrineError('bad_request', '"level" must be trace, debug, info, warn, error or fatal.');
    }
    const to = { kind: 'level', value: LEVELS[level] } as const;
    parts.push({ kind: 'field', field: 'level', test: { kind: 'compare', op: '>=', to } });
  }
  const attribute = textFrom(query, 'attribute');
  if (attribute !== undefined) parts.push(attributeCondition(attribute));
  return parts;
}

function attributeCondition(text: string): Condition {
  const at = text.search(/[=:]/);
  if (at < 1 || at === text.length - 1) {
    throw new VitrineError('bad_request', '"attribute" must have the form name=value.', {
      hint: 'For example attribute=transaction_id=T-42.',
    });
  }
  return equal(text.slice(0, at), text.slice(at + 1));
}

export interface Asked<S extends RecordSignal> extends ScanRequest<S> {
  readonly before: RecordPosition | undefined;
}

/** The common parameters of a search; `fallbackFromMs` is the begin of its range when `from` is absent. */
export function searchFrom<S extends RecordSignal>(
  signal: S,
  query: URLSearchParams,
  nowMs: number,
  ctx: Context,
  fallbackFromMs = 0,
): Asked<S> {
  const fromMs = timeFrom(query, 'from', nowMs) ?? fallbackFromMs;
  // Senders' clocks may be ahead of this one; without an end, lines of the future are found too.
  const toMs = timeFrom(query, 'to', nowMs) ?? nowMs + 600_000;
  if (fromMs >= toMs) throw new VitrineError('bad_request', '"from" must lie before "to".');
  const cursor = textFrom(query, 'cursor');
  const filter = filterFrom(query, nowMs);
  return {
    signal,
    filter: signal === 'requests' ? ofUsers(filter) : filter,
    fromMs,
    toMs,
    before: cursor === undefined ? undefined : cursorPosition(cursor),
    signalled: leaving(ctx),
  };
}

/** Aborted when the client closes its connection before it has the answer. */
export function leaving(ctx: Context): AbortSignal {
  const controller = new AbortController();
  ctx.res.once('close', () => controller.abort());
  return controller.signal;
}

export function outcomeView({ complete, reachedMs, scanned, lost }: ScanOutcome): SearchOutcome {
  return {
    complete,
    ...(complete ? {} : { reached_ms: reachedMs }),
    ...(lost === 0 ? {} : { lost }),
    scanned: { records: scanned.records, bytes: scanned.bytes },
  };
}

/** The outcome of a search that needed no more than the matches after `end`, for an answer that speaks of the whole range. */
export function endedAt(outcome: ScanOutcome, end: RecordPosition): ScanOutcome {
  return { ...outcome, complete: false, reachedMs: Math.ceil(Number(end.timeUnixNano) / 1e6) };
}

export const nextView = (next: RecordPosition | undefined): string | null =>
  next === undefined ? null : cursorText(next);
