/** The store's own figures as OpenTelemetry gauges; the names are METRICS.store*. */
import { metrics } from '@opentelemetry/api';
import { METRICS } from '../../telemetry/names.ts';
import { observeMetrics } from '../../telemetry/metrics/meters.ts';

export interface StoreStats {
  readonly series: number;
  /** Bytes of decoded samples in memory. */
  readonly headBytes: number;
  /** Bytes on disk, side files included. */
  readonly sizeBytes: number;
  /** Undefined while the store does not grow or has been measured for less than two minutes. */
  readonly timeToFullSeconds: number | undefined;
  readonly writable: boolean;
  /** Since the store was opened. */
  readonly samplesAppended: number;
  /** New series that were sent to an overflow series. */
  readonly seriesOverflowed: number;
  readonly walBytes: number;
  readonly days: number;
  readonly exemplarSeries: number;
}

/** Registers the gauges; returns a function that removes them. */
export function observeStore(stats: () => StoreStats): () => void {
  const { storeSeries, storeHeadSize, storeSize, storeTimeToFull, storeWritable } = METRICS;
  const table = { storeSeries, storeHeadSize, storeSize, storeTimeToFull, storeWritable };
  return observeMetrics(metrics.getMeter('vitrine.store'), table, (observe) => {
    const now = stats();
    observe('storeSeries', now.series);
    observe('storeHeadSize', now.headBytes);
    observe('storeSize', now.sizeBytes);
    observe('storeWritable', now.writable ? 1 : 0);
    if (now.timeToFullSeconds !== undefined) observe('storeTimeToFull', now.timeToFullSeconds);
  });
}
