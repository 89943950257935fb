/** The shared crosshair's pill on the time axis and the tooltip of the hovered chart: DOM made of text nodes only. */
import type uPlot from 'uplot';
import { clockTime, digits } from '../state/format.ts';
import type { TimeChartProps } from './chart-model.ts';

function element(tag: string, className: string, text = ''): HTMLElement {
  const made = document.createElement(tag);
  made.className = className;
  if (text !== '') made.textContent = text;
  return made;
}

function rowsOf({ data, scale }: TimeChartProps, at: number): HTMLElement[] {
  return data.lines
    .map((line) => ({ line, value: line.values[at] }))
    .sort((a, b) => (b.value ?? -1) - (a.value ?? -1))
    .map(({ line, value }) => {
      const row = element('div', '');
      const swatch = element('i', 'ln');
      swatch.style.background = `var(--${line.colour})`;
      const figure =
        value === null || value === undefined ? 'no data' : `${digits(value * scale.factor)} ${scale.unit}`;
      row.append(swatch, element('span', '', line.name), element('b', '', figure));
      return row;
    });
}

function fillTip(tip: HTMLElement, props: TimeChartProps, at: number): void {
  const head = element('header', '');
  head.append(element('b', '', clockTime(props.data.timesMs[at])));
  const { stacked, data, scale } = props;
  if (stacked) {
    let sum = 0;
    for (const { values } of data.lines) sum += values[at] ?? 0;
    head.append(element('span', '', `${digits(sum * scale.factor)} ${scale.unit}`));
  }
  tip.replaceChildren(head, ...rowsOf(props, at));
  if (props.onPick !== undefined) tip.append(element('footer', '', 'Click for the traces of these 15 s'));
}

export function crosshair(latest: { readonly current: TimeChartProps }): uPlot.Plugin {
  const pill = element('div', 'pill');
  const tip = element('div', 'tip');
  return {
    hooks: {
      init(u) {
        pill.hidden = true;
        tip.hidden = true;
        u.over.append(pill, tip);
      },
      setCursor(u) {
        const { idx, left = -1 } = u.cursor;
        const shown = idx !== null && idx !== undefined && left >= 0;
        pill.hidden = !shown;
        const hovered = u.over.matches(':hover') || u.root.parentElement === document.activeElement;
        tip.hidden = !shown || !hovered;
        if (!shown) return;
        pill.textContent = clockTime(u.data[0][idx] * 1_000);
        pill.style.left = `${Math.max(26, Math.min(u.over.clientWidth - 26, left))}px`;
        if (tip.hidden) return;
        fillTip(tip, latest.current, idx);
        const right = left > u.over.clientWidth / 2;
        tip.style.left = right ? '' : `${left + 12}px`;
        tip.style.right = right ? `${u.over.clientWidth - left + 12}px` : '';
      },
    },
  };
}
