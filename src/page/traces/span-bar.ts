/** Where the bar of a span lies in the waterfall, and where its duration has room. Pure. */

/** Room for a duration beside its bar, pixels; its text is 11 px tall. */
const roomFor = (text: string): number => text.length * 6.5 + 12;

export interface SpanBar {
  readonly x: number;
  readonly width: number;
}

/** The position of a bar. Pure. */
export function barOf(startMs: number, durationMs: number, totalMs: number, room: number): SpanBar {
  const x = (Math.max(0, startMs) / Math.max(totalMs, 0.001)) * room;
  return { x, width: Math.max(1.5, (durationMs / Math.max(totalMs, 0.001)) * room) };
}

type Side = 'right' | 'inside' | 'left';

/** Where a label of this length has room; undefined for nowhere. Pure. */
function sideOf({ x, width }: SpanBar, room: number, labelPx: number): Side | undefined {
  if (x + width + labelPx <= room) return 'right';
  if (width > labelPx + 12) return 'inside';
  return x >= labelPx ? 'left' : undefined;
}

/** `text`, or `short` where only that has room beside or inside the bar; where neither has, it lies over the bar. Pure. */
export function labelOf(bar: SpanBar, room: number, text: string, short: string): { text: string; side: Side } {
  const side = sideOf(bar, room, roomFor(text));
  if (side !== undefined) return { text, side };
  return { text: short, side: sideOf(bar, room, roomFor(short)) ?? 'inside' };
}
