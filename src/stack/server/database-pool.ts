/**
 * The figures of a pool of database connections, by the names of the semantic conventions (`db.client.connection.*`), for
 * drivers that no instrumentation covers. The pool itself belongs to the driver: it is read once at each collection, and
 * each request for a connection reports its wait.
 */
import { metrics } from '@opentelemetry/api';
import { counterOf, histogramOf, observeMetrics } from '../../telemetry/metrics/meters.ts';
import { FINE_DURATION_BOUNDS, METRICS } from '../../telemetry/names.ts';

export interface PoolState {
  readonly used: number;
  readonly idle: number;
  readonly max: number;
  /** Requests that wait for a connection. */
  readonly pending: number;
}

export interface PoolMeasures extends Disposable {
  /** A request got its connection after this time. */
  waited(durationMs: number): void;
  /** A request gave up. */
  timedOut(): void;
  /** A connection was given back after this time. */
  used(durationMs: number): void;
}

const OBSERVED = {
  count: METRICS.dbConnections,
  max: METRICS.dbConnectionsMax,
  pending: METRICS.dbPending,
} as const;

/** `name` becomes `db.client.connection.pool.name`: unique within the process, and one of few. Dispose when the pool is closed. */
export function measuredPool(name: string, read: () => PoolState): PoolMeasures {
  const meter = metrics.getMeter('vitrine.server');
  const pool = { 'db.client.connection.pool.name': name };
  const wait = histogramOf(meter, METRICS.dbWait, FINE_DURATION_BOUNDS);
  const use = histogramOf(meter, METRICS.dbUse, FINE_DURATION_BOUNDS);
  const timeouts = counterOf(meter, METRICS.dbTimeouts);
  const end = observeMetrics(meter, OBSERVED, (observe) => {
    const { used, idle, max, pending } = read();
    observe('count', used, { ...pool, 'db.client.connection.state': 'used' });
    observe('count', idle, { ...pool, 'db.client.connection.state': 'idle' });
    observe('max', max, pool);
    observe('pending', pending, pool);
  });
  return {
    waited: (durationMs) => wait.record(durationMs / 1000, pool),
    timedOut: () => timeouts.add(1, pool),
    used: (durationMs) => use.record(durationMs / 1000, pool),
    [Symbol.dispose]: end,
  };
}
