/**
 * Any PromQL over the range of the page: one or more queries, as a graph, a heatmap and a table, with what each query cost;
 * the metrics to begin with, and a metric split by its labels without writing a query. The address holds all of it.
 */
import type { JSX } from 'preact';
import { useMemo, useState } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import type { ChartQueryAnswer } from '../../monitor/api/charts/contract.ts';
import { unitOfExpr } from '../charts/data/unit-scale.ts';
import type { ChartState } from '../charts/data/use-chart.ts';
import { Menu } from '../charts/menu.tsx';
import { PanelCard } from '../charts/panel-card.tsx';
import { digits, millis } from '../state/format.ts';
import { changeState, pageState, param, setParams } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { Breakdown } from './breakdown.tsx';
import { InstantTable } from './instant-table.tsx';
import { MetricBrowser } from './metric-browser.tsx';
import { PromqlEditor } from './promql-editor.tsx';
import { queryHistory, rememberQuery } from './query-history.ts';

const MAX_QUERIES = 8;
const VIEWS = [
  ['graph', 'Graph'],
  ['stacked', 'Stacked'],
  ['heatmap', 'Heatmap'],
  ['table', 'Table'],
] as const;
type View = (typeof VIEWS)[number][0];

const viewOf = (text: string): View => VIEWS.find(([view]) => view === text)?.[0] ?? 'graph';
const letterOf = (at: number): string => String.fromCodePoint(65 + at);

function panelOf(exprs: readonly string[], view: View): Panel {
  const units = new Set(exprs.map(unitOfExpr));
  return {
    id: 'explore',
    title: 'Result',
    subtitle: '',
    // Two units on one axis mislead: with several the values are shown as they are.
    unit: units.size === 1 ? [...units][0] : '',
    kind: view === 'stacked' ? 'stacked' : view === 'heatmap' ? 'heatmap' : 'timeseries',
    axis: 'fit',
    queries: exprs.map((expr) => ({ expr, legend: '', exact: true })),
    width: 12,
  };
}

/** Puts the queries into the address; Back returns to the queries before. */
function runQueries(exprs: readonly string[]): void {
  const kept = exprs.map((expr) => expr.trim()).filter((expr) => expr !== '');
  for (const expr of kept.toReversed()) rememberQuery(expr);
  const others = pageState.value.params.filter(([name]) => name !== 'q');
  changeState({ params: [...kept.map((expr) => ['q', expr] as const), ...others] });
}

/** What a query cost, beside it. */
function Cost({ result }: { result: ChartQueryAnswer }): JSX.Element {
  const { seriesTotal, tookMs, stepMs, read, error } = result;
  if (error !== undefined) return <span class="crit">failed after {millis(tookMs)}</span>;
  const parts = [`${seriesTotal} series`, millis(tookMs), `a point every ${millis(stepMs)}`];
  if (read !== null) parts.push(`${digits(read.samples)} samples read`);
  return <span class="muted">{parts.join(' · ')}</span>;
}

interface RowProps {
  readonly at: number;
  readonly count: number;
  readonly text: string;
  readonly result: ChartQueryAnswer | undefined;
  readonly onInput: (text: string) => void;
  readonly onRun: () => void;
  readonly onRemove: () => void;
}

function QueryRow({ at, count, text, result, onInput, onRun, onRemove }: RowProps): JSX.Element {
  const asked = pageState.value.params.filter(([name]) => name === 'q')[at]?.[1] ?? '';
  const failed = result?.error !== undefined && asked === text ? result.error.message : '';
  return (
    <div class="query-row">
      <b class="letter" aria-hidden="true">
        {letterOf(at)}
      </b>
      <PromqlEditor
        value={text}
        label={`Query ${letterOf(at)}, PromQL`}
        failed={failed}
        onInput={onInput}
        onRun={onRun}
      />
      {count > 1 && (
        <button type="button" class="btn icon ghost" aria-label={`Remove query ${letterOf(at)}`} onClick={onRemove}>
          <Icon name="close" small />
        </button>
      )}
      <p class="cost">
        {asked === text && result !== undefined && <Cost result={result} />}
        {asked !== text && text !== '' && <span class="muted">Enter runs it, Shift Enter is a new line</span>}
      </p>
    </div>
  );
}

