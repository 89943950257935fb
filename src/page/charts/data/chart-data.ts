/**
 * The data of a chart in columns that share their times: one column of times and one of values for each line. `null` is a
 * gap, where the line breaks; `undefined` means that this line has no point at a time that another line has. Pure.
 */
import type { Query } from '../../../dashboards/panel.ts';
import { legendOf } from '../../../dashboards/panel.ts';
import type { ChartAnswer, ChartLimit, ChartQueryAnswer } from '../../../monitor/api/charts/contract.ts';
import type { ExpressionResult } from '../../../monitor/api/contract.ts';
import { seriesToken } from '../../state/series-colour.ts';

export type Value = number | null | undefined;

export interface Line {
  readonly key: string;
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Number of the query that the line belongs to. */
  readonly query: number;
  /** Design token. */
  readonly colour: string;
  readonly main: boolean;
  readonly values: readonly Value[];
  /** Of a native histogram: the bounds of the bucket whose observations the values count. */
  readonly bucket?: readonly [from: number, to: number];
}

export interface ChartData {
  readonly timesMs: readonly number[];
  readonly lines: readonly Line[];
  /** The smallest step of the queries: the length of the last bucket, which may be partial. */
  readonly stepMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

type Labels = Readonly<Record<string, string>>;

/** `name{label="value"}`, as Prometheus writes a series. */
export function seriesName({ __name__: name = '', ...labels }: Labels): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
  return pairs.length === 0 && name !== '' ? name : `${name}{${pairs.join(', ')}}`;
}

const keyOf = (query: number, labels: Labels): string =>
  `${query}\n${JSON.stringify(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)))}`;

const boundOf = (text: string): number => (text === '+Inf' ? Infinity : text === '-Inf' ? -Infinity : Number(text));

/** The line of one bucket of a native histogram. */
function bucketLine(line: Line, [from, to]: readonly [from: string, to: string]): Line {
  const name = `${line.name} ${from} to ${to}`.replace(/^\{\} /, '');
  return {
    ...line,
    key: `${line.key}\n${from} ${to}`,
    name,
    colour: seriesToken(name),
    main: false,
    bucket: [boundOf(from), boundOf(to)],
  };
}

function lineOf(query: Query, number: number, labels: Labels, values: readonly Value[]): Line {
  const name = legendOf(query.legend, labels).trim() || seriesName(labels);
  return {
    key: keyOf(number, labels),
    name,
    labels,
    query: number,
    colour: query.colour ?? seriesToken(name),
    main: query.main ?? false,
    values,
  };
}

/** The step numbers of a result at which any of its series has a value or a gap. */
function stepsOf({ series, count }: ChartQueryAnswer): readonly number[] {
  if (series.every(({ at }) => at === undefined)) return Array.from({ length: count }, (_, step) => step);
  return series.flatMap(({ at }) => at ?? []);
}

function columnOf(
  { startMs, stepMs }: ChartQueryAnswer,
  series: ChartQueryAnswer['series'][number],
  index: ReadonlyMap<number, number>,
): Value[] {
  const column = Array.from<Value>({ length: index.size });
  const { at, values } = series;
  for (const [i, value] of values.entries()) {
    const place = index.get(startMs + (at === undefined ? i : at[i]) * stepMs);
    if (place !== undefined) column[place] = value;
  }
  return column;
}

/** Lines of different queries that would have one name are told apart by the letter of the query. */
function told(lines: readonly Line[]): Line[] {
  const owner = new Map<string, number>();
  for (const { name, query } of lines) if (!owner.has(name)) owner.set(name, query);
  return lines.map((line) => {
    if (owner.get(line.name) === line.query) return line;
    const name = `${String.fromCodePoint(65 + line.query)}: ${line.name}`;
    return { ...line, name, colour: seriesToken(name) };
  });
}

/** The results of all queries as columns. `onlyFromMs` and later: nothing before it is kept. */
export function dataOf(answer: ChartAnswer, queries: readonly Query[]): ChartData {
  const times = new Set<number>();
  for (const result of answer.queries) {
    for (const step of stepsOf(result)) times.add(result.startMs + step * result.stepMs);
  }
  const timesMs = [...times].sort((a, b) => a - b);
  const index = new Map(timesMs.map((time, at) => [time, at]));
  const lines = told(
    answer.queries.flatMap((result, number) =>
      result.series.map((series) => {
        const line = lineOf(queries[number], number, series.labels, columnOf(result, series, index));
        return series.bucket === undefined ? line : bucketLine(line, series.bucket);
      }),
    ),
  );
  const steps = answer.queries.filter(({ series }) => series.length > 0).map(({ stepMs }) => stepMs);
  const { fromMs, toMs } = answer;
  return { timesMs, lines, stepMs: Math.min(...steps, answer.queries[0].stepMs), fromMs, toMs };
}

