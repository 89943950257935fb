/**
 * Times the authentication of a service as `vitrine.server.auth.duration`: no instrumentation can tell a sign-in from any
 * other request. The operation and the outcome are fixed words, so a client cannot make new series.
 */
import { metrics } from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { histogramOf } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';

/** `login`: by name and password. `refresh`: a new token for an old one. `check`: the token of a request. */
export type AuthOperation = 'login' | 'refresh' | 'check';

export type TimedAuth = <T>(operation: AuthOperation, work: () => Promise<T>) => Promise<T>;

/**
 * Returns a function that runs and times one operation and passes on its result or its error. The outcome is `refused` for a
 * VitrineError with a 4xx status, `failed` for any other error, else `success`.
 */
export function timedAuth(clock: Clock): TimedAuth {
  const duration = histogramOf(metrics.getMeter('vitrine.server'), METRICS.authDuration);
  return async (operation, work) => {
    const startMs = clock.monotonic();
    let outcome = 'success';
    try {
      return await work();
    } catch (error) {
      outcome = error instanceof VitrineError && error.status < 500 ? 'refused' : 'failed';
      throw error;
    } finally {
      const seconds = (clock.monotonic() - startMs) / 1000;
      duration.record(seconds, { 'vitrine.auth.operation': operation, 'vitrine.auth.outcome': outcome });
    }
  };
}
