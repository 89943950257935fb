/** The properties of a chart, and the arithmetic before drawing. Pure. */
import type { ChartLimit, Mark } from '../../monitor/api/charts/contract.ts';
import type { Scale } from '../state/format.ts';
import type { ChartData, Line, Value } from './data/chart-data.ts';
import type { ExemplarDot } from './data/exemplars.ts';

/** `zero`: from zero to a round number; `whole`: 0 to 100 %; `log`: powers of ten. */
export type AxisKind = 'zero' | 'whole' | 'log';

/** The usual range of values, for analysis: shaded behind the lines. In the unit of the series, one pair a time. */
export interface Band {
  readonly low: readonly Value[];
  readonly high: readonly Value[];
}

export interface TimeChartProps {
  readonly data: ChartData;
  /** The same lines at an earlier time, drawn dashed and pale. */
  readonly ghost?: ChartData | undefined;
  readonly stacked: boolean;
  readonly scale: Scale;
  readonly axis: AxisKind;
  readonly limits: readonly ChartLimit[];
  readonly marks: readonly Mark[];
  readonly dots: readonly ExemplarDot[];
  /** The key of the line that the legend points at. */
  readonly hot?: string | undefined;
  readonly band?: Band | undefined;
  /** Share of anomalous series at each time, 0 to 1: a strip above the plot. */
  readonly ribbon?: readonly Value[] | undefined;
  /** True while the last bucket still gets data. */
  readonly partial: boolean;
  /** Called with the time that was clicked. */
  readonly onPick?: ((timeMs: number) => void) | undefined;
  readonly onDot?: ((traceId: string) => void) | undefined;
  readonly onZoom: (fromMs: number, toMs: number) => void;
  readonly onZoomOut: () => void;
  /** Called with the words for the keyboard's crosshair. */
  readonly onCursor: (text: string) => void;
  readonly label: string;
}

export type Columns = [number[], ...Value[][]];

const isValue = (value: Value): value is number => value !== null && value !== undefined;

/** The values of the ghost at the times of the data. Its points lie on other steps when its range begins elsewhere. */
function ghostColumns({ ghost, data, scale }: TimeChartProps): Value[][] {
  if (ghost === undefined) return [];
  const stepMs = Math.max(data.stepMs, ghost.stepMs);
  return ghost.lines.map(({ values }) => {
    let at = 0;
    return data.timesMs.map((time) => {
      while (at + 1 < ghost.timesMs.length && ghost.timesMs[at + 1] <= time) at += 1;
      const value = values[at];
      const isNear = Math.abs((ghost.timesMs[at] ?? Infinity) - time) < stepMs;
      return isNear && isValue(value) ? value * scale.factor : null;
    });
  });
}

/** Columns for uPlot: seconds, then one a line in the axis' unit (stacked lines are sums from below), then the ghost's. */
export function columnsOf(props: TimeChartProps): Columns {
  const { data, stacked, scale, axis } = props;
  const below = data.timesMs.map(() => 0);
  const columns = data.lines.map(({ values }) =>
    values.map((value, at): Value => {
      if (!isValue(value)) return value;
      // A logarithmic axis has no zero.
      if (!stacked) return axis === 'log' && value <= 0 ? null : value * scale.factor;
      below[at] += value * scale.factor;
      return below[at];
    }),
  );
  return [data.timesMs.map((ms) => ms / 1_000), ...columns, ...ghostColumns(props)];
}

/** Indexes of values without a neighbour: a line cannot show them, so they are drawn as dots. */
export function isolated(values: readonly Value[]): number[] {
  const real = values.flatMap((value, at) => (value === undefined ? [] : [at]));
  return real.filter((at, place) => {
    const [before, after] = [values[real[place - 1]], values[real[place + 1]]];
    return isValue(values[at]) && !isValue(before) && !isValue(after);
  });
}

/** The value of a line near an index; a line of down-sampled points has none at most of the times of the others. */
export function nearest({ values }: Pick<Line, 'values'>, index: number): Value {
  for (let away = 0; away < 60; away += 1) {
    for (const at of [index - away, index + away]) {
      if (at >= 0 && at < values.length && values[at] !== undefined) return values[at];
    }
  }
  return undefined;
}

/** A round number at or above `top`, so that three or four grid lines are round too. */
export function roundTop(top: number): number {
  if (!(top > 0)) return 1;
  const unit = 10 ** Math.floor(Math.log10(top));
  const step = [1, 1.5, 2, 3, 4, 5, 6, 8, 10].find((n) => n * unit >= top * 1.02) ?? 10;
  return step * unit;
}

/** A limit so far above the values that it would flatten them is left out of the axis. */
const FAR = 4;

/** The ends of the axis in its own unit. */
export function axisRange(axis: AxisKind, low: number, high: number, limits: readonly number[]): [number, number] {
  if (axis === 'whole' && low >= 0 && high <= 100) return [0, 100];
  const near = limits.filter((limit) => high <= 0 || limit <= high * FAR);
  const top = Math.max(high, ...near.map((limit) => limit * 1.15));
  if (axis !== 'log') return [low < 0 ? -roundTop(-low) : 0, roundTop(top)];
  const least = low > 0 ? low : top / 1_000;
  return [10 ** Math.floor(Math.log10(least)), 10 ** Math.ceil(Math.log10(Math.max(top, least * 1.01)))];
}
