/** Go's time layouts (`2006-01-02 15:04:05 MST`), for a time in a zone of the IANA database. */
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
  const shift = zone === 'UTC' ? 0 : offsetMinutes(ms, zone);
  const local = new Date(ms + shift * 60_000);
  return {
    year: local.getUTCFullYear(),
    month: local.getUTCMonth(),
    day: local.getUTCDate(),
    hour: local.getUTCHours(),
    minute: local.getUTCMinutes(),
    second: local.getUTCSeconds(),
    ms: local.getUTCMilliseconds(),
    weekday: local.getUTCDay(),
    offset: shift,
    abbreviation: zone === 'UTC' ? 'UTC' : nameOf(ms, zone, 'short'),
  };
}

function nameOf(ms: number, zone: string, style: 'short' | 'longOffset'): string {
  try {
    const format = new Intl.DateTimeFormat('en-US', { timeZone: zone, timeZoneName: style });
    return format.formatToParts(ms).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  } catch {
    throw new TemplateError(`unknown time zone ${zone}`);
  }
}

/** Minutes east of UTC at that time. Throws TemplateError for a zone that does not exist. */
export function offsetMinutes(ms: number, zone: string): number {
  const found = /GMT(?:([+-])(\d{2}):(\d{2}))?/.exec(nameOf(ms, zone, 'longOffset'));
  if (found?.[1] === undefined) return 0;
  return (found[1] === '-' ? -1 : 1) * (Number(found[2]) * 60 + Number(found[3]));
}

/** Whether a zone of this name exists. */
export function isTimeZone(zone: string): boolean {
  try {
    offsetMinutes(0, zone);
    return true;
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    return false;
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