/** A new line may appear while the chart is shown; beyond this number it is left out until the next load. */
const MAX_LIVE_LINES = 120;

/**
 * The data with the newest results in their bucket. A bucket without data stays a gap, a new series is a new line, and times
 * before `fromMs` are dropped.
 */
export function advanced(
  data: ChartData,
  queries: readonly Query[],
  exprs: readonly string[],
  found: ReadonlyMap<string, ExpressionResult>,
  fromMs: number,
): ChartData {
  const newest = Math.max(0, ...exprs.map((expr) => found.get(expr)?.timeMs ?? 0));
  const last = data.timesMs.at(-1) ?? 0;
  const step = Math.floor(newest / data.stepMs) * data.stepMs;
  if (newest === 0 || step < last) return data;
  const count = last === 0 ? 1 : Math.min(data.timesMs.length + 1, Math.round((step - last) / data.stepMs));
  const added = Array.from({ length: count }, (_, at) => step - (count - 1 - at) * data.stepMs);
  const drop = Math.max(
    0,
    data.timesMs.findIndex((time) => time >= fromMs),
  );
  const timesMs = [...data.timesMs.slice(drop), ...added];
  const values = new Map<string, number | null>();
  const lines = [...data.lines];
  const known = new Set(lines.map(({ key }) => key));
  for (const [number, expr] of exprs.entries()) {
    for (const { labels, value } of found.get(expr)?.series ?? []) {
      const key = keyOf(number, labels);
      values.set(key, value);
      if (known.has(key) || value === null || lines.length >= MAX_LIVE_LINES) continue;
      known.add(key);
      lines.push(lineOf(queries[number], number, labels, []));
    }
  }
  return {
    ...data,
    timesMs,
    fromMs: Math.max(data.fromMs, fromMs),
    toMs: Math.max(data.toMs, newest),
    lines: lines.map((line) => {
      const moved = [...line.values.slice(drop), ...added.map(() => null)];
      while (moved.length < timesMs.length) moved.unshift(null);
      moved[moved.length - 1] = values.get(line.key) ?? moved[moved.length - 1];
      return { ...line, values: moved };
    }),
  };
}

const isValue = (value: Value): value is number => value !== null && value !== undefined;

/** Time of the earliest value, Infinity when there is none. */
export function firstOf({ timesMs, lines }: ChartData): number {
  return timesMs.find((_, at) => lines.some(({ values }) => isValue(values[at]))) ?? Infinity;
}

/** The part from `sinceMs` on; all of it when that is undefined. */
export function since(data: ChartData, sinceMs: number | undefined): ChartData {
  const at = sinceMs === undefined ? 0 : data.timesMs.findIndex((time) => time >= sinceMs);
  if (sinceMs === undefined || at <= 0) return data;
  return {
    ...data,
    fromMs: Math.max(sinceMs, data.fromMs),
    timesMs: data.timesMs.slice(at),
    lines: data.lines.map((line) => ({ ...line, values: line.values.slice(at) })),
  };
}

export const isEmpty = ({ lines }: ChartData): boolean => !lines.some(({ values }) => values.some(isValue));

/** The largest absolute value of all lines: it decides the unit of the axis. */
export function largestOf(lines: readonly Line[], stacked = false): number {
  let largest = 0;
  if (!stacked) {
    for (const { values } of lines)
      for (const value of values) if (isValue(value)) largest = Math.max(largest, Math.abs(value));
    return largest;
  }
  const length = lines[0]?.values.length ?? 0;
  for (let at = 0; at < length; at += 1) {
    let sum = 0;
    for (const { values } of lines) sum += Math.max(0, values[at] ?? 0);
    largest = Math.max(largest, sum);
  }
  return largest;
}

/** The limits of all queries, each once. */
export function limitsOf(answer: ChartAnswer): readonly ChartLimit[] {
  const all = answer.queries.flatMap(({ limits }) => limits);
  return all.filter((limit, at) => all.findIndex((one) => one.rule === limit.rule && one.limit === limit.limit) === at);
}

/**
 * Runs of times without a value of any line. A gap at the newest end is left out, because its data may still arrive; so is a
 * chart without any value.
 */
export function gapsOf({ timesMs, lines }: Pick<ChartData, 'timesMs' | 'lines'>): [from: number, to: number][] {
  const gaps: [number, number][] = [];
  for (let at = 0; at < timesMs.length; at += 1) {
    if (lines.some(({ values }) => isValue(values[at]))) continue;
    const open = gaps.at(-1);
    if (open !== undefined && open[1] === at - 1) open[1] = at;
    else gaps.push([at, at]);
  }
  const all = gaps.length === 1 && gaps[0][1] - gaps[0][0] + 1 === timesMs.length;
  return all ? [] : gaps.filter(([, to]) => to < timesMs.length - 1);
}
