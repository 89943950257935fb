/**
 * The chart of an alert as SVG text: lines over time, the limits of the rule with the side on which it fires shaded, and the
 * time at which the alert began. Pure; every text is escaped and cut, and the number of elements has a bound.
 */
import { cut, oneLine } from '../receivers/message/limits.ts';
import { escapeHtml } from '../../../../model/text/html.ts';
import type { Comparison } from '../../rules/figure.ts';
import { ticksOf, timeTicksOf } from './ticks.ts';

export interface ChartLine {
  readonly t: ArrayLike<number>;
  readonly v: ArrayLike<number>;
}

export interface AlertChart {
  readonly title: string;
  readonly subtitle: string;
  readonly lines: readonly ChartLine[];
  readonly limits: readonly Pick<Comparison, 'op' | 'limit'>[];
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly beganMs: number;
}

export const WIDTH = 800;
export const HEIGHT = 320;
const PLOT = { left: 72, right: WIDTH - 16, top: 66, bottom: HEIGHT - 34 };
const MAX_LINES = 10;
const MAX_LIMITS = 4;
/** A limit so far above the values that it would flatten them is left out of the axis. */
const FAR = 20;

const COLOURS = ['#2a6fdb', '#0e8f7e', '#8a4fd0', '#b4690e', '#c2418f', '#4b7f1f', '#5d6b7a', '#0f7fa8'];
const INK = '#1d2530';
const SOFT = '#5b6775';
const GRID = '#e3e7ec';
const RED = '#c4291c';

/** Characters that XML does not allow are gone, half characters too. */
const text = (given: string, length: number): string =>
  escapeHtml(cut(oneLine(given.toWellFormed()).replaceAll(/[\uFFFE\uFFFF]/g, ''), length));

const at = (value: number): string => value.toFixed(1);

interface Scales {
  readonly x: (ms: number) => number;
  readonly y: (value: number) => number;
  readonly yTicks: readonly { readonly value: number; readonly text: string }[];
}

function finite({ lines }: AlertChart): number[] {
  return lines.flatMap(({ v }) => Array.from(v).filter(Number.isFinite));
}

function scalesOf(chart: AlertChart): Scales {
  const values = finite(chart);
  const high = values.reduce((most, value) => Math.max(most, value), -Infinity);
  const low = values.reduce((least, value) => Math.min(least, value), Infinity);
  const near = chart.limits
    .map(({ limit }) => limit)
    .filter((limit) => Number.isFinite(limit) && (values.length === 0 || high <= 0 || limit <= high * FAR));
  const top = Math.max(0, ...(values.length === 0 ? [] : [high]), ...near.map((limit) => limit * 1.1));
  const bottom = Math.min(0, ...(values.length === 0 ? [] : [low]), ...near.map((limit) => limit * 1.1));
  const yTicks = ticksOf(bottom, top === bottom ? bottom + 1 : top);
  const [first, last] = [yTicks[0].value, yTicks[yTicks.length - 1].value];
  const spanMs = Math.max(1, chart.toMs - chart.fromMs);
  return {
    x: (ms) => PLOT.left + ((ms - chart.fromMs) / spanMs) * (PLOT.right - PLOT.left),
    y: (value) => PLOT.bottom - ((value - first) / (last - first)) * (PLOT.bottom - PLOT.top),
    yTicks,
  };
}

function grid({ fromMs, toMs }: AlertChart, { x, y, yTicks }: Scales): string[] {
  const across = yTicks.flatMap(({ value, text: name }) => [
    `<path d="M${PLOT.left} ${at(y(value))}H${PLOT.right}" stroke="${GRID}"/>`,
    `<text x="${PLOT.left - 8}" y="${at(y(value) + 4)}" text-anchor="end" fill="${SOFT}" font-size="12">${name}</text>`,
  ]);
  const down = timeTicksOf(fromMs, toMs).map(
    ({ ms, text: name }) =>
      `<text x="${at(x(ms))}" y="${PLOT.bottom + 20}" text-anchor="middle" fill="${SOFT}" font-size="12">${name}</text>`,
  );
  return [...across, ...down];
}

