/** Draws any PromQL expression over the last quarter of an hour, live. The address holds the expression. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import { useResource } from '../state/api.ts';
import { address, go, place } from '../state/router.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { Empty } from '../ui/states.tsx';

interface Names {
  readonly data: readonly string[];
}

/** A first query for a metric, by the type that its name shows. */
export function firstQuery(name: string): string {
  if (name.endsWith('_bucket')) return `histogram_quantile(0.95, sum by (job, le) (rate(${name}[1m])))`;
  if (/_(total|count|sum)$/.test(name)) return `sum by (job) (rate(${name}[1m]))`;
  return name;
}

function panelOf(expr: string): Panel {
  return {
    id: 'explore',
    title: 'Result',
    subtitle: 'last 15 minutes, 15 s points',
    unit: 'count',
    kind: 'timeseries',
    queries: [{ expr, legend: '' }],
    width: 12,
  };
}

export function ExplorePage(): JSX.Element {
  const expr = place.value.query.get('q') ?? '';
  const panel = useMemo(() => panelOf(expr), [expr]);
  const names = useResource<Names>('/api/v1/label/__name__/values');
  return (
    <>
      <h1 class="page-title c12">Metrics</h1>
      <form
        class="filters c12"
        aria-label="Query"
        onSubmit={(event) => {
          event.preventDefault();
          const asked = new FormData(event.currentTarget).get('q');
          go(address('/explore', { q: typeof asked === 'string' ? asked.trim() : '' }));
        }}
      >
        <label class="grow">
          PromQL
          <input
            name="q"
            class="mono"
            value={expr}
            placeholder="sum by (job) (rate(http_server_request_duration_seconds_count[1m]))"
          />
        </label>
        <button type="submit" class="btn primary">
          Run
        </button>
      </form>
      {expr === '' ? (
        <section class="card c12">
          <Empty text="Write an expression, or begin with a metric below." />
        </section>
      ) : (
        <PanelCard key={expr} panel={panel} className="c12 tall" />
      )}
      <section class="card c12" aria-label="Metrics">
        <div class="hd">
          <h2>Metrics</h2>
          <span class="sub">{names.data ? `${names.data.data.length} names` : ''}</span>
        </div>
        {names.error && <Empty text={names.error.message} />}
        <ul class="names">
          {(names.data?.data ?? []).slice(0, 500).map((name) => (
            <li key={name}>
              <a class="mono" href={address('/explore', { q: firstQuery(name) })}>
                {name}
              </a>
            </li>
          ))}
        </ul>
      </section>
    </>
  );
}
