/** How many lines match, by level and time. */
import type { JSX } from 'preact';
import { askedFor, LINES_COUNTED } from '../../dashboards/computed.ts';
import type { LogHistogramAnswer } from '../../monitor/api/records/contract.ts';
import { CountBars } from '../charts/count-bars.tsx';
import { HowComputed } from '../charts/figures/how-computed.tsx';
import type { Resource } from '../state/api.ts';
import { digits, millis } from '../state/format.ts';
import { Loaded } from '../ui/loaded.tsx';
import { levelSeries, sumOf } from './log-parts.ts';
import { NoLines } from './no-lines.tsx';

export function HistogramCard({ of, path }: { of: Resource<LogHistogramAnswer>; path: string }): JSX.Element {
  const series = of.data === undefined ? [] : levelSeries(of.data);
  return (
    <section class="card c12" aria-label="Matching lines">
      <div class="hd">
        <h2>Matching lines</h2>
        <span class="sub">{of.data !== undefined && `by level, in steps of ${millis(of.data.step_ms)}`}</span>
        <div class="legend">
          {series.map(({ name, className, counts }) => (
            <span key={name}>
              <svg class="sw" viewBox="0 0 8 8" aria-hidden="true">
                <rect class={className} width="8" height="8" rx="2" />
              </svg>
              {name} <b>{digits(sumOf(counts))}</b>
            </span>
          ))}
        </div>
        <HowComputed of={askedFor('Matching lines', path, LINES_COUNTED)} />
      </div>
      <Loaded of={of} height={132} isEmpty={({ total }) => total === 0} empty={<NoLines />}>
        {({ times_ms: timesMs, step_ms: stepMs, total }) => (
          <CountBars
            timesMs={timesMs}
            stepMs={stepMs}
            series={series}
            label={`${digits(total)} lines: ${series.map(({ name, counts }) => `${name} ${digits(sumOf(counts))}`).join(', ')}`}
          />
        )}
      </Loaded>
    </section>
  );
}
