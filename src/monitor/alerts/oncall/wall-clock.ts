/** The clock on the wall of a time zone. A local time is written as milliseconds, as if the zone were UTC. */
import { offsetMinutes } from '../rules/template/go-time.ts';

const DAY_MS = 86_400_000;
const TIME = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2}))?)?(Z|[+-]\d{2}:\d{2})?$/;

const offsetMs = (ms: number, zone: string): number => (zone === 'UTC' ? 0 : offsetMinutes(ms, zone) * 60_000);

export const localOf = (ms: number, zone: string): number => ms + offsetMs(ms, zone);

/**
 * The instant at which the clock shows `localMs`. A time that comes twice, when clocks are set back, is the first one. A time
 * that is left out, when they are set forward, is as long after the jump as it would have been.
 */
export function instantOf(localMs: number, zone: string): number {
  const [before, after] = [offsetMs(localMs - DAY_MS, zone), offsetMs(localMs + DAY_MS, zone)];
  const shown = [localMs - before, localMs - after].filter((ms) => localOf(ms, zone) === localMs);
  return shown.length > 0 ? Math.min(...shown) : localMs - before;
}

/** `2026-12-24T18:00` is a time of the zone; with `Z` or an offset, the zone does not matter. Undefined for other texts. */
export function parseTime(text: string, zone: string): number | undefined {
  const found = TIME.exec(text.trim());
  if (found === null) return undefined;
  const [, date, minutes = '00:00', seconds = '00', offset] = found;
  const ms = Date.parse(`${date}T${minutes}:${seconds}${offset ?? 'Z'}`);
  if (Number.isNaN(ms)) return undefined;
  return offset === undefined ? instantOf(ms, zone) : ms;
}
