/** The properties of a chart, and the arithmetic before drawing. Pure. */
import type { Threshold } from '../../dashboards/panel.ts';
import type { Scale } from '../state/format.ts';
import type { PanelData } from '../state/panel-data.ts';

export interface TimeChartProps {
  readonly data: PanelData;
  readonly stacked: boolean;
  readonly scale: Scale;
  readonly threshold?: Threshold | undefined;
  /** Called with the time of the bucket that was clicked. */
  readonly onPick?: ((timeMs: number) => void) | undefined;
  readonly label: string;
}

/** Columns for uPlot: seconds, then one column a line in the panel's unit; stacked lines are sums from below. */
export function columnsOf(
  { timesMs, lines }: PanelData,
  stacked: boolean,
  factor: number,
): [number[], ...(number | null)[][]] {
  const below = timesMs.map(() => 0);
  const columns = lines.map(({ values }) =>
    values.map((value, at) => {
      if (value === null) return null;
      if (!stacked) return value * factor;
      below[at] += value * factor;
      return below[at];
    }),
  );
  return [timesMs.map((ms) => ms / 1_000), ...columns];
}

/** A round number at or above `top`, so that three or four grid lines are round too. */
export function roundTop(top: number): number {
  if (!(top > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(top));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((n) => n * unit >= top * 1.02) ?? 10;
  return step * unit;
}
