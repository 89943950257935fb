/**
 * A panel on a card: title with its unit, legend, chart (or table or heatmap), menu, and each state that a panel can be in.
 * It is the one way to draw a panel, on every page.
 */
import type { ComponentChildren, JSX } from 'preact';
import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import { frame } from '../state/connection.ts';
import type { Scale } from '../state/format.ts';
import { age, clockTime } from '../state/format.ts';
import { asked, growingSinceMs, isMoving, shown, viewNowMs, zoomOut, zoomTo } from '../state/range.ts';
import { go, param } from '../state/router.ts';
import { Icon } from '../ui/icons.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import type { AxisKind } from './chart-model.ts';
import { Computed } from './computed.tsx';
import type { ChartData } from './data/chart-data.ts';
import { earlierBy } from './data/compare.ts';
import { isEmpty, largestOf, limitsOf, since } from './data/chart-data.ts';
import { useExemplars } from './data/exemplars.ts';
import { bucketQuery, heatOf } from './data/heatmap-data.ts';
import { marks, useMarksOfRange } from './data/marks.ts';
import { picked, topLines, withOthers } from './data/series-stats.ts';
import { scaleFor, ucumOf } from './data/unit-scale.ts';
import type { ChartState } from './data/use-chart.ts';
import { useChart } from './data/use-chart.ts';
import { Drawing } from './drawing.tsx';
import { Heatmap } from './heatmap.tsx';
import { Legend, LegendTable } from './legend.tsx';
import { Menu } from './menu.tsx';
import type { PanelDialog, PanelFacts, PanelView } from './panel-actions.ts';
import { panelMenu, toggleFullScreen } from './panel-actions.ts';
import { AlertDialog, AnnotateDialog } from './panel-dialogs.tsx';
import { summaryOf } from './panel-summary.ts';
import { PanelTable } from './panel-table.tsx';
import { useWidth } from './width.ts';
import '../styles/charts.css';

export interface PanelCardProps {
  readonly panel: Panel;
  readonly className?: string;
  /** Label matchers of a dashboard's variables (`job=checkout`). */
  readonly matchers?: readonly string[];
  /** Instead of the range of the page. */
  readonly range?: { readonly fromMs: number; readonly toMs: number };
  /** The large legend is shown from the start. */
  readonly figures?: boolean;
  readonly onPick?: (timeMs: number) => void;
  /** Called with what each query cost and answered. */
  readonly onAnswer?: (state: ChartState) => void;
}

const NO_MATCHERS: readonly string[] = [];
const NO_LINES: ReadonlySet<string> = new Set();

/** The data of the panel and of the earlier time that it is compared with. */
function usePanelData(props: PanelCardProps, view: PanelView, width: number): { chart: ChartState; ghost: ChartState } {
  const { panel, matchers = NO_MATCHERS, range } = props;
  const heat = view === 'heatmap' ? bucketQuery(panel.queries) : undefined;
  const queries = useMemo(() => (heat === undefined ? panel.queries : [heat]), [panel.queries, heat?.expr]);
  const steps = panel.kind === 'stacked' || view !== 'chart';
  const asking = {
    queries,
    width,
    points: steps ? 'steps' : 'all',
    matchers,
    ...(range ? { range } : {}),
    ...(panel.everyMs ? { everyMs: panel.everyMs } : {}),
  } as const;
  const chart = useChart(asking);
  const { fromMs, toMs } = range ?? asked.value;
  const earlierMs = earlierBy(param('compare'), toMs - fromMs);
  const compared = earlierMs > 0 && panel.kind !== 'stacked' && view === 'chart';
  const ghost = useChart({ ...asking, queries: compared ? queries : NO_QUERIES, earlierMs: earlierMs || 1 });
  return { chart, ghost };
}
const NO_QUERIES: Panel['queries'] = [];

function firstAxis({ axis, unit }: Panel): AxisKind {
  if (axis === 'log') return 'log';
  return ucumOf(unit) === '1' && axis !== 'fit' ? 'whole' : 'zero';
}

/** What is wrong with the data that is shown, in two words; the details are under "How it is computed". */
function trouble({ answer, error, data, loading }: ChartState): string {
  if (error !== undefined && data !== undefined) return `not renewed: ${error.message}`;
  if (answer === undefined) return '';
  const failed = answer.queries.filter((query) => query.error !== undefined).length;
  if (failed > 0 && failed < answer.queries.length) return `${failed} of ${answer.queries.length} queries failed`;
  if (answer.queries.some(({ warnings }) => warnings.length > 0)) return 'incomplete';
  const ageMs = viewNowMs.value - (data?.toMs ?? viewNowMs.value);
  return !loading && isMoving.value && ageMs > 60_000 + asked.value.stepMs ? `${age(ageMs)} old` : '';
}

