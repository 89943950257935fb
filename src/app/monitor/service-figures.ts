/**
 * Passes the few OTLP metrics of services that the page draws for each process to the live figures. They are taken from a
 * request on its way into the store, so no query is needed.
 */
import type { FrameMetric, FramePoint } from '../../model/frame.ts';
import { serviceOf } from '../../model/records.ts';
import { attributesOf, type Metric, type ResourceMetrics } from '../../monitor/ingest/metrics/metric-points.ts';
import type { LiveState } from '../../monitor/api/live.ts';
import type { AttributeRedaction } from '../../monitor/ingest/checks/attribute-redaction.ts';

const WANTED = new Set([
  'http.server.request.duration',
  'process.cpu.time',
  'process.memory.usage',
  'process.uptime',
  'vitrine.component.uptime',
]);
const CUMULATIVE = 2;

/** Passes the cumulative collections in `resources` to the live state. Never throws, whatever the collections contain. */
export function observeServices(
  live: LiveState,
  resources: readonly ResourceMetrics[],
  nowMs: number,
  redaction: AttributeRedaction,
): void {
  for (const { resource: sent, metrics } of resources) {
    const wanted = metrics.filter((metric) => WANTED.has(metric.name)).flatMap(frameMetricOf);
    if (wanted.length === 0) continue;
    const resource = redaction.attributes(sent);
    const instance = resource['service.instance.id'];
    const service = serviceOf({ attributes: resource });
    live.observe(
      `${service}/${typeof instance === 'string' ? instance : ''}`,
      service,
      redaction.metrics(wanted),
      nowMs,
    );
  }
}

function frameMetricOf(metric: Metric): FrameMetric[] {
  const { name, unit, description } = metric;
  if (metric.kind === 'gauge') {
    return [
      {
        name,
        unit,
        description,
        kind: 'gauge',
        monotonic: false,
        points: metric.points.map((point) => pointOf(point, point.value)),
      },
    ];
  }
  if (metric.kind === 'sum' && metric.temporality === CUMULATIVE) {
    return [
      {
        name,
        unit,
        description,
        kind: 'sum',
        monotonic: metric.monotonic,
        points: metric.points.map((point) => pointOf(point, point.value)),
      },
    ];
  }
  if (metric.kind === 'histogram' && metric.temporality === CUMULATIVE) {
    const points = metric.points.map((point) =>
      pointOf(point, {
        kind: 'histogram',
        bounds: point.bounds,
        counts: point.counts,
        sum: point.sum ?? 0,
        count: point.count,
      } as const),
    );
    return [{ name, unit, description, kind: 'histogram', monotonic: true, points }];
  }
  return [];
}

function pointOf(point: Metric['points'][number], value: FramePoint['value']): FramePoint {
  return { attributes: attributesOf(point), startMs: point.startMs, endMs: point.timeMs, value };
}
