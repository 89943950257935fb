/** A heatmap of a histogram: five steps of one hue, their key beside the title, and the cell under the pointer in words. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { clockTime, dateTime, digits } from '../state/format.ts';
import { colourOf, paint } from '../state/theme.ts';
import { Empty } from '../ui/states.tsx';
import { FONT } from './canvas.ts';
import type { ChartData } from './data/chart-data.ts';
import type { Heat, HeatRow } from './data/heatmap-data.ts';
import { heatOf } from './data/heatmap-data.ts';
import { figureOf } from './data/unit-scale.ts';
import { useWidth } from './width.ts';

const STEPS = 5;
const LEFT = 54;
const BOTTOM = 20;
const LEAST_HEIGHT = 140;

const bound = (value: number, unit: string): string => {
  if (value === Infinity) return '∞';
  // From a second on in seconds: bounds are round numbers of them.
  if (unit === 's' && value >= 1) return `${digits(value)} s`;
  const { value: text, unit: word } = figureOf(value, unit);
  return `${text} ${word}`.trim();
};

const rangeText = ({ from, to }: HeatRow, unit: string): string => `${bound(from, unit)} to ${bound(to, unit)}`;

/** 0 for an empty cell, else 1 to 5; logarithmic, so that rare slow requests are seen beside many fast ones. */
export function stepOf(count: number, largest: number): number {
  if (count <= 0 || largest <= 0) return 0;
  const share = Math.log1p((9 * count) / largest) / Math.log(10);
  return Math.max(1, Math.min(STEPS, Math.ceil(share * STEPS)));
}

function draw(
  canvas: HTMLCanvasElement,
  { rows, timesMs, largest }: Heat,
  unit: string,
  width: number,
  height: number,
): void {
  const px = devicePixelRatio || 1;
  canvas.width = width * px;
  canvas.height = height * px;
  const ctx = canvas.getContext('2d');
  if (ctx === null) return;
  ctx.scale(px, px);
  const cell = (width - LEFT - 16) / Math.max(1, timesMs.length);
  const rowHeight = (height - BOTTOM - 8) / Math.max(1, rows.length);
  for (const [at, { counts }] of rows.entries()) {
    const y = height - BOTTOM - (at + 1) * rowHeight;
    for (const [i, count] of counts.entries()) {
      const step = stepOf(count ?? 0, largest);
      if (step === 0) continue;
      ctx.globalAlpha = step === STEPS ? 1 : 0.12 + step * 0.16;
      ctx.fillStyle = colourOf(step === STEPS ? 'p95' : 'http-2xx');
      ctx.fillRect(LEFT + i * cell, y + 0.5, Math.max(1, cell - 1), rowHeight - 1);
    }
  }
  ctx.globalAlpha = 1;
  ctx.fillStyle = colourOf('muted');
  ctx.font = `10px ${FONT}`;
  ctx.textAlign = 'right';
  const every = Math.ceil(14 / rowHeight);
  for (const [at, { to }] of rows.entries()) {
    if (at % every === 0) ctx.fillText(bound(to, unit), LEFT - 6, height - BOTTOM - (at + 1) * rowHeight + 4);
  }
  ctx.textAlign = 'center';
  const labels = Math.max(1, Math.floor(width / 120));
  for (let label = 0; label < labels; label += 1) {
    const i = Math.floor(((label + 0.5) / labels) * timesMs.length);
    if (timesMs[i] !== undefined) ctx.fillText(clockTime(timesMs[i], 'minutes'), LEFT + (i + 0.5) * cell, height - 6);
  }
}

function Heatmap({ heat, unit, label }: { heat: Heat; unit: string; label: string }): JSX.Element {
  const [box, width] = useWidth();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [cell, setCell] = useState<readonly [column: number, row: number] | undefined>(undefined);
  const painted = paint.value;
  const height = Math.max(LEAST_HEIGHT, canvas.current?.parentElement?.clientHeight ?? LEAST_HEIGHT);
  useEffect(() => {
    if (canvas.current !== null && width > 0) draw(canvas.current, heat, unit, width, height);
  }, [heat, unit, width, height, painted]);
  const { rows, timesMs, largest } = heat;
  const move = (column: number, row: number): void =>
    setCell([Math.max(0, Math.min(timesMs.length - 1, column)), Math.max(0, Math.min(rows.length - 1, row))]);
  const shown = cell === undefined ? undefined : { time: timesMs[cell[0]], row: rows[cell[1]] };
  return (
    <div
      class="plot heat"
      ref={box}
      tabIndex={0}
      role="img"
      aria-label={label}
      onMouseLeave={() => setCell(undefined)}
      onMouseMove={(event) => {
        const at = event.currentTarget.getBoundingClientRect();
        const column = Math.floor(((event.clientX - at.left - LEFT) / (width - LEFT - 16)) * timesMs.length);
        move(column, Math.floor(((height - BOTTOM - (event.clientY - at.top)) / (height - BOTTOM - 8)) * rows.length));
      }}
      onKeyDown={(event) => {
        const [column, row] = cell ?? [timesMs.length - 1, 0];
        const steps: Readonly<Record<string, readonly [number, number]>> = {
          ArrowLeft: [-1, 0],
          ArrowRight: [1, 0],
          ArrowUp: [0, 1],
          ArrowDown: [0, -1],
        };
        if (!Object.hasOwn(steps, event.key)) return;
        event.preventDefault();
        move(column + steps[event.key][0], row + steps[event.key][1]);
      }}
    >
      <canvas ref={canvas} aria-hidden="true" style={{ width: `${width}px`, height: `${height}px` }} />
      <p class="heat-cell" role="status">
        {shown?.row === undefined
          ? `darkest: ${digits(largest)} a second`
          : `${dateTime(shown.time, 'seconds')}: ${rangeText(shown.row, unit)}, ${digits(shown.row.counts[cell?.[0] ?? 0] ?? 0)} a second`}
      </p>
    </div>
  );
}

export interface HeatProps {
  readonly data: ChartData;
  readonly unit: string;
  readonly label: string;
}

/** The lines of a chart as a heatmap, when they are those of a histogram. */
export function HeatPlot({ data, unit, label }: HeatProps): JSX.Element {
  const heat = useMemo(() => heatOf(data), [data]);
  if (heat === undefined) return <Empty text="A heatmap needs the buckets of a histogram." />;
  return <Heatmap heat={heat} unit={unit} label={label} />;
}
