/**
 * Adds cells and tables to each collection that the SDK makes for a reader, in the scope they were made with. Frames, the
 * Prometheus page and every exporter of the environment collect through a reader, so they all get these metrics beside
 * those of the API's instruments. A reader with delta temporality gets differences without minimum and maximum after its
 * first collection: a cell keeps only the minimum and maximum since the start.
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

/** The last values given to a delta reader. */
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

/** Puts the cells' metrics into the scope of their name; adds the scope if the SDK has none of that name. */
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

/** Makes `reader` collect the cells too. Call it before the reader is registered. */
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
