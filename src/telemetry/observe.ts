/** Observable instruments from a table of names, read together: one snapshot feeds all of them, at most once a second. */
import type { Attributes, Meter, Observable } from '@opentelemetry/api';
import type { Clock } from '../base/clock.ts';
import type { MetricName } from './names.ts';

const MIN_AGE_MS = 900;

function create(meter: Meter, { name, unit, description, kind }: MetricName): Observable {
  const options = { unit, description };
  if (kind === 'counter') return meter.createObservableCounter(name, options);
  if (kind === 'updowncounter') return meter.createObservableUpDownCounter(name, options);
  return meter.createObservableGauge(name, options);
}

export type Observe<K extends string> = (key: K, value: number, attributes?: Attributes) => void;

/**
 * Registers all of `table`. `read` is called for a collection, but not again within a second: readers that collect at the
 * same moment see the same numbers. Values that are not finite are left out. Returns what takes the metrics away again.
 */
export function observeTable<K extends string>(
  meter: Meter,
  table: Readonly<Record<K, MetricName>>,
  clock: Clock,
  read: (observe: Observe<K>, elapsedSeconds: number) => void,
): () => void {
  const observables = new Map<K, Observable>();
  for (const key of Object.keys(table) as K[]) observables.set(key, create(meter, table[key]));
  const all = [...observables.values()];
  let values: (readonly [Observable, number, Attributes | undefined])[] = [];
  let readAt: number | undefined;
  const refresh = (): void => {
    const now = clock.monotonic();
    if (readAt !== undefined && now - readAt < MIN_AGE_MS) return;
    const fresh: typeof values = [];
    const observe: Observe<K> = (key, value, attributes) => {
      const observable = observables.get(key);
      if (observable !== undefined && Number.isFinite(value)) fresh.push([observable, value, attributes]);
    };
    read(observe, readAt === undefined ? 0 : (now - readAt) / 1e3);
    values = fresh;
    readAt = now;
  };
  const callback: Parameters<Meter['addBatchObservableCallback']>[0] = (result) => {
    refresh();
    for (const [observable, value, attributes] of values) result.observe(observable, value, attributes);
  };
  meter.addBatchObservableCallback(callback, all);
  return () => meter.removeBatchObservableCallback(callback, all);
}

/** Shares of the growth since the last call, by key; nothing on the first. */
export function createShares(): (totals: Readonly<Record<string, number>>, whole: number) => [string, number][] {
  let before: Readonly<Record<string, number>> | undefined;
  return (totals, whole) => {
    const last = before;
    before = { ...totals };
    if (last === undefined || !(whole > 0)) return [];
    return Object.entries(totals).map(([key, total]) => [key, Math.max(0, total - (last[key] ?? 0)) / whole]);
  };
}
