/**
 * Reads a time range that a person typed: Grafana's `now-6h to now` and `now-1d/d`, short forms (`13h`, `last 3 days`),
 * ISO dates and times, seconds or milliseconds since the epoch, `Mon 09:00 - 10:00`, `since 08:00`, `today`. Pure.
 */
import { isBound, isRounded } from './time-bound.ts';
import type { RangeSpec } from './time-range.ts';
import { resolveRange } from './time-range.ts';
import type { WallTime } from './zoned-time.ts';
import { msOf, wallOf } from './zoned-time.ts';

/** The range, or the reason why the text is none. */
export type ReadRange =
  | { readonly ok: true; readonly range: RangeSpec }
  | { readonly ok: false; readonly reason: string };

/** Longer text is no range, and must not cost time. */
const MAX_LENGTH = 100;
const UNITS: Readonly<Record<string, string>> = {
  s: 's',
  sec: 's',
  secs: 's',
  second: 's',
  seconds: 's',
  m: 'm',
  min: 'm',
  mins: 'm',
  minute: 'm',
  minutes: 'm',
  h: 'h',
  hr: 'h',
  hrs: 'h',
  hour: 'h',
  hours: 'h',
  d: 'd',
  day: 'd',
  days: 'd',
  w: 'w',
  week: 'w',
  weeks: 'w',
  M: 'M',
  month: 'M',
  months: 'M',
  y: 'y',
  year: 'y',
  years: 'y',
};
const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'];
const EXAMPLES = 'Try "6h", "now-1d/d", "Mon 09:00 - 10:00", "since 08:00" or "2026-11-30 14:00 - 15:00".';

interface Moment {
  readonly ms: number;
  /** The end of the period that the text names: a date is a whole day. */
  readonly endMs: number;
  /** Only a time of day: the other end of the range may give the day. */
  readonly dayOpen: boolean;
}

interface Context {
  readonly nowMs: number;
  readonly zone: string;
}

const DAY_MS = 86_400_000;

function dayAt(base: WallTime, days: number, zone: string): number {
  return msOf({ ...base, day: base.day + days, hour: 0, minute: 0, second: 0 }, zone);
}

function isoMoment(text: string, { zone }: Context): Moment | undefined {
  const match =
    /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{1,2}):(\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?\s*(Z|[+-]\d{2}:?\d{2})?)?$/i.exec(
      text,
    );
  if (match === null) return undefined;
  const [, year, month, day, hour, minute, second, , offset] = match;
  const wall = {
    year: Number(year),
    month: Number(month),
    day: Number(day),
    hour: Number(hour ?? 0),
    minute: Number(minute ?? 0),
    second: Number(second ?? 0),
  };
  const back = new Date(Date.UTC(wall.year, wall.month - 1, wall.day));
  if (back.getUTCMonth() + 1 !== wall.month || back.getUTCDate() !== wall.day) return undefined;
  if (wall.hour > 23 || wall.minute > 59 || wall.second > 59) return undefined;
  if (hour === undefined) return { ms: msOf(wall, zone), endMs: dayAt(wall, 1, zone) - 1, dayOpen: false };
  let ms = msOf(wall, offset === undefined ? zone : 'utc');
  if (offset !== undefined && !/^z$/i.test(offset)) {
    const minutes = Number(offset.slice(1, 3)) * 60 + Number(offset.slice(-2));
    ms -= (offset.startsWith('-') ? -1 : 1) * minutes * 60_000;
  }
  return { ms, endMs: ms, dayOpen: false };
}

