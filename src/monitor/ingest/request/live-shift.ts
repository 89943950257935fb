/**
 * Corrects the times of senders whose clock was set back together with this machine's. The monitor's own clock then
 * continues without the step (base/clock.ts, `steadyClock`). The senders' new samples would therefore be older than the
 * stored ones, and would be refused for as long as the step was. The rule: when the newest item of a request is within a
 * minute of the wall clock, a clock that was set back too has just stamped it, and the times of the request are moved by the
 * same distance. All other requests keep their times.
 */
import type { LogRecord, SpanRecord } from '../../../model/records.ts';
import type { ResourceMetrics } from '../metrics/metric-points.ts';

const LIVE_MS = 60_000;
/** A smaller distance changes no order for long enough that the store would refuse samples. */
const LEAST_MS = 250;

/** Milliseconds to add to the times of a request. `aheadMs`: how far the monitor's clock is ahead of the wall clock. */
export function liveShiftMs(newestMs: number, nowMs: number, aheadMs: number): number {
  if (aheadMs < LEAST_MS) return 0;
  return Math.abs(newestMs - (nowMs - aheadMs)) <= LIVE_MS ? Math.round(aheadMs) : 0;
}

export function newestPointMs(resources: readonly ResourceMetrics[]): number {
  let newest = -Infinity;
  for (const { metrics } of resources) {
    for (const { points } of metrics) for (const { timeMs } of points) if (timeMs > newest) newest = timeMs;
  }
  return newest;
}

/** Start times stay: they mark resets, and a moved one would be a reset. */
export function shiftedMetrics(resources: readonly ResourceMetrics[], ms: number): readonly ResourceMetrics[] {
  return resources.map((resource) => ({
    ...resource,
    metrics: resource.metrics.map((metric) => {
      const points = metric.points.map((point) => ({ ...point, timeMs: point.timeMs + ms }));
      return { ...metric, points } as typeof metric;
    }),
  }));
}

export function shiftedSpan(span: SpanRecord, ms: number): SpanRecord {
  const nanos = BigInt(ms) * 1_000_000n;
  return { ...span, startUnixNano: span.startUnixNano + nanos, endUnixNano: span.endUnixNano + nanos };
}

export function shiftedLog(record: LogRecord, ms: number): LogRecord {
  const nanos = BigInt(ms) * 1_000_000n;
  return {
    ...record,
    timeUnixNano: record.timeUnixNano + nanos,
    observedUnixNano: record.observedUnixNano + nanos,
  };
}
