/**
 * Wall-clock time in a zone of the IANA database, for all who show or compute it: days of availability, hours of a rotation,
 * templates, time ranges of the page. A local time is written as milliseconds, as if the zone were UTC; its fields are read
 * with the UTC methods of Date. Pure.
 */

const DAY_MS = 86_400_000;
const UTC = 'UTC';

/** Names of zones come from files and requests too, so the formats that are kept have a bound. */
const MAX_FORMATS = 64;
const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'longOffset' });
    if (formats.size >= MAX_FORMATS) formats.clear();
    formats.set(zone, format);
  }
  return format;
}

/** `GMT`, `GMT+05:45`; before standard time came also `GMT-04:56:02`. */
const OFFSET = /GMT([+-])(\d{2}):(\d{2})(?::(\d{2}))?/;

/** Milliseconds by which the wall clock is ahead of UTC at that instant. Throws RangeError for a zone that does not exist. */
export function zoneOffsetMs(ms: number, zone: string): number {
  if (zone === UTC) return 0;
  const name = formatOf(zone)
    .formatToParts(ms)
    .find(({ type }) => type === 'timeZoneName');
  const [found, sign, hours, minutes, seconds = '0'] = OFFSET.exec(name?.value ?? '') ?? [];
  if (found === undefined) return 0;
  return (sign === '-' ? -1 : 1) * (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds)) * 1_000;
}

/** Whether a zone of this name exists. */
export function isTimeZone(zone: string): boolean {
  try {
    zoneOffsetMs(0, zone);
    return true;
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    return false;
  }
}

/** The local time at that instant. Throws RangeError for a zone that does not exist. */
export const localOf = (ms: number, zone: string): number => ms + zoneOffsetMs(ms, zone);

/**
 * The instant at which the clock shows `localMs`. A time that comes twice, when clocks are set back, is the first one. A time
 * that is left out, when they are set forward, is as long after the jump as it would have been.
 */
export function instantOf(localMs: number, zone: string): number {
  const [before, after] = [zoneOffsetMs(localMs - DAY_MS, zone), zoneOffsetMs(localMs + DAY_MS, zone)];
  const shown = [localMs - before, localMs - after].filter((ms) => localOf(ms, zone) === localMs);
  return shown.length > 0 ? Math.min(...shown) : localMs - before;
}
