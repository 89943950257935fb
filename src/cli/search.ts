/**
 * `vitrine logs`, `traces` and `errors`: searches in the filter grammar, as a table on a terminal and NDJSON with --json; with
 * --follow as a line for each record that comes.
 */
import { VitrineError } from '../base/errors.ts';
import type { LogsAnswer, LogView, TracesAnswer, WireAttributes } from '../monitor/api/contract.ts';
import type { ErrorsAnswer } from '../monitor/api/records/contract.ts';
import { ask, type ClientOptions } from './client.ts';
import { followStream } from './follow-stream.ts';
import { follow, type Look } from './follow.ts';
import { paint, print, table, tell, visibleLine, visibleLines } from './output.ts';

export interface SearchFlags {
  readonly since?: string | undefined;
  readonly until?: string | undefined;
  readonly limit: number;
  readonly json: boolean;
}

/** The API gives at most so many records in one answer. */
const PAGE = 1_000;

/** The filter is checked by the server; its message names the position, which is shown in the filter. */
export async function found<T>(work: Promise<T>, filter: string): Promise<T> {
  try {
    return await work;
  } catch (error) {
    const position = error instanceof VitrineError ? /^position (\d+): /.exec(error.message)?.[1] : undefined;
    if (!(error instanceof VitrineError) || position === undefined || filter.length > 200) throw error;
    const pointer = `${filter.replaceAll(/\s/g, ' ')}\n  ${' '.repeat(Number(position) - 1)}^`;
    throw new VitrineError(error.code, error.message, {
      hint: error.hint === undefined ? pointer : `${pointer}\n  ${error.hint}`,
      cause: error,
    });
  }
}

/** `1h` is `now-1h`; other times are passed on as they are. */
const timeParameter = (text: string): string => (/^\d+(?:\.\d+)?[a-zµ]/.test(text) ? `now-${text}` : text);

export function parameters(filter: string, flags: SearchFlags, limit: number, cursor?: string): string {
  const query = new URLSearchParams({ q: filter, limit: String(limit) });
  if (flags.since !== undefined) query.set('from', timeParameter(flags.since));
  if (flags.until !== undefined) query.set('to', timeParameter(flags.until));
  if (cursor !== undefined) query.set('cursor', cursor);
  return query.toString();
}

/** Pages until `limit` records came or there are no more. */
export async function* pages<T extends { readonly next?: string | null; readonly complete?: boolean }>(
  client: ClientOptions,
  path: string,
  filter: string,
  flags: SearchFlags,
  count: (page: T) => number,
): AsyncGenerator<T> {
  let left = flags.limit;
  let cursor: string | undefined;
  do {
    const query = parameters(filter, flags, Math.min(left, PAGE), cursor);
    const page = (await found(ask(client, `${path}?${query}`), filter)) as T;
    yield page;
    left -= count(page);
    cursor = page.next ?? undefined;
  } while (cursor !== undefined && left > 0);
}

export async function logs(
  client: ClientOptions,
  filter: string,
  flags: SearchFlags & { readonly follow: boolean },
  signal: AbortSignal,
): Promise<void> {
  if (flags.follow) return followLogs(client, filter, flags, signal);
  const lines = await linesFound(client, filter, flags);
  for (const line of lines) print(flags.json ? JSON.stringify(line) : lineText(line));
  if (lines.length === 0) tell('No lines match.');
}

type WholeLine = LogView & { readonly resource: WireAttributes };

/** Newest last, as in a file. */
async function linesFound(client: ClientOptions, filter: string, flags: SearchFlags): Promise<WholeLine[]> {
  const lines: WholeLine[] = [];
  const count = ({ logs: some }: LogsAnswer): number => some.length;
  for await (const { logs: some, resources } of pages<LogsAnswer>(client, '/api/logs', filter, flags, count)) {
    for (const line of some) lines.push({ ...line, resource: resources[line.resource] });
  }
  return lines.reverse();
}

/** A line that could not be stored has no id, and no search finds it. */
function followLogs(client: ClientOptions, filter: string, flags: SearchFlags, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ follow: 'true', q: filter });
  const following = followStream<WholeLine>({
    client,
    path: `/api/logs?${query}`,
    search: () => linesFound(client, filter, flags),
    keyOf: ({ id }) => id,
    show: (line) => print(flags.json ? JSON.stringify(line) : lineText(line)),
    rows: 'lines',
    signal,
  });
  return found(following, filter);
}

const COLOURS = { warn: 'yellow', error: 'red', fatal: 'red' } as const;

