/** The log lines that match a filter: how many and when, what they have in common, and the lines themselves. */
import type { JSX } from 'preact';
import type { LogsAnswer } from '../../monitor/api/contract.ts';
import type { LogHistogramAnswer } from '../../monitor/api/records/contract.ts';
import { useResource } from '../state/api.ts';
import { digits } from '../state/format.ts';
import { isMoving, rangeSpec, searchTimes } from '../state/range.ts';
import { address, param, setParams } from '../state/router.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';
import { FieldsCard } from './fields-card.tsx';
import { HistogramCard } from './histogram-card.tsx';
import { Lines } from './lines.tsx';
import { Patterns } from './patterns.tsx';
import '../styles/records.css';

const EVERY_MS = 2_000;
/** Counts over all lines cost more than the newest lines. */
const COUNTS_MS = 10_000;
const LINES = '200';
const VIEWS = [
  ['', 'Lines'],
  ['patterns', 'Patterns'],
] as const;

export function LogsPage(): JSX.Element {
  const filter = param('q');
  const view = param('view') === 'patterns' ? 'patterns' : '';
  const question = { q: filter, ...searchTimes.value };
  const moving = isMoving.value;
  const counts = moving ? COUNTS_MS : undefined;
  const search = { ...question, limit: LINES };
  const lines = useResource<LogsAnswer>(address('/api/logs', search), moving && view === '' ? EVERY_MS : undefined);
  const histogramPath = address('/api/logs/histogram', question);
  const histogram = useResource<LogHistogramAnswer>(histogramPath, counts);
  const wrong = filterErrorOf(lines.error);
  const { from, to } = rangeSpec.value;
  return (
    <>
      <div class="page-head c12">
        <h1 class="page-title">Logs</h1>
        {histogram.data !== undefined && wrong === undefined && (
          <span class="muted">{digits(histogram.data.total)} lines</span>
        )}
      </div>
      <FilterBar of="lines" example={'service:checkout level:>=warn "card declined" -path:/health'} error={wrong} />
      {wrong === undefined && (
        <>
          <HistogramCard of={histogram} path={histogramPath} />
          <FieldsCard question={question} everyMs={counts} />
          <section class="card records" aria-label="Lines">
            <div class="hd">
              <h2 class="vh">Lines</h2>
              <div class="seg" role="group" aria-label="View">
                {VIEWS.map(([name, title]) => (
                  <button
                    key={name}
                    type="button"
                    aria-pressed={view === name}
                    onClick={() => setParams({ view: name, line: undefined })}
                  >
                    {title}
                  </button>
                ))}
              </div>
            </div>
            {view === '' ? (
              <Lines key={`${filter} ${from} ${to}`} of={lines} question={search} />
            ) : (
              <Patterns question={question} everyMs={counts} />
            )}
          </section>
        </>
      )}
    </>
  );
}
