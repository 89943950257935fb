/**
 * The only place where instruments are made, from the one table of names: name, unit, kind and description come from
 * `names.ts`, so that recorded metrics cannot differ from docs, dashboards and tests. The histogram bounds are an argument.
 * Only the OpenTelemetry API is used. `test/architecture.test.ts` refuses `createCounter` and the like elsewhere.
 */
import type {
  BatchObservableCallback,
  Counter,
  Gauge,
  Histogram,
  Meter,
  Observable,
  ObservableCallback,
  UpDownCounter,
} from '@opentelemetry/api';
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

export function gaugeOf(meter: Meter, { name, unit, description }: MetricName): Gauge {
  return meter.createGauge(name, { unit, description });
}

export function upDownCounterOf(meter: Meter, { name, unit, description }: MetricName): UpDownCounter {
  return meter.createUpDownCounter(name, { unit, description });
}

/** An observable instrument of the kind that the table gives the metric. */
function observableOf(meter: Meter, { name, unit, description, kind }: MetricName): Observable {
  const options = { unit, description };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'updowncounter') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}

/** Reports one metric by `callback` at each collection. Returns a function that ends it. */
export function observeMetric(meter: Meter, metric: MetricName, callback: ObservableCallback): () => void {
  const observable = observableOf(meter, metric);
  observable.addCallback(callback);
  return () => observable.removeCallback(callback);
}

export type ObserveKey<K extends string> = (
  key: K,
  value: number,
  attributes?: Parameters<Parameters<ObservableCallback>[0]['observe']>[1],
) => void;

/** Reports all of `table` by one `read` at each collection, so that its values belong together. Returns a function that ends it. */
export function observeMetrics<K extends string>(
  meter: Meter,
  table: Readonly<Record<K, MetricName>>,
  read: (observe: ObserveKey<K>) => void,
): () => void {
  const observables = new Map((Object.keys(table) as K[]).map((key) => [key, observableOf(meter, table[key])]));
  const all = [...observables.values()];
  const callback: BatchObservableCallback = (result) =>
    read((key, value, attributes) => {
      const observable = observables.get(key);
      if (observable !== undefined) result.observe(observable, value, attributes);
    });
  meter.addBatchObservableCallback(callback, all);
  return () => meter.removeBatchObservableCallback(callback, all);
}
