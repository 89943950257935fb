/**
 * How readers see cells and tables: what the SDK collects for a reader is completed with them, under the same scope, so that
 * frames, the Prometheus page and every exporter of the environment show what the API's own instruments would have shown.
 * A reader with delta temporality gets differences; they carry no minimum and maximum, which cells keep since the start.
 */
import type { HrTime } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import type {
  CollectionResult,
  DataPoint,
  Histogram,
  HistogramMetricData,
  IMetricReader,
  MetricData,
  MetricProducer,
  ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { Cell, CellHistogram, Cells } from './cells.ts';
import { TablePoints } from './table-points.ts';

interface Reported {
  readonly counts: Float64Array;
  readonly count: number;
  readonly sum: number;
  readonly time: HrTime;
}

/** What a delta reader was given last. */
type History = WeakMap<Cell, Reported>;

function cumulativePoint(cell: Cell, bounds: readonly number[], endTime: HrTime): DataPoint<Histogram> {
  return {
    attributes: cell.attributes,
    startTime: cell.startTime ?? endTime,
    endTime,
    value: {
      min: cell.min,
      max: cell.max,
      sum: cell.sum,
      count: cell.count,
      buckets: { boundaries: [...bounds], counts: Array.from(cell.counts) },
    },
  };
}

function deltaPoint(
  cell: Cell,
  bounds: readonly number[],
  endTime: HrTime,
  history: History,
): DataPoint<Histogram> | undefined {
  const last = history.get(cell);
  if (last?.count === cell.count) return undefined;
  history.set(cell, { counts: cell.counts.slice(), count: cell.count, sum: cell.sum, time: endTime });
  return {
    attributes: cell.attributes,
    startTime: last?.time ?? cell.startTime ?? endTime,
    endTime,
    value: {
      min: last === undefined ? cell.min : undefined,
      max: last === undefined ? cell.max : undefined,
      sum: cell.sum - (last?.sum ?? 0),
      count: cell.count - (last?.count ?? 0),
      buckets: { boundaries: [...bounds], counts: Array.from(cell.counts, (n, at) => n - (last?.counts[at] ?? 0)) },
    },
  };
}

function metricOf(histogram: CellHistogram, endTime: HrTime, history: History | undefined): HistogramMetricData {
  const { name, unit, description } = histogram.metric;
  const dataPoints: DataPoint<Histogram>[] = [];
  for (const cell of histogram.cells()) {
    const point =
      history === undefined
        ? cumulativePoint(cell, histogram.bounds, endTime)
        : deltaPoint(cell, histogram.bounds, endTime, history);
    if (point !== undefined) dataPoints.push(point);
  }
  return {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: history === undefined ? AggregationTemporality.CUMULATIVE : AggregationTemporality.DELTA,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}

/** The cells' metrics go into the scope of their name, made if the SDK has none. */
function completed(
  result: CollectionResult,
  cells: Cells,
  history: History | undefined,
  tables: TablePoints,
): CollectionResult {
  const time = cells.now();
  const scopes = new Map<string, MetricData[]>();
  const add = (scope: string, metrics: readonly MetricData[]): void => {
    const own = scopes.get(scope);
    if (own === undefined) scopes.set(scope, [...metrics]);
    else own.push(...metrics);
  };
  for (const histogram of cells.histograms) {
    const metric = metricOf(histogram, time, history);
    if (metric.dataPoints.length > 0) add(histogram.scope, [metric]);
  }
  for (const table of cells.tables) add(table.scope, tables.of(table, time));
  const scopeMetrics: ScopeMetrics[] = result.resourceMetrics.scopeMetrics.map((scope) => {
    const own = scopes.get(scope.scope.name);
    if (own === undefined) return scope;
    scopes.delete(scope.scope.name);
    return { scope: scope.scope, metrics: [...scope.metrics, ...own] };
  });
  for (const [name, own] of scopes) scopeMetrics.push({ scope: { name, version: '' }, metrics: own });
  return { ...result, resourceMetrics: { ...result.resourceMetrics, scopeMetrics } };
}

/** From its registration on, `reader` collects the cells too. To be called before it is registered. */
export function joinCells<R extends IMetricReader>(cells: Cells, reader: R): R {
  const register = reader.setMetricProducer.bind(reader);
  reader.setMetricProducer = (inner: MetricProducer) => {
    const temporality = reader.selectAggregationTemporality(InstrumentType.HISTOGRAM);
    const history: History | undefined = temporality === AggregationTemporality.DELTA ? new WeakMap() : undefined;
    const tables = new TablePoints(reader);
    register({
      async collect(options) {
        cells.collecting();
        return completed(await inner.collect(options), cells, history, tables);
      },
    });
  };
  return reader;
}
