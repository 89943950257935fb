/** What changed between two ranges: the mean of each line in both, the largest relative change first. Pure. */
import type { ChartData } from '../charts/data/chart-data.ts';
import { statsOf } from '../charts/data/series-stats.ts';

export interface Change {
  readonly panel: string;
  readonly name: string;
  readonly unit: string;
  readonly before: number | null;
  readonly after: number | null;
  /** after / before − 1; null when one of them is missing or before is zero. */
  readonly ratio: number | null;
  readonly maxBefore: number | null;
  readonly maxAfter: number | null;
}

/** The size of a change for sorting: a line that appeared or vanished comes first. */
const sizeOf = ({ before, after, ratio }: Change): number => {
  if (ratio !== null) return Math.abs(Math.log((after ?? 0) <= 0 ? 1e-6 : 1 + ratio));
  return (before ?? 0) === (after ?? 0) ? -1 : 100;
};

export function changesOf(
  panel: { readonly title: string; readonly unit: string },
  before: ChartData,
  after: ChartData,
): Change[] {
  const keys = new Map([...before.lines, ...after.lines].map(({ key, name }) => [key, name]));
  return [...keys].map(([key, name]) => {
    const [old, now] = [before, after].map(({ lines, timesMs }) =>
      statsOf(lines.find((line) => line.key === key)?.values ?? [], timesMs),
    );
    const comparable = old.mean !== null && now.mean !== null && old.mean > 0;
    return {
      panel: panel.title,
      name,
      unit: panel.unit,
      before: old.mean,
      after: now.mean,
      ratio: comparable ? (now.mean ?? 0) / (old.mean ?? 1) - 1 : null,
      maxBefore: old.max,
      maxAfter: now.max,
    };
  });
}

export const ranked = (changes: readonly Change[]): Change[] => [...changes].sort((a, b) => sizeOf(b) - sizeOf(a));
