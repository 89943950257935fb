/** A panel as an image: SVG with its own lines and texts, PNG from the canvas with title and legend. */
import type { Scale } from '../state/format.ts';
import { clockTime, dateTime, digits } from '../state/format.ts';
import { colourOf } from '../state/theme.ts';
import { visibleName } from '../state/visible-name.ts';
import { FONT } from './canvas.ts';
import { axisRange } from './chart-model.ts';
import type { ChartData, Value } from './data/chart-data.ts';
import { largestOf } from './data/chart-data.ts';

export interface Picture {
  readonly title: string;
  readonly data: ChartData;
  readonly scale: Scale;
  readonly stacked: boolean;
}

const [WIDTH, HEIGHT, LEFT, TOP, RIGHT, BOTTOM] = [960, 360, 56, 56, 16, 28];

const xml = (text: string): string => text.replace(/[&<>"']/g, (character) => `&#${character.codePointAt(0)};`);

/**
 * A colour as `#rrggbb`. Browsers compute `oklch()` and `color-mix()` to `lab()` or `oklab()`, which other programs that read
 * SVG do not know, so the canvas turns them into bytes.
 */
function plainColours(): (token: string) => string {
  const canvas = document.createElement('canvas');
  canvas.width = 1;
  canvas.height = 1;
  const ctx = canvas.getContext('2d', { willReadFrequently: true });
  const known = new Map<string, string>();
  return (token) => {
    const colour = colourOf(token);
    const found = known.get(colour);
    if (found !== undefined || ctx === null) return found ?? colour;
    ctx.fillStyle = colourOf('surface');
    ctx.fillRect(0, 0, 1, 1);
    ctx.fillStyle = colour;
    ctx.fillRect(0, 0, 1, 1);
    const hex = [...ctx.getImageData(0, 0, 1, 1).data.subarray(0, 3)].map((byte) => byte.toString(16).padStart(2, '0'));
    const plain = `#${hex.join('')}`;
    known.set(colour, plain);
    return plain;
  };
}

/** Path data of one line: a gap ends a piece. Pure. */
export function pathOf(values: readonly Value[], x: (at: number) => number, y: (value: number) => number): string {
  let path = '';
  let open = false;
  for (const [at, value] of values.entries()) {
    if (value === undefined) continue;
    if (value === null) open = false;
    else {
      path += `${open ? 'L' : 'M'}${x(at).toFixed(1)} ${y(value).toFixed(1)}`;
      open = true;
    }
  }
  return path;
}

function stackedLines({ data, stacked }: Picture): readonly (readonly Value[])[] {
  if (!stacked) return data.lines.map(({ values }) => values);
  const below = data.timesMs.map(() => 0);
  return data.lines.map(({ values }) =>
    values.map((value, at) => (typeof value === 'number' ? (below[at] += value) : value)),
  );
}

export function svgOf(picture: Picture): string {
  const { title, data, scale, stacked } = picture;
  const plain = plainColours();
  const { fromMs, toMs, timesMs } = data;
  const high = largestOf(data.lines, stacked) * scale.factor;
  const [low, top] = axisRange('zero', 0, high, []);
  const x = (ms: number): number => LEFT + ((ms - fromMs) / Math.max(1, toMs - fromMs)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - ((value - low) / (top - low)) * (HEIGHT - TOP - BOTTOM);
  const write = (at: number, line: number, text: string, extra = ''): string =>
    `<text x="${at.toFixed(1)}" y="${line.toFixed(1)}" ${extra}>${xml(text)}</text>`;
  const grid = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const value = low + part * (top - low);
    return `<path d="M${LEFT} ${y(value)}H${WIDTH - RIGHT}" stroke="${plain('line')}"/>${write(LEFT - 6, y(value) + 3, digits(value), 'text-anchor="end"')}`;
  });
  const times = [0, 0.25, 0.5, 0.75, 1].map((part) => {
    const ms = fromMs + part * (toMs - fromMs);
    const text = toMs - fromMs > 86_400_000 ? dateTime(ms).slice(5) : clockTime(ms, 'minutes');
    return write(x(ms), HEIGHT - 8, text, `text-anchor="${part === 0 ? 'start' : part === 1 ? 'end' : 'middle'}"`);
  });
  const columns = stackedLines(picture);
  const lines = data.lines.map(({ colour, main }, at) => {
    const path = pathOf(
      columns[at],
      (i) => x(timesMs[i]),
      (value) => y(value * scale.factor),
    );
    return `<path d="${path}" fill="none" stroke="${plain(colour)}" stroke-width="${main ? 1.9 : 1.25}"/>`;
  });
  let at = LEFT;
  const legend = data.lines.slice(0, 12).map(({ name, colour }) => {
    const text = visibleName(name, 40).text;
    const drawn = `<rect x="${at}" y="34" width="10" height="2" fill="${plain(colour)}"/>${write(at + 14, 38, text)}`;
    at += 26 + text.length * 6;
    return drawn;
  });
  const unit = scale.unit === '' ? '' : ` (${scale.unit})`;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="10" fill="${plain('text')}">`,
    `<title>${xml(title)}</title><rect width="100%" height="100%" fill="${plain('surface')}"/>`,
    write(LEFT, 20, title + unit, 'font-size="13" font-weight="600"'),
    ...legend,
    ...grid,
    ...times,
    ...lines,
    '</svg>',
  ].join('\n');
}

/** The plot's own canvas under a head with the title and the legend. */
export function pngOf(plot: HTMLCanvasElement, { title, data, scale }: Picture): Promise<Blob | null> {
  const canvas = document.createElement('canvas');
  const px = devicePixelRatio || 1;
  const head = 48 * px;
  canvas.width = plot.width;
  canvas.height = plot.height + head;
  const ctx = canvas.getContext('2d');
  if (ctx === null) return Promise.resolve(null);
  ctx.fillStyle = colourOf('surface');
  ctx.fillRect(0, 0, canvas.width, canvas.height);
  ctx.fillStyle = colourOf('text');
  ctx.font = `600 ${13 * px}px ${FONT}`;
  ctx.fillText(`${title}${scale.unit === '' ? '' : ` (${scale.unit})`}`, 12 * px, 20 * px);
  ctx.font = `${10 * px}px ${FONT}`;
  let at = 12 * px;
  for (const { name, colour } of data.lines) {
    const text = visibleName(name, 40).text;
    ctx.fillStyle = colourOf(colour);
    ctx.fillRect(at, 34 * px, 10 * px, 2 * px);
    ctx.fillStyle = colourOf('text-2');
    ctx.fillText(text, at + 14 * px, 38 * px);
    at += 26 * px + ctx.measureText(text).width;
    if (at > canvas.width) break;
  }
  ctx.drawImage(plot, 0, head);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/png'));
}
