/**
 * One end of a time range as Grafana writes it: `now`, `now-6h`, `now-1d/d`, or milliseconds since the epoch. The text is
 * what the address holds; `resolveBound` makes a time of it. Pure.
 */
import { msOf, wallOf } from './zoned-time.ts';

export type BoundUnit = 's' | 'm' | 'h' | 'd' | 'w' | 'M' | 'y';

/** Beyond this no calendar works (the limit of Date). */
const LIMIT_MS = 8.64e15;
/** More digits than any age needs; it keeps the arithmetic exact. */
const RELATIVE = /^now((?:[+-]\d{1,9}[smhdwMy])*)(?:\/([smhdwMy]))?$/;
const FIXED_MS: Readonly<Partial<Record<BoundUnit, number>>> = { s: 1_000, m: 60_000, h: 3_600_000 };

const inBounds = (ms: number): boolean => Number.isSafeInteger(ms) && ms >= 0 && ms <= LIMIT_MS;

/** True for text that `resolveBound` can read. */
export function isBound(text: string): boolean {
  return RELATIVE.test(text) || (/^\d{1,16}$/.test(text) && inBounds(Number(text)));
}

export const isAbsolute = (bound: string): boolean => !bound.startsWith('now');
/** `now/d` and the like: the end stays where it is until the period ends. */
export const isRounded = (bound: string): boolean => bound.includes('/');

function added(ms: number, count: number, unit: BoundUnit, zone: string): number {
  const fixed = FIXED_MS[unit];
  if (fixed !== undefined) return ms + count * fixed;
  const wall = wallOf(ms, zone);
  if (unit === 'd') return msOf({ ...wall, day: wall.day + count }, zone);
  if (unit === 'w') return msOf({ ...wall, day: wall.day + count * 7 }, zone);
  const months = wall.year * 12 + wall.month - 1 + (unit === 'M' ? count : count * 12);
  const year = Math.floor(months / 12);
  const month = (months % 12) + 1;
  const days = new Date(Date.UTC(year, month, 0)).getUTCDate();
  return msOf({ ...wall, year, month, day: Math.min(wall.day, days) }, zone);
}

/** The start of the period, or its last millisecond. Weeks begin on Monday. */
function rounded(ms: number, unit: BoundUnit, zone: string, edge: 'from' | 'to'): number {
  const wall = wallOf(ms, zone);
  const day = { ...wall, hour: 0, minute: 0, second: 0 };
  const weekday = (new Date(Date.UTC(wall.year, wall.month - 1, wall.day)).getUTCDay() + 6) % 7;
  const starts: Record<BoundUnit, () => number> = {
    s: () => Math.floor(ms / 1_000) * 1_000,
    m: () => msOf({ ...wall, second: 0 }, zone),
    h: () => msOf({ ...wall, minute: 0, second: 0 }, zone),
    d: () => msOf(day, zone),
    w: () => msOf({ ...day, day: wall.day - weekday }, zone),
    M: () => msOf({ ...day, day: 1 }, zone),
    y: () => msOf({ ...day, month: 1, day: 1 }, zone),
  };
  const start = starts[unit]();
  return edge === 'from' ? start : added(start, 1, unit, zone) - 1;
}

/** The time that a bound means at `nowMs`; undefined when it cannot be read or lies outside the calendar. */
export function resolveBound(bound: string, nowMs: number, zone: string, edge: 'from' | 'to'): number | undefined {
  if (isAbsolute(bound)) return isBound(bound) ? Number(bound) : undefined;
  const match = RELATIVE.exec(bound);
  if (match === null) return undefined;
  let ms = nowMs;
  for (const [, count, unit] of match[1].matchAll(/([+-]\d+)([smhdwMy])/g)) {
    ms = added(ms, Number(count), unit as BoundUnit, zone);
    if (!inBounds(ms)) return undefined;
  }
  if (match[2] !== undefined) ms = rounded(ms, match[2] as BoundUnit, zone, edge);
  return inBounds(ms) ? ms : undefined;
}
