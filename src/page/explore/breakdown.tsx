/** A metric without a query: all of it, and split by each of its labels. A click on a panel's menu opens the query. */
import type { JSX } from 'preact';
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import { unitOfExpr } from '../charts/data/unit-scale.ts';
import { PanelCard } from '../charts/panel-card.tsx';
import { setParams } from '../state/router.ts';
import { Name } from '../ui/name.tsx';
import { Empty } from '../ui/states.tsx';
import type { MetricEntry } from './catalog.ts';
import { isNative, labelNames, metricEntries, splitQuery } from './catalog.ts';

/** More panels would load the server for labels that nobody looks at; the others are behind a button. */
const FIRST = 6;
/** Of a histogram the buckets are never split: a quantile is. */
const HIDDEN_LABELS: ReadonlySet<string> = new Set(['__name__', 'le']);

function panelOf(name: string, type: string, by: string): Panel {
  const expr = splitQuery(name, type, by);
  return {
    id: `breakdown-${by}`,
    title: by === '' ? 'All' : `by ${by}`,
    subtitle:
      name.endsWith('_bucket') || isNative(name, type) ? 'p95, estimated from buckets' : by === '' ? 'all series' : '',
    unit: unitOfExpr(expr),
    kind: 'timeseries',
    axis: 'fit',
    queries: [{ expr, legend: by === '' ? 'all' : `{{${by}}}`, exact: true, ...(by === '' ? { main: true } : {}) }],
    width: by === '' ? 12 : 6,
  };
}

interface About {
  readonly labels: readonly string[] | undefined;
  readonly entry: MetricEntry | undefined;
}

/** The labels of a metric and what the browser knows about it. */
function useMetric(metric: string): About {
  const [labels, setLabels] = useState<readonly string[] | undefined>(undefined);
  const [entry, setEntry] = useState<MetricEntry | undefined>(undefined);
  useEffect(() => {
    labelNames(metric)
      .then((names) => setLabels(names.filter((name) => !HIDDEN_LABELS.has(name) && /^\w+$/.test(name))))
      .catch(() => setLabels([]));
    metricEntries()
      .then((entries) => setEntry(entries.find(({ name }) => name === metric)))
      .catch(() => setEntry(undefined));
  }, [metric]);
  return { labels, entry };
}

const aboutText = ({ entry }: About): string => {
  const count = entry?.series === undefined ? '' : `${entry.series} series`;
  return [entry?.type ?? '', count, entry?.help ?? ''].filter((text) => text !== '').join(' · ');
};

export function Breakdown({ metric }: { metric: string }): JSX.Element {
  const about = useMetric(metric);
  const { labels } = about;
  const [all, setAll] = useState(false);
  useEffect(() => setAll(false), [metric]);
  const type = about.entry?.type ?? '';
  const panels = useMemo(
    () => ['', ...(labels ?? []).slice(0, all ? 50 : FIRST)].map((by) => panelOf(metric, type, by)),
    [metric, type, labels, all],
  );
  return (
    <>
      <section class="card c12 breakdown-head" aria-label="Breakdown">
        <div class="hd">
          <h2>
            <Name of={metric} mono most={90} />
          </h2>
          <span class="sub">{aboutText(about)}</span>
          <button type="button" class="btn sm note" onClick={() => setParams({ metric: '' })}>
            Close the breakdown
          </button>
        </div>
        {labels?.length === 0 && <Empty text="This metric has no labels." />}
      </section>
      {labels !== undefined &&
        panels.map((panel) => (
          <PanelCard
            key={`${metric} ${panel.id} ${type}`}
            panel={panel}
            className={panel.width === 12 ? 'c12' : 'c6'}
          />
        ))}
      {!all && (labels?.length ?? 0) > FIRST && (
        <button type="button" class="btn c12" onClick={() => setAll(true)}>
          Split by the other {(labels?.length ?? 0) - FIRST} labels
        </button>
      )}
    </>
  );
}
