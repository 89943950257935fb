/** Traces that match a filter: their shape over time, then the list. The address holds the filter. */
import type { JSX } from 'preact';
import type { ServicesAnswer, TraceSummaryView, TracesAnswer } from '../../monitor/api/contract.ts';
import { useEffect } from 'preact/hooks';
import { useResource } from '../state/api.ts';
import { clockTime, millis } from '../state/format.ts';
import { asked, isMoving } from '../state/range.ts';
import { address, go, pageState, place } from '../state/router.ts';
import { seriesToken } from '../state/series-colour.ts';
import { StatusIcon } from '../ui/icons.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import { Scatter } from './scatter.tsx';

const REFRESH_MS = 5_000;
const LIMIT = '200';
const MARKS = '400';
const FIELDS = ['service', 'route', 'min_duration_ms', 'attribute', 'id', 'errors', 'sort'] as const;

const paramsOf = (query: URLSearchParams): Record<string, string | undefined> =>
  Object.fromEntries(FIELDS.map((field) => [field, query.get(field) ?? undefined]));

/** An id is one word; an attribute has a name. A search by id ignores the time range. */
function wantedOf(text: string): Record<string, string | undefined> {
  if (/^[^=:\s]+[=:]/.test(text)) return { attribute: text, id: undefined };
  return text === '' ? { attribute: undefined, id: undefined } : { attribute: undefined, id: text };
}

function apply(form: HTMLFormElement): void {
  const data = new FormData(form);
  const text = (name: string): string => {
    const value = data.get(name);
    return typeof value === 'string' ? value.trim() : '';
  };
  const kept = paramsOf(place.value.query);
  go(
    address('/traces', {
      ...kept,
      service: text('service'),
      route: text('route'),
      min_duration_ms: text('min_duration_ms'),
      ...wantedOf(text('attribute')),
      errors: text('errors'),
    }),
  );
}

/** The times of the page's range; a search by id looks everywhere, and without a range in the address all traces count. */
function timesOf(id: string | undefined): { from?: string; to?: string } {
  if (id !== undefined || pageState.value.range === undefined) return {};
  const { fromMs, toMs, mode } = asked.value;
  return { from: String(fromMs), ...(mode === 'fixed' ? { to: String(toMs) } : {}) };
}

