/** The options of uPlot for a chart: scales, axes, lines. */
import uPlot from 'uplot';
import { clockTime, dateTime, digits } from '../state/format.ts';
import { pageState } from '../state/router.ts';
import { colourOf } from '../state/theme.ts';
import { zoneName } from '../state/zoned-time.ts';
import { FONT, ratio, xOf } from './canvas.ts';
import type { TimeChartProps } from './chart-model.ts';
import { axisRange, isolated } from './chart-model.ts';
import { crosshair } from './chart-cursor.ts';
import { touchable } from './touch.ts';
import { drawAbove } from './draw-above.ts';
import { drawBeneath } from './draw-beneath.ts';

interface Latest {
  readonly current: TimeChartProps;
}

/** From the sixth line on, hues alone are not told apart by everybody. */
const DASHES: readonly (readonly number[])[] = [
  [4, 2],
  [1, 2],
  [6, 2, 1, 2],
];
const PLAIN_LINES = 5;
const HOUR = 3_600;
const DAY = 86_400;
const INCREMENTS = [
  5,
  10,
  15,
  30,
  60,
  120,
  300,
  600,
  900,
  1_800,
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 4, 7, 14, 28, 56, 91, 182, 364].map((n) => n * DAY),
];

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

/** The last segment of a line is pale while its bucket still gets data. */
function strokeOf(u: uPlot, colour: string, { data, partial }: TimeChartProps): string | CanvasGradient {
  const count = data.timesMs.length;
  if (!partial || count < 2) return colour;
  const [from, to] = [xOf(u, data.timesMs[0]), xOf(u, data.timesMs[count - 1])];
  const edge = (xOf(u, data.timesMs[count - 2]) - from) / (to - from);
  if (!(edge > 0 && edge < 1)) return colour;
  const stroke = u.ctx.createLinearGradient(from, 0, to, 0);
  stroke.addColorStop(0, colour);
  stroke.addColorStop(edge, colour);
  stroke.addColorStop(edge, withAlpha(colour, 0.45));
  stroke.addColorStop(1, withAlpha(colour, 0.45));
  return stroke;
}

function fillOf(u: uPlot, colour: string): CanvasGradient {
  const { top, height } = u.bbox;
  const fill = u.ctx.createLinearGradient(0, top, 0, top + height);
  fill.addColorStop(0, withAlpha(colour, 0.2));
  fill.addColorStop(1, withAlpha(colour, 0.02));
  return fill;
}

function seriesOf(latest: Latest): uPlot.Series[] {
  const { data, stacked, ghost, axis } = latest.current;
  const faint = (key: string): boolean => latest.current.hot !== undefined && latest.current.hot !== key;
  const own = data.lines.map(({ name, colour, main, key }, at): uPlot.Series => {
    const painted = (): string => withAlpha(colourOf(colour), faint(key) ? 0.25 : 1);
    return {
      label: name,
      stroke: (u) => strokeOf(u, painted(), latest.current),
      width: main ? 1.9 : 1.25,
      spanGaps: false,
      points: {
        show: !stacked,
        size: 4,
        fill: painted,
        filter: (_, index) => isolated(latest.current.data.lines[index - 1]?.values ?? []),
      },
      ...(at >= PLAIN_LINES && !main ? { dash: [...DASHES[(at - PLAIN_LINES) % DASHES.length]] } : {}),
      ...(stacked ? { paths: () => null } : {}),
      ...(main && !stacked && axis !== 'log' ? { fill: (u: uPlot) => fillOf(u, painted()) } : {}),
    };
  });
  const before = (ghost?.lines ?? []).map(({ colour, name }): uPlot.Series => ({
    label: `${name}, before`,
    stroke: () => withAlpha(colourOf(colour), 0.65),
    width: 1.25,
    dash: [4, 3],
    points: { show: false },
  }));
  return [...own, ...before];
}

