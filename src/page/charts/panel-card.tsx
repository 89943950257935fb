/**
 * A panel on a card: title with its unit, legend, chart (or table or heatmap), menu, and each state that a panel can be in.
 * It is the one way to draw a panel, on every page.
 */
import type { JSX } from 'preact';
import { useRef, useState } from 'preact/hooks';
import { Loading } from '../ui/states.tsx';
import { bucketQuery } from './data/bucket-query.ts';
import { LazyDialogs } from './lazy-dialogs.tsx';
import { LegendTable } from './legend.tsx';
import type { PanelDialog, PanelFacts } from './panel-actions.ts';
import { panelMenu, toggleFullScreen } from './panel-actions.ts';
import { PanelBody } from './panel-body.tsx';
import { PanelHead } from './panel-head.tsx';
import type { PanelCardProps, PanelModel } from './panel-state.ts';
import { usePanel } from './panel-state.ts';
import { useWidth } from './width.ts';
import '../styles/charts.css';

function factsOf(
  { panel }: PanelCardProps,
  { drawn, unit, chart, scale, stacked }: PanelModel,
): PanelFacts | undefined {
  if (drawn === undefined) return undefined;
  return {
    title: panel.title,
    unit,
    chart,
    picture: { title: panel.title, data: drawn, scale, stacked },
    hasBuckets: bucketQuery(panel.queries) !== undefined || drawn.lines.some(({ bucket }) => bucket !== undefined),
    isRatio: unit === '1',
  };
}

/** Series of all queries, before any limit. */
function totalOf({ chart }: PanelModel): number {
  let total = 0;
  for (const { seriesTotal } of chart.answer?.queries ?? []) total += seriesTotal;
  return total;
}

/** `v` shows the panel that has the focus on the whole screen. */
function onKeys(event: KeyboardEvent, figure: HTMLElement | null): void {
  const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, dialog') !== null;
  if (event.key === 'v' && !event.ctrlKey && !event.metaKey && !typing) toggleFullScreen(figure);
}

export function PanelCard(props: PanelCardProps): JSX.Element {
  const { panel } = props;
  const figure = useRef<HTMLElement>(null);
  const [plot, width] = useWidth();
  const model = usePanel(props, width);
  const [figures, setFigures] = useState(props.figures ?? false);
  const [dialog, setDialog] = useState<PanelDialog | undefined>(undefined);
  const [hot, setHot] = useState<string | undefined>(undefined);
  const [words, setWords] = useState('');
  const { chart, whole, drawn, hidden, pick, scale, stacked, view } = model;
  const facts = factsOf(props, model);
  const legend = whole && { data: whole, scale, stacked, hidden, onPick: pick, onPoint: setHot };
  const controls = { ...model, legend: figures, setLegend: setFigures, open: setDialog, figure: () => figure.current };
  return (
    <figure
      ref={figure}
      class={['card panel', props.className].join(' ')}
      aria-label={panel.title}
      onKeyDown={(event) => onKeys(event, figure.current)}
    >
      <PanelHead
        card={props}
        model={model}
        legend={legend && !figures && view === 'chart' ? { ...legend, data: drawn ?? legend.data } : undefined}
        groups={() => (facts === undefined ? [] : panelMenu(facts, controls))}
        onComputed={() => setDialog('computed')}
        onOthers={() => setFigures(true)}
      />
      <div class={chart.loading && drawn !== undefined ? 'plot-box dim' : 'plot-box'} ref={plot}>
        {width === 0 ? <Loading height={176} /> : <PanelBody card={props} model={model} hot={hot} say={setWords} />}
      </div>
      {figures && legend && view !== 'heatmap' && <LegendTable {...legend} total={totalOf(model)} />}
      <p class="vh" role="status">
        {words}
      </p>
      {dialog !== undefined && (
        <LazyDialogs title={panel.title} model={model} open={dialog} onClose={() => setDialog(undefined)} />
      )}
    </figure>
  );
}
