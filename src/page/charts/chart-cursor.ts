/**
 * The shared crosshair's pill on the time axis, and the tooltip: of the hovered chart, of the one with the focus, and of all
 * while Shift is held. DOM made of text nodes only.
 */
import type uPlot from 'uplot';
import { MARK_WORDS } from './data/marks.ts';
import { clockTime, dateTime, digits, NONE } from '../state/format.ts';
import type { TimeChartProps } from './chart-model.ts';
import { nearest } from './chart-model.ts';
import { visibleName } from '../state/visible-name.ts';

const MAX_ROWS = 12;
const MARK_NEAR_PX = 8;
const DAY_MS = 86_400_000;

let shiftHeld = false;
const shiftListeners = new Set<() => void>();
for (const name of ['keydown', 'keyup'] as const) {
  addEventListener(name, (event) => {
    if (event.key !== 'Shift' || shiftHeld === (name === 'keydown')) return;
    shiftHeld = name === 'keydown';
    for (const listener of shiftListeners) listener();
  });
}

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

/** The time of a point, with its day when the chart shows more than one. */
export const timeText = ({ fromMs, toMs }: TimeChartProps['data'], ms: number): string =>
  toMs - fromMs > DAY_MS ? dateTime(ms) : clockTime(ms);

const figure = (value: number | null | undefined, { factor, unit }: TimeChartProps['scale']): string =>
  value === null || value === undefined ? 'no data' : `${digits(value * factor)} ${unit}`.trim();

function row(colour: string, name: string, text: string, pale = false): HTMLElement {
  const made = element('div', pale ? 'pale-row' : '');
  const swatch = element('i', 'ln');
  swatch.style.background = `var(--${colour})`;
  const label = element('bdi', '', visibleName(name, 60).text);
  made.append(swatch, label, element('b', '', text));
  return made;
}

function rowsOf({ data, scale, ghost }: TimeChartProps, at: number): HTMLElement[] {
  const sorted = data.lines
    .map((line) => ({ line, value: nearest(line, at) }))
    .sort((a, b) => (b.value ?? -Infinity) - (a.value ?? -Infinity));
  const rows = sorted.slice(0, MAX_ROWS).map(({ line, value }) => row(line.colour, line.name, figure(value, scale)));
  if (sorted.length > MAX_ROWS) rows.push(element('footer', '', `${sorted.length - MAX_ROWS} more`));
  if (ghost !== undefined && ghost.lines.length <= 4) {
    const time = data.timesMs[at];
    const index = ghost.timesMs.findLastIndex((ms) => ms <= time);
    for (const line of ghost.lines) {
      const value = index < 0 ? null : nearest(line, index);
      rows.push(row(line.colour, `${line.name}, before`, value === null ? NONE : figure(value, scale), true));
    }
  }
  return rows;
}

/** The words for the crosshair at an index, for the tooltip's head and for screen readers. */
export function spoken(props: TimeChartProps, at: number): string {
  const { data, scale } = props;
  const parts = data.lines
    .slice(0, MAX_ROWS)
    .map((line) => `${visibleName(line.name, 60).text} ${figure(nearest(line, at), scale)}`);
  return `${timeText(data, data.timesMs[at])}: ${parts.join(', ')}`;
}

function marksNear(u: uPlot, { marks }: TimeChartProps, left: number): HTMLElement[] {
  const near = marks.filter(({ timeMs, endMs }) => {
    const [from, to] = [timeMs, endMs ?? timeMs].map((ms) => u.valToPos(ms / 1_000, 'x'));
    return left >= from - MARK_NEAR_PX && left <= to + MARK_NEAR_PX;
  });
  return near.slice(0, 4).map(({ kind, text, subject, timeMs }) => {
    const about = subject === '' || text.includes(subject) ? '' : ` · ${visibleName(subject, 40).text}`;
    return element(
      'footer',
      'mark',
      `${MARK_WORDS[kind].replace(/s$/, '')} ${clockTime(timeMs)} · ${visibleName(text, 80).text}${about}`,
    );
  });
}

function fillTip(u: uPlot, tip: HTMLElement, props: TimeChartProps, at: number, left: number): void {
  const head = element('header', '');
  head.append(element('b', '', timeText(props.data, props.data.timesMs[at])));
  const { stacked, data, scale } = props;
  if (stacked) {
    let sum = 0;
    for (const { values } of data.lines) sum += values[at] ?? 0;
    head.append(element('span', '', figure(sum, scale)));
  }
  tip.replaceChildren(head, ...rowsOf(props, at), ...marksNear(u, props, left));
  if (props.onPick !== undefined) tip.append(element('footer', '', 'Click for the traces of this time'));
}

export function crosshair(latest: { readonly current: TimeChartProps }): uPlot.Plugin {
  const pill = element('div', 'pill');
  const tip = element('div', 'tip');
  let redraw = (): void => {};
  const place = (u: uPlot): void => {
    const { idx, left = -1 } = u.cursor;
    const shown = idx !== null && idx !== undefined && left >= 0 && u.data[0].length > 0;
    pill.hidden = !shown;
    const hovered =
      u.over.matches(':hover') ||
      u.root.parentElement === document.activeElement ||
      u.root.classList.contains('touched');
    tip.hidden = !shown || !(hovered || shiftHeld);
    if (!shown) return;
    pill.textContent = timeText(latest.current.data, u.data[0][idx] * 1_000);
    const half = pill.offsetWidth / 2;
    pill.style.left = `${Math.max(half, Math.min(u.over.clientWidth - half, left))}px`;
    if (tip.hidden) return;
    fillTip(u, tip, latest.current, idx, left);
    const right = left > u.over.clientWidth / 2;
    tip.style.left = right ? '' : `${left + 12}px`;
    tip.style.right = right ? `${u.over.clientWidth - left + 12}px` : '';
  };
  return {
    hooks: {
      init(u) {
        pill.hidden = true;
        tip.hidden = true;
        u.over.append(pill, tip);
        redraw = () => place(u);
        shiftListeners.add(redraw);
      },
      setCursor: place,
      destroy() {
        shiftListeners.delete(redraw);
      },
    },
  };
}
