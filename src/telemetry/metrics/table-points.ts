/**
 * Converts a table of observed values to the cumulative metric data of the SDK: counters and up-down counters become sums, all
 * others gauges.
 */
import type { HrTime } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import type { DataPoint, MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import type { CellTable, TableMetric } from './cells.ts';

/** Metrics without points are left out. */
export function tablePoints(table: CellTable, endTime: HrTime): MetricData[] {
  const rows = table.read().filter(({ points }) => points.length > 0);
  return rows.map((row) => metricOf(row, table.startTime, endTime));
}

function metricOf({ metric, points }: TableMetric, startTime: HrTime, endTime: HrTime): MetricData {
  const { name, unit, description, kind } = metric;
  const dataPoints: DataPoint<number>[] = points.map(({ value, attributes }) => ({
    attributes,
    startTime,
    endTime,
    value,
  }));
  const shared = {
    descriptor: { name, unit, description, valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPoints,
  };
  if (kind !== 'counter' && kind !== 'updowncounter') return { ...shared, dataPointType: DataPointType.GAUGE };
  return { ...shared, dataPointType: DataPointType.SUM, isMonotonic: kind === 'counter' };
}
