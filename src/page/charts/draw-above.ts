/** What lies over the lines: stacked bars, lines of limits with their rules, marks, exemplars. */
import type uPlot from 'uplot';
import type { ChartLimit, Mark } from '../../monitor/api/charts/contract.ts';
import { digits } from '../state/format.ts';
import { colourOf } from '../state/theme.ts';
import { clipped, drawn, FONT, lineAcross, ratio, xOf, yOf } from './canvas.ts';
import type { TimeChartProps } from './chart-model.ts';
import { visibleName } from '../state/visible-name.ts';

/** The space between bars, and the least height of a bar above zero (CSS pixels). */
const BAR_GAP = 1.5;
const MIN_BAR = 1.6;
const PARTIAL_ALPHA = 0.45;

function drawBars(u: uPlot, { data, partial }: TimeChartProps): void {
  const px = ratio();
  const step = xOf(u, data.stepMs) - xOf(u, 0);
  const width = Math.max(px, step - (step > 4 * px ? BAR_GAP * px : 0));
  const zero = yOf(u, 0);
  const last = data.timesMs.length - 1;
  clipped(u, (ctx) => {
    for (let at = 0; at <= last; at += 1) {
      const x = xOf(u, data.timesMs[at]) - width / 2;
      ctx.globalAlpha = at === last && partial ? PARTIAL_ALPHA : 1;
      let below = zero;
      for (const [line, { colour, values }] of data.lines.entries()) {
        const value = values[at];
        const sum = u.data[line + 1][at];
        if (typeof value !== 'number' || value <= 0 || typeof sum !== 'number') continue;
        const y = Math.min(below - MIN_BAR * px, yOf(u, sum));
        ctx.fillStyle = colourOf(colour);
        ctx.fillRect(x, y, width, below - y - (line < data.lines.length - 1 ? 0.4 * px : 0));
        below = y;
      }
    }
  });
}

const nameOf = ({ rule, op, limit }: ChartLimit, { scale }: TimeChartProps): string =>
  `${visibleName(rule, 40).text} ${op} ${digits(limit * scale.factor)}${scale.unit === '' ? '' : ` ${scale.unit}`}`;

function drawLimits(u: uPlot, props: TimeChartProps): void {
  const px = ratio();
  const { left, top, height } = u.bbox;
  for (const limit of props.limits) {
    const y = Math.round(yOf(u, limit.limit * props.scale.factor)) + 0.5;
    if (y < top || y > top + height) continue;
    lineAcross(u, y, 'crit-mark', [4, 3]);
    drawn(u, (ctx) => {
      ctx.fillStyle = colourOf('crit');
      ctx.font = `500 ${10 * px}px ${FONT}`;
      ctx.textAlign = 'left';
      // With no room above the line the name goes below it.
      const fits = y - top > 16 * px;
      ctx.fillText(nameOf(limit, props), left + 6 * px, fits ? y - 5 * px : y + 12 * px);
    });
  }
}

const SIGNS: Readonly<Record<Mark['kind'], string>> = {
  deploy: '⚑',
  restart: '▲',
  reload: '↻',
  alert: '!',
  drill: '◆',
  load: '≫',
  note: '✎',
};

/** Deploys carry their version; every other moment a sign, because names would hide the lines. */
const flagText = ({ kind, text }: Mark): string => (kind === 'deploy' ? visibleName(text, 14).text : SIGNS[kind]);

/** Two flags closer than this would cover each other; only the first is named. */
const FLAG_ROOM = 30;

function drawMoment(u: uPlot, mark: Mark, named: boolean): number {
  const px = ratio();
  const { top, height, left, width } = u.bbox;
  const x = Math.round(xOf(u, mark.timeMs)) + 0.5;
  let end = x;
  drawn(u, (ctx) => {
    ctx.strokeStyle = colourOf('text-2');
    ctx.lineWidth = px;
    ctx.setLineDash([px, 2 * px]);
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
    if (!named) return;
    ctx.font = `600 ${10 * px}px ${FONT}`;
    const text = flagText(mark);
    const flag = ctx.measureText(text).width + 8 * px;
    const goesLeft = x + flag > left + width;
    const from = goesLeft ? x - flag : x;
    end = from + flag;
    ctx.fillStyle = colourOf('text-2');
    ctx.fillRect(from, top - 2 * px, flag, 14 * px);
    ctx.fillStyle = colourOf('surface');
    ctx.textAlign = 'left';
    ctx.textBaseline = 'middle';
    ctx.fillText(text, from + 4 * px, top + 5.5 * px);
  });
  return end;
}

/** Alerts and everything else that lasts: a bar under the zero line, alerts in the colour of their severity. */
function drawSpan(u: uPlot, mark: Mark): void {
  const px = ratio();
  const { left, top, width, height } = u.bbox;
  const [x0, x1] = [xOf(u, mark.timeMs), xOf(u, mark.endMs ?? mark.timeMs)];
  const isAlert = mark.kind === 'alert';
  const colour = isAlert ? (mark.tags.includes('critical') ? 'crit-mark' : 'warn-mark') : 'muted';
  const [from, to] = [Math.max(left, x0), Math.min(left + width, Math.max(x1, x0 + 2 * px))];
  if (to <= from) return;
  drawn(u, (ctx) => {
    ctx.fillStyle = colourOf(colour);
    ctx.fillRect(from, top + height + px, to - from, 3 * px);
    if (isAlert) return;
    ctx.globalAlpha = 0.08;
    ctx.fillRect(from, top, to - from, height);
  });
}

function drawMarks(u: uPlot, { marks }: TimeChartProps): void {
  const { left, width } = u.bbox;
  let free = -Infinity;
  for (const mark of marks) {
    if (mark.endMs !== null) drawSpan(u, mark);
    if (mark.kind === 'alert') continue;
    const x = xOf(u, mark.timeMs);
    if (x < left || x > left + width) continue;
    free = Math.max(free, drawMoment(u, mark, x >= free) + (x >= free ? 2 * ratio() : FLAG_ROOM / 30));
  }
}

/** Rings on the plot; above its scale a triangle on the upper edge with the value. */
function drawDots(u: uPlot, { dots, scale }: TimeChartProps): void {
  const px = ratio();
  const { left, width, top } = u.bbox;
  drawn(u, (ctx) => {
    ctx.strokeStyle = colourOf('p99');
    ctx.fillStyle = colourOf('surface');
    ctx.lineWidth = 1.5 * px;
    for (const { timeMs, value } of dots) {
      const x = xOf(u, timeMs);
      if (x < left || x > left + width) continue;
      const y = yOf(u, value * scale.factor);
      ctx.beginPath();
      if (y >= top) {
        ctx.arc(x, y, 2.8 * px, 0, 2 * Math.PI);
        ctx.fill();
        ctx.stroke();
        continue;
      }
      ctx.moveTo(x, top);
      ctx.lineTo(x + 4 * px, top + 7 * px);
      ctx.lineTo(x - 4 * px, top + 7 * px);
      ctx.closePath();
      ctx.save();
      ctx.fillStyle = colourOf('p99');
      ctx.fill();
      ctx.restore();
    }
  });
}

export function drawAbove(u: uPlot, props: TimeChartProps): void {
  if (props.stacked) drawBars(u, props);
  drawLimits(u, props);
  drawMarks(u, props);
  drawDots(u, props);
}