/** One path a line; a step without a point is a gap, and a point alone is a dot. */
function linePath({ t, v }: ChartLine, stepMs: number, { x, y }: Scales): string {
  let path = '';
  let lastMs = -Infinity;
  for (let i = 0; i < t.length; i += 1) {
    if (!Number.isFinite(v[i])) continue;
    const isNew = t[i] - lastMs > stepMs * 1.5;
    path += `${isNew ? 'M' : 'L'}${at(x(t[i]))} ${at(y(v[i]))}${isNew ? 'h.1' : ''}`;
    lastMs = t[i];
  }
  return path;
}

const drawnLines = ({ lines, stepMs }: AlertChart, scales: Scales): string[] =>
  lines.slice(0, MAX_LINES).map((line, index) => {
    const colour = COLOURS[index % COLOURS.length];
    return `<path d="${linePath(line, stepMs, scales)}" fill="none" stroke="${colour}" stroke-width="2" stroke-linejoin="round" stroke-linecap="round"/>`;
  });

function limitParts({ limits }: AlertChart, { y }: Scales): { readonly zones: string[]; readonly lines: string[] } {
  const zones: string[] = [];
  const lines: string[] = [];
  const inside = (value: number): number => Math.min(PLOT.bottom, Math.max(PLOT.top, value));
  for (const { op, limit } of limits.filter((one) => Number.isFinite(one.limit)).slice(0, MAX_LIMITS)) {
    const line = y(limit);
    const [from, to] = op.startsWith('>') ? [PLOT.top, inside(line)] : [inside(line), PLOT.bottom];
    if (op !== '==' && op !== '!=' && to > from) {
      zones.push(
        `<rect x="${PLOT.left}" y="${at(from)}" width="${PLOT.right - PLOT.left}" height="${at(to - from)}" fill="${RED}" fill-opacity="0.08"/>`,
      );
    }
    const isVisible = line >= PLOT.top - 1 && line <= PLOT.bottom + 1;
    const name = escapeHtml(`${op} ${String(Number(limit.toPrecision(6)))}`);
    if (isVisible)
      lines.push(
        `<path d="M${PLOT.left} ${at(line)}H${PLOT.right}" stroke="${RED}" stroke-width="1.5" stroke-dasharray="6 4"/>`,
      );
    const label = isVisible ? inside(line - 5 < PLOT.top + 10 ? line + 14 : line - 5) : PLOT.top + 12;
    lines.push(
      `<text x="${PLOT.left + 6}" y="${at(label)}" fill="${RED}" font-size="12">${isVisible ? name : `${name} (outside)`}</text>`,
    );
  }
  return { zones, lines };
}

function beginning({ beganMs, fromMs, toMs }: AlertChart, { x }: Scales): string[] {
  if (beganMs < fromMs || beganMs > toMs) return [];
  const left = x(beganMs);
  const isRight = left > (PLOT.left + PLOT.right) / 2;
  return [
    `<path d="M${at(left)} ${PLOT.top}V${PLOT.bottom}" stroke="${INK}" stroke-dasharray="2 3"/>`,
    `<text x="${at(isRight ? left - 6 : left + 6)}" y="${PLOT.bottom - 8}" text-anchor="${isRight ? 'end' : 'start'}" fill="${INK}" font-size="12">alert began</text>`,
  ];
}

export function chartSvg(chart: AlertChart): string {
  const scales = scalesOf(chart);
  const { zones, lines } = limitParts(chart, scales);
  const empty =
    finite(chart).length > 0
      ? []
      : [
          `<text x="${(PLOT.left + PLOT.right) / 2}" y="${(PLOT.top + PLOT.bottom) / 2}" text-anchor="middle" fill="${SOFT}" font-size="14">no data in this time</text>`,
        ];
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" font-family="DejaVu Sans">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    `<text x="16" y="27" fill="${INK}" font-size="17">${text(chart.title, 78)}</text>`,
    `<text x="16" y="48" fill="${SOFT}" font-size="13">${text(chart.subtitle, 105)}</text>`,
    ...zones,
    ...grid(chart, scales),
    ...beginning(chart, scales),
    ...drawnLines(chart, scales),
    ...lines,
    ...empty,
    '</svg>',
  ].join('');
}
