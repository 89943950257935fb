/** `vitrine query`: PromQL from the shell, as a table, JSON (the API's own data) or CSV. */
import { parseDurationMs } from '../base/units.ts';
import { VitrineError } from '../base/errors.ts';
import { nearest } from '../config/schema-walk.ts';
import { selectorsOf } from '../monitor/promql/syntax/expression-shape.ts';
import { parse } from '../monitor/promql/syntax/parser.ts';
import { ask, type ClientOptions } from './client.ts';
import { print, table, tell, visibleLine } from './output.ts';

export interface QueryFlags {
  readonly range?: string | undefined;
  readonly step?: string | undefined;
  readonly time?: string | undefined;
  readonly json: boolean;
  readonly csv: boolean;
}

type Sample = readonly [seconds: number, value: string];
interface Item {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: Sample;
  readonly values?: readonly Sample[];
  readonly histogram?: readonly [number, { count: string; sum: string }];
  readonly histograms?: readonly (readonly [number, { count: string; sum: string }])[];
}
interface Answer {
  readonly data: { readonly resultType: string; readonly result: readonly Item[] | Sample };
  readonly warnings?: readonly string[];
  readonly infos?: readonly string[];
}

const DEFAULT_STEPS = 60;
const LONGEST_SHOWN = 200;

export async function query(client: ClientOptions, expr: string, flags: QueryFlags, nowMs: number): Promise<void> {
  if (flags.json && flags.csv) throw new VitrineError('usage', 'Use either --json or --csv.');
  if (flags.step !== undefined && flags.range === undefined) {
    throw new VitrineError('usage', '--step: only with --range.', {
      hint: `For example --range 1h --step ${flags.step}.`,
    });
  }
  const endMs = flags.time === undefined ? nowMs : timeOf(flags.time);
  const question =
    flags.range === undefined
      ? ask(client, '/api/v1/query', { query: expr, time: String(endMs / 1000) })
      : ask(client, '/api/v1/query_range', rangeForm(expr, flags, endMs));
  const answer = (await question.catch((error: unknown) => {
    throw pointedAt(expr, error);
  })) as Answer;
  for (const line of [...(answer.warnings ?? []), ...(answer.infos ?? [])]) tell(visibleLine(line));
  if (flags.json) print(JSON.stringify(answer.data));
  else if (flags.csv) print(csvOf(answer));
  else printTable(answer);
  if (isEmpty(answer)) for (const line of await misspelt(client, expr)) tell(visibleLine(line));
}

const isEmpty = ({ data: { resultType, result } }: Answer): boolean =>
  (resultType === 'vector' || resultType === 'matrix') && result.length === 0;

const NAMES_LATEST_MS = 24 * 3_600_000;

/** For each metric of the expression that the server does not know, the most similar one that it does. */
async function misspelt(client: ClientOptions, expr: string): Promise<string[]> {
  const named = new Set(selectorsOf(parse(expr)).flatMap(({ name }) => (name === '' ? [] : [name])));
  if (named.size === 0) return [];
  const start = String((Date.now() - NAMES_LATEST_MS) / 1000);
  const known = (await ask(client, `/api/v1/label/__name__/values?start=${start}&limit=10000`)) as { data: string[] };
  const names = new Set(known.data);
  return [...named]
    .filter((name) => !names.has(name))
    .map((name) => {
      const meant = nearest(name, known.data);
      return `There is no metric "${name}"${meant === undefined ? '.' : `; did you mean "${meant}"?`}`;
    });
}

/** Shows the place in the expression that the error names. */
function pointedAt(expr: string, error: unknown): unknown {
  if (!(error instanceof VitrineError) || error.code !== 'query_invalid') return error;
  const [, row, column] = /(\d+):(\d+): parse error/.exec(error.message) ?? [];
  const line = expr.split('\n')[Number(row) - 1];
  if (line === undefined || line.length > LONGEST_SHOWN) return error;
  const hint = `${line.replaceAll('\t', ' ')}\n  ${' '.repeat(Number(column) - 1)}^`;
  return new VitrineError(error.code, error.message, { hint, cause: error });
}

function rangeForm(expr: string, { range, step }: QueryFlags, endMs: number): Record<string, string> {
  const rangeMs = durationOf('--range', range ?? '1h');
  const stepMs = step === undefined ? Math.max(1_000, Math.round(rangeMs / DEFAULT_STEPS)) : durationOf('--step', step);
  return {
    query: expr,
    start: String((endMs - rangeMs) / 1000),
    end: String(endMs / 1000),
    step: String(stepMs / 1000),
  };
}

function durationOf(flag: string, text: string): number {
  const ms = parseDurationMs(text);
  if (ms === undefined || ms <= 0)
    throw new VitrineError('usage', `${flag}: "${text}" is not a duration.`, { hint: 'For example 15s, 5m, 1h30m.' });
  return ms;
}

function timeOf(text: string): number {
  const ms = /^\d+(\.\d+)?$/.test(text) ? Number(text) * 1000 : Date.parse(text);
  if (Number.isNaN(ms))
    throw new VitrineError('usage', `--time: "${text}" is not a time.`, {
      hint: 'Seconds since 1970 or RFC 3339, such as 2026-01-31T12:00:00Z.',
    });
  return ms;
}

interface Row {
  readonly labels: string;
  readonly time: string;
  readonly value: string;
}

function rowsOf({ data }: Answer): Row[] {
  const time = (seconds: number): string => new Date(seconds * 1000).toISOString();
  if (data.resultType === 'scalar' || data.resultType === 'string') {
    const [seconds, value] = data.result as Sample;
    return [{ labels: '', time: time(seconds), value }];
  }
  const rows: Row[] = [];
  for (const item of data.result as readonly Item[]) {
    const labels = seriesText(item.metric);
    const floats = item.values ?? (item.value === undefined ? [] : [item.value]);
    for (const [seconds, value] of floats) rows.push({ labels, time: time(seconds), value });
    const histograms = item.histograms ?? (item.histogram === undefined ? [] : [item.histogram]);
    for (const [seconds, { count, sum }] of histograms)
      rows.push({ labels, time: time(seconds), value: `count ${count} sum ${sum}` });
  }
  return rows;
}

/** `name{a="b"}` with values quoted as JSON quotes them. */
export function seriesText(metric: Readonly<Record<string, string>>): string {
  const { __name__: name = '', ...labels } = metric;
  const inner = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return inner.length === 0 && name !== '' ? name : `${name}{${inner.join(', ')}}`;
}

function printTable(answer: Answer): void {
  const rows = rowsOf(answer);
  if (rows.length === 0) {
    tell('No series match.');
    return;
  }
  const cells = rows.map(({ labels, time, value }) => [labels, time, value]);
  print(table(['series', 'time', 'value'], cells, [2]));
}

/** RFC 4180; cells that a spreadsheet would run as a formula are escaped. */
function csvOf(answer: Answer): string {
  const cell = (text: string): string => {
    const inert = /^[=+\-@\t\r]/.test(text) && Number.isNaN(Number(text)) ? `'${text}` : text;
    return /[",\r\n]/.test(inert) ? `"${inert.replaceAll('"', '""')}"` : inert;
  };
  return [
    'series,time,value',
    ...rowsOf(answer).map(({ labels, time, value }) => [labels, time, value].map(cell).join(',')),
  ].join('\n');
}
