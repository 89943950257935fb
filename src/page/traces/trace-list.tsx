/**
 * Traces with a span that matches a filter: their durations over time, what tells a box of that chart from the rest, and the
 * list. The address holds the filter, the order and the box.
 */
import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import type { TraceSummaryView, TracesAnswer } from '../../monitor/api/contract.ts';
import { boxOf, boxText, slowestOf, type Box } from '../charts/data/box.ts';
import { Scatter, type Timed } from '../charts/scatter.tsx';
import type { Resource } from '../state/api.ts';
import { useResource } from '../state/api.ts';
import { asked, isMoving } from '../state/range.ts';
import { address, go, pageState, param, setParams } from '../state/router.ts';
import { FilterBar, filterErrorOf } from '../ui/filter-bar.tsx';
import { Loaded } from '../ui/loaded.tsx';
import { Empty, Failed } from '../ui/states.tsx';
import { TraceRows } from './trace-rows.tsx';
import { WhatDiffers } from './what-differs.tsx';
import '../styles/records.css';

const REFRESH_MS = 5_000;
const LIMIT = '200';
const MARKS = '400';

/** The times of the page's range; a search by id looks everywhere, and without a range in the address all traces count. */
function timesOf(id: string): Readonly<Record<string, string>> {
  if (id !== '' || pageState.value.range === undefined) return {};
  const { fromMs, toMs, mode } = asked.value;
  return { from: String(fromMs), ...(mode === 'fixed' ? { to: String(toMs) } : {}) };
}

/** Within the box, whose ends are inclusive. */
function partOf(box: Box | undefined): Readonly<Record<string, string | undefined>> {
  if (box === undefined) return {};
  const { fromMs, toMs, minMs, maxMs } = box;
  const most = maxMs < 86_400_000 ? String(maxMs) : undefined;
  return { from: String(fromMs), to: String(toMs + 1), min_duration_ms: String(minMs), max_duration_ms: most };
}

function NothingFound({ id }: { id: string }): JSX.Element {
  const isFiltered = id !== '' || param('q') !== '';
  const text = isFiltered
    ? id === ''
      ? 'No trace matches this filter.'
      : 'No trace, transaction or request with this id is kept.'
    : 'No trace has been received yet.';
  const all = (
    <a class="btn sm" href="/traces">
      Show all traces
    </a>
  );
  return <Empty text={text} {...(isFiltered ? { action: all } : {})} />;
}

const markOf = ({ traceId, name, startMs, durationMs, errors }: TraceSummaryView): Timed => ({
  key: traceId,
  href: `/traces/${traceId}`,
  name,
  startMs,
  durationMs,
  failed: errors > 0,
});

function Durations({ shape, more, box }: { shape: readonly TraceSummaryView[]; more: boolean; box: Box | undefined }) {
  const slow = slowestOf(shape);
  return (
    <section class={`card ${box === undefined ? 'c12' : 'c8'}`} aria-label="Duration over time">
      <div class="hd">
        <h2>Duration</h2>
        <span class="sub">
          {more ? 'the slowest and one other of each moment' : 'each mark is a trace'}, a cross has errors; draw a box
          to compare
        </span>
        {slow !== undefined && (
          <button type="button" class="btn sm ghost" onClick={() => setParams({ box: boxText(slow) })}>
            Compare the slowest tenth
          </button>
        )}
      </div>
      <Scatter
        label="Duration of each trace over time"
        marks={shape.map(markOf)}
        box={box}
        onBox={(drawn) => setParams({ box: boxText(drawn) })}
      />
    </section>
  );
}