function Filters({ query }: { query: URLSearchParams }): JSX.Element {
  const services = useResource<ServicesAnswer>('/api/services');
  const names = services.data?.services.map(({ service }) => service) ?? [];
  return (
    <form
      class="filters c12"
      aria-label="Filter traces"
      onSubmit={(event) => {
        event.preventDefault();
        apply(event.currentTarget);
      }}
      onChange={(event) => apply(event.currentTarget)}
    >
      <label>
        Service
        <input name="service" list="services" value={query.get('service') ?? ''} placeholder="any" />
        <datalist id="services">
          {names.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </label>
      <label>
        Route
        <input name="route" class="mono" value={query.get('route') ?? ''} placeholder="any" />
      </label>
      <label>
        At least, ms
        <input
          name="min_duration_ms"
          inputMode="numeric"
          pattern="\d*"
          value={query.get('min_duration_ms') ?? ''}
          placeholder="0"
        />
      </label>
      <label class="grow">
        Id, or attribute
        <input
          name="attribute"
          class="mono"
          value={query.get('id') ?? query.get('attribute') ?? ''}
          placeholder="trace, transaction or request id, or name=value"
          spellcheck={false}
        />
      </label>
      <label class="check">
        <input type="checkbox" name="errors" value="true" checked={query.get('errors') === 'true'} />
        Only with errors
      </label>
      <button type="submit" class="btn">
        Search
      </button>
    </form>
  );
}

function Row({ trace, longest }: { trace: TraceSummaryView; longest: number }): JSX.Element {
  return (
    <a class="trace-row" data-row href={`/traces/${trace.traceId}`}>
      <time dateTime={new Date(trace.startMs).toISOString()}>{clockTime(trace.startMs)}</time>
      <span class="root cut">
        <b>{trace.name}</b> <span class="muted">{trace.service}</span>
      </span>
      <span class="svcs">
        {trace.services.slice(0, 6).map((service) => (
          <span key={service} class="cut" title={service}>
            <i class="sw" style={{ background: `var(--${seriesToken(service)})` }} />
            {service}
          </span>
        ))}
      </span>
      <span class="num spans">{trace.spans}</span>
      <span class="dur">
        <i
          style={{ width: `${Math.max(1, (trace.durationMs / longest) * 100)}%` }}
          class={trace.errors > 0 ? 'bad' : ''}
        />
        <b>{millis(trace.durationMs)}</b>
      </span>
      <span class="errs">
        {trace.errors > 0 && (
          <span class="word w-crit">
            <StatusIcon status="crit" label="" />
            {trace.errors} {trace.errors === 1 ? 'error' : 'errors'}
          </span>
        )}
      </span>
    </a>
  );
}

function NothingFound({ query }: { query: URLSearchParams }): JSX.Element {
  const filtered = [...query.keys()].length > 0;
  return (
    <section class="card c12">
      <Empty
        text={
          filtered
            ? query.has('id')
              ? 'No trace, transaction or request with this id is kept.'
              : 'No trace matches this filter.'
            : 'No trace has been received yet.'
        }
        {...(filtered
          ? {
              action: (
                <a class="btn sm" href="/traces">
                  Show all traces
                </a>
              ),
            }
          : {})}
      />
    </section>
  );
}

function Found({
  answer,
  shape,
  byDuration,
  query,
}: {
  answer: TracesAnswer;
  shape: readonly TraceSummaryView[];
  byDuration: boolean;
  query: URLSearchParams;
}): JSX.Element {
  const { traces, more } = answer;
  if (traces.length === 0) return <NothingFound query={query} />;
  const sorted = byDuration ? traces.toSorted((a, b) => b.durationMs - a.durationMs) : traces;
  const longest = Math.max(...traces.map(({ durationMs }) => durationMs));
  const turned = address('/traces', { ...paramsOf(query), sort: byDuration ? undefined : 'duration' });
  return (
    <>
      <section class="card c12" aria-label="Duration over time">
        <div class="hd">
          <h2>Duration</h2>
          <span class="sub">
            {more ? 'the slowest and one other of each moment' : 'each mark is a trace'}, a cross has errors
          </span>
        </div>
        <Scatter traces={shape} />
      </section>
      <section class="card c12 trace-list" aria-label="Traces">
        <div class="hd">
          <h2>{traces.length} traces</h2>
          <span class="sub">
            {more ? `the ${byDuration ? 'slowest' : 'newest'}; narrow the filter for others` : ''}
          </span>
          <a class="note" href={turned}>
            {byDuration ? 'newest first' : 'slowest first'}
          </a>
        </div>
        <div class="trace-row head" aria-hidden="true">
          <span>Time</span>
          <span>Root</span>
          <span class="svcs">Services</span>
          <span class="num spans">Spans</span>
          <span>Duration</span>
          <span />
        </div>
        {sorted.map((trace) => (
          <Row key={trace.traceId} trace={trace} longest={longest} />
        ))}
      </section>
    </>
  );
}

export function TraceListPage(): JSX.Element {
  const { query } = place.value;
  const { sort, ...fields } = paramsOf(query);
  const filter: Record<string, string | undefined> = { ...fields, ...timesOf(fields.id) };
  const every = isMoving.value ? REFRESH_MS : undefined;
  const found = useResource<TracesAnswer>(
    address('/api/traces', { ...filter, sort, complete: 'true', limit: LIMIT }),
    every,
  );
  // When all traces are listed, the chart is drawn from the list.
  const more = found.data?.more === true;
  const shape = useResource<TracesAnswer>(
    more ? address('/api/traces', { ...filter, sort: 'spread', complete: 'true', limit: MARKS }) : undefined,
    every,
  );
  // An id leads to its trace at once; Back leads to the search again.
  const only = filter.id !== undefined && found.data?.traces.length === 1 ? found.data.traces[0].traceId : undefined;
  useEffect(() => {
    if (only !== undefined) go(`/traces/${only}`, true);
  }, [only]);
  return (
    <>
      <h1 class="page-title c12">Traces</h1>
      <Filters query={query} />
      {found.error && (
        <section class="card c12">
          <Failed error={found.error} retry={found.reload} />
        </section>
      )}
      {found.data === undefined && found.error === undefined && <Loading height={300} />}
      {found.data && (
        <Found
          answer={found.data}
          shape={(more ? shape.data : undefined)?.traces ?? found.data.traces}
          byDuration={sort === 'duration'}
          query={query}
        />
      )}
    </>
  );
}
