/** A collection as an OTLP ExportMetricsServiceRequest (opentelemetry-proto 1.x: metrics.proto), cumulative. */
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import { attempt, writeAttributes, writeResource, writeScope } from './otlp-records.ts';
import { ProtobufWriter } from './protobuf-writer.ts';

const CUMULATIVE = 2;

function writeNumber(w: ProtobufWriter, point: DataPoint<number>): void {
  const start = w.open(1);
  w.time(2, point.startTime);
  w.time(3, point.endTime);
  w.double(4, point.value);
  writeAttributes(w, 7, point.attributes);
  w.close(start);
}

function writeHistogram(w: ProtobufWriter, { value, ...point }: DataPoint<Histogram>): void {
  const start = w.open(1);
  w.time(2, point.startTime);
  w.time(3, point.endTime);
  w.fixed64(4, value.count);
  if (value.sum !== undefined) w.double(5, value.sum);
  w.packedFixed64(6, value.buckets.counts);
  w.packedDoubles(7, value.buckets.boundaries);
  writeAttributes(w, 9, point.attributes);
  if (value.min !== undefined && Number.isFinite(value.min)) w.double(11, value.min);
  if (value.max !== undefined && Number.isFinite(value.max)) w.double(12, value.max);
  w.close(start);
}

function writeBuckets(w: ProtobufWriter, field: number, buckets: ExponentialHistogram['positive']): void {
  const start = w.open(field);
  w.sint32(1, buckets.offset);
  w.packedVarints(2, buckets.bucketCounts);
  w.close(start);
}

function writeExponential(w: ProtobufWriter, { value, ...point }: DataPoint<ExponentialHistogram>): void {
  const start = w.open(1);
  writeAttributes(w, 1, point.attributes);
  w.time(2, point.startTime);
  w.time(3, point.endTime);
  w.fixed64(4, value.count);
  if (value.sum !== undefined) w.double(5, value.sum);
  w.sint32(6, value.scale);
  w.fixed64(7, value.zeroCount);
  writeBuckets(w, 8, value.positive);
  writeBuckets(w, 9, value.negative);
  if (value.min !== undefined && Number.isFinite(value.min)) w.double(12, value.min);
  if (value.max !== undefined && Number.isFinite(value.max)) w.double(13, value.max);
  w.close(start);
}

/** Field of Metric, by kind. */
const FIELD: Readonly<Record<DataPointType, number>> = {
  [DataPointType.GAUGE]: 5,
  [DataPointType.SUM]: 7,
  [DataPointType.HISTOGRAM]: 9,
  [DataPointType.EXPONENTIAL_HISTOGRAM]: 10,
};

function writeMetric(w: ProtobufWriter, metric: MetricData): void {
  const { name, description, unit } = metric.descriptor;
  const start = w.open(2);
  w.string(1, name);
  if (description !== '') w.string(2, description);
  if (unit !== '') w.string(3, unit);
  const data = w.open(FIELD[metric.dataPointType]);
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      for (const point of metric.dataPoints) attempt(w, () => writeHistogram(w, point));
      break;
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      for (const point of metric.dataPoints) attempt(w, () => writeExponential(w, point));
      break;
    default:
      for (const point of metric.dataPoints) attempt(w, () => writeNumber(w, point));
  }
  if (metric.dataPointType !== DataPointType.GAUGE) w.uint(2, CUMULATIVE);
  if (metric.dataPointType === DataPointType.SUM && metric.isMonotonic) w.uint(3, 1);
  w.close(data);
  w.close(start);
}

/** Metrics without points are left out. */
export function encodeMetrics({ resource, scopeMetrics }: ResourceMetrics): Buffer {
  const w = new ProtobufWriter();
  const whole = w.open(1);
  writeResource(w, resource);
  for (const { scope, metrics } of scopeMetrics) {
    const start = w.open(2);
    writeScope(w, scope);
    for (const metric of metrics) if (metric.dataPoints.length > 0) attempt(w, () => writeMetric(w, metric));
    w.close(start);
  }
  w.close(whole);
  return w.take();
}