function lineText({ timeMs, severity, service, message, attributes, traceId }: LogView): string {
  const level = severity.padEnd(5);
  const painted = Object.hasOwn(COLOURS, severity) ? paint(COLOURS[severity as 'warn'], level) : level;
  const fields = Object.entries(attributes).map(
    ([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`,
  );
  if (traceId !== '') fields.push(`trace=${traceId}`);
  const rest = fields.length === 0 ? '' : `  ${paint('dim', visibleLines(fields.join(' ')))}`;
  return `${paint('dim', new Date(timeMs).toISOString())} ${painted} ${visibleLine(service)}  ${visibleLines(message)}${rest}`;
}

export interface FollowFlags extends SearchFlags {
  readonly follow: boolean;
}

/** How searches that follow end, and how often they ask again. */
export interface Following {
  readonly signal: AbortSignal;
  readonly everyMs: number;
}

type TraceRow = TracesAnswer['traces'][number];

export async function traces(
  client: ClientOptions,
  filter: string,
  flags: FollowFlags,
  signal: AbortSignal,
): Promise<void> {
  if (flags.follow) return followTraces(client, filter, flags, signal);
  const rows = await tracesFound(client, filter, flags);
  if (flags.json) for (const row of rows) print(JSON.stringify(row));
  else if (rows.length === 0) tell('No traces match.');
  else {
    const head = ['start', 'duration', 'service', 'name', 'spans', 'errors', 'trace'];
    print(table(head, rows.map(traceCells), [1, 4, 5]));
  }
}

async function tracesFound(client: ClientOptions, filter: string, flags: SearchFlags): Promise<TraceRow[]> {
  const rows: TraceRow[] = [];
  const count = ({ traces: some }: TracesAnswer): number => some.length;
  for await (const page of pages<TracesAnswer>(client, '/api/traces', filter, flags, count)) rows.push(...page.traces);
  return rows;
}

/** A trace is printed when it is first seen: its later spans do not make another one of it. */
function followTraces(client: ClientOptions, filter: string, flags: SearchFlags, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ follow: 'true', q: filter });
  const following = followStream<TraceRow>({
    client,
    path: `/api/traces?${query}`,
    search: async () => (await tracesFound(client, filter, flags)).reverse(),
    keyOf: ({ traceId }) => traceId,
    show: lineOf(flags.json, traceCells),
    rows: 'traces',
    signal,
  });
  return found(following, filter);
}

const traceCells = ({ startMs, durationMs, service, name, spans, errors, traceId }: TraceRow): string[] => [
  new Date(startMs).toISOString(),
  `${Number(durationMs.toPrecision(3))} ms`,
  service,
  name,
  String(spans),
  String(errors),
  traceId,
];

/** Prints one record as a line: cells have no width while others are still to come. */
const lineOf =
  <T>(json: boolean, cellsOf: (row: T) => readonly string[]) =>
  (row: T): void =>
    print(json ? JSON.stringify(row) : cellsOf(row).map(visibleLine).join('  '));

export interface ErrorFlags extends FollowFlags {
  readonly service?: string | undefined;
  readonly state?: string | undefined;
}

type ErrorRow = ErrorsAnswer['errors'][number];

export async function errors(
  client: ClientOptions,
  filter: string,
  flags: ErrorFlags,
  following: Following,
): Promise<void> {
  if (flags.follow) return followErrors(client, filter, flags, following);
  const { rows, more } = await errorsFound(client, filter, flags);
  if (flags.json) for (const row of rows) print(JSON.stringify(row));
  else if (rows.length === 0) tell('No errors.');
  else print(table(['id', 'state', 'count', 'last seen', 'service', 'error'], rows.map(errorCells), [2]));
  if (more) tell('More errors match; --limit shows them.');
}

/**
 * An issue that occurred again, or changed its state, is printed again. All are looked at, because one may occur again with an
 * old time, which does not move it to the head of the list.
 */
function followErrors(client: ClientOptions, filter: string, flags: ErrorFlags, following: Following): Promise<void> {
  return follow<ErrorRow>({
    look: () => errorsFound(client, filter, { ...flags, limit: PAGE }),
    keyOf: ({ id, state, count }) => `${id} ${state} ${count}`,
    show: lineOf(flags.json, errorCells),
    first: flags.limit,
    ...following,
  });
}

async function errorsFound(client: ClientOptions, filter: string, flags: ErrorFlags): Promise<Look<ErrorRow>> {
  const query = new URLSearchParams(parameters(filter, flags, Math.min(flags.limit, PAGE)));
  if (flags.service !== undefined) query.set('service', flags.service);
  if (flags.state !== undefined) query.set('state', flags.state);
  const { errors: rows, more } = (await found(ask(client, `/api/errors?${query}`), filter)) as ErrorsAnswer;
  return { rows, more };
}

const errorCells = ({ id, state, count, service, type, message, last_seen_ms: seen }: ErrorRow): string[] => [
  id,
  state,
  String(count),
  new Date(seen).toISOString(),
  service,
  `${type}: ${message.split('\n', 1)[0].slice(0, 100)}`,
];
