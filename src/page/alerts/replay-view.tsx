/** A rule over the past as a strip: when it would have fired, the pages, and incidents that it found or missed. */
import type { JSX } from 'preact';
import type { ReplayAnswer } from '../../monitor/api/alerts/rule-contract.ts';
import { dateTime } from '../state/format.ts';
import { Name } from '../ui/name.tsx';

/** What is known of the rule over the past, while it is typed. */
export interface Preview {
  readonly answer?: ReplayAnswer | undefined;
  readonly error?: string;
  readonly running: boolean;
}

const WIDTH = 600;
const HEIGHT = 46;
/** Marks that are drawn; more would lie on each other. */
const MAX_MARKS = 400;

function Strip({ answer }: { answer: ReplayAnswer }): JSX.Element {
  const [fromMs, toMs] = [Date.parse(answer.from), Date.parse(answer.to)];
  const x = (time: string | null): number =>
    time === null ? WIDTH : (WIDTH * (Date.parse(time) - fromMs)) / Math.max(1, toMs - fromMs);
  const bar = (from: string, to: string | null): { x: number; width: number } => {
    const left = Math.max(0, x(from));
    return { x: left, width: Math.max(1.5, x(to) - left) };
  };
  const words = `Fired ${answer.fired} times, paged ${answer.paged} times, missed ${answer.missed} of ${answer.incidents.length} incidents`;
  return (
    <svg class="replay" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" role="img" aria-label={words}>
      <rect class="f-sunken" x="0" y="18" width={WIDTH} height="10" />
      {answer.episodes.slice(0, MAX_MARKS).map(({ pending_at: pending, fired_at: fired, ended_at: ended }) => (
        <g key={`${pending} ${fired ?? ''}`}>
          <rect class="f-warn-mark pale" y="18" height="10" {...bar(pending, fired ?? ended)} />
          {fired !== null && <rect class="f-crit-mark" y="18" height="10" {...bar(fired, ended)} />}
        </g>
      ))}
      {answer.pages.slice(0, MAX_MARKS).map(({ at, receiver }) => (
        <rect key={`${at} ${receiver}`} class="f-text" x={x(at)} y="4" width="1.500" height="10" />
      ))}
      {answer.incidents.slice(0, MAX_MARKS).map(({ from, to, caught_at: caught }) => (
        <rect key={from} class={caught === null ? 'f-crit-mark' : 'f-ok-mark'} y="34" height="6" {...bar(from, to)} />
      ))}
    </svg>
  );
}

export function ReplayView({ preview }: { preview: Preview }): JSX.Element {
  const { answer, error, running } = preview;
  if (error !== undefined) {
    return (
      <p class="replay-note" role="status">
        <Name of={error} most={300} />
      </p>
    );
  }
  if (answer === undefined) {
    return (
      <p class="replay-note muted" role="status">
        {running ? 'Playing the rule over the last day.' : 'The rule is played over the last day while you type.'}
      </p>
    );
  }
  return (
    <div class={running ? 'replay-box dim' : 'replay-box'}>
      <p role="status">
        In the last day it would have fired <b>{answer.fired}</b> times and paged <b>{answer.paged}</b> times;{' '}
        {answer.pending_only} times it ended too early to fire. Incidents missed: <b>{answer.missed}</b> of{' '}
        {answer.incidents.length}.
      </p>
      <Strip answer={answer} />
      <p class="muted replay-axis">
        <span>{dateTime(Date.parse(answer.from))}</span>
        <span>pages · firing · incidents</span>
        <span>{dateTime(Date.parse(answer.to))}</span>
      </p>
      {answer.warnings.map((text) => (
        <p key={text} class="muted">
          <Name of={text} most={200} />
        </p>
      ))}
    </div>
  );
}
