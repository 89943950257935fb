/**
 * Functions of one float: arithmetic, trigonometry and the calendar (UTC). Results equal Go's, to the last bit where JS has
 * the same function.
 */

/** Functions that apply to each float on its own; histograms are left out of the result. */
export const FLOAT_FUNCTIONS: ReadonlyMap<string, (value: number) => number> = new Map([
  ['abs', Math.abs],
  ['ceil', Math.ceil],
  ['floor', Math.floor],
  ['exp', Math.exp],
  ['sqrt', Math.sqrt],
  ['ln', Math.log],
  ['log2', Math.log2],
  ['log10', Math.log10],
  ['sin', Math.sin],
  ['cos', Math.cos],
  ['tan', Math.tan],
  ['asin', Math.asin],
  ['acos', Math.acos],
  ['atan', Math.atan],
  ['sinh', Math.sinh],
  ['cosh', Math.cosh],
  ['tanh', Math.tanh],
  ['asinh', Math.asinh],
  ['acosh', Math.acosh],
  ['atanh', Math.atanh],
  ['rad', (v: number) => (v * Math.PI) / 180],
  ['deg', (v: number) => (v * 180) / Math.PI],
  ['sgn', (v: number) => (v > 0 ? 1 : v < 0 ? -1 : v)],
]);

const dateOf = (seconds: number): Date => new Date(Math.trunc(seconds) * 1000);

function dayOfYear(date: Date): number {
  const start = Date.UTC(date.getUTCFullYear(), 0, 1);
  return Math.floor((date.getTime() - start) / 86_400_000) + 1;
}

function daysInMonth(date: Date): number {
  return new Date(Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 0)).getUTCDate();
}

/** Parts of a time given in seconds since the epoch. Fractions of a second are ignored. */
export const DATE_FUNCTIONS: ReadonlyMap<string, (seconds: number) => number> = new Map([
  ['minute', (s: number) => dateOf(s).getUTCMinutes()],
  ['hour', (s: number) => dateOf(s).getUTCHours()],
  ['day_of_week', (s: number) => dateOf(s).getUTCDay()],
  ['day_of_month', (s: number) => dateOf(s).getUTCDate()],
  ['day_of_year', (s: number) => dayOfYear(dateOf(s))],
  ['days_in_month', (s: number) => daysInMonth(dateOf(s))],
  ['month', (s: number) => dateOf(s).getUTCMonth() + 1],
  ['year', (s: number) => dateOf(s).getUTCFullYear()],
]);

/**
 * Rounds to the nearest multiple; ties go up. Multiplies by the inverse, because small multiples have no exact binary form.
 */
export function roundTo(value: number, toNearest: number): number {
  const inverse = 1 / toNearest;
  return Math.floor(value * inverse + 0.5) / inverse;
}

/** Go's math.Pow. It differs from JS in two cases: 1 to any power is 1, and ±1 to ±Inf is 1. */
export function power(base: number, exponent: number): number {
  if (base === 1 || (base === -1 && (exponent === Infinity || exponent === -Infinity))) return 1;
  return base ** exponent;
}
