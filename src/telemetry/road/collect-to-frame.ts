/**
 * Converts a collection of the SDK to plain data without SDK classes, which `structuredClone` (IPC) can copy. Arrays of counts
 * are not copied: a collection owns its data and nothing writes to it afterwards.
 */
import { hrTimeToMilliseconds } from '@opentelemetry/core';
import type {
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import type { FrameMetric, FramePoint } from '../../model/frame.ts';
import type { Attributes } from '../../model/records.ts';

function pointsOf<T>(points: readonly DataPoint<T>[], value: (raw: T) => FramePoint['value']): FramePoint[] {
  return points.map((point) => ({
    attributes: point.attributes as Attributes,
    startMs: hrTimeToMilliseconds(point.startTime),
    endMs: hrTimeToMilliseconds(point.endTime),
    value: value(point.value),
  }));
}

const explicit = (value: Histogram): FramePoint['value'] => ({
  kind: 'histogram',
  bounds: value.buckets.boundaries,
  counts: value.buckets.counts,
  sum: value.sum ?? 0,
  count: value.count,
});

const exponential = (value: ExponentialHistogram): FramePoint['value'] => ({
  kind: 'exponential',
  scale: value.scale,
  zeroCount: value.zeroCount,
  zeroThreshold: 0,
  positive: { offset: value.positive.offset, counts: value.positive.bucketCounts },
  negative: { offset: value.negative.offset, counts: value.negative.bucketCounts },
  sum: value.sum ?? 0,
  count: value.count,
});

function metricToFrame(metric: MetricData): FrameMetric {
  const { name, unit, description } = metric.descriptor;
  const base = { name, unit, description };
  switch (metric.dataPointType) {
    case DataPointType.HISTOGRAM:
      return { ...base, kind: 'histogram', monotonic: false, points: pointsOf(metric.dataPoints, explicit) };
    case DataPointType.EXPONENTIAL_HISTOGRAM:
      return {
        ...base,
        kind: 'exponential_histogram',
        monotonic: false,
        points: pointsOf(metric.dataPoints, exponential),
      };
    case DataPointType.SUM:
      return {
        ...base,
        kind: 'sum',
        monotonic: metric.isMonotonic,
        points: pointsOf(metric.dataPoints, (value) => value),
      };
    default:
      return {
        ...base,
        kind: 'gauge',
        monotonic: false,
        points: pointsOf(metric.dataPoints, (value) => value),
      };
  }
}

/** Metrics without points are left out. Scopes are flattened: Vitrine never adds `otel_scope_*` labels. */
export function toFrameMetrics(collected: ResourceMetrics): FrameMetric[] {
  const metrics: FrameMetric[] = [];
  for (const scope of collected.scopeMetrics) {
    for (const metric of scope.metrics) if (metric.dataPoints.length > 0) metrics.push(metricToFrame(metric));
  }
  return metrics;
}
