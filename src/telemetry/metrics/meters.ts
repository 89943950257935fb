/**
 * Instruments made from the one table of names: name, unit and description come from `names.ts`, so the recorded metrics
 * cannot differ from those in docs, dashboards and tests. The histogram bounds are an argument. Uses only the
 * OpenTelemetry API.
 */
import type { Counter, Histogram, Meter, ObservableGauge, UpDownCounter } from '@opentelemetry/api';
import type { MetricName } from '../names.ts';
import { DURATION_BOUNDS } from '../names.ts';

/** Bounds in seconds; pass `FINE_DURATION_BOUNDS` for durations that are usually below half a millisecond. */
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