function emptyText(): string {
  if (frame.value?.current.balancer === null) return `No traffic since ${clockTime(shown.value.fromMs, 'minutes')}.`;
  return 'No data in this range.';
}

interface BodyProps extends PanelCardProps {
  readonly chart: ChartState;
  readonly ghost: ChartData | undefined;
  readonly data: ChartData;
  readonly scale: Scale;
  readonly axis: AxisKind;
  readonly view: PanelView;
  readonly hot: string | undefined;
  readonly say: (text: string) => void;
}

function Body(props: BodyProps): JSX.Element {
  const { panel, chart, data, ghost, scale, axis, view, hot, onPick, say, range } = props;
  const { answer } = chart;
  const happened = marks.value;
  const limits = useMemo(() => (answer === undefined ? [] : limitsOf(answer)), [answer]);
  const isLatency = ucumOf(panel.unit) === 's' && panel.kind === 'timeseries';
  const hasBuckets = isLatency && bucketQuery(panel.queries) !== undefined;
  const main =
    answer?.queries[
      Math.max(
        0,
        panel.queries.findIndex((query) => query.main),
      )
    ]?.expr;
  const dots = useExemplars(hasBuckets && view === 'chart' ? main : undefined, data.fromMs, data.toMs);
  const heat = useMemo(() => (view === 'heatmap' ? heatOf(data) : undefined), [view, data]);
  if (isEmpty(data)) return <Empty text={emptyText()} />;
  if (view === 'table') return <PanelTable data={data} scale={scale} />;
  const label = summaryOf(panel.title, data, scale, happened);
  if (heat !== undefined) return <Heatmap heat={heat} unit={ucumOf(panel.unit)} label={label} />;
  return (
    <Drawing
      data={data}
      ghost={ghost}
      stacked={panel.kind === 'stacked'}
      scale={scale}
      axis={axis}
      limits={limits}
      marks={happened}
      dots={dots}
      hot={hot}
      partial={isMoving.value && range === undefined}
      onPick={onPick}
      onDot={(traceId) => go(`/traces/${traceId}`)}
      onZoom={zoomTo}
      onZoomOut={zoomOut}
      onCursor={say}
      label={label}
    />
  );
}

/** The lines that are drawn: those that were chosen, else the top ten and, in a stack, the sum of the others. */
function useChosen(data: ChartData | undefined, stacked: boolean, heat: boolean) {
  const [chosen, setChosen] = useState<ReadonlySet<string> | undefined>(undefined);
  const top = useMemo(() => (data === undefined ? undefined : topLines(data)), [data]);
  const hidden = useMemo(() => {
    if (data === undefined || heat) return NO_LINES;
    if (chosen !== undefined) return chosen;
    const kept = new Set(top?.data.lines.map(({ key }) => key));
    return new Set(data.lines.map(({ key }) => key).filter((key) => !kept.has(key)));
  }, [data, top, chosen, heat]);
  const drawn = useMemo(() => {
    if (data === undefined || heat) return data;
    const lines = data.lines.filter(({ key }) => !hidden.has(key));
    return chosen === undefined && stacked ? withOthers(data, lines) : { ...data, lines };
  }, [data, hidden, stacked, chosen, heat]);
  const pick = (key: string, toggle: boolean): void => {
    const all = data?.lines.map((line) => line.key) ?? [];
    const next = picked(hidden, all, key, toggle);
    setChosen(next.size === 0 && (top?.others ?? 0) > 0 ? undefined : next.size === 0 ? undefined : next);
  };
  return { drawn, hidden, pick, others: chosen === undefined ? (top?.others ?? 0) : 0 };
}

function sized(width: number, content: ComponentChildren): ComponentChildren {
  return width === 0 ? <Loading height={176} /> : content;
}

