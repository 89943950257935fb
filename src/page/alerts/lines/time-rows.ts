/** Alerts over a range of time as rows with bars: what the time line shows, and the same in words. Pure. */
import type { EpisodeView } from '../../../monitor/api/alerts/contract.ts';
import { age } from '../../state/format.ts';
import { aboutOf } from '../alert-text.ts';

export interface LineRow {
  readonly fingerprint: string;
  readonly name: string;
  readonly about: string;
  readonly severity: string | undefined;
  readonly fires: boolean;
  /** Oldest first, cut to the range. */
  readonly bars: readonly { readonly fromMs: number; readonly toMs: number; readonly ended: boolean }[];
}

export interface Span {
  readonly fromMs: number;
  readonly toMs: number;
}

/** One row for each alert that fired in the range; those that fire first, then those that ended last. */
export function rowsOf(alerts: readonly EpisodeView[], { fromMs, toMs }: Span): LineRow[] {
  const rows: LineRow[] = [];
  for (const [fingerprint, episodes] of Map.groupBy(alerts, (one) => one.fingerprint)) {
    const bars = episodes
      .map(({ began, ended }) => ({
        fromMs: Math.max(fromMs, Date.parse(began)),
        toMs: Math.min(toMs, ended === null ? toMs : Date.parse(ended)),
        ended: ended !== null && Date.parse(ended) <= toMs,
      }))
      .filter((bar) => bar.toMs >= bar.fromMs)
      .toSorted((a, b) => a.fromMs - b.fromMs);
    if (bars.length === 0) continue;
    const { name, labels } = episodes[0];
    const fires = episodes.some(({ ended }) => ended === null);
    rows.push({ fingerprint, name, about: aboutOf({ labels }), severity: labels['severity'], fires, bars });
  }
  const endOf = ({ bars }: LineRow): number => Math.max(...bars.map((bar) => bar.toMs));
  return rows.toSorted((a, b) => Number(b.fires) - Number(a.fires) || endOf(b) - endOf(a));
}

/** What a person reads instead of the bars. */
export function rowText({ bars, fires }: LineRow): string {
  const firedMs = bars.reduce((sum, bar) => sum + bar.toMs - bar.fromMs, 0);
  const times = bars.length === 1 ? 'fired once' : `fired ${bars.length} times`;
  return `${times}, ${age(firedMs)} together${fires ? ', still firing' : ''}`;
}
