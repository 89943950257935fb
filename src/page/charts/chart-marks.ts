/** Draws the parts of a chart besides its lines: zone and line of a threshold, hatched gaps, stacked bars, the zero line. */
import type uPlot from 'uplot';
import { STEP_MS } from '../state/range.ts';
import { colourOf } from '../state/theme.ts';
import type { TimeChartProps } from './chart-model.ts';

/** The space between bars, and the least height of a bar above zero (CSS pixels). */
const BAR_GAP = 1.5;
const MIN_BAR = 1.6;
const PARTIAL_ALPHA = 0.45;

const ratio = (): number => devicePixelRatio || 1;

function drawThreshold(u: uPlot, { threshold, scale }: TimeChartProps): void {
  if (threshold === undefined) return;
  const { ctx } = u;
  const { left, top, width } = u.bbox;
  const y = Math.round(u.valToPos(threshold.above * scale.factor, 'y', true));
  ctx.save();
  ctx.globalAlpha = 0.035;
  ctx.fillStyle = colourOf('crit-mark');
  ctx.fillRect(left, top, width, y - top);
  ctx.restore();
}

function drawThresholdLine(u: uPlot, { threshold, scale }: TimeChartProps): void {
  if (threshold === undefined) return;
  const { ctx } = u;
  const { left, width } = u.bbox;
  const px = ratio();
  const limit = threshold.above * scale.factor;
  const y = Math.round(u.valToPos(limit, 'y', true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colourOf('crit-mark');
  ctx.lineWidth = px;
  ctx.setLineDash([4 * px, 3 * px]);
  ctx.beginPath();
  ctx.moveTo(left, y);
  ctx.lineTo(left + width, y);
  ctx.stroke();
  ctx.fillStyle = colourOf('crit');
  ctx.font = `500 ${10 * px}px system-ui, "Segoe UI", Roboto, sans-serif`;
  ctx.textAlign = 'left';
  ctx.textBaseline = 'alphabetic';
  ctx.fillText(`${threshold.rule} > ${limit} ${scale.unit}`, left + 6 * px, y - 5 * px);
  ctx.restore();
}

/**
 * Runs of buckets in which no line has a value, as indexes; a gap at the newest end is left out, because its data may still
 * arrive.
 */
export function gapsOf(data: TimeChartProps['data']): [from: number, to: number][] {
  const empty = data.timesMs.map((_, at) => data.lines.every(({ values }) => values[at] === null));
  const gaps: [number, number][] = [];
  for (let at = 0; at < empty.length; at += 1) {
    const open = gaps.at(-1);
    if (!empty[at]) continue;
    if (open !== undefined && open[1] === at - 1) open[1] = at;
    else gaps.push([at, at]);
  }
  const all = gaps.length === 1 && gaps[0][1] - gaps[0][0] + 1 === empty.length;
  return all ? [] : gaps.filter(([from, to]) => to < empty.length - 1 && from <= to);
}

/** Half-way up, or below the line of the threshold when the name of the threshold is there. */
function gapTextY(u: uPlot, { threshold, scale }: TimeChartProps): number {
  // Grid lines are at halves, thirds, quarters or fifths: at this height no line crosses the words.
  const middle = u.bbox.top + u.bbox.height * 0.47;
  if (threshold === undefined) return middle;
  const line = u.valToPos(threshold.above * scale.factor, 'y', true);
  return Math.abs(line - middle) < 20 * ratio() ? line + 20 * ratio() : middle;
}

function drawGaps(u: uPlot, props: TimeChartProps): void {
  const { data } = props;
  const { ctx } = u;
  const { top, height } = u.bbox;
  const px = ratio();
  for (const [from, to] of gapsOf(data)) {
    const x0 = u.valToPos((data.timesMs[from] - STEP_MS / 2) / 1_000, 'x', true);
    const x1 = u.valToPos((data.timesMs[to] + STEP_MS / 2) / 1_000, 'x', true);
    ctx.save();
    ctx.beginPath();
    ctx.rect(Math.max(x0, u.bbox.left), top, x1 - Math.max(x0, u.bbox.left), height);
    ctx.clip();
    ctx.strokeStyle = colourOf('line-strong');
    ctx.lineWidth = px;
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    for (let x = x0 - height; x < x1; x += 6 * px) {
      ctx.moveTo(x, top + height);
      ctx.lineTo(x + height, top);
    }
    ctx.stroke();
    ctx.restore();
    if (x1 - x0 > 50 * px) {
      ctx.save();
      ctx.fillStyle = colourOf('muted');
      ctx.font = `${10 * px}px system-ui, "Segoe UI", Roboto, sans-serif`;
      ctx.textAlign = 'center';
      ctx.fillText('no data', (x0 + x1) / 2, gapTextY(u, props));
      ctx.restore();
    }
  }
}

function drawBars(u: uPlot, { data }: TimeChartProps): void {
  const { ctx } = u;
  const px = ratio();
  const step = u.valToPos(STEP_MS / 1_000, 'x', true) - u.valToPos(0, 'x', true);
  const width = Math.max(1, step - BAR_GAP * px);
  const zero = u.valToPos(0, 'y', true);
  const last = data.timesMs.length - 1;
  ctx.save();
  for (let at = 0; at <= last; at += 1) {
    const x = u.valToPos(data.timesMs[at] / 1_000, 'x', true) - width / 2;
    ctx.globalAlpha = at === last ? PARTIAL_ALPHA : 1;
    let below = zero;
    for (const [line, { colour, values }] of data.lines.entries()) {
      const value = values[at];
      const sum = u.data[line + 1][at];
      if (value === null || value <= 0 || sum === null || sum === undefined) continue;
      const y = Math.min(below - MIN_BAR * px, u.valToPos(sum, 'y', true));
      ctx.fillStyle = colourOf(colour);
      ctx.fillRect(x, y, width, below - y - (line < data.lines.length - 1 ? 0.4 * px : 0));
      below = y;
    }
  }
  ctx.restore();
}

function drawZero(u: uPlot): void {
  const { ctx } = u;
  const y = Math.round(u.valToPos(0, 'y', true)) + 0.5;
  ctx.save();
  ctx.strokeStyle = colourOf('line-strong');
  ctx.lineWidth = ratio();
  ctx.beginPath();
  ctx.moveTo(u.bbox.left, y);
  ctx.lineTo(u.bbox.left + u.bbox.width, y);
  ctx.stroke();
  ctx.restore();
}

export function drawBeneath(u: uPlot, props: TimeChartProps): void {
  drawThreshold(u, props);
  drawGaps(u, props);
  drawZero(u);
}

export function drawAbove(u: uPlot, props: TimeChartProps): void {
  if (props.stacked) drawBars(u, props);
  drawThresholdLine(u, props);
}
