/** Times of a request's phases. Each is measured once; spans, histograms and `Server-Timing` report the same numbers. */

export const PHASES = ['queue', 'cache', 'connect', 'upstream', 'transfer'] as const;

/** Positions in the array of phases. `upstream` ends with the first byte of the answer, `transfer` with the last one. */
export const QUEUE = 0;
export const CACHE = 1;
export const CONNECT = 2;
export const UPSTREAM = 3;
export const TRANSFER = 4;

/** Milliseconds by phase, in the order of `PHASES`; NaN for a phase that the request did not have. */
export type PhaseTimes = number[];

export const newPhaseTimes = (): PhaseTimes => [NaN, NaN, NaN, NaN, NaN];

const TWO_DIGITS = Array.from({ length: 100 }, (_, at) =>
  at === 0 ? '' : at % 10 === 0 ? `.${at / 10}` : `.${String(at).padStart(2, '0')}`,
);

/** Two decimals without trailing zeros: whole numbers are converted to text much faster than fractions. */
function hundredths(ms: number): string {
  const whole = Math.round(ms * 100);
  return `${Math.floor(whole / 100)}${TWO_DIGITS[whole % 100]}`;
}

/**
 * The field `Server-Timing` with its line end, without the phases that the request did not have. `cache`: the result of the
 * cache look-up.
 */
export function serverTiming(phases: PhaseTimes, cache: string | undefined): string {
  let out = '';
  for (let at = 0; at < TRANSFER; at += 1) {
    const ms = phases[at];
    if (!(ms >= 0)) continue;
    const about = at === CACHE && cache !== undefined ? `;desc=${cache}` : '';
    out += `${out === '' ? '' : ', '}${PHASES[at]}${about};dur=${hundredths(ms)}`;
  }
  return out === '' ? '' : `Server-Timing: ${out}\r\n`;
}
