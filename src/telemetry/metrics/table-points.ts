/**
 * Converts a table of observed values to the metric data of the SDK: counters and up-down counters become sums, all others
 * gauges. A reader with delta temporality gets the difference since its last collection.
 */
import type { HrTime } from '@opentelemetry/api';
import { ValueType } from '@opentelemetry/api';
import type { DataPoint, IMetricReader, MetricData } from '@opentelemetry/sdk-metrics';
import { AggregationTemporality, DataPointType, InstrumentType } from '@opentelemetry/sdk-metrics';
import type { CellTable, TableMetric } from './cells.ts';
import type { MetricName } from '../names.ts';

const INSTRUMENTS = {
  counter: InstrumentType.OBSERVABLE_COUNTER,
  updowncounter: InstrumentType.OBSERVABLE_UP_DOWN_COUNTER,
} as const;

interface Given {
  readonly value: number;
  readonly time: HrTime;
}

/** The table values that one reader was given last. */
export class TablePoints {
  readonly #temporality: Readonly<Record<keyof typeof INSTRUMENTS, AggregationTemporality>>;
  /** By metric, then by attributes; only for sums that this reader gets as differences. */
  readonly #given = new Map<string, Map<string, Given>>();

  constructor(reader: IMetricReader) {
    this.#temporality = {
      counter: reader.selectAggregationTemporality(INSTRUMENTS.counter),
      updowncounter: reader.selectAggregationTemporality(INSTRUMENTS.updowncounter),
    };
  }

  /** Metrics without points are left out. */
  of(table: CellTable, endTime: HrTime): MetricData[] {
    const rows = table.read().filter(({ points }) => points.length > 0);
    return rows.map((row) => this.#metric(row, table.startTime, endTime));
  }

  #metric(row: TableMetric, startTime: HrTime, endTime: HrTime): MetricData {
    const { name, unit, description, kind } = row.metric;
    const descriptor = { name, unit, description, valueType: ValueType.DOUBLE };
    const points = (): DataPoint<number>[] =>
      row.points.map(({ value, attributes }) => ({ attributes, startTime, endTime, value }));
    if (kind !== 'counter' && kind !== 'updowncounter') {
      return {
        descriptor,
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        dataPointType: DataPointType.GAUGE,
        dataPoints: points(),
      };
    }
    const aggregationTemporality = this.#temporality[kind];
    const isDelta = aggregationTemporality === AggregationTemporality.DELTA;
    return {
      descriptor,
      aggregationTemporality,
      dataPointType: DataPointType.SUM,
      isMonotonic: kind === 'counter',
      dataPoints: isDelta ? this.#differences(row, startTime, endTime) : points(),
    };
  }

  #differences({ metric, points }: TableMetric, startTime: HrTime, endTime: HrTime): DataPoint<number>[] {
    const before = this.#given.get(metric.name);
    const given = new Map<string, Given>();
    this.#given.set(metric.name, given);
    return points.map(({ value, attributes }) => {
      const key = JSON.stringify(attributes);
      const last = before?.get(key);
      given.set(key, { value, time: endTime });
      const from = last === undefined || isReset(metric, last.value, value) ? 0 : last.value;
      return { attributes, startTime: last?.time ?? startTime, endTime, value: value - from };
    });
  }
}

/** A counter that fell was reset, so its whole value was added since. */
const isReset = ({ kind }: MetricName, last: number, now: number): boolean => kind === 'counter' && now < last;
