/**
 * Instruments from the one table of names: name, unit, description and bounds come from `names.ts`, so that what the
 * stack records cannot differ from what docs, dashboards and tests know. Only the OpenTelemetry API is used.
 */
import type { Counter, Histogram, Meter, ObservableGauge, UpDownCounter } from '@opentelemetry/api';
import type { MetricName } from '../names.ts';
import { DURATION_BOUNDS } from '../names.ts';

/** Bounds in seconds; pass `FINE_DURATION_BOUNDS` for what is usually below half a millisecond. */
export function histogramOf(meter: Meter, metric: MetricName, bounds: readonly number[] = DURATION_BOUNDS): Histogram {
  const { name, unit, description } = metric;
  return meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...bounds] } });
}

export function counterOf(meter: Meter, { name, unit, description }: MetricName): Counter {
  return meter.createCounter(name, { unit, description });
}

export function upDownCounterOf(meter: Meter, { name, unit, description }: MetricName): UpDownCounter {
  return meter.createUpDownCounter(name, { unit, description });
}

export function gaugeOf(meter: Meter, { name, unit, description }: MetricName): ObservableGauge {
  return meter.createObservableGauge(name, { unit, description });
}
