/**
 * Buckets of histograms as the cells of a heatmap: columns are times, rows are buckets. Classic ones (`le`, cumulative) and
 * native ones, whose counts the server sends by bucket. Pure.
 */
import type { ChartData, Line } from './chart-data.ts';

export interface HeatRow {
  /** Bounds in the unit of the histogram; the lowest bucket begins at 0 or -Infinity, the highest ends at Infinity. */
  readonly from: number;
  readonly to: number;
  /** One a time; null without data. */
  readonly counts: readonly (number | null)[];
}

export interface Heat {
  readonly timesMs: readonly number[];
  /** From the lowest bucket up; buckets that are empty at both ends are left out. */
  readonly rows: readonly HeatRow[];
  readonly largest: number;
}

const boundOf = (text: string): number => (text === '+Inf' ? Infinity : Number(text));

type Columns = Map<string, { readonly from: number; readonly to: number; readonly counts: (number | null)[] }>;

/** Sums of the lines of each pair of bounds, from the lowest up. */
function summed(lines: readonly Line[], length: number, bounds: (line: Line) => readonly [number, number]): HeatRow[] {
  const columns: Columns = new Map();
  for (const line of lines) {
    const [from, to] = bounds(line);
    const key = `${from} ${to}`;
    const column = columns.get(key) ?? { from, to, counts: Array.from({ length }, () => null) };
    for (const [at, value] of line.values.entries())
      if (typeof value === 'number') column.counts[at] = (column.counts[at] ?? 0) + value;
    columns.set(key, column);
  }
  return [...columns.values()].sort((a, b) => a.from - b.from || a.to - b.to);
}

function classicRows(lines: readonly Line[], length: number): readonly HeatRow[] {
  const cumulative = summed(lines, length, ({ labels }) => [-Infinity, boundOf(labels['le'] ?? '')]);
  return cumulative.map(({ to, counts: own }, at): HeatRow => {
    const below = at === 0 ? undefined : cumulative[at - 1];
    const from = below === undefined ? Math.min(0, to) : below.to;
    // Buckets are sampled one after the other, so a difference may be a little below zero.
    const counts = own.map((value, i) => (value === null ? null : Math.max(0, value - (below?.counts[i] ?? 0))));
    return { from, to, counts };
  });
}

/**
 * Undefined when the lines are not of a histogram. A metric that has classic and native buckets at once has every
 * observation in both, so only the classic ones are drawn then.
 */
export function heatOf({ timesMs, lines }: ChartData): Heat | undefined {
  const classic = lines.filter(({ labels }) => labels['le'] !== undefined && !Number.isNaN(boundOf(labels['le'])));
  const native = lines.filter(({ bucket }) => bucket !== undefined);
  if (classic.length === 0 && native.length === 0) return undefined;
  const rows =
    classic.length > 0
      ? classicRows(classic, timesMs.length)
      : summed(native, timesMs.length, ({ bucket = [0, 0] }) => bucket);
  const used = rows.map(({ counts }) => counts.some((count) => (count ?? 0) > 0));
  const [first, last] = [used.indexOf(true), used.lastIndexOf(true)];
  const kept = first < 0 ? rows : rows.slice(Math.max(0, first - 1), last + 2);
  let largest = 0;
  for (const { counts } of kept) for (const count of counts) largest = Math.max(largest, count ?? 0);
  return { timesMs, rows: kept, largest };
}