export function PanelCard(props: PanelCardProps): JSX.Element {
  const { panel, className = '', range, onAnswer } = props;
  const figure = useRef<HTMLElement>(null);
  const [plot, width] = useWidth();
  const [view, setView] = useState<PanelView>(panel.kind === 'heatmap' ? 'heatmap' : 'chart');
  const [axis, setAxis] = useState<AxisKind>(firstAxis(panel));
  const [legend, setLegend] = useState(props.figures ?? false);
  const [dialog, setDialog] = useState<PanelDialog | undefined>(undefined);
  const [hot, setHot] = useState<string | undefined>(undefined);
  const [spokenText, setSpoken] = useState('');
  const { chart, ghost } = usePanelData(props, view, width);
  const sinceMs = range === undefined ? growingSinceMs.value : undefined;
  const whole = useMemo(() => chart.data && since(chart.data, sinceMs), [chart.data, sinceMs]);
  const stacked = panel.kind === 'stacked';
  const { drawn, hidden, pick, others } = useChosen(whole, stacked, view === 'heatmap');
  const ghostLines = useMemo(() => {
    const { data } = ghost;
    return data && { ...data, lines: data.lines.filter(({ key }) => !hidden.has(key)) };
  }, [ghost.data, hidden]);
  const unit = ucumOf(panel.unit);
  const scale = scaleFor(unit, drawn === undefined ? 0 : largestOf(drawn.lines, stacked));
  useEffect(() => useMarksOfRange(), []);
  useEffect(() => onAnswer?.(chart), [chart.answer, chart.error, chart.loading]);
  const facts: PanelFacts | undefined = drawn && {
    title: panel.title,
    unit,
    chart,
    picture: { title: panel.title, data: drawn, scale, stacked },
    hasBuckets: bucketQuery(panel.queries) !== undefined,
    isRatio: unit === '1',
  };
  const legendProps = whole && { data: whole, scale, stacked, hidden, onPick: pick, onPoint: setHot };
  const note = trouble(chart);
  const asTable = view === 'table';
  return (
    <figure
      ref={figure}
      class={`card panel ${className}`}
      aria-label={panel.title}
      onKeyDown={(event) => {
        const typing = event.target instanceof HTMLElement && event.target.closest('input, textarea, dialog') !== null;
        if (event.key === 'v' && !event.ctrlKey && !event.metaKey && !typing) toggleFullScreen(figure.current);
      }}
    >
      <div class="hd">
        <h2>{panel.title}</h2>
        <span class="sub">
          {[scale.unit, panel.subtitle]
            .filter((text) => text !== '')
            .join(panel.subtitle.startsWith('of ') ? ' ' : ', ')}
        </span>
        {note !== '' && (
          <span class="w-warn trouble" title={note}>
            {note}
          </span>
        )}
        {legendProps && !legend && view === 'chart' && <Legend {...legendProps} data={drawn ?? legendProps.data} />}
        {others > 0 && (
          <button type="button" class="others" onClick={() => setLegend(true)}>
            other {others}
          </button>
        )}
        <span class="tools">
          <button
            type="button"
            class="more"
            disabled={chart.answer === undefined}
            aria-label={`How ${panel.title} is computed`}
            title="How it is computed"
            onClick={() => setDialog('computed')}
          >
            <Icon name="formula" small />
          </button>
          <button
            type="button"
            class="more"
            aria-pressed={asTable}
            aria-label={asTable ? `View ${panel.title} as chart` : `View ${panel.title} as table`}
            title={asTable ? 'View as chart' : 'View as table'}
            onClick={() => setView(asTable ? 'chart' : 'table')}
          >
            <Icon name={asTable ? 'chart' : 'table'} small />
          </button>
          <Menu
            label={`Menu of ${panel.title}`}
            groups={() =>
              facts === undefined
                ? []
                : panelMenu(facts, {
                    view,
                    setView,
                    axis,
                    setAxis,
                    legend,
                    setLegend,
                    open: setDialog,
                    figure: () => figure.current,
                  })
            }
          >
            <Icon name="more" small />
          </Menu>
        </span>
      </div>
      <div class={chart.loading && drawn !== undefined ? 'plot-box dim' : 'plot-box'} ref={plot}>
        {sized(
          width,
          <>
            {chart.error && drawn === undefined && <Failed error={chart.error} retry={chart.reload} />}
            {chart.error && drawn !== undefined && isEmpty(drawn) && (
              <Failed error={chart.error} retry={chart.reload} />
            )}
            {drawn === undefined && chart.error === undefined && <Loading height={176} />}
            {drawn && !(chart.error && isEmpty(drawn)) && (
              <Body
                {...props}
                chart={chart}
                ghost={ghostLines}
                data={drawn}
                scale={scale}
                axis={axis}
                view={view}
                hot={hot}
                say={setSpoken}
              />
            )}
          </>,
        )}
      </div>
      {legend && legendProps && view !== 'heatmap' && (
        <LegendTable
          {...legendProps}
          total={chart.answer?.queries.reduce((sum, query) => sum + query.seriesTotal, 0) ?? 0}
        />
      )}
      <p class="vh" role="status">
        {spokenText}
      </p>
      {dialog === 'computed' && chart.answer && (
        <Computed title={panel.title} answer={chart.answer} onClose={() => setDialog(undefined)} />
      )}
      {dialog === 'alert' && chart.answer && drawn && (
        <AlertDialog
          title={panel.title}
          answer={chart.answer}
          largest={largestOf(drawn.lines)}
          onClose={() => setDialog(undefined)}
        />
      )}
      {dialog === 'annotate' && <AnnotateDialog timeMs={viewNowMs.peek()} onClose={() => setDialog(undefined)} />}
    </figure>
  );
}
