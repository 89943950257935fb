/** The state of a service as shape, word, strip and cell: the same on every page that lists services. */
import type { JSX } from 'preact';
import type { ServiceRow } from '../../monitor/api/contract.ts';
import { StatusIcon } from './icons.tsx';
import type { Status } from './status.ts';

type State = ServiceRow['state'];

export const STATE_STATUS: Readonly<Record<State, Status>> = {
  healthy: 'ok',
  degraded: 'warn',
  unhealthy: 'crit',
  no_data: 'unknown',
};
export const STATE_WORD: Readonly<Record<State, string>> = {
  healthy: 'Healthy',
  degraded: 'Degraded',
  unhealthy: 'Failing',
  no_data: 'No data',
};
/** Worse is taller, so that the colour is not the only sign. */
const MARKS: Readonly<Record<State, readonly [y: number, className: string]>> = {
  healthy: [4, 'f-ok-mark pale'],
  degraded: [2, 'f-warn-mark'],
  unhealthy: [0, 'f-crit-mark'],
  no_data: [9, 'f-line-strong'],
};

export function Strip({ strip }: { strip: ServiceRow['strip'] }): JSX.Element {
  const bad = strip.filter((state) => state === 'unhealthy' || state === 'degraded').length;
  return (
    <svg class="strip" viewBox="0 0 104 12" role="img" aria-label={`${bad} of ${strip.length} minutes with trouble`}>
      {strip.map((state, at) => {
        const [y, className] = MARKS[state];
        return <rect key={at} class={className} x={at * 7} y={y} width="5" height={12 - y} rx="1.2" />;
      })}
    </svg>
  );
}

export type Tone = '' | 'warn' | 'crit';

export const levelOf = (value: number | null, warn: number, crit: number): Tone => {
  if (value === null || value < warn) return '';
  return value >= crit ? 'crit' : 'warn';
};

/** Of the latency of a service: where its time to the first byte is known, that decides, not the whole time. */
export const latencyTone = (row: Pick<ServiceRow, 'p95_seconds' | 'first_byte_seconds'> | undefined): Tone =>
  levelOf(row?.first_byte_seconds ?? row?.p95_seconds ?? null, 0.2, 1);

/** A cell of a table: a good one is plain text, a bad one has shape, colour and weight. */
export function ToneCell({
  text,
  tone,
  className = '',
}: {
  text: string;
  tone: Tone;
  className?: string;
}): JSX.Element {
  return (
    <td class={`num ${tone === '' ? '' : `${tone} bad`} ${className}`}>
      <span class="cellw">
        {tone !== '' && <StatusIcon status={tone} />}
        {text}
      </span>
    </td>
  );
}
