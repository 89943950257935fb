/** Sizes and texts that all drawings on the canvas share. Canvas pixels are device pixels. */
import type uPlot from 'uplot';
import { colourOf } from '../state/theme.ts';

export const ratio = (): number => devicePixelRatio || 1;

export const FONT = 'system-ui, "Segoe UI", Roboto, sans-serif';

/** Draws with the state of the canvas restored afterwards. */
export function drawn({ ctx }: uPlot, draw: (ctx: CanvasRenderingContext2D) => void): void {
  ctx.save();
  draw(ctx);
  ctx.restore();
}

/** Draws only inside the plot. */
export function clipped(u: uPlot, draw: (ctx: CanvasRenderingContext2D) => void): void {
  const { left, top, width, height } = u.bbox;
  drawn(u, (ctx) => {
    ctx.beginPath();
    ctx.rect(left, top, width, height);
    ctx.clip();
    draw(ctx);
  });
}

export function lineAcross(u: uPlot, y: number, colour: string, dash: readonly number[] = []): void {
  const { left, width } = u.bbox;
  drawn(u, (ctx) => {
    ctx.strokeStyle = colourOf(colour);
    ctx.lineWidth = ratio();
    ctx.setLineDash(dash.map((length) => length * ratio()));
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
  });
}

export const xOf = (u: uPlot, timeMs: number): number => u.valToPos(timeMs / 1_000, 'x', true);
export const yOf = (u: uPlot, value: number): number => u.valToPos(value, 'y', true);
