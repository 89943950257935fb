/**
 * Histogram bounds for the table of names: one list for durations, a finer one for operations that take microseconds.
 * In the SDK a view decides for all readers, so where an exporter asks for an aggregation of its own there are no views:
 * then the instruments of other authors keep the bounds that these authors advise.
 */
import type { ViewOptions } from '@opentelemetry/sdk-metrics';
import { AggregationType } from '@opentelemetry/sdk-metrics';
import type { MetricName } from '../names.ts';
import { DURATION_BOUNDS, FINE_DURATION_BOUNDS, METRICS } from '../names.ts';

const FINE: ReadonlySet<string> = new Set<string>([METRICS.phaseDuration.name, METRICS.cacheLookupDuration.name]);

export function boundsOf(name: string): readonly number[] {
  return FINE.has(name) ? FINE_DURATION_BOUNDS : DURATION_BOUNDS;
}

export function durationViews(): ViewOptions[] {
  return Object.values<MetricName>(METRICS)
    .filter(({ kind, unit }) => kind === 'histogram' && unit === 's')
    .map(({ name }) => ({
      instrumentName: name,
      aggregation: { type: AggregationType.EXPLICIT_BUCKET_HISTOGRAM, options: { boundaries: [...boundsOf(name)] } },
    }));
}
