/** The store's own figures as OpenTelemetry gauges; the names are METRICS.store*. */
import { metrics } from '@opentelemetry/api';
import type { BatchObservableCallback, Observable } from '@opentelemetry/api';
import { METRICS } from '../../telemetry/names.ts';
import type { MetricName } from '../../telemetry/names.ts';

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
  const meter = metrics.getMeter('vitrine.store');
  const gauge = ({ name, unit, description }: MetricName): Observable =>
    meter.createObservableGauge(name, { unit, description });
  const series = gauge(METRICS.storeSeries);
  const headSize = gauge(METRICS.storeHeadSize);
  const size = gauge(METRICS.storeSize);
  const timeToFull = gauge(METRICS.storeTimeToFull);
  const writable = gauge(METRICS.storeWritable);
  const all = [series, headSize, size, timeToFull, writable];
  const callback: BatchObservableCallback = (result) => {
    const now = stats();
    result.observe(series, now.series);
    result.observe(headSize, now.headBytes);
    result.observe(size, now.sizeBytes);
    result.observe(writable, now.writable ? 1 : 0);
    if (now.timeToFullSeconds !== undefined) result.observe(timeToFull, now.timeToFullSeconds);
  };
  meter.addBatchObservableCallback(callback, all);
  return () => meter.removeBatchObservableCallback(callback, all);
}
