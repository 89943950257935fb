/**
 * Numbers and durations with PromQL's syntax. Integers follow Go's literals (`0x1f`, `0b1`, `0o17`, and `017` is octal too).
 * Durations are Prometheus' (`1h30m`: whole numbers, each unit at most once, from the largest to the smallest; y = 365 d, w
 * = 7 d).
 */

const UNIT_MS: readonly (readonly [unit: string, ms: number])[] = [
  ['y', 31_536_000_000],
  ['w', 604_800_000],
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1_000],
  ['ms', 1],
];
/** Go stores durations in 64-bit nanoseconds. */
const MAX_DURATION_MS = 9_223_372_036_854;

/** The value of a number token, or undefined when its digits are invalid. */
export function parseNumber(text: string): number | undefined {
  const digits = text.replaceAll('_', '');
  const lower = digits.toLowerCase();
  if (lower === 'inf') return Infinity;
  if (lower === 'nan') return NaN;
  if (lower.startsWith('0x')) return parseHex(lower);
  if (/^0[0-7]+$/.test(digits)) return Number.parseInt(digits, 8);
  const value = Number(digits);
  return digits === '' || Number.isNaN(value) ? undefined : value;
}

function parseHex(lower: string): number | undefined {
  const found = /^0x([0-9a-f]*)(?:\.([0-9a-f]*))?(?:p([+-]?\d+))?$/.exec(lower);
  if (!found) return undefined;
  const [, whole, fraction = '', exponent] = found;
  if (whole + fraction === '') return undefined;
  // Go requires an exponent where there is a fraction.
  if (lower.includes('.') && exponent === undefined) return undefined;
  const mantissa = Number(`0x${whole}${fraction}`);
  return mantissa * 2 ** (Number(exponent ?? 0) - 4 * fraction.length);
}

/** Milliseconds of a duration token, or the reason why it is not a duration. */
export function parseDurationToken(text: string): number | string {
  let total = 0;
  let nextUnit = 0;
  for (const [, digits, unit] of text.matchAll(/([0-9]+)(ms|[smhdwy])/g)) {
    const at = UNIT_MS.findIndex(([name]) => name === unit);
    if (at < nextUnit) return `not a valid duration string: "${text}"`;
    nextUnit = at + 1;
    total += Number(digits) * UNIT_MS[at][1];
  }
  return total > MAX_DURATION_MS ? 'duration out of range' : total;
}

/** Seconds → whole milliseconds, truncated like Go's int64 nanoseconds; undefined when out of range. */
export function secondsToMs(seconds: number): number | undefined {
  const ms = seconds * 1_000;
  if (!(Math.abs(ms) <= MAX_DURATION_MS)) return undefined;
  return Math.trunc(Math.round(ms * 1e6) / 1e6);
}
