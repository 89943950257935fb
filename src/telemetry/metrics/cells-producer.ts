/**
 * Adds cells and tables to each collection that the SDK makes for a reader, in the scope they were made with. Frames, the
 * Prometheus page and every exporter of the environment collect through the one `LiveReader`, so they all get these metrics
 * beside those of the API's instruments. Only cumulative readers can be joined: where a reader needs differences, another
 * aggregation or another limit, no cells are opened and the SDK records everything (`sdk.ts`).
 */
import type { HrTime } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import type {
  CollectionResult,
  HistogramMetricData,
  IMetricReader,
  MetricData,
  MetricProducer,
  ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import type { CellHistogram, Cells } from './cells.ts';
import { tablePoints } from './table-points.ts';

function metricOf(histogram: CellHistogram, endTime: HrTime): HistogramMetricData {
  const { name, unit, description } = histogram.metric;
  const dataPoints = Array.from(histogram.cells(), (cell) => ({
    attributes: cell.attributes,
    startTime: cell.startTime ?? endTime,
    endTime,
    value: {
      min: cell.min,
      max: cell.max,
      sum: cell.sum,
      count: cell.count,
      buckets: { boundaries: [...histogram.bounds], counts: Array.from(cell.counts) },
    },
  }));
  return {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.HISTOGRAM,
    dataPoints,
  };
}

/** Puts the cells' metrics into the scope of their name; adds the scope if the SDK has none of that name. */
function completed(result: CollectionResult, cells: Cells): CollectionResult {
  const time = cells.now();
  const scopes = new Map<string, MetricData[]>();
  const add = (scope: string, metrics: readonly MetricData[]): void => {
    const own = scopes.get(scope);
    if (own === undefined) scopes.set(scope, [...metrics]);
    else own.push(...metrics);
  };
  for (const histogram of cells.histograms) {
    const metric = metricOf(histogram, time);
    if (metric.dataPoints.length > 0) add(histogram.scope, [metric]);
  }
  for (const table of cells.tables) add(table.scope, tablePoints(table, time));
  const scopeMetrics: ScopeMetrics[] = result.resourceMetrics.scopeMetrics.map((scope) => {
    const own = scopes.get(scope.scope.name);
    if (own === undefined) return scope;
    scopes.delete(scope.scope.name);
    return { scope: scope.scope, metrics: [...scope.metrics, ...own] };
  });
  for (const [name, own] of scopes) scopeMetrics.push({ scope: { name, version: '' }, metrics: own });
  return { ...result, resourceMetrics: { ...result.resourceMetrics, scopeMetrics } };
}

/** Makes `reader`, which must be cumulative, collect the cells too. Call it before the reader is registered. */
export function joinCells<R extends IMetricReader>(cells: Cells, reader: R): R {
  const register = reader.setMetricProducer.bind(reader);
  reader.setMetricProducer = (inner: MetricProducer) =>
    register({
      async collect(options) {
        cells.collecting();
        return completed(await inner.collect(options), cells);
      },
    });
  return reader;
}