function timeTexts(ticks: readonly number[], step: number): string[] {
  return ticks.map((seconds, at) => {
    const ms = seconds * 1_000;
    if (step >= DAY) return dateTime(ms).slice(5, 10);
    const time = clockTime(ms, step < 60 ? 'seconds' : 'minutes');
    const isNewDay = at > 0 && dateTime(ms).slice(0, 10) !== dateTime(ticks[at - 1] * 1_000).slice(0, 10);
    return isNewDay ? dateTime(ms).slice(5, 10) : time;
  });
}

function axesOf(log: boolean): uPlot.Axis[] {
  const stroke = (): string => colourOf('muted');
  return [
    {
      stroke,
      font: `10px ${FONT}`,
      size: 22,
      gap: 4,
      space: 72,
      incrs: INCREMENTS,
      values: (_, ticks, __, ___, step) => timeTexts(ticks, step),
      grid: { show: false },
      ticks: { show: false },
    },
    {
      stroke,
      font: `10px ${FONT}`,
      size: 42,
      gap: 6,
      space: log ? 18 : 34,
      values: (_, ticks) => ticks.map((value) => (value === null ? '' : digits(value))),
      grid: { stroke: () => colourOf('grid'), width: 1 },
      ticks: { show: false },
    },
  ];
}

function scalesOf(latest: Latest): uPlot.Scales {
  const half = (): number => (latest.current.stacked ? latest.current.data.stepMs / 2_000 : 0);
  return {
    x: {
      time: true,
      range: (_, min, max) => {
        const { fromMs, toMs } = latest.current.data;
        // The axis shows the whole range, so that missing data at its ends is seen.
        const low = Math.min(min ?? Infinity, fromMs / 1_000);
        const high = Math.max(max ?? -Infinity, toMs / 1_000);
        return [low - half(), high + half()];
      },
    },
    y: {
      distr: latest.current.axis === 'log' ? 3 : 1,
      range: (_, min, max) => {
        const { axis, limits, scale } = latest.current;
        return axisRange(
          axis,
          min ?? 0,
          max ?? 0,
          limits.map(({ limit }) => limit * scale.factor),
        );
      },
    },
  };
}

export function optionsOf(latest: Latest, width: number, height: number): uPlot.Options {
  const { axis, stacked } = latest.current;
  return {
    width,
    height,
    pxAlign: 1,
    padding: [latest.current.ribbon === undefined ? 8 : 12, 16, 0, 0],
    legend: { show: false },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), zoneName(pageState.value.zone)),
    scales: scalesOf(latest),
    axes: axesOf(axis === 'log'),
    series: [{}, ...seriesOf(latest)],
    cursor: {
      // The crosshair moves on all charts; a drag belongs to the one under the pointer, or every chart would zoom in its turn.
      sync: { key: 'vitrine', filters: { pub: (type) => type === 'mousemove' || type === 'mouseleave' } },
      drag: { x: true, y: false, setScale: false, dist: 6 },
      points: { show: !stacked, size: 7 },
      y: false,
      bind: { dblclick: () => () => null },
    },
    hooks: {
      drawClear: [(u) => drawBeneath(u, latest.current)],
      draw: [(u) => drawAbove(u, latest.current)],
      setSelect: [
        (u) => {
          const { left, width: size } = u.select;
          if (size < 6) return;
          const [from, to] = [left, left + size].map((x) => u.posToVal(x, 'x') * 1_000);
          u.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
          latest.current.onZoom(from, to);
        },
      ],
    },
    plugins: [crosshair(latest), touchable(latest)],
  };
}

/** How near a click must be to a dot, in CSS pixels. */
const DOT_NEAR = 8;

/** The exemplar under the pointer. */
export function dotAt(u: uPlot, { dots, scale }: TimeChartProps): string | undefined {
  const { left = -1, top = -1 } = u.cursor;
  const px = ratio();
  const near = dots.find(({ timeMs, value }) => {
    const y = Math.max(u.bbox.top / px - u.bbox.top / px, u.valToPos(value * scale.factor, 'y'));
    return Math.hypot(u.valToPos(timeMs / 1_000, 'x') - left, y - top) <= DOT_NEAR;
  });
  return near?.traceId;
}
