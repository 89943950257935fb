/** Badges: a label and a value as one small SVG, to be embedded by other pages. */
import { markup, type Markup } from './markup.ts';
import type { ComponentState, ComponentView, Window } from './view.ts';
import { percentText, STATE_WORDS } from './words.ts';

const MAX_LABEL = 40;
const PADDING = 8;
const HEIGHT = 20;
/** Width of a character of 11 px; wide ones of East Asia take more. */
const [NARROW, WIDE] = [6.4, 11.5];

/** White text on them has a contrast of 4.5 at least. */
const FILLS: Readonly<Record<ComponentState, string>> = {
  up: '#1a7f4b',
  unknown: '#5f6470',
  maintenance: '#2563a8',
  degraded: '#9a5b00',
  outage: '#c42b30',
};

const widthOf = (text: string): number =>
  Math.ceil(Array.from(text, (c) => ((c.codePointAt(0) ?? 0) > 0x2e7f ? WIDE : NARROW)).reduce((a, b) => a + b, 0));

function badge(label: string, value: string, fill: string): Markup {
  const shown = Array.from(label);
  const name = shown.length > MAX_LABEL ? `${shown.slice(0, MAX_LABEL - 1).join('')}…` : label;
  const [left, right] = [widthOf(name) + 2 * PADDING, widthOf(value) + 2 * PADDING];
  const words = (text: string, x: number, width: number): Markup =>
    markup`<text x="${x}" y="14" textLength="${width - 2 * PADDING}" lengthAdjust="spacingAndGlyphs">${text}</text>`;
  return markup`<svg xmlns="http://www.w3.org/2000/svg" width="${left + right}" height="${HEIGHT}" role="img" aria-label="${label}: ${value}">
<title>${label}: ${value}</title>
<rect width="${left}" height="${HEIGHT}" fill="#3a3f4b"/>
<rect x="${left}" width="${right}" height="${HEIGHT}" fill="${fill}"/>
<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11">${words(name, PADDING, left)}${words(value, left + PADDING, right)}</g>
</svg>
`;
}

export const stateBadge = ({ name, state }: ComponentView): Markup =>
  badge(name, STATE_WORDS[state].toLowerCase(), FILLS[state]);

const LEVELS: readonly (readonly [from: number, state: ComponentState])[] = [
  [0.999, 'up'],
  [0.99, 'degraded'],
  [0, 'outage'],
];

export function uptimeBadge({ name, uptime }: ComponentView, window: Window): Markup {
  const ratio = uptime[window];
  const state = ratio === null ? 'unknown' : (LEVELS.find(([from]) => ratio >= from)?.[1] ?? 'outage');
  return badge(name, `${window} ${percentText(ratio)}`, FILLS[state]);
}