function historyMenu(onChoose: (expr: string) => void): { label: string; act: () => void }[] {
  const list = queryHistory();
  if (list.length === 0) return [{ label: 'No query was run yet', act: () => {} }];
  return list.slice(0, 20).map((expr) => ({
    label: expr.length > 90 ? `${expr.slice(0, 89)}…` : expr,
    act: () => onChoose(expr),
  }));
}

function Queries({ asked, state }: { asked: readonly string[]; state: ChartState | undefined }): JSX.Element {
  const [texts, setTexts] = useState<readonly string[]>(asked.length === 0 ? [''] : asked);
  const [known, setKnown] = useState(asked.join('\n'));
  if (known !== asked.join('\n')) {
    // The address changed (Back, a link): the fields follow it.
    setKnown(asked.join('\n'));
    setTexts(asked.length === 0 ? [''] : asked);
  }
  const change = (at: number, text: string): void => setTexts(texts.map((one, i) => (i === at ? text : one)));
  const view = viewOf(param('view'));
  return (
    <section class="card c12 queries" aria-label="Queries">
      {texts.map((text, at) => (
        <QueryRow
          key={at}
          at={at}
          count={texts.length}
          text={text}
          result={state?.answer?.queries[at]}
          onInput={(next) => change(at, next)}
          onRun={() => runQueries(texts)}
          onRemove={() => {
            const left = texts.filter((_, i) => i !== at);
            setTexts(left);
            runQueries(left);
          }}
        />
      ))}
      <div class="query-tools">
        <button type="button" class="btn primary" onClick={() => runQueries(texts)}>
          Run
        </button>
        <button
          type="button"
          class="btn"
          disabled={texts.length >= MAX_QUERIES}
          onClick={() => setTexts([...texts, ''])}
        >
          <Icon name="plus" small />
          Query
        </button>
        <Menu
          label="History of queries"
          className="btn"
          groups={() => [historyMenu((expr) => runQueries([...texts.slice(0, -1), expr]))]}
        >
          <Icon name="clock" small />
          History
        </Menu>
        <span class="sp" />
        <div class="seg shown" role="group" aria-label="View">
          {VIEWS.map(([id, title]) => (
            <button
              key={id}
              type="button"
              aria-pressed={view === id}
              onClick={() => setParams({ view: id === 'graph' ? '' : id }, true)}
            >
              {title}
            </button>
          ))}
        </div>
      </div>
    </section>
  );
}

function Notes({ state }: { state: ChartState | undefined }): JSX.Element | null {
  const notes = [...new Set(state?.answer?.queries.flatMap(({ warnings, infos }) => [...warnings, ...infos]) ?? [])];
  if (notes.length === 0) return null;
  return (
    <div class="c12 explore-notes" role="status">
      {notes.map((text) => (
        <p key={text} class="note">
          {text}
        </p>
      ))}
    </div>
  );
}

export function ExplorePage(): JSX.Element {
  const wanted = pageState.value.params.filter(([name]) => name === 'q').map(([, value]) => value);
  const key = wanted.join('\n');
  const asked = useMemo(() => wanted.filter((expr) => expr.trim() !== '').slice(0, MAX_QUERIES), [key]);
  const view = viewOf(param('view'));
  const metric = param('metric');
  const panel = useMemo(() => panelOf(asked, view), [asked, view]);
  const [state, setState] = useState<ChartState | undefined>(undefined);
  return (
    <>
      <h1 class="page-title c12">Metrics</h1>
      <Queries asked={asked} state={asked.length === 0 ? undefined : state} />
      {asked.length > 0 && (
        <>
          <Notes state={state} />
          <PanelCard key={view} panel={panel} className="c12 tall" figures onAnswer={setState} />
          {view === 'table' && state?.answer !== undefined && <InstantTable answer={state.answer} />}
        </>
      )}
      {metric !== '' && <Breakdown metric={metric} />}
      <MetricBrowser />
    </>
  );
}
