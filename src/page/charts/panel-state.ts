/** The state of a panel: its data and the earlier time that it is compared with, what is drawn of it, and how. */
import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Panel } from '../../dashboards/panel.ts';
import type { Scale } from '../state/format.ts';
import { age } from '../state/format.ts';
import { asked, growingSinceMs, isMoving, viewNowMs } from '../state/range.ts';
import { param } from '../state/router.ts';
import type { AxisKind } from './chart-model.ts';
import type { ChartData } from './data/chart-data.ts';
import { isEmpty, largestOf, since } from './data/chart-data.ts';
import { earlierBy } from './data/compare.ts';
import { bucketQuery } from './data/bucket-query.ts';
import { useMarksOfRange } from './data/marks.ts';
import { picked, topLines, withOthers } from './data/series-stats.ts';
import { scaleFor, ucumOf } from './data/unit-scale.ts';
import type { ChartState } from './data/use-chart.ts';
import { useChart } from './data/use-chart.ts';
import type { PanelView } from './panel-actions.ts';

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

export interface PanelModel {
  readonly chart: ChartState;
  /** All lines. */
  readonly whole: ChartData | undefined;
  /** Those that are drawn. */
  readonly drawn: ChartData | undefined;
  readonly ghost: ChartData | undefined;
  readonly hidden: ReadonlySet<string>;
  readonly pick: (key: string, toggle: boolean) => void;
  /** How many lines are left out because there are too many. */
  readonly others: number;
  readonly unit: string;
  readonly scale: Scale;
  readonly stacked: boolean;
  readonly view: PanelView;
  readonly setView: (view: PanelView) => void;
  readonly axis: AxisKind;
  readonly setAxis: (axis: AxisKind) => void;
}

const NO_MATCHERS: readonly string[] = [];
const NO_QUERIES: Panel['queries'] = [];
const NO_LINES: ReadonlySet<string> = new Set();

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
  return { chart, ghost: compared ? ghost : { ...ghost, data: undefined } };
}

function firstAxis({ axis, unit }: Panel): AxisKind {
  if (axis === 'log') return 'log';
  return ucumOf(unit) === '1' && axis !== 'fit' ? 'whole' : 'zero';
}

/** The lines that are drawn: those that were chosen, else the top ten and, in a stack, the sum of the others. */
function useChosen(
  data: ChartData | undefined,
  stacked: boolean,
  heat: boolean,
): Pick<PanelModel, 'drawn' | 'hidden' | 'pick' | 'others'> {
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
    const next = picked(hidden, data?.lines.map((line) => line.key) ?? [], key, toggle);
    setChosen(next.size === 0 ? undefined : next);
  };
  return { drawn, hidden, pick, others: chosen === undefined ? (top?.others ?? 0) : 0 };
}

/** What is wrong with the data that is shown (`follows`: of the page's own range), in a few words; the details are under "How it is computed". */
export function troubleOf({ answer, error, data, loading }: ChartState, follows: boolean): string {
  // Without anything drawn, the place of the plot says it.
  if (error !== undefined && isDrawn(data)) return `not renewed: ${error.message}`;
  if (answer === undefined) return '';
  const failed = answer.queries.filter((query) => query.error !== undefined).length;
  if (failed > 0 && failed < answer.queries.length) return `${failed} of ${answer.queries.length} queries failed`;
  if (answer.queries.some(({ warnings }) => warnings.length > 0)) return 'incomplete';
  if (!follows) return '';
  const ageMs = viewNowMs.value - (data?.toMs ?? viewNowMs.value);
  return !loading && isMoving.value && ageMs > 60_000 + 2 * (data?.stepMs ?? 0) ? `${age(ageMs)} old` : '';
}

const isDrawn = (data: ChartData | undefined): boolean => data !== undefined && !isEmpty(data);

const isNative = (data: ChartData | undefined): boolean =>
  data !== undefined && data.lines.length > 0 && data.lines.every(({ bucket }) => bucket !== undefined);

/** `width` is that of the plot. */
export function usePanel(props: PanelCardProps, width: number): PanelModel {
  const { panel, range, onAnswer } = props;
  const [chosen, setView] = useState<PanelView | undefined>(undefined);
  // A native histogram is drawn as one: lines of its buckets say little.
  const [native, setNative] = useState(false);
  const view = chosen ?? (panel.kind === 'heatmap' || native ? 'heatmap' : 'chart');
  const [axis, setAxis] = useState<AxisKind>(firstAxis(panel));
  const { chart, ghost } = usePanelData(props, view, width);
  const sinceMs = range === undefined ? growingSinceMs.value : undefined;
  const whole = useMemo(() => chart.data && since(chart.data, sinceMs), [chart.data, sinceMs]);
  const stacked = panel.kind === 'stacked';
  const lines = useChosen(whole, stacked, view === 'heatmap');
  const { hidden, drawn } = lines;
  const before = useMemo(() => {
    const { data } = ghost;
    return data && { ...data, lines: data.lines.filter(({ key }) => !hidden.has(key)) };
  }, [ghost.data, hidden]);
  useEffect(() => useMarksOfRange(), []);
  useEffect(() => setNative(isNative(chart.data)), [chart.data]);
  useEffect(() => onAnswer?.(chart), [chart.answer, chart.error, chart.loading]);
  const unit = ucumOf(panel.unit);
  const scale = scaleFor(unit, drawn === undefined ? 0 : largestOf(drawn.lines, stacked));
  return { ...lines, chart, whole, ghost: before, unit, scale, stacked, view, setView, axis, setAxis };
}
