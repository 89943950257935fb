/**
 * How the numbers of a tile or a table were computed: each query with its value at this moment, its window, what was read
 * and from where. A number that no PromQL gives shows the question to the API that gives it.
 */
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { AskedFor, Computation, ComputedQuery } from '../../../dashboards/computed.ts';
import type { ChartAnswer, ChartQueryAnswer, ChartSeries } from '../../../monitor/api/charts/contract.ts';
import { useResource } from '../../state/api.ts';
import { dateTime, joined, NONE } from '../../state/format.ts';
import { isMoving, shown, viewNowMs } from '../../state/range.ts';
import { CopyButton } from '../../ui/copy.tsx';
import { Loaded } from '../../ui/loaded.tsx';
import { Name } from '../../ui/name.tsx';
import { seriesName } from '../data/chart-data.ts';
import { askCurlOf, instantCurlOf } from '../data/export-text.ts';
import { figureOf, ucumOf } from '../data/unit-scale.ts';
import { readText, windowText } from './computed-text.ts';
import { Dialog } from './dialog.tsx';
import { QueryError, QueryFoot, WatchedBy } from './query-parts.tsx';
import '../../styles/charts.css';

const MOST_VALUES = 5;

const endOf = ({ startMs, stepMs, count }: ChartQueryAnswer): number => startMs + (count - 1) * stepMs;

/** The value at the end of the range; null when the series has none there. */
export function lastOf({ values, at }: ChartSeries, count: number): number | null {
  if (at !== undefined && at.at(-1) !== count - 1) return null;
  return values.at(-1) ?? null;
}

function Values({ series, count, unit }: ChartQueryAnswer & { unit: string }): JSX.Element {
  const known = series.map(({ labels, ...one }) => ({ labels, value: lastOf({ labels, ...one }, count) }));
  const rows = known.filter(({ value }) => value !== null);
  if (rows.length === 0) return <dd>{NONE} (no series has a value at this time)</dd>;
  return (
    <>
      {rows.slice(0, MOST_VALUES).map(({ labels, value }) => (
        <dd key={seriesName(labels)}>
          <b>{joined(figureOf(value, ucumOf(unit)))}</b>{' '}
          {Object.keys(labels).length > 0 && <Name of={seriesName(labels)} mono most={160} />}
        </dd>
      ))}
      {rows.length > MOST_VALUES && <dd class="muted">and {rows.length - MOST_VALUES} more series</dd>}
    </>
  );
}

function OneFigure({ query, answer }: { query: ComputedQuery; answer: ChartQueryAnswer }): JSX.Element {
  const { expr, error, limits, warnings, infos } = answer;
  const timeMs = endOf(answer);
  return (
    <section class="computed" aria-label={query.name}>
      <h3>{query.name}</h3>
      <div class="code">
        <pre class="mono">{expr}</pre>
        <CopyButton text={expr} what="PromQL" />
        <CopyButton text={instantCurlOf(expr, timeMs, location.origin)} what="curl command" />
      </div>
      {error === undefined ? (
        <dl>
          <dt>Value</dt>
          <Values {...answer} unit={query.unit} />
          <dt>At</dt>
          <dd>{dateTime(timeMs, 'seconds')}</dd>
          <dt>Window</dt>
          <dd>{windowText(expr)}</dd>
          <dt>Source</dt>
          <dd>{readText(answer)}</dd>
          <WatchedBy limits={limits} />
        </dl>
      ) : (
        <QueryError error={error} />
      )}
      <QueryFoot warnings={warnings} infos={infos} expr={expr} />
    </section>
  );
}

function Asked({ path, counts }: AskedFor): JSX.Element {
  return (
    <section class="computed" aria-label="Question to the API">
      <div class="code">
        <pre class="mono">{path}</pre>
        <CopyButton text={askCurlOf(path, location.origin)} what="curl command" />
      </div>
      <dl>
        <dt>Source</dt>
        <dd>{counts}</dd>
      </dl>
    </section>
  );
}

/** Two points a second apart end at the last whole second of the range. */
function questionOf(queries: readonly ComputedQuery[], toMs: number): string | undefined {
  if (queries.length === 0) return undefined;
  const params = new URLSearchParams(queries.map(({ expr }) => ['expr', expr]));
  params.set('from', String(toMs - 1_000));
  params.set('to', String(toMs));
  params.set('step', '1s');
  return `/api/charts?${params}`;
}

export function ComputedFigures({ of, onClose }: { of: Computation; onClose: () => void }): JSX.Element {
  const { title, queries, asked, live = false } = of;
  // The moment of the click stays while the dialog is open: the values can be compared with another server's.
  const [toMs] = useState(() => (isMoving.peek() ? viewNowMs.peek() : shown.peek().toMs));
  const answer = useResource<ChartAnswer>(questionOf(queries, toMs));
  return (
    <Dialog title={`How “${title}” is computed`} onClose={onClose}>
      {live && (
        <p class="muted">
          The page renews this each second from the collections of the last minute, before they reach the store. The
          queries give the same from the store, with PromQL's extrapolation to the edges of the window.
        </p>
      )}
      {asked !== undefined && <Asked {...asked} />}
      {queries.length > 0 && (
        <>
          <Loaded of={answer} height={200}>
            {({ queries: results }) =>
              results.map((result, at) => <OneFigure key={queries[at].name} query={queries[at]} answer={result} />)
            }
          </Loaded>
          <p class="muted">The same text gives the same values in Prometheus at /api/v1/query with this time.</p>
        </>
      )}
    </Dialog>
  );
}