function clockMoment(text: string, { nowMs, zone }: Context): Moment | undefined {
  const match = /^(?:(mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?\s*)?(?:(\d{1,2}):(\d{2})(?::(\d{2}))?)?$/i.exec(text);
  if (match === null || text === '') return undefined;
  const [, day, hour, minute, second] = match;
  const [h, m, s] = [Number(hour ?? 0), Number(minute ?? 0), Number(second ?? 0)];
  if (h > 23 || m > 59 || s > 59) return undefined;
  const today = wallOf(nowMs, zone);
  const weekday = (new Date(Date.UTC(today.year, today.month - 1, today.day)).getUTCDay() + 6) % 7;
  const back = day === undefined ? 0 : (weekday - DAYS.indexOf(day.slice(0, 3).toLowerCase()) + 7) % 7;
  const at = (daysBack: number): number =>
    msOf({ ...today, day: today.day - daysBack, hour: h, minute: m, second: s }, zone);
  // The latest such time that has been.
  const days = at(back) > nowMs ? back + (day === undefined ? 1 : 7) : back;
  const ms = at(days);
  const endMs = hour === undefined ? dayAt(today, 1 - days, zone) - 1 : ms;
  return { ms, endMs, dayOpen: day === undefined };
}

function epochMoment(text: string): Moment | undefined {
  if (!/^\d{10}(?:\.\d+)?$|^\d{13}$/.test(text)) return undefined;
  const ms = text.length === 13 && !text.includes('.') ? Number(text) : Math.round(Number(text) * 1_000);
  return { ms, endMs: ms, dayOpen: false };
}

const momentOf = (text: string, context: Context): Moment | undefined =>
  epochMoment(text) ?? isoMoment(text, context) ?? clockMoment(text, context);

function fromShort(text: string): RangeSpec | undefined {
  const match = /^(?:last\s+)?-?(\d{1,9})\s*([a-z]+)$/i.exec(text);
  if (match === null) return undefined;
  const unit = UNITS[match[2]] ?? UNITS[match[2].toLowerCase()];
  return unit === undefined || Number(match[1]) === 0
    ? undefined
    : { from: `now-${Number(match[1])}${unit}`, to: 'now' };
}

function boundOf(text: string, context: Context, edge: 'from' | 'to'): string | undefined {
  if (isBound(text) && text.startsWith('now')) return text;
  const moment = momentOf(text, context);
  return moment === undefined ? undefined : String(edge === 'from' ? moment.ms : moment.endMs);
}

/** Both ends of `a to b`, `a - b`, `a .. b`, `a, b`. A time of day at the end belongs to the day of the start. */
function fromPair(text: string, context: Context): RangeSpec | undefined {
  const parts = /^(.+?)\s*(?:\s+to\s+|\s+[-–—]\s+|\.\.|,\s*|(?<=\d)[–—](?=\d))\s*(.+)$/i.exec(text);
  if (parts === null) return undefined;
  const [, first, last] = parts;
  const from = boundOf(first, context, 'from');
  const end = momentOf(last, context);
  if (from !== undefined && end?.dayOpen === true && !from.startsWith('now')) {
    const day = wallOf(Number(from), context.zone);
    const clock = wallOf(end.ms, context.zone);
    const same = { ...day, hour: clock.hour, minute: clock.minute, second: clock.second };
    const ms = msOf(same, context.zone);
    return { from, to: String(ms > Number(from) ? ms : msOf({ ...same, day: day.day + 1 }, context.zone)) };
  }
  const to = boundOf(last, context, 'to');
  return from === undefined || to === undefined ? undefined : { from, to };
}

function fromSingle(text: string, context: Context): RangeSpec | undefined {
  const since = /^since\s+(.+)$/i.exec(text);
  if (since !== null) {
    const from = boundOf(since[1], context, 'from');
    return from === undefined ? undefined : { from, to: 'now' };
  }
  if (/^today$/i.test(text)) return { from: 'now/d', to: 'now' };
  if (/^yesterday$/i.test(text)) return { from: 'now-1d/d', to: 'now-1d/d' };
  if (isBound(text) && text.startsWith('now')) {
    return isRounded(text) && text.includes('-') ? { from: text, to: text } : { from: text, to: 'now' };
  }
  const moment = momentOf(text, context);
  if (moment === undefined) return undefined;
  const whole = moment.endMs > moment.ms && moment.endMs < context.nowMs;
  return { from: String(moment.ms), to: whole ? String(moment.endMs) : 'now' };
}

export function readRange(text: string, nowMs: number, zone: string): ReadRange {
  const typed = text.trim().replace(/\s+/g, ' ');
  if (typed === '') return { ok: false, reason: `Write a time range. ${EXAMPLES}` };
  if (typed.length > MAX_LENGTH) return { ok: false, reason: 'This is too long for a time range.' };
  const context = { nowMs, zone };
  const range = fromShort(typed) ?? fromSingle(typed, context) ?? fromPair(typed, context);
  if (range === undefined) return { ok: false, reason: `This is no time range. ${EXAMPLES}` };
  const shown = resolveRange(range, nowMs, zone);
  if (shown === undefined) return { ok: false, reason: 'The range must end after it begins.' };
  if (shown.fromMs > nowMs + DAY_MS) return { ok: false, reason: 'The range lies in the future.' };
  return { ok: true, range };
}
