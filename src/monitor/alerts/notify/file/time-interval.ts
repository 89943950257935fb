/**
 * Time intervals of Alertmanager: `times`, `weekdays`, `days_of_month`, `months`, `years` and `location`. A time is inside
 * when every part that is given has a range that holds it. The time of day is that of the location, so an interval keeps its
 * hours when clocks change.
 */
import { z } from 'zod';
import { isTimeZone, localOf } from '../../../../model/time/local-time.ts';
import { text } from '../receivers/fields.ts';

export interface Range {
  readonly begin: number;
  readonly end: number;
}

const DAYS = ['sunday', 'monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday'];
const MONTHS = 'january february march april may june july august september october november december'.split(' ');

/** `a:b` or `a`, where `member` reads one end. */
function range(
  expected: string,
  member: (input: string) => number | undefined,
  check: (range: Range) => string | undefined,
): z.ZodType<Range, string> {
  return text().transform((input, context) => {
    const ends = input.toLowerCase().split(':').map(member);
    const [begin, end = begin] = ends;
    const fail = (message: string, sentence: boolean): never => {
      context.addIssue({ code: 'custom', params: { sentence }, message, input });
      return z.NEVER;
    };
    if (begin === undefined || end === undefined || ends.includes(undefined) || ends.length > 2)
      return fail(expected, false);
    const wrong = check({ begin, end });
    return wrong === undefined ? { begin, end } : fail(wrong, true);
  });
}

const whole = (input: string): number | undefined => (/^[+-]?\d{1,6}$/.test(input) ? Number(input) : undefined);
const indexIn = (names: readonly string[]) => (input: string) => {
  const at = names.indexOf(input);
  return at < 0 ? undefined : at;
};
const inOrder =
  (what: string) =>
  ({ begin, end }: Range): string | undefined =>
    begin > end ? `start ${what} cannot be after end ${what}` : undefined;

/** Negative days count from the end of the month; the shortest month decides whether a range can be empty. */
function checkDays({ begin, end }: Range): string | undefined {
  if ([begin, end].some((day) => day === 0 || Math.abs(day) > 31)) return 'a day of the month is 1 to 31 or -1 to -31';
  if (begin < 0 && end > 0) return 'the end day must be negative when the start day is negative';
  const counted = (day: number): number => (day < 0 ? 28 + day : day);
  return counted(begin) > counted(end) ? 'the end day is always before the start day' : undefined;
}

const weekdays = range('a weekday such as "monday" or "monday:friday"', indexIn(DAYS), inOrder('day'));
const daysOfMonth = range('a day of the month such as "1:5" or "-3:-1"', whole, checkDays);
const months = range(
  'a month such as "january", "1" or "1:3"',
  (input) => (MONTHS.includes(input) ? MONTHS.indexOf(input) + 1 : whole(input)),
  inOrder('month'),
);
const years = range('a year such as "2026" or "2026:2028"', whole, inOrder('year'));

const timeOfDay = text().transform((input, context) => {
  if (/^(?:(?:[01]\d|2[0-3]):[0-5]\d|24:00)$/.test(input))
    return Number(input.slice(0, 2)) * 60 + Number(input.slice(3));
  context.addIssue({ code: 'custom', message: 'a time such as "09:30"', input });
  return z.NEVER;
});

const times = z
  .strictObject({ start_time: timeOfDay, end_time: timeOfDay })
  .transform(({ start_time: begin, end_time: end }) => ({ begin, end }))
  .check(({ value, issues }) => {
    if (value.begin < value.end) return;
    const message = 'the start time must be before the end time';
    issues.push({ code: 'custom', params: { sentence: true }, message, input: value });
  });

const location = text().transform((input, context) => {
  // Go's names of UTC and of the machine's zone.
  if (input === '' || input === 'UTC') return 'UTC';
  if (input === 'Local') return Intl.DateTimeFormat().resolvedOptions().timeZone;
  if (isTimeZone(input)) return input;
  context.addIssue({ code: 'custom', message: 'a time zone such as "Europe/Berlin"', input });
  return z.NEVER;
});

export const timeInterval = z
  .strictObject({
    times: z.array(times),
    weekdays: z.array(weekdays),
    days_of_month: z.array(daysOfMonth),
    months: z.array(months),
    years: z.array(years),
    location,
  })
  .partial();

export type TimeInterval = z.output<typeof timeInterval>;

const inside = (ranges: readonly Range[] | undefined, value: number): boolean =>
  ranges === undefined || ranges.some(({ begin, end }) => value >= begin && value <= end);

export function intervalContains(interval: TimeInterval, ms: number): boolean {
  const local = new Date(localOf(ms, interval.location ?? 'UTC'));
  const minute = local.getUTCHours() * 60 + local.getUTCMinutes();
  return (
    (interval.times === undefined || interval.times.some(({ begin, end }) => minute >= begin && minute < end)) &&
    daysContain(interval.days_of_month, local) &&
    inside(interval.months, local.getUTCMonth() + 1) &&
    inside(interval.weekdays, local.getUTCDay()) &&
    inside(interval.years, local.getUTCFullYear())
  );
}

function daysContain(ranges: readonly Range[] | undefined, local: Date): boolean {
  if (ranges === undefined) return true;
  const last = new Date(Date.UTC(local.getUTCFullYear(), local.getUTCMonth() + 1, 0)).getUTCDate();
  const day = (value: number): number => (value < 0 ? last + value + 1 : value);
  return ranges.some(({ begin, end }) => {
    const from = day(begin);
    return from <= last && local.getUTCDate() >= from && local.getUTCDate() <= Math.min(day(end), last);
  });
}

export type TimeIntervals = ReadonlyMap<string, readonly TimeInterval[]>;

/** The names among `names` whose interval holds the time. */
export const intervalsAt = (all: TimeIntervals, names: readonly string[], ms: number): string[] =>
  names.filter((name) => all.get(name)?.some((interval) => intervalContains(interval, ms)) === true);
