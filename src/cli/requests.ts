/** `vitrine requests`: rows of the request ledger, or with --by exact figures over them. */
import { VitrineError } from '../base/errors.ts';
import type {
  FollowedRequest,
  RequestFiguresAnswer,
  RequestsAnswer,
  RequestView,
} from '../monitor/api/records/contract.ts';
import { ask, stream, type ClientOptions } from './client.ts';
import { paint, print, table, tell, visibleLine } from './output.ts';
import { found, pages, parameters, type SearchFlags } from './search.ts';

export interface RequestFlags extends SearchFlags {
  readonly follow: boolean;
  readonly by?: string | undefined;
}

export async function requests(
  client: ClientOptions,
  filter: string,
  flags: RequestFlags,
  signal: AbortSignal,
): Promise<void> {
  if (flags.follow && flags.by !== undefined) {
    throw new VitrineError('usage', '--follow lists rows; it cannot be used with --by.');
  }
  if (flags.follow) await follow(client, filter, flags.json, signal);
  else if (flags.by === undefined) await rows(client, filter, flags);
  else await figures(client, filter, flags, flags.by);
}

/** At most three digits: times of requests are read, not added up. */
const short = (number: number): string => String(Number(number.toPrecision(3)));
const percent = (ratio: number): string => `${short(ratio * 100)} %`;

async function rows(client: ClientOptions, filter: string, flags: SearchFlags): Promise<void> {
  const all: RequestView[] = [];
  let missing: RequestsAnswer['missing'];
  for await (const page of pages<RequestsAnswer>(
    client,
    '/api/requests',
    filter,
    flags,
    (some) => some.requests.length,
  )) {
    all.push(...page.requests);
    missing ??= page.missing;
  }
  if (flags.json) for (const row of all) print(JSON.stringify(row));
  else if (all.length === 0) tell('No requests match.');
  else {
    const cells = all.map((row) => [
      new Date(row.time_ms).toISOString(),
      row.method,
      row.route || row.path,
      row.status === null ? '-' : String(row.status),
      `${short(row.duration_ms)} ms`,
      row.upstream ?? '-',
      row.cache ?? '-',
      row.reason ?? '-',
      row.support_code,
      row.trace_id,
    ]);
    const head = ['time', 'method', 'route', 'status', 'duration', 'upstream', 'cache', 'reason', 'code', 'trace'];
    print(table(head, cells, [3, 4]));
  }
  tellMissing(missing);
}

async function follow(client: ClientOptions, filter: string, json: boolean, signal: AbortSignal): Promise<void> {
  const query = new URLSearchParams({ follow: 'true', q: filter });
  for await (const text of await stream(client, `/api/requests?${query}`, signal)) {
    const line = JSON.parse(text) as FollowedRequest;
    if ('dropped' in line) tell(`${line.dropped} rows were left out: they came faster than they can be shown.`);
    else print(json ? text : rowText(line));
  }
}

function rowText(row: RequestView): string {
  const status = row.status === null ? '-' : String(row.status);
  const facts = [row.upstream, row.cache, row.reason, row.support_code].map((fact) => fact ?? '-');
  const text = `${visibleLine(`${row.method} ${row.route || row.path}`)}  ${status}  ${short(row.duration_ms)} ms`;
  const rest = visibleLine(`${facts.join('  ')}  ${row.trace_id}`);
  return `${paint('dim', new Date(row.time_ms).toISOString())} ${row.reason === null ? text : paint('red', text)}  ${paint('dim', rest)}`;
}

async function figures(client: ClientOptions, filter: string, flags: SearchFlags, by: string): Promise<void> {
  const query = new URLSearchParams(parameters(filter, flags, 1_000));
  query.delete('limit');
  query.set('by', by);
  const answer = (await found(ask(client, `/api/requests/figures?${query}`), filter)) as RequestFiguresAnswer;
  const shown = answer.figures.slice(0, flags.limit);
  if (flags.json) for (const row of shown) print(JSON.stringify(row));
  else if (shown.length === 0) tell('No requests match.');
  else {
    const fields = Object.keys(shown[0].by);
    const head = [...fields, 'requests', 'rate', 'errors', 'ratio', 'mean', 'p50', 'p95', 'p99', 'max'];
    const cells = shown.map((row) => [
      ...fields.map((field) => row.by[field] || '-'),
      String(row.requests),
      `${short(row.rate)}/s`,
      String(row.errors),
      percent(row.error_ratio),
      ...[row.mean, row.p50, row.p95, row.p99, row.max].map((ms) => `${short(ms)} ms`),
    ]);
    const numbers = head.map((_, at) => at).slice(fields.length);
    print(table(head, cells, numbers));
  }
  const left = answer.figures.length - shown.length;
  if (left > 0) tell(`${left} further groups are left out; --limit shows more.`);
  if (!answer.complete) tell(`The search ended at ${new Date(answer.reached_ms ?? 0).toISOString()}: a limit was met.`);
  tellMissing(answer.missing);
}

function tellMissing(missing: RequestsAnswer['missing']): void {
  if (missing !== undefined) tell(`${missing.exact ? '' : 'At most '}${missing.rows} rows of this range were lost.`);
}

/** @throws VitrineError `usage` for a flag that the API has no answer to */
export function fieldsOf(text: string): string {
  if (/^[\w.]+(?:,[\w.]+){0,2}$/.test(text)) return text;
  throw new VitrineError('usage', `--by: "${text}" must be one to three fields, such as route,upstream.`);
}
