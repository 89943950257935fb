/** The state of a target as shape and word, its strips of half hours and days, and the phases of a check on one axis. */
import type { JSX } from 'preact';
import type { TargetJson } from '../../monitor/api/targets/contract.ts';
import { digits } from '../state/format.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { statusOf, wordOf, type Mark } from './target-words.ts';

export function StateWord({ target }: { target: TargetJson }): JSX.Element {
  const status = statusOf(target);
  return (
    <span class={`word w-${status}`}>
      <StatusIcon status={status} label="" />
      {wordOf(target)}
    </span>
  );
}

/** Worse is taller, so that the colour is not the only sign; no check is a mark on the ground. */
const MARKS: Readonly<Record<Mark, readonly [y: number, className: string]>> = {
  up: [6, 'f-ok-mark pale'],
  maintenance: [6, 'f-line-strong'],
  warn: [3, 'f-warn-mark'],
  down: [0, 'f-crit-mark'],
  unknown: [12, 'f-line-strong'],
};

export function MarkStrip({ marks, label }: { marks: readonly Mark[]; label: string }): JSX.Element {
  const pitch = marks.length > 60 ? 2.4 : 3.2;
  return (
    <svg
      class="marks"
      viewBox={`0 0 ${marks.length * pitch} 14`}
      preserveAspectRatio="none"
      role="img"
      aria-label={label}
    >
      {marks.map((mark, at) => {
        const [y, className] = MARKS[mark];
        return <rect key={at} class={className} x={at * pitch} y={y} width={pitch - 0.8} height={14 - y} />;
      })}
    </svg>
  );
}

export const PHASES = ['resolve', 'connect', 'tls', 'processing', 'transfer'] as const;
const PHASE_WORDS: Readonly<Record<string, string>> = { tls: 'TLS' };
export const phaseWord = (phase: string): string => PHASE_WORDS[phase] ?? phase;

interface Timed {
  readonly success: boolean;
  readonly duration_ms: number;
  readonly phases: Readonly<Record<string, number>>;
}

const phaseText = ({ phases, duration_ms: whole, success }: Timed): string => {
  const told = PHASES.flatMap((name) =>
    phases[name] === undefined ? [] : [`${phaseWord(name)} ${digits(phases[name])} ms`],
  );
  return `${success ? 'good' : 'failed'}, ${digits(whole)} ms${told.length === 0 ? '' : `: ${told.join(', ')}`}`;
};

/** The phases in the order they happen; a failed check is hatched from the end of its last phase to the edge. */
export function PhaseBar({ of, topMs, height = 12 }: { of: Timed; topMs: number; height?: number }): JSX.Element {
  const width = 200;
  const per = width / Math.max(topMs, 1);
  let x = 0;
  const drawn = PHASES.flatMap((name) => {
    const ms = of.phases[name] ?? 0;
    if (ms <= 0) return [];
    const wide = Math.max(1.5, Math.min(ms * per, width - x));
    const rect = (
      <rect key={name} class={`f-probe-${name}`} x={x} y="0" width={Math.max(1, wide - 1)} height={height} rx="1" />
    );
    x = Math.min(width, x + wide);
    return [rect];
  });
  if (drawn.length === 0 && of.success)
    drawn.push(
      <rect
        key="all"
        class="f-probe-processing"
        x="0"
        y="0"
        width={Math.max(2, of.duration_ms * per)}
        height={height}
        rx="1"
      />,
    );
  return (
    <svg
      class="phase-bar"
      viewBox={`0 0 ${width} ${height}`}
      preserveAspectRatio="none"
      role="img"
      aria-label={phaseText(of)}
    >
      {drawn}
      {!of.success && <rect class="no-end" x={x} y="0" width={Math.max(0, width - x)} height={height} />}
    </svg>
  );
}

export function PhaseKey(): JSX.Element {
  return (
    <div class="legend phases-key">
      {PHASES.map((name) => (
        <span key={name}>
          <svg class="sw" viewBox="0 0 8 8" aria-hidden="true">
            <rect class={`f-probe-${name}`} width="8" height="8" rx="1.5" />
          </svg>
          {phaseWord(name)}
        </span>
      ))}
    </div>
  );
}
