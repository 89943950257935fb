/** A line without axes that shows one figure over the range of the charts. Gaps interrupt the line. */
import type { JSX } from 'preact';
import { shownSteps } from '../../state/range.ts';

const WIDTH = 72;
const HEIGHT = 26;

/** Path data of the values; one piece for each run without a gap. Pure. */
export function sparkPath(values: readonly (number | null)[]): { line: string; last: [number, number] | undefined } {
  const known = values.filter((value) => value !== null);
  if (known.length === 0) return { line: '', last: undefined };
  // The axis spans at least a tenth of the figure: otherwise small changes of a steady figure look large.
  const highest = Math.max(...known);
  const room = Math.max(0, highest * 0.1 - (highest - Math.min(...known))) / 2;
  const low = Math.min(...known) - room;
  const high = highest + room;
  const x = (at: number): number => ((WIDTH - 4) * at) / Math.max(1, values.length - 1);
  const y = (value: number): number =>
    high === low ? HEIGHT / 2 : 2 + (HEIGHT - 4) * (1 - (value - low) / (high - low));
  let line = '';
  let open = false;
  let last: [number, number] | undefined;
  for (const [at, value] of values.entries()) {
    if (value === null) {
      open = false;
      continue;
    }
    last = [x(at), y(value)];
    line += `${open ? 'L' : 'M'}${last[0].toFixed(1)} ${last[1].toFixed(1)}`;
    open = true;
  }
  return { line, last };
}

export function Sparkline(props: { values: readonly (number | null)[]; colour: string }): JSX.Element {
  const { colour } = props;
  const values = props.values.slice(-Math.ceil(shownSteps.value));
  const { line, last } = sparkPath(values);
  const whole = values.findIndex((value) => value !== null);
  const startX = whole < 0 ? 0 : ((WIDTH - 4) * whole) / Math.max(1, values.length - 1);
  return (
    <svg class="spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} aria-hidden="true" style={{ color: `var(--${colour})` }}>
      {last && line.lastIndexOf('M') === 0 && (
        <path
          d={`${line}L${last[0].toFixed(1)} ${HEIGHT}L${startX.toFixed(1)} ${HEIGHT}Z`}
          fill="currentColor"
          opacity="0.12"
        />
      )}
      <path d={line} fill="none" stroke="currentColor" stroke-width="1.4" stroke-linejoin="round" />
      {last && <circle cx={last[0]} cy={last[1]} r="2" fill="currentColor" />}
    </svg>
  );
}
