/**
 * A chart over time: lines or stacked bars on uPlot's canvas, with its own marks (threshold, gaps, partial bucket), a
 * crosshair that all charts share, and a tooltip made of text nodes. Keyboard: left and right move the
 * crosshair, Enter opens the traces under it. A screen reader cannot read the canvas; the figure around it has a description.
 */
import type { JSX } from 'preact';
import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import type { PanelData } from '../state/panel-data.ts';
import { STEP_MS } from '../state/range.ts';
import { clockTime, digits } from '../state/format.ts';
import { colourOf, paint } from '../state/theme.ts';
import { drawAbove, drawBeneath } from './chart-marks.ts';
import { crosshair } from './chart-cursor.ts';
import type { TimeChartProps } from './chart-model.ts';
import { columnsOf, roundTop } from './chart-model.ts';

function seriesOf({ lines }: PanelData, stacked: boolean): uPlot.Series[] {
  return lines.map(({ name, colour, main }) => ({
    label: name,
    stroke: () => colourOf(colour),
    width: main ? 1.9 : 1.25,
    points: { show: false },
    spanGaps: false,
    ...(stacked ? { paths: () => null } : {}),
    ...(main && !stacked
      ? {
          fill: (u: uPlot) => {
            const { top, height } = u.bbox;
            const fill = u.ctx.createLinearGradient(0, top, 0, top + height);
            fill.addColorStop(0, withAlpha(colourOf(colour), 0.2));
            fill.addColorStop(1, withAlpha(colourOf(colour), 0.02));
            return fill;
          },
        }
      : {}),
  }));
}

/** `oklch(…)` or `rgb(…)` with another alpha. */
function withAlpha(colour: string, alpha: number): string {
  const open = colour.indexOf('(');
  if (colour.startsWith('rgb')) {
    return `rgba(${colour
      .slice(open + 1, -1)
      .split(',')
      .slice(0, 3)
      .join(',')},${alpha})`;
  }
  return `${colour.slice(0, -1).split('/')[0]} / ${alpha})`;
}

const axisFont = '10px system-ui, "Segoe UI", Roboto, sans-serif';

function axes(): uPlot.Axis[] {
  const stroke = (): string => colourOf('muted');
  return [
    {
      stroke,
      font: axisFont,
      size: 22,
      gap: 4,
      space: 72,
      incrs: [60, 120, 180, 300, 600, 900, 1_800, 3_600],
      values: (_, ticks) => ticks.map((seconds) => clockTime(seconds * 1_000, 'minutes')),
      grid: { show: false },
      ticks: { show: false },
    },
    {
      stroke,
      font: axisFont,
      size: 38,
      gap: 6,
      space: 34,
      values: (_, ticks) => ticks.map((value) => digits(value)),
      grid: { stroke: () => colourOf('grid'), width: 1 },
      ticks: { show: false },
    },
  ];
}

type Latest = TimeChartProps;

function optionsOf(latest: { current: Latest }, width: number, height: number): uPlot.Options {
  const { data, stacked } = latest.current;
  return {
    width,
    height,
    padding: [8, 16, 0, 0],
    legend: { show: false },
    scales: {
      x: {
        time: true,
        range: (_, min, max) => (stacked ? [min - STEP_MS / 2_000, max + STEP_MS / 2_000] : [min, max]),
      },
      y: {
        range: (_, __, max) => [0, roundTop(Math.max(max ?? 0, limitOf(latest.current) * 1.15))],
      },
    },
    axes: axes(),
    series: [{}, ...seriesOf(data, stacked)],
    cursor: { sync: { key: 'vitrine' }, drag: { x: false, y: false }, points: { show: !stacked, size: 7 }, y: false },
    hooks: {
      drawClear: [(u) => drawBeneath(u, latest.current)],
      draw: [(u) => drawAbove(u, latest.current)],
    },
    plugins: [crosshair(latest)],
  };
}

const limitOf = ({ threshold, scale }: Latest): number =>
  threshold === undefined ? 0 : threshold.above * scale.factor;

function move(u: uPlot, latest: Latest, event: KeyboardEvent): void {
  const last = u.data[0].length - 1;
  const at = u.cursor.idx ?? last;
  if (event.key === 'Enter') latest.onPick?.((u.data[0][at] ?? 0) * 1_000);
  const next = event.key === 'ArrowLeft' ? at - 1 : event.key === 'ArrowRight' ? at + 1 : undefined;
  if (next === undefined) return;
  event.preventDefault();
  const x = u.data[0][Math.max(0, Math.min(last, next))];
  u.setCursor({ left: u.valToPos(x, 'x'), top: u.over.clientHeight / 2 });
}

export function TimeChart(props: TimeChartProps): JSX.Element {
  const holder = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | undefined>(undefined);
  const latest = useRef(props);
  latest.current = props;
  const shape = `${props.stacked}|${props.data.lines.map(({ key, colour }) => key + colour).join('|')}`;
  const painted = paint.value;

  useEffect(() => {
    const box = holder.current;
    if (box === null) return undefined;
    const { data, stacked, scale } = latest.current;
    const u = new uPlot(
      optionsOf(latest, box.clientWidth, box.clientHeight),
      columnsOf(data, stacked, scale.factor),
      box,
    );
    chart.current = u;
    const resize = new ResizeObserver(() => u.setSize({ width: box.clientWidth, height: box.clientHeight }));
    resize.observe(box);
    return () => {
      resize.disconnect();
      u.destroy();
    };
  }, [shape, painted]);
  useEffect(() => {
    chart.current?.setData(columnsOf(props.data, props.stacked, props.scale.factor));
  }, [props.data, props.stacked, props.scale.factor]);

  return (
    <div
      class={props.onPick ? 'plot picks' : 'plot'}
      ref={holder}
      tabIndex={0}
      role="img"
      aria-label={props.label}
      onKeyDown={(event) => chart.current && move(chart.current, latest.current, event)}
      onClick={() => {
        const at = chart.current?.cursor.idx;
        const time = at === undefined || at === null ? undefined : chart.current?.data[0][at];
        if (time !== undefined) props.onPick?.(time * 1_000);
      }}
    />
  );
}
