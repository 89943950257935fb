/** The inside of a panel: chart, table or heatmap, or the reason why there is none. */
import type { JSX } from 'preact';
import { useMemo } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import { frame } from '../state/connection.ts';
import { clockTime } from '../state/format.ts';
import { isMoving, shown, zoomOut, zoomTo } from '../state/range.ts';
import { go } from '../state/router.ts';
import { lazily } from '../ui/lazily.tsx';
import { Empty, Failed, Loading } from '../ui/states.tsx';
import type { ChartData } from './data/chart-data.ts';
import { isEmpty, limitsOf } from './data/chart-data.ts';
import { useExemplars } from './data/exemplars.ts';
import { bucketQuery } from './data/bucket-query.ts';
import { marks } from './data/marks.ts';
import { Drawing } from './drawing.tsx';
import type { HeatProps } from './heatmap.tsx';
import type { PanelCardProps, PanelModel } from './panel-state.ts';
import { summaryOf } from './panel-summary.ts';
import type { TableProps } from './panel-table.tsx';

const HEIGHT = 176;

// Most visits show charts only.
const HeatPlot = lazily<HeatProps>(async () => (await import('./heatmap.tsx')).HeatPlot);
const PanelTable = lazily<TableProps>(async () => (await import('./panel-table.tsx')).PanelTable);

interface BodyProps {
  readonly card: PanelCardProps;
  readonly model: PanelModel;
  /** The key of the line that the legend points at. */
  readonly hot: string | undefined;
  /** Reads a text out. */
  readonly say: (text: string) => void;
}

function emptyText(): string {
  const current = frame.value?.current;
  if (current === undefined || current.balancer !== null) return 'No data in this range.';
  const since = clockTime(shown.value.fromMs, 'minutes');
  if (current.server === null) return `No traffic since ${since}.`;
  return `No request came through the balancer since ${since}. The services were asked directly.`;
}

/** The query whose exemplars are shown: the main one of a latency chart with buckets. */
function exemplarQuery({ queries }: Panel, { chart, unit, view }: PanelModel): string | undefined {
  if (unit !== 's' || view !== 'chart' || bucketQuery(queries) === undefined) return undefined;
  return chart.answer?.queries[
    Math.max(
      0,
      queries.findIndex(({ main }) => main),
    )
  ]?.expr;
}

function Plot({ card, model, hot, say, data }: BodyProps & { data: ChartData }): JSX.Element {
  const { panel, range, onPick } = card;
  const { chart, ghost, scale, axis, stacked } = model;
  const { answer } = chart;
  const happened = marks.value;
  const limits = useMemo(() => (answer === undefined ? [] : limitsOf(answer)), [answer]);
  const dots = useExemplars(exemplarQuery(panel, model), data.fromMs, data.toMs);
  return (
    <Drawing
      data={data}
      ghost={ghost}
      stacked={stacked}
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
      label={summaryOf(panel.title, data, scale, happened)}
    />
  );
}

export function PanelBody(props: BodyProps): JSX.Element {
  const { card, model } = props;
  const { chart, drawn, scale, view, unit } = model;
  const none = drawn === undefined || isEmpty(drawn);
  if (none && chart.error !== undefined) return <Failed error={chart.error} retry={chart.reload} />;
  if (drawn === undefined) return <Loading height={HEIGHT} />;
  if (none) return <Empty text={emptyText()} />;
  if (view === 'table') return <PanelTable data={drawn} scale={scale} />;
  if (view !== 'heatmap') return <Plot {...props} data={drawn} />;
  return <HeatPlot data={drawn} unit={unit === '' ? 's' : unit} label={summaryOf(card.panel.title, drawn, scale)} />;
}
