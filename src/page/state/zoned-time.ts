/**
 * Wall-clock time in any zone: `local` (the browser's), `utc`, or a name of the IANA database. A time that the change to
 * summer time skips is moved forward by the change; of a time that occurs twice the first is taken. Pure.
 */

export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

const formats = new Map<string, Intl.DateTimeFormat>();

/** The IANA name of `local` and `utc`; a name stays as it is. */
export function zoneName(zone: string): string {
  if (zone === 'utc') return 'UTC';
  return zone === 'local' ? new Intl.DateTimeFormat().resolvedOptions().timeZone : zone;
}

export function isZone(zone: string): boolean {
  if (zone === 'local' || zone === 'utc') return true;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: zone }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-u-ca-gregory-nu-latn', {
      timeZone: zoneName(zone),
      hourCycle: 'h23',
      year: 'numeric',
      month: 'numeric',
      day: 'numeric',
      hour: 'numeric',
      minute: 'numeric',
      second: 'numeric',
    });
    formats.set(zone, format);
  }
  return format;
}

export function wallOf(ms: number, zone: string): WallTime {
  if (zone === 'utc') {
    const at = new Date(ms);
    return {
      year: at.getUTCFullYear(),
      month: at.getUTCMonth() + 1,
      day: at.getUTCDate(),
      hour: at.getUTCHours(),
      minute: at.getUTCMinutes(),
      second: at.getUTCSeconds(),
    };
  }
  const found: Record<string, number> = {};
  for (const { type, value } of formatOf(zone).formatToParts(ms)) found[type] = Number(value);
  const { year, month, day, hour, minute, second } = found;
  return { year, month, day, hour, minute, second };
}

const asUtc = (wall: WallTime): number =>
  Date.UTC(wall.year, wall.month - 1, wall.day, wall.hour, wall.minute, wall.second);

/** Fields beyond their bounds carry over: day 0 is the last day of the month before. */
export function msOf(wall: WallTime, zone: string): number {
  const wanted = asUtc(wall);
  if (zone === 'utc') return wanted;
  const offsetAt = (ms: number): number => asUtc(wallOf(ms, zone)) - Math.floor(ms / 1_000) * 1_000;
  const before = offsetAt(wanted - 86_400_000);
  const after = offsetAt(wanted + 86_400_000);
  const first = wanted - before;
  if (before === after || offsetAt(first) === before) return first;
  const second = wanted - after;
  return offsetAt(second) === after ? second : first;
}