function ListCard({ found, box }: { found: TracesAnswer; box: Box | undefined }): JSX.Element {
  const byDuration = param('sort') === 'duration';
  const { traces, more } = found;
  const sorted = byDuration ? traces.toSorted((a, b) => b.durationMs - a.durationMs) : traces;
  const rest = more ? `the ${byDuration ? 'slowest' : 'newest'}; narrow the filter for others` : '';
  return (
    <section class="card c12 trace-list" aria-label="Traces">
      <div class="hd">
        <h2>
          {traces.length} {traces.length === 1 ? 'trace' : 'traces'}
        </h2>
        <span class="sub">
          {[box === undefined ? '' : 'in the box', rest].filter((part) => part !== '').join(', ')}
        </span>
        <button
          type="button"
          class="btn sm ghost note"
          onClick={() => setParams({ sort: byDuration ? undefined : 'duration' }, true)}
        >
          {byDuration ? 'newest first' : 'slowest first'}
        </button>
      </div>
      <TraceRows traces={sorted} />
    </section>
  );
}

interface FoundProps {
  readonly all: TracesAnswer;
  readonly shape: readonly TraceSummaryView[];
  readonly boxed: TracesAnswer | undefined;
  readonly box: Box | undefined;
}

function Found({ all, shape, boxed, box }: FoundProps): JSX.Element {
  if (all.traces.length === 0) {
    return (
      <section class="card c12">
        <NothingFound id={param('id')} />
      </section>
    );
  }
  return (
    <>
      <Durations shape={shape} more={all.more} box={box} />
      {box !== undefined && <WhatDiffers box={box} />}
      <ListCard found={boxed ?? all} box={box} />
    </>
  );
}

interface Asked {
  readonly all: Resource<TracesAnswer>;
  /** The marks of the chart: when all traces are listed, it is drawn from the list. */
  readonly spread: Resource<TracesAnswer>;
  readonly boxed: Resource<TracesAnswer>;
}

function useTraces(box: Box | undefined): Asked {
  const [q, id, sort] = [param('q'), param('id'), param('sort')];
  const question = { q, id, ...timesOf(id), complete: 'true' };
  const every = isMoving.value ? REFRESH_MS : undefined;
  const all = useResource<TracesAnswer>(address('/api/traces', { ...question, sort, limit: LIMIT }), every);
  const spreadOf = address('/api/traces', { ...question, sort: 'spread', limit: MARKS });
  const boxedOf = address('/api/traces', { ...question, ...partOf(box), sort, limit: LIMIT });
  const spread = useResource<TracesAnswer>(all.data?.more === true ? spreadOf : undefined, every);
  const boxed = useResource<TracesAnswer>(box === undefined ? undefined : boxedOf);
  return { all, spread, boxed };
}

/** An id leads to its trace at once; Back leads to the search again. */
function useOnlyOne(answer: TracesAnswer | undefined): void {
  const only = param('id') !== '' && answer?.traces.length === 1 ? answer.traces[0].traceId : undefined;
  useEffect(() => {
    if (only !== undefined) go(`/traces/${only}`, true);
  }, [only]);
}

export function TraceListPage(): JSX.Element {
  const box = boxOf(param('box'));
  const { all, spread, boxed } = useTraces(box);
  useOnlyOne(all.data);
  const wrong = filterErrorOf(all.error);
  return (
    <>
      <h1 class="page-title c12">Traces</h1>
      <FilterBar of="traces" example="service:checkout duration:>200ms route:/payments" error={wrong} />
      {wrong === undefined && <Body all={all} spread={spread} boxed={boxed} box={box} />}
    </>
  );
}

function Body({ all, spread, boxed, box }: Asked & { readonly box: Box | undefined }): JSX.Element {
  if (all.data === undefined && all.error !== undefined) {
    return (
      <section class="card c12">
        <Failed error={all.error} retry={all.reload} />
      </section>
    );
  }
  return (
    <Loaded of={all} height={300}>
      {(data) => (
        <Found
          all={data}
          shape={data.more && spread.data !== undefined ? spread.data.traces : data.traces}
          boxed={box === undefined ? undefined : boxed.data}
          box={box}
        />
      )}
    </Loaded>
  );
}
