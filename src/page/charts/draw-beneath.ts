/** What lies under the lines: zones of limits, gaps, the usual band, alerts as bars, the zero line. */
import type uPlot from 'uplot';
import { colourOf } from '../state/theme.ts';
import { clipped, drawn, FONT, lineAcross, ratio, xOf, yOf } from './canvas.ts';
import type { TimeChartProps } from './chart-model.ts';
import { gapsOf } from './data/chart-data.ts';

/** Shades the side of the limit on which the rule fires. */
function drawZones(u: uPlot, { limits, scale }: TimeChartProps): void {
  const { left, top, width, height } = u.bbox;
  for (const { op, limit } of limits) {
    const y = Math.min(top + height, Math.max(top, yOf(u, limit * scale.factor)));
    clipped(u, (ctx) => {
      ctx.globalAlpha = 0.035;
      ctx.fillStyle = colourOf('crit-mark');
      if (op.startsWith('>')) ctx.fillRect(left, top, width, y - top);
      else ctx.fillRect(left, y, width, top + height - y);
    });
  }
}

/** Half-way up, or below the line of a limit whose name is there. Grid lines never cross the words at this height. */
function gapTextY(u: uPlot, { limits, scale }: TimeChartProps): number {
  const middle = u.bbox.top + u.bbox.height * 0.47;
  const near = limits.map(({ limit }) => yOf(u, limit * scale.factor)).find((y) => Math.abs(y - middle) < 20 * ratio());
  return near === undefined ? middle : near + 20 * ratio();
}

function drawGaps(u: uPlot, props: TimeChartProps): void {
  const { data } = props;
  const { top, height, left } = u.bbox;
  const px = ratio();
  for (const [from, to] of gapsOf(data)) {
    const before = data.timesMs[from - 1] ?? data.timesMs[from] - data.stepMs;
    const after = data.timesMs[to + 1] ?? data.timesMs[to] + data.stepMs;
    const x0 = Math.max(left, xOf(u, Math.max(before + data.stepMs / 2, data.timesMs[from] - data.stepMs / 2)));
    const x1 = xOf(u, Math.max(after - data.stepMs / 2, data.timesMs[to]));
    if (x1 - x0 < px) continue;
    drawn(u, (ctx) => {
      ctx.beginPath();
      ctx.rect(x0, top, x1 - x0, height);
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
    });
    if (x1 - x0 <= 50 * px) continue;
    drawn(u, (ctx) => {
      const [x, y] = [(x0 + x1) / 2, gapTextY(u, props)];
      ctx.font = `${10 * px}px ${FONT}`;
      ctx.textAlign = 'center';
      const half = ctx.measureText('no data').width / 2 + 3 * px;
      ctx.fillStyle = colourOf('surface');
      ctx.fillRect(x - half, y - 10 * px, 2 * half, 14 * px);
      ctx.fillStyle = colourOf('muted');
      ctx.fillText('no data', x, y);
    });
  }
}

function drawBand(u: uPlot, { band, data, scale }: TimeChartProps): void {
  if (band === undefined) return;
  clipped(u, (ctx) => {
    ctx.fillStyle = colourOf('http-2xx');
    ctx.globalAlpha = 0.18;
    for (let at = 1; at < data.timesMs.length; at += 1) {
      const edges = [band.low[at - 1], band.low[at], band.high[at], band.high[at - 1]];
      const [a, b, c, d] = edges.map((edge) => (edge === null || edge === undefined ? NaN : edge * scale.factor));
      if (Number.isNaN(a + b + c + d)) continue;
      const [x0, x1] = [xOf(u, data.timesMs[at - 1]), xOf(u, data.timesMs[at])];
      ctx.beginPath();
      ctx.moveTo(x0, yOf(u, a));
      ctx.lineTo(x1, yOf(u, b));
      ctx.lineTo(x1, yOf(u, c));
      ctx.lineTo(x0, yOf(u, d));
      ctx.fill();
    }
  });
}

/** Above the plot: the strip of anomalies, its strength by the share. */
function drawRibbon(u: uPlot, { ribbon, data }: TimeChartProps): void {
  if (ribbon === undefined) return;
  const px = ratio();
  const { top } = u.bbox;
  drawn(u, (ctx) => {
    ctx.fillStyle = colourOf('warn-mark');
    for (const [at, share] of ribbon.entries()) {
      if (share === null || share === undefined || share <= 0) continue;
      const x = xOf(u, data.timesMs[at]);
      ctx.globalAlpha = Math.min(1, 0.2 + share);
      ctx.fillRect(x, top - 6 * px, Math.max(px, xOf(u, data.timesMs[at] + data.stepMs) - x), 4 * px);
    }
  });
}

function drawZero(u: uPlot, { axis }: TimeChartProps): void {
  if (axis !== 'log') lineAcross(u, Math.round(yOf(u, 0)) + 0.5, 'line-strong');
}

export function drawBeneath(u: uPlot, props: TimeChartProps): void {
  drawZones(u, props);
  drawBand(u, props);
  drawGaps(u, props);
  drawRibbon(u, props);
  drawZero(u, props);
}
