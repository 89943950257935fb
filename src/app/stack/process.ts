/**
 * Starts the data path: cache and balancer, with the uptime of each component as a metric. It does not depend on the monitor;
 * its caller sends the telemetry to the monitor.
 */
import { metrics } from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import { Scope } from '../../base/scope.ts';
import { bearerOf, sameSecret } from '../../model/exposure.ts';
import type { Health } from '../../model/health.ts';
import { openControlSocket } from '../../stack/balancer/care/control-socket.ts';
import type { HandedSockets } from '../../stack/balancer/tls/bind.ts';
import type { Serving } from './replacement.ts';
import { startBalancer, type Balancer } from '../../stack/balancer/balancer.ts';
import type { BalancerOptions } from '../../stack/balancer/config.ts';
import { healthBody } from '../../stack/balancer/own-endpoints.ts';
import { openResponseCache } from '../../stack/cache/open-response-cache.ts';
import { observeMetric } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import type { Settings } from '../process/settings-schema.ts';

export interface StackOptions {
  readonly settings: Settings;
  /** The section, with default upstreams when none is configured. */
  readonly balancer: BalancerOptions;
  /** Whether the upstreams were started together with this process. */
  readonly upstreamsStart: boolean;
  /** The balancer's health answers on the bare paths too: no service behind the balancer uses these paths itself. */
  readonly bareHealth: boolean;
  /** Listening sockets of the process that this one replaces. */
  readonly handed?: HandedSockets | undefined;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface Stack {
  readonly balancer: Balancer;
  /** For the replacement of this process by another. */
  readonly serving: Serving;
  /** Throws VitrineError `config_invalid` and keeps the present configuration. */
  reload(section: BalancerOptions): void;
  health(): Health;
  /** Answers the requests that were read, then stops. Returns one message for each part that failed to stop. */
  close(): Promise<string[]>;
}

const UPSTREAMS_START_MS = 15_000;

/** Throws VitrineError `port_taken` or `bind_failed`. */
export async function startStack({
  settings,
  balancer: section,
  upstreamsStart,
  bareHealth,
  handed,
  clock,
  logger,
}: StackOptions): Promise<Stack> {
  const scope = new Scope(clock);
  try {
    const opened = openResponseCache(settings.cache, clock, logger);
    if (opened !== undefined) scope.add('response cache', async () => opened[Symbol.asyncDispose]());
    const cache = opened && {
      responseCache: opened.cache,
      cacheCare: opened.care,
      purgeAllow: settings.cache.purge.allow,
      cacheHealth: () => ({ component: opened.health(), sizeBytes: opened.sizeBytes() }),
    };
    const balancer = await startBalancer(section, {
      log: logger,
      clock,
      upstreamsStartMs: upstreamsStart ? UPSTREAMS_START_MS : 0,
      bareHealth,
      handed,
      authorized: (authorization) => mayName(settings, authorization),
      ...cache,
    });
    scope.add('balancer', () => balancer.drain(), section.drain.limit + 1_000);
    scope.add('uptime', observeUptime(balancer));
    let closeControl = (): void => {};
    const openControl = async (): Promise<void> => {
      if (section.control !== undefined)
        closeControl = await openControlSocket(section.control, (call) => balancer.care(call));
    };
    scope.add('control socket', () => closeControl());
    if (handed === undefined) await openControl();
    return {
      balancer,
      reload: (next) => balancer.reload(next),
      serving: {
        sockets: () => balancer.sockets,
        letGo: () => closeControl(),
        leave: () => balancer.leave(),
        alone: openControl,
      },
      health: () => healthBody(balancer.health()),
      close: () => scope.close(),
    };
  } catch (error) {
    await scope.close();
    throw error;
  }
}

function mayName({ auth }: Settings, authorization: string): boolean {
  const token = auth.token?.reveal();
  const given = bearerOf(authorization);
  return token !== undefined && given !== undefined && sameSecret(given, token);
}

function observeUptime(balancer: Balancer): () => void {
  return observeMetric(metrics.getMeter('vitrine.stack'), METRICS.componentUptime, (result) => {
    for (const [component, { uptime_seconds }] of Object.entries(balancer.health().components)) {
      result.observe(uptime_seconds, { 'vitrine.component': component });
    }
  });
}
