/**
 * A time range: two bounds, how it moves, and the points that it is drawn with. Sliding: both ends move. Growing: the start
 * stays and the end is now. Fixed: neither end moves. Pure.
 */
import { isAbsolute, isRounded, resolveBound } from './time-bound.ts';

export interface RangeSpec {
  readonly from: string;
  readonly to: string;
}

export type RangeMode = 'sliding' | 'growing' | 'fixed';

export interface ShownRange {
  readonly fromMs: number;
  readonly toMs: number;
  readonly stepMs: number;
  readonly mode: RangeMode;
}

export const DEFAULT_RANGE: RangeSpec = { from: 'now-15m', to: 'now' };

export const PRESETS: readonly (RangeSpec & { readonly title: string })[] = [
  { title: 'Last 5 min', from: 'now-5m', to: 'now' },
  { title: 'Last 15 min', from: 'now-15m', to: 'now' },
  { title: 'Last 1 h', from: 'now-1h', to: 'now' },
  { title: 'Last 6 h', from: 'now-6h', to: 'now' },
  { title: 'Last 24 h', from: 'now-24h', to: 'now' },
  { title: 'Last 7 d', from: 'now-7d', to: 'now' },
  { title: 'Last 30 d', from: 'now-30d', to: 'now' },
  { title: 'Today so far', from: 'now/d', to: 'now' },
  { title: 'Yesterday', from: 'now-1d/d', to: 'now-1d/d' },
];

const STEPS_S = [
  1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 10_800, 21_600, 43_200, 86_400, 172_800, 345_600,
  604_800, 1_209_600, 2_419_200,
];
const LEAST_SPAN_MS = 1_000;
/** Rates look back one minute: closer points would only repeat each other, so only short ranges have them. */
const SHORT_MS = 300_000;

/** The smallest round step that gives at most `maxPoints` points: 5 s up to 5 minutes, else 15 s and longer. */
export function stepOf(spanMs: number, maxPoints = 240): number {
  const least = spanMs <= SHORT_MS ? 5 : 15;
  const wanted = spanMs / 1_000 / Math.max(1, maxPoints);
  const found = STEPS_S.find((step) => step >= least && step >= wanted);
  // Beyond the table a step is as many weeks as needed.
  return (found ?? Math.ceil(wanted / 604_800) * 604_800) * 1_000;
}

export function modeOf({ from, to }: RangeSpec): RangeMode {
  if (to === 'now') return isAbsolute(from) || isRounded(from) ? 'growing' : 'sliding';
  return isAbsolute(to) || isRounded(to) ? 'fixed' : 'sliding';
}

/** The times of a range, in order and at least a second apart; undefined when a bound cannot be read. */
export function resolveRange(
  { from, to }: RangeSpec,
  nowMs: number,
  zone: string,
): { fromMs: number; toMs: number } | undefined {
  const fromMs = resolveBound(from, nowMs, zone, 'from');
  const toMs = resolveBound(to, nowMs, zone, 'to');
  if (fromMs === undefined || toMs === undefined || toMs - fromMs < LEAST_SPAN_MS) return undefined;
  return { fromMs, toMs };
}

export const titleOf = (range: RangeSpec): string | undefined =>
  PRESETS.find(({ from, to }) => from === range.from && to === range.to)?.title ??
  (range.to === 'now' && /^now-\d+[smhdwMy]$/.test(range.from) ? `Last ${spaced(range.from.slice(4))}` : undefined);

const WORDS: Readonly<Record<string, string>> = { m: 'min', M: 'months', w: 'weeks', y: 'years' };

const spaced = (text: string): string => `${text.slice(0, -1)} ${WORDS[text.slice(-1)] ?? text.slice(-1)}`;

const absolute = (fromMs: number, toMs: number): RangeSpec => ({
  from: String(Math.max(0, Math.round(fromMs))),
  to: String(Math.max(0, Math.round(toMs))),
});

/** A range that begins and ends as given; the end follows the present when it lies within a step of it. */
export function rangeBetween(fromMs: number, toMs: number, nowMs: number): RangeSpec {
  const span = absolute(fromMs, toMs);
  return toMs >= nowMs ? { from: span.from, to: 'now' } : span;
}

/** Twice (or half) the time around the middle. A sliding range stays sliding. */
export function zoomed(range: RangeSpec, shown: ShownRange, factor: number): RangeSpec {
  const spanMs = Math.max(LEAST_SPAN_MS * 10, (shown.toMs - shown.fromMs) * factor);
  if (modeOf(range) === 'sliding' && range.to === 'now') {
    return { from: `now-${Math.max(10, Math.round(spanMs / 1_000))}s`, to: 'now' };
  }
  const middle = (shown.fromMs + shown.toMs) / 2;
  return absolute(middle - spanMs / 2, middle + spanMs / 2);
}

/** Moved by half of its own length; never past the present. */
export function shifted(shown: ShownRange, direction: -1 | 1, nowMs: number): RangeSpec {
  const spanMs = shown.toMs - shown.fromMs;
  const toMs = Math.min(Math.max(nowMs, shown.toMs), shown.toMs + (direction * spanMs) / 2);
  return absolute(toMs - spanMs, toMs);
}

/** The same range with absolute ends, so that a link shows the same to everybody. */
export const pinned = (shown: ShownRange): RangeSpec => absolute(shown.fromMs, shown.toMs);
