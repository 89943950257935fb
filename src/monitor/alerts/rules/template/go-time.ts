/** Go's time layouts (`2006-01-02 15:04:05 MST`), for a time in a zone of the IANA database. */
import { zoneOffsetMs } from '../../../../model/time/local-time.ts';
import { TemplateError } from './tree.ts';

interface Parts {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
  readonly ms: number;
  readonly weekday: number;
  /** Minutes east of UTC. */
  readonly offset: number;
  readonly abbreviation: string;
}

const MONTHS = 'January February March April May June July August September October November December'.split(' ');
const DAYS = 'Sunday Monday Tuesday Wednesday Thursday Friday Saturday'.split(' ');
const two = (value: number): string => String(value).padStart(2, '0');

/** The date and time of day in `zone`. Throws TemplateError for a zone that does not exist. */
function partsOf(ms: number, zone: string): Parts {
  const shift = inZone(zone, () => zoneOffsetMs(ms, zone));
  const local = new Date(ms + shift);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    ms: local.getUTCMilliseconds(),
    weekday: local.getUTCDay(),
    offset: Math.trunc(shift / 60_000),
    abbreviation: zone === 'UTC' ? 'UTC' : abbreviationOf(ms, zone),
  };
}

function abbreviationOf(ms: number, zone: string): string {
  const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: 'short' });
  return format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

/** Throws TemplateError for a zone that does not exist. */
export const checkTimeZone = (zone: string): number => inZone(zone, () => zoneOffsetMs(0, zone));

function inZone<T>(zone: string, work: () => T): T {
  try {
    return work();
  } catch {
    throw new TemplateError(`unknown time zone ${zone}`);
  }
}

function offsetText(minutes: number, colon: string): string {
  const size = Math.abs(minutes);
  return `${minutes < 0 ? '-' : '+'}${two(Math.floor(size / 60))}${colon}${two(size % 60)}`;
}

/** Longest first where one is the beginning of another. */
const LAYOUT =
  /January|Jan|Monday|Mon|2006|MST|Z07:00|Z0700|-07:00|-0700|-07|01|02|03|04|05|06|15|PM|pm|_2|[.,](?:0+|9+)(?!\d)|[12345]/g;

function partText(part: string, at: Parts): string {
  switch (part) {
    case 'January':
      return MONTHS[at.month];
    case 'Jan':
      return MONTHS[at.month].slice(0, 3);
    case 'Monday':
      return DAYS[at.weekday];
    case 'Mon':
      return DAYS[at.weekday].slice(0, 3);
    case '2006':
      return String(at.year).padStart(4, '0');
    case 'MST':
      return at.abbreviation;
    case 'PM':
      return at.hour >= 12 ? 'PM' : 'AM';
    case 'pm':
      return at.hour >= 12 ? 'pm' : 'am';
    default:
      return part.startsWith('.') || part.startsWith(',') ? fractionText(part, at.ms) : numberText(part, at);
  }
}

function fractionText(part: string, ms: number): string {
  const digits = String(ms)
    .padStart(3, '0')
    .padEnd(part.length - 1, '0')
    .slice(0, part.length - 1);
  if (part[1] === '0') return part[0] + digits;
  const kept = digits.replace(/0+$/, '');
  return kept === '' ? '' : part[0] + kept;
}

function numberText(part: string, at: Parts): string {
  const hour = at.hour % 12 === 0 ? 12 : at.hour % 12;
  const table: Readonly<Record<string, string>> = {
    '01': two(at.month + 1),
    '1': String(at.month + 1),
    '02': two(at.day),
    _2: String(at.day).padStart(2),
    '2': String(at.day),
    '15': two(at.hour),
    '03': two(hour),
    '3': String(hour),
    '04': two(at.minute),
    '4': String(at.minute),
    '05': two(at.second),
    '5': String(at.second),
    '06': two(at.year % 100),
    'Z07:00': at.offset === 0 ? 'Z' : offsetText(at.offset, ':'),
    Z0700: at.offset === 0 ? 'Z' : offsetText(at.offset, ''),
    '-07:00': offsetText(at.offset, ':'),
    '-0700': offsetText(at.offset, ''),
    '-07': offsetText(at.offset, '').slice(0, 3),
  };
  return table[part] ?? part;
}

/** Throws TemplateError for a zone that does not exist. */
export function formatGoTime(ms: number, zone: string, layout: string): string {
  const at = partsOf(ms, zone);
  return layout.replaceAll(LAYOUT, (part) => partText(part, at));
}
