/** A chart in one sentence, for screen readers and everybody who does not see it. Pure but for the zone. */
import type { Mark } from '../../monitor/api/charts/contract.ts';
import type { Scale } from '../state/format.ts';
import { clockTime, dateTime, digits, joined } from '../state/format.ts';
import { visibleName } from '../state/visible-name.ts';
import type { ChartData } from './data/chart-data.ts';
import { statsOf } from './data/series-stats.ts';
import { figureOf } from './data/unit-scale.ts';

const SPOKEN = 6;
const DAY_MS = 86_400_000;

export function summaryOf(title: string, data: ChartData, scale: Scale, marks: readonly Mark[] = []): string {
  const { fromMs, toMs, timesMs, lines } = data;
  const long = toMs - fromMs > DAY_MS;
  const at = (ms: number): string => (long ? dateTime(ms) : clockTime(ms, 'minutes'));
  const figure = (value: number): string => `${digits(value * scale.factor)} ${scale.unit}`.trim();
  const parts = lines.slice(0, SPOKEN).map(({ name, values }) => {
    const { last, max, maxAt } = statsOf(values, timesMs);
    const text = visibleName(name, 60).text;
    if (last === null || max === null) return `${text} no data`;
    return `${text} ${figure(last)}, peak ${figure(max)} at ${at(timesMs[maxAt])}`;
  });
  if (lines.length > SPOKEN) parts.push(`and ${lines.length - SPOKEN} more`);
  const span = joined(figureOf((toMs - fromMs) / 1_000, 's'));
  const events = marks.filter(({ kind }) => kind === 'deploy').length;
  return `${title}, ${span} to ${at(toMs)}: ${parts.join('; ')}.${events > 0 ? ` ${events} deploys.` : ''}`;
}
