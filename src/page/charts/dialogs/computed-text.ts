/** What a dialog says of a query: its windows, and where its values came from. Pure. */
import type { ChartQueryAnswer } from '../../../monitor/api/charts/contract.ts';
import { digits, joined } from '../../state/format.ts';
import { figureOf } from '../data/unit-scale.ts';

export const seconds = (ms: number): string => joined(figureOf(ms / 1_000, 's'));

export const readText = ({ read, tookMs }: Pick<ChartQueryAnswer, 'read' | 'tookMs'>): string =>
  read === null
    ? `By the Prometheus-compatible server of store.metrics.url, in ${seconds(tookMs)}.`
    : `From Vitrine's own store: ${digits(read.samples)} samples of ${digits(read.series)} series, in ${seconds(tookMs)}.`;

/** The windows that a query looks back over, as written in it. */
export function windowText(expr: string): string {
  const windows = [...new Set([...expr.matchAll(/\[([^\]]{1,40})\]/g)].map(([, text]) => text))];
  return windows.length === 0
    ? 'The last sample at each point, at most 5 minutes old.'
    : `Each point looks back over ${windows.join(' and ')}.`;
}
