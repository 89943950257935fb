/**
 * Wall-clock time as the page writes its zones: `local` (the browser's), `utc`, or a name of the IANA database. A time that
 * the change to summer time skips is moved forward by the change; of a time that occurs twice the first is taken.
 */
import { instantOf, isTimeZone, localOf } from '../../model/time/local-time.ts';

export interface WallTime {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** The browser's; asked once, because every figure of a chart's axis needs it. */
let browserZone: string | undefined;

/** The IANA name of `local` and `utc`; a name stays as it is. */
export function zoneName(zone: string): string {
  if (zone === 'utc') return 'UTC';
  if (zone !== 'local') return zone;
  browserZone ??= new Intl.DateTimeFormat().resolvedOptions().timeZone;
  return browserZone;
}

export const isZone = (zone: string): boolean => isTimeZone(zoneName(zone));

export function wallOf(ms: number, zone: string): WallTime {
  const at = new Date(localOf(ms, zoneName(zone)));
  return {
    year: at.getUTCFullYear(),
    month: at.getUTCMonth() + 1,
    day: at.getUTCDate(),
    hour: at.getUTCHours(),
    minute: at.getUTCMinutes(),
    second: at.getUTCSeconds(),
  };
}

/** Fields beyond their bounds carry over: day 0 is the last day of the month before. */
export const msOf = ({ year, month, day, hour, minute, second }: WallTime, zone: string): number =>
  instantOf(Date.UTC(year, month - 1, day, hour, minute, second), zoneName(zone));
