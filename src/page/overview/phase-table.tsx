/** The five phases of each route on one axis of milliseconds, the present above the earlier time. */
import type { JSX } from 'preact';
import { LEDGER } from '../../dashboards/computed.ts';
import type { Phase, RouteLedger } from '../../monitor/api/contract.ts';
import { termOf } from '../state/filter-text.ts';
import { digits, duration, joined, NONE, percent } from '../state/format.ts';
import { address } from '../state/router.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Name } from '../ui/name.tsx';
import { levelOf } from '../ui/service-state.tsx';
import { Empty } from '../ui/states.tsx';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import { useWidth } from '../charts/width.ts';
import { roundTop } from '../charts/chart-model.ts';
import { grewMost } from './verdict.ts';

export const PHASES: readonly Phase[] = ['queue', 'cache', 'connect', 'upstream', 'transfer'];
const LIGHT: ReadonlySet<Phase> = new Set(['cache', 'upstream']);

interface Segment {
  readonly phase: Phase;
  readonly x: number;
  readonly width: number;
  readonly seconds: number;
}

/** Phases as segments of a bar `width` pixels long at `top` seconds, in their order, 1.5 px apart and at least as wide. */
export function segmentsOf(phases: Readonly<Record<Phase, number>>, top: number, width: number): Segment[] {
  let x = 0;
  const segments: Segment[] = [];
  for (const phase of PHASES) {
    const seconds = phases[phase];
    if (!(seconds > 0)) continue;
    const long = (seconds / top) * width;
    segments.push({ phase, x, width: Math.max(1.5, long - 1.5), seconds });
    x += long;
  }
  return segments;
}

const labelOf = ({ phase, width, seconds }: Segment): string => {
  const figure = digits(Math.round(seconds * 1_000));
  if (width > 86) return `${phase} ${figure}`;
  return width > 20 ? figure : '';
};

/** A bar of segments with their labels; a click opens a trace. 22 px tall. */
export function LedgerBar({ segments, height }: { segments: readonly Segment[]; height: number }): JSX.Element {
  return (
    <>
      {segments.map((segment) => (
        <g key={segment.phase}>
          <rect class={`f-ph-${segment.phase}`} x={segment.x} y="4" width={segment.width} height={height} rx="2.5">
            <title>{`${segment.phase} ${joined(duration(segment.seconds))}`}</title>
          </rect>
          <text
            class={LIGHT.has(segment.phase) ? 'on-light' : 'on-dark'}
            x={segment.width > 86 ? segment.x + 8 : segment.x + segment.width / 2}
            y={4 + height / 2 + 3.7}
            text-anchor={segment.width > 86 ? 'start' : 'middle'}
          >
            {labelOf(segment)}
          </text>
        </g>
      ))}
    </>
  );
}

export function PhaseLegend({ values }: { values?: Readonly<Partial<Record<Phase, string>>> }): JSX.Element {
  return (
    <div class="legend ph">
      {PHASES.map((phase) => (
        <span key={phase}>
          <i class={`sw b-ph-${phase}`} />
          {phase} {values?.[phase]}
        </span>
      ))}
    </div>
  );
}

const gridOf = (top: number): number[] => [0, 1, 2, 3].map((n) => (top / 4) * n);

function Bar({ route, top, width }: { route: RouteLedger; top: number; width: number }): JSX.Element {
  const before = route.before === null ? [] : segmentsOf(route.before.phases, top, width);
  return (
    <svg width={width} height="29" aria-hidden="true">
      {gridOf(top).map((at) => (
        <path key={at} class={at === 0 ? 'zero' : 'grid'} d={`M${Math.round((at / top) * width) + 0.5} 0V29`} />
      ))}
      <LedgerBar segments={segmentsOf(route.phases, top, width)} height={15} />
      {before.map(({ phase, x, width: long }) => (
        <rect
          key={phase}
          class={`f-ph-${phase}`}
          x={x}
          y="21.5"
          width={Math.max(1, long)}
          height="3"
          rx="1"
          opacity="0.62"
        />
      ))}
    </svg>
  );
}

