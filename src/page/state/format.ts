/**
 * Numbers, durations and times for people: three significant digits, unit apart, never `1e+06`. Times
 * are in the zone of the page; all else is pure.
 */
import { pageState } from './router.ts';
import { wallOf } from './zoned-time.ts';

export const NONE = '–';

/** Three significant digits; whole numbers from 100 on, thousands as `1.9 k`. */
export function digits(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(3))} G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (size >= 10_000) return `${Number((value / 1e3).toPrecision(3))} k`;
  if (size >= 100) return String(Math.round(value));
  if (size > 0 && size < 0.001) return '<0.001';
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
}

export interface Figure {
  readonly value: string;
  readonly unit: string;
}

const some = (value: number | null | undefined): value is number =>
  value !== null && value !== undefined && Number.isFinite(value);

/** Seconds in the unit that fits: `0.268` → 268 ms. */
export function duration(seconds: number | null | undefined): Figure {
  if (!some(seconds)) return { value: NONE, unit: '' };
  if (seconds === 0) return { value: '0', unit: 'ms' };
  if (seconds < 0.001) return { value: digits(seconds * 1e6), unit: 'µs' };
  if (seconds < 10) return { value: digits(seconds * 1e3), unit: 'ms' };
  if (seconds < 120) return { value: digits(seconds), unit: 's' };
  return { value: digits(seconds / 60), unit: 'min' };
}

/** A ratio in percent. */
export function percent(ratio: number | null | undefined): Figure {
  return some(ratio) ? { value: digits(ratio * 100), unit: '%' } : { value: NONE, unit: '' };
}

export function rate(perSecond: number | null | undefined): Figure {
  return some(perSecond) ? { value: digits(perSecond), unit: 'req/s' } : { value: NONE, unit: '' };
}

export function bytes(size: number | null | undefined): Figure {
  if (!some(size)) return { value: NONE, unit: '' };
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let at = 0;
  let value = size;
  while (value >= 1_024 && at < units.length - 1) {
    value /= 1_024;
    at += 1;
  }
  return { value: digits(value), unit: units[at] };
}

export const joined = ({ value, unit }: Figure): string => (unit === '' ? value : `${value}\u2009${unit}`);

/** The two largest units of an uptime: `2 d 4 h`. */
export function uptimeParts(seconds: number): readonly Figure[] {
  const parts: Figure[] = [];
  let rest = Math.max(0, Math.floor(seconds));
  for (const [unit, size] of [
    ['d', 86_400],
    ['h', 3_600],
    ['min', 60],
    ['s', 1],
  ] as const) {
    const count = Math.floor(rest / size);
    rest -= count * size;
    if (count > 0 || (unit === 's' && parts.length === 0)) parts.push({ value: String(count), unit });
    if (parts.length === 2) break;
  }
  return parts;
}

export const uptime = (seconds: number | null | undefined): string =>
  some(seconds) ? uptimeParts(seconds).map(joined).join(' ') : NONE;

/** Age in the largest unit: `6 min`. */
export function age(ms: number): string {
  return joined(uptimeParts(Math.max(0, ms) / 1_000)[0]);
}

const two = (n: number): string => String(n).padStart(2, '0');

/** `14:03:07` in the zone of the page, with milliseconds when asked for. */
export function clockTime(ms: number, detail: 'minutes' | 'seconds' | 'millis' = 'seconds'): string {
  const { hour, minute, second } = wallOf(ms, pageState.value.zone);
  const minutes = `${two(hour)}:${two(minute)}`;
  if (detail === 'minutes') return minutes;
  const seconds = `${minutes}:${two(second)}`;
  return detail === 'seconds' ? seconds : `${seconds}.${String(new Date(ms).getMilliseconds()).padStart(3, '0')}`;
}

/** `2026-11-30 14:03` in the zone of the page. */
export function dateTime(ms: number, detail: 'minutes' | 'seconds' = 'minutes'): string {
  const { year, month, day } = wallOf(ms, pageState.value.zone);
  return `${year}-${two(month)}-${two(day)} ${clockTime(ms, detail)}`;
}

/** How values are drawn: multiplied by the factor, with the unit after them. */
export interface Scale {
  readonly factor: number;
  readonly unit: string;
}

/** A value of an attribute as text: an object or list as JSON. */
export function attributeText(value: unknown): string {
  if (typeof value === 'string') return value;
  return value === undefined ? NONE : JSON.stringify(value);
}

/** Milliseconds of a trace: `912 ms`, `1.4 ms`, `12.3 s`. */
export const millis = (ms: number): string => joined(duration(ms / 1_000));
