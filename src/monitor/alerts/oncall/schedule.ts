/**
 * Who is on call. A schedule is a list of rotations in a time zone, the first that is active counts, and overrides above them.
 * Hand-overs are times of the clock on the wall: a shift from 09:00 to 09:00 has 23 or 25 hours when clocks change. Pure.
 */
import { instantOf, localOf } from '../../../model/time/local-time.ts';

/** Days and hours at which a rotation is active; 0 is Sunday. `toMinute` may be before `fromMinute`: over midnight. */
export interface Hours {
  readonly days: readonly number[];
  readonly fromMinute: number;
  readonly toMinute: number;
}

export interface Rotation {
  readonly people: readonly string[];
  /** Length of a shift on the clock on the wall. */
  readonly everyMs: number;
  /** The instant of the first hand-over, to the first person. */
  readonly startsAtMs: number;
  readonly hours?: Hours | undefined;
}

export interface Override {
  readonly person: string;
  readonly fromMs: number;
  readonly toMs: number;
}

export interface Schedule {
  readonly name: string;
  readonly zone: string;
  readonly rotations: readonly Rotation[];
  /** A later one counts before an earlier one. */
  readonly overrides: readonly Override[];
}

export interface OnCall {
  /** Absent when nobody is on call. */
  readonly person?: string | undefined;
  readonly why: string;
}

export interface Shift extends OnCall {
  readonly fromMs: number;
  /** Absent when it does not end within the time that was looked at. */
  readonly toMs?: number | undefined;
}

const DAY_MS = 86_400_000;
const MINUTE_MS = 60_000;
/** How far ahead a change is looked for, and how many boundaries are looked at. */
const HORIZON_MS = 400 * DAY_MS;
const MAX_BOUNDARIES = 2_000;

/** The number of the shift that contains `ms`, and the instant at which it ends. Undefined before the first one. */
function shiftAt(
  { everyMs, startsAtMs }: Rotation,
  zone: string,
  ms: number,
): { index: number; endsMs: number } | undefined {
  if (ms < startsAtMs) return undefined;
  const startLocal = localOf(startsAtMs, zone);
  const begin = (index: number): number => (index === 0 ? startsAtMs : instantOf(startLocal + index * everyMs, zone));
  let index = Math.max(0, Math.floor((localOf(ms, zone) - startLocal) / everyMs));
  // Around a change of clocks the local time says one shift too many or too few.
  while (index > 0 && begin(index) > ms) index -= 1;
  while (begin(index + 1) <= ms) index += 1;
  return { index, endsMs: begin(index + 1) };
}

function isActive(hours: Hours | undefined, zone: string, ms: number): boolean {
  if (hours === undefined) return true;
  const local = new Date(localOf(ms, zone));
  const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
  const { days, fromMinute, toMinute } = hours;
  const today = days.includes(local.getUTCDay());
  if (fromMinute < toMinute) return today && minute >= fromMinute && minute < toMinute;
  // Over midnight: the hours after it belong to the day before.
  const yesterday = days.includes((local.getUTCDay() + 6) % 7);
  return (today && minute >= fromMinute) || (yesterday && minute < toMinute);
}

export function onCallAt({ name, zone, rotations, overrides }: Schedule, ms: number): OnCall {
  const override = overrides.findLast(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
  if (override !== undefined) return { person: override.person, why: `an override in ${name}` };
  for (const rotation of rotations) {
    const shift = isActive(rotation.hours, zone, ms) ? shiftAt(rotation, zone, ms) : undefined;
    if (shift === undefined || rotation.people.length === 0) continue;
    return { person: rotation.people[shift.index % rotation.people.length], why: `on call in ${name}` };
  }
  return { why: `nobody is on call in ${name}` };
}

/** Instants after `ms` at which somebody else may be on call, in order for each source. */
function* boundariesOf(schedule: Schedule, ms: number): Generator<number> {
  const { zone, rotations, overrides } = schedule;
  const heads: (() => number | undefined)[] = [];
  const times = overrides.flatMap(({ fromMs, toMs }) => [fromMs, toMs]).filter((at) => at > ms);
  for (const rotation of rotations) {
    heads.push(handOvers(rotation, zone, ms));
    if (rotation.hours !== undefined) heads.push(edges(rotation.hours, zone, ms));
  }
  times.sort((a, b) => a - b);
  heads.push(() => times.shift());
  const next = heads.map((head) => head());
  for (let count = 0; count < MAX_BOUNDARIES; count += 1) {
    const at = Math.min(...next.map((one) => one ?? Infinity));
    if (at > ms + HORIZON_MS) return;
    yield at;
    for (const [i, one] of next.entries()) if (one === at) next[i] = heads[i]();
  }
}

function handOvers(rotation: Rotation, zone: string, ms: number): () => number {
  let atMs = ms;
  return () => {
    atMs = atMs < rotation.startsAtMs ? rotation.startsAtMs : (shiftAt(rotation, zone, atMs)?.endsMs ?? Infinity);
    return atMs;
  };
}

/** The beginnings and ends of the hours of each day. */
function edges({ fromMinute, toMinute }: Hours, zone: string, ms: number): () => number {
  const minutes = [fromMinute, toMinute].sort((a, b) => a - b);
  let day = Math.floor(localOf(ms, zone) / DAY_MS) - 1;
  let at = 1;
  const step = (): number => {
    at = (at + 1) % 2;
    if (at === 0) day += 1;
    return instantOf(day * DAY_MS + minutes[at] * MINUTE_MS, zone);
  };
  return () => {
    for (;;) {
      const edge = step();
      if (edge > ms) return edge;
    }
  };
}

/** The shift of now and the ones after it, `count` in all. Times without anybody on call are shifts too. */
export function shiftsFrom(schedule: Schedule, ms: number, count: number): Shift[] {
  const shifts: Shift[] = [];
  let open = { ...onCallAt(schedule, ms), fromMs: ms };
  for (const atMs of boundariesOf(schedule, ms)) {
    const next = onCallAt(schedule, atMs);
    if (next.person === open.person) continue;
    shifts.push({ ...open, toMs: atMs });
    if (shifts.length === count) return shifts;
    open = { ...next, fromMs: atMs };
  }
  return [...shifts, open];
}

/** When somebody else comes on call. */
export const nextChangeMs = (schedule: Schedule, ms: number): number | undefined => shiftsFrom(schedule, ms, 1)[0].toMs;
