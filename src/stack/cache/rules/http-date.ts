/**
 * HTTP dates (RFC 9110 section 5.6.7): IMF-fixdate and the two obsolete forms, always in UTC. `Date.parse` accepts many
 * other forms and reads an asctime date in the local time zone.
 */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const IMF = /^(?:mon|tue|wed|thu|fri|sat|sun), (\d{2}) ([a-z]{3}) (\d{4}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const RFC_850 = /^[a-z]+day, (\d{2})-([a-z]{3})-(\d{2}) (\d{2}):(\d{2}):(\d{2}) gmt$/i;
const ASCTIME = /^(?:mon|tue|wed|thu|fri|sat|sun) ([a-z]{3}) ([ \d]\d) (\d{2}):(\d{2}):(\d{2}) (\d{4})$/i;
const FIFTY_YEARS = 50;

/** Milliseconds since the epoch; undefined for any other text. */
export function parseHttpDate(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined || text.length > 40) return undefined;
  const imf = IMF.exec(text);
  if (imf) return utc(Number(imf[3]), imf[2], imf[1], imf.slice(4));
  const rfc850 = RFC_850.exec(text);
  if (rfc850) return utc(fullYear(Number(rfc850[3]), nowMs), rfc850[2], rfc850[1], rfc850.slice(4));
  const asctime = ASCTIME.exec(text);
  return asctime ? utc(Number(asctime[6]), asctime[1], asctime[2], asctime.slice(3, 6)) : undefined;
}

/**
 * A two-digit year that appears to be more than 50 years in the future means the most recent past year with these digits
 * (RFC 9110 section 5.6.7).
 */
function fullYear(twoDigits: number, nowMs: number): number {
  const now = new Date(nowMs).getUTCFullYear();
  const year = now - (now % 100) + twoDigits;
  return year > now + FIFTY_YEARS ? year - 100 : year;
}

function utc(year: number, monthName: string, dayText: string, clock: readonly string[]): number | undefined {
  const month = MONTHS.indexOf(monthName.toLowerCase());
  const day = Number(dayText);
  const [hours, minutes, seconds] = clock.map(Number);
  // 60 is a leap second.
  if (month < 0 || hours > 23 || minutes > 59 || seconds > 60) return undefined;
  const ms = Date.UTC(year, month, day, hours, minutes, seconds);
  // `Date.UTC` turns 31 February into a day of March.
  const sound = new Date(Date.UTC(year, month, day)).getUTCDate() === day && day > 0;
  return sound ? ms : undefined;
}
