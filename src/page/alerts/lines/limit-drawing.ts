/** The drawing of an alert's figure with the limits of its rule, and the same in words. Pure. */
import type { LinesAnswer } from '../../../monitor/api/alerts/rule-contract.ts';
import { digits } from '../../state/format.ts';

export type AlertLine = LinesAnswer['lines'][number];

export const WIDTH = 200;
export const HEIGHT = 36;
export const MARGIN = 3;
/** A limit so far above the values that it would flatten them is left out of the drawing. */
const FAR = 20;

interface Drawing {
  /** Path data; one piece for each run without a gap. */
  readonly line: string;
  readonly last: readonly [x: number, y: number] | undefined;
  /** Height of each limit that is drawn. */
  readonly limits: readonly number[];
}

/** From zero when no value is below it. Pure. */
export function drawingOf({ values, limits }: Pick<AlertLine, 'values' | 'limits'>): Drawing {
  const known = values.filter((value) => value !== null);
  const highest = known.reduce((most, value) => Math.max(most, value), -Infinity);
  const near = limits.map(({ limit }) => limit).filter((limit) => highest <= 0 || limit <= highest * FAR);
  const low = Math.min(0, ...known, ...near);
  const high = Math.max(0, ...known, ...near.map((limit) => limit * 1.1));
  const x = (at: number): number => MARGIN + ((WIDTH - 2 * MARGIN) * at) / Math.max(1, values.length - 1);
  const y = (value: number): number =>
    high === low ? HEIGHT / 2 : MARGIN + (HEIGHT - 2 * MARGIN) * (1 - (value - low) / (high - low));
  let line = '';
  let open = false;
  let last: Drawing['last'];
  for (const [at, value] of values.entries()) {
    if (value !== null) {
      last = [x(at), y(value)];
      // A value alone is a dot.
      line += `${open ? 'L' : 'M'}${last[0].toFixed(1)} ${last[1].toFixed(1)}${open ? '' : 'h.1'}`;
    }
    open = value !== null;
  }
  return { line, last, limits: near.map(y) };
}

/** What a person reads instead of the drawing. Pure. */
export function lineText({ values, limits }: Pick<AlertLine, 'values' | 'limits'>): string {
  const known = values.filter((value) => value !== null);
  const now = known.at(-1);
  const limit = limits.map((one) => `${one.op} ${digits(one.limit)}`).join(' or ');
  const words = limit === '' ? '' : `; fires at ${limit}`;
  if (now === undefined) return `no value in this range${words}`;
  const [lowest, highest] = [Math.min(...known), Math.max(...known)];
  return `last ${digits(now)}, from ${digits(lowest)} to ${digits(highest)} in this range${words}`;
}
