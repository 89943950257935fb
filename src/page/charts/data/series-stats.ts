/** Figures of lines for legends and tables: last, smallest, mean, largest; their order; the top ten and all others. Pure. */
import type { ChartData, Line, Value } from './chart-data.ts';

export interface Stats {
  readonly last: number | null;
  readonly min: number | null;
  readonly mean: number | null;
  readonly max: number | null;
  /** Index of the largest value, -1 without values. */
  readonly maxAt: number;
}

const NO_STATS: Stats = { last: null, min: null, mean: null, max: null, maxAt: -1 };

/** The mean is that of the points drawn; a down-sampled line has more points where it changes, so each counts its time. */
export function statsOf(values: readonly Value[], timesMs: readonly number[]): Stats {
  let stats: { last: number; min: number; max: number; maxAt: number } | undefined;
  let weighted = 0;
  let total = 0;
  for (const [at, value] of values.entries()) {
    if (value === null || value === undefined) continue;
    const weight = timesMs[at] - (timesMs[at - 1] ?? timesMs[at]) || 1;
    weighted += value * weight;
    total += weight;
    if (stats === undefined) stats = { last: value, min: value, max: value, maxAt: at };
    stats.last = value;
    if (value < stats.min) stats.min = value;
    if (value > stats.max) {
      stats.max = value;
      stats.maxAt = at;
    }
  }
  return stats === undefined ? NO_STATS : { ...stats, mean: weighted / total };
}

export type SortKey = 'name' | 'last' | 'min' | 'mean' | 'max';

export interface Sorting {
  readonly by: SortKey;
  readonly descending: boolean;
}

export interface Row {
  readonly line: Line;
  readonly stats: Stats;
}

const compare = (a: Row, b: Row, by: SortKey): number => {
  if (by === 'name') return a.line.name < b.line.name ? -1 : a.line.name > b.line.name ? 1 : 0;
  return (a.stats[by] ?? -Infinity) - (b.stats[by] ?? -Infinity);
};

/** Without a sorting, the order of the queries. */
export function sortedRows(data: ChartData, sorting: Sorting | undefined): Row[] {
  const rows = data.lines.map((line) => ({ line, stats: statsOf(line.values, data.timesMs) }));
  if (sorting === undefined) return rows;
  const sign = sorting.descending ? -1 : 1;
  return rows.sort((a, b) => sign * compare(a, b, sorting.by));
}

/** More lines than this are drawn as the top ten and their number. */
export const MAX_LINES = 12;
const TOP = 10;

/** The lines with the largest means, in their order, and how many are left out. */
export function topLines(data: ChartData): { readonly data: ChartData; readonly others: number } {
  if (data.lines.length <= MAX_LINES) return { data, others: 0 };
  const ranked = sortedRows(data, { by: 'mean', descending: true }).slice(0, TOP);
  const kept = new Set(ranked.map(({ line }) => line.key));
  return { data: { ...data, lines: data.lines.filter(({ key }) => kept.has(key)) }, others: data.lines.length - TOP };
}

/** Which lines are drawn after a click (only this one, or all again) or a click with Ctrl or Shift (this one on or off). */
export function picked(
  hidden: ReadonlySet<string>,
  all: readonly string[],
  key: string,
  toggle: boolean,
): ReadonlySet<string> {
  if (toggle) {
    const next = new Set(hidden);
    if (!next.delete(key)) next.add(key);
    return next.size >= all.length ? new Set() : next;
  }
  const alone = !hidden.has(key) && all.every((one) => one === key || hidden.has(one));
  return alone ? new Set() : new Set(all.filter((one) => one !== key));
}

/** A stack without the small lines would be too low, so their sum is drawn as one line on top. */
export function withOthers(data: ChartData, drawn: readonly Line[]): ChartData {
  if (drawn.length === data.lines.length) return data;
  const kept = new Set(drawn.map(({ key }) => key));
  const rest = data.lines.filter(({ key }) => !kept.has(key));
  const values = data.timesMs.map((_, at): Value => {
    let sum: number | null = null;
    for (const line of rest) if (typeof line.values[at] === 'number') sum = (sum ?? 0) + line.values[at];
    return sum;
  });
  const others: Line = {
    key: 'others',
    name: `other ${rest.length}`,
    labels: {},
    query: 0,
    colour: 'line-strong',
    main: false,
    values,
  };
  return { ...data, lines: [...drawn, others] };
}