function Change({ route }: { route: RouteLedger }): JSX.Element {
  if (route.before === null)
    return (
      <span class="num chg muted" role="cell">
        new
      </span>
    );
  const seconds = route.mean_seconds - route.before.mean_seconds;
  if (Math.abs(seconds) < 0.001)
    return (
      <span class="num chg muted" role="cell">
        same
      </span>
    );
  const big = seconds > 0.1 ? 'crit big' : seconds > 0.02 ? '' : 'muted';
  return (
    <span class={`num chg ${big}`} role="cell">
      {seconds > 0 ? '+' : '−'}
      {joined(duration(Math.abs(seconds)))}
    </span>
  );
}

function Row({ route, top, width }: { route: RouteLedger; top: number; width: number }): JSX.Element {
  const grown = grewMost(route);
  const share = Math.round(route.time_share * 100);
  return (
    <div class="row" role="row">
      <span class="rt" role="cell">
        <a class="mono" data-row href={address('/traces', { q: termOf('route', route.route) })}>
          <b>{route.method}</b>
          <span class="cut">
            <Name of={route.route} most={80} />
          </span>
        </a>
      </span>
      <span class="bar" role="cell">
        {width > 0 && <Bar route={route} top={top} width={width} />}
      </span>
      <span class="num mean" role="cell">
        {duration(route.mean_seconds).value} <small>{duration(route.mean_seconds).unit}</small>
      </span>
      <Change route={route} />
      <span class="why" role="cell">
        {grown === undefined ? (
          <span class="muted">{route.before === null ? NONE : 'no change'}</span>
        ) : (
          <>
            <i class={`sw b-ph-${grown.phase}`} /> {grown.phase}{' '}
            <span class="muted">+{joined(duration(grown.seconds))}</span>
          </>
        )}
      </span>
      <span class="share" role="cell">
        <i>
          <i style={{ width: `${share}%` }} />
        </i>
        <span class="num">{share} %</span>
      </span>
      <span class={`num errs ${levelOf(route.error_ratio, 0.01, 0.05)}`} role="cell">
        {levelOf(route.error_ratio, 0.01, 0.05) !== '' && (
          <StatusIcon status={route.error_ratio >= 0.05 ? 'crit' : 'warn'} label="" />
        )}
        {joined(percent(route.error_ratio))}
        <span class="narrow-word"> failed</span>
      </span>
      <span class="num rps" role="cell">
        {digits(route.requests_per_second)}
      </span>
    </div>
  );
}

export interface LedgerProps {
  readonly routes: readonly RouteLedger[];
  readonly windowSeconds: number;
}

export function Ledger({ routes, windowSeconds }: LedgerProps): JSX.Element {
  const [box, width] = useWidth<HTMLSpanElement>();
  const longest = Math.max(0, ...routes.flatMap((route) => [route.mean_seconds, route.before?.mean_seconds ?? 0]));
  const top = roundTop(longest * 1_000) / 1_000;
  return (
    <section class="card c12 ledger" aria-label="Where the time goes">
      <div class="hd">
        <h2>Where the time goes</h2>
        <span class="sub">
          mean per request{windowSeconds > 0 ? `, last ${windowSeconds} s` : ''}; thin bar: the minutes before
        </span>
        <PhaseLegend />
        <HowComputed of={LEDGER} />
      </div>
      {routes.length === 0 ? (
        <Empty text="No requests in the last minute, so there is no time to divide." />
      ) : (
        <div class="rows" role="table" aria-label="Mean time per request by route and phase">
          <div class="row head" role="row">
            <span role="columnheader">Route</span>
            <span class="bar" role="columnheader" ref={box}>
              <span class="vh">phases</span>
              <svg width={width} height="18" aria-hidden="true">
                {gridOf(top).map((at) => (
                  <text key={at} class="axis" x={(at / top) * width} y="12" text-anchor={at === 0 ? 'start' : 'middle'}>
                    {at === 0 ? '0' : `${digits(at * 1_000)} ms`}
                  </text>
                ))}
              </svg>
            </span>
            <span class="num" role="columnheader">
              mean
            </span>
            <span class="num chg" role="columnheader">
              change
            </span>
            <span class="why" role="columnheader">
              grew most in
            </span>
            <span class="share-head" role="columnheader">
              share of all time
            </span>
            <span class="num errs" role="columnheader">
              errors
            </span>
            <span class="num rps" role="columnheader">
              req/s
            </span>
          </div>
          {routes.map((route) => (
            <Row key={`${route.method} ${route.route}`} route={route} top={top} width={width} />
          ))}
        </div>
      )}
    </section>
  );
}
