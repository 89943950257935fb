/**
 * `/health`, `/livez` and `/readyz`, from the health of the components. Each request for health runs the checks. A check
 * that throws or does not answer within a second is reported as unhealthy with that reason, and never delays the answer
 * further.
 */
import { metrics } from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import { formatUptime } from '../../base/units.ts';
import type { ComponentHealth, Health, HealthStatus } from '../../model/health.ts';
import { worst } from '../../model/health.ts';
import { observeMetric } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import type { RequestFilter } from '../../telemetry/spans/unobserved-requests.ts';
import type { KitRouter } from './context.ts';

export type HealthCheck = () => ComponentHealth | Promise<ComponentHealth>;

/** Figures of the process that belong to no single component. */
export interface HealthFigures {
  readonly cacheSizeMb?: number;
  readonly queueSize?: number;
}

const CHECK_LIMIT_MS = 1_000;
const MEBIBYTE = 1024 * 1024;

export class HealthRegistry {
  readonly #checks = new Map<string, HealthCheck>();
  readonly #clock: Clock;
  readonly #figures: () => HealthFigures;
  readonly #startMs: number;
  #draining = false;

  constructor(clock: Clock, figures: () => HealthFigures = () => ({})) {
    this.#clock = clock;
    this.#figures = figures;
    this.#startMs = clock.monotonic();
  }

  /** A later check replaces an earlier one of the same name. */
  add(name: string, check: HealthCheck): void {
    this.#checks.set(name, check);
  }

  /** From now on `/readyz` answers 503, so that load balancers send no new requests. */
  drain(): void {
    this.#draining = true;
  }

  get draining(): boolean {
    return this.#draining;
  }

  get uptimeSeconds(): number {
    return (this.#clock.monotonic() - this.#startMs) / 1000;
  }

  async report(): Promise<Health> {
    const components: Record<string, ComponentHealth> = Object.fromEntries(
      await Promise.all([...this.#checks].map(async ([name, check]) => [name, await this.#ask(check)] as const)),
    );
    const figures = this.#figures();
    return {
      status: worst(Object.values(components).map(({ status }) => status)),
      uptime: formatUptime(this.uptimeSeconds),
      uptime_seconds: Math.floor(this.uptimeSeconds),
      memory_usage_mb: Math.round(process.memoryUsage.rss() / MEBIBYTE),
      cache_size_mb: figures.cacheSizeMb ?? 0,
      queue_size: figures.queueSize ?? 0,
      components,
    };
  }

  /** Reports `vitrine.component.uptime` for every registered component. Returns a function that stops it. */
  observeUptime(): () => void {
    return observeMetric(metrics.getMeter('vitrine.server'), METRICS.componentUptime, async (result) => {
      const { components } = await this.report();
      for (const [name, { uptime_seconds }] of Object.entries(components)) {
        result.observe(uptime_seconds, { 'vitrine.component': name });
      }
    });
  }

  async #ask(check: HealthCheck): Promise<ComponentHealth> {
    let cancel = (): void => {};
    const late = new Promise<ComponentHealth>((resolve) => {
      cancel = this.#clock.after(CHECK_LIMIT_MS, () =>
        resolve({ status: 'unhealthy', uptime_seconds: 0, reason: `No answer within ${CHECK_LIMIT_MS} ms.` }),
      );
    });
    try {
      return await Promise.race([(async () => check())(), late]);
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      return { status: 'unhealthy', uptime_seconds: 0, reason };
    } finally {
      cancel();
    }
  }
}

export interface HealthAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** 503 only when unhealthy. Uses the draft `application/health+json` (inadarei-api-health-check-06) if `accept` names it. */
export function healthAnswer(health: Health, accept: string | undefined): HealthAnswer {
  const status = health.status === 'unhealthy' ? 503 : 200;
  if (!(accept ?? '').includes('application/health+json')) {
    return { status, type: 'application/json', body: JSON.stringify(health) };
  }
  const word: Record<HealthStatus, string> = { starting: 'warn', healthy: 'pass', degraded: 'warn', unhealthy: 'fail' };
  const checks = Object.fromEntries(
    Object.entries(health.components).map(([name, component]) => [
      `${name}:uptime`,
      [
        {
          componentType: 'component',
          observedValue: component.uptime_seconds,
          observedUnit: 's',
          status: word[component.status],
          ...(component.reason === undefined ? {} : { output: component.reason }),
        },
      ],
    ]),
  );
  return { status, type: 'application/health+json', body: JSON.stringify({ status: word[health.status], checks }) };
}

/** Whether a request is for one of the three health paths under `prefix`. */
export function healthRequests(prefix: string): RequestFilter {
  const paths = new Set(['health', 'livez', 'readyz'].map((name) => `${prefix}/${name}`));
  return ({ url = '' }) => {
    const end = url.indexOf('?');
    return paths.has(end < 0 ? url : url.slice(0, end));
  };
}

/** Adds the three health paths to `router`, under `prefix` ('' for none). */
export function healthRoutes(router: KitRouter, registry: HealthRegistry, prefix: string): void {
  router.get(`${prefix}/health`, async (ctx) => {
    const answer = healthAnswer(await registry.report(), ctx.req.headers.accept);
    ctx.status = answer.status;
    ctx.body = answer.body;
    ctx.type = answer.type;
  });
  router.get(`${prefix}/livez`, (ctx) => {
    ctx.body = 'ok\n';
  });
  router.get(`${prefix}/readyz`, async (ctx) => {
    const ready = !registry.draining && (await registry.report()).status !== 'unhealthy';
    ctx.status = ready ? 200 : 503;
    ctx.body = ready ? 'ok\n' : registry.draining ? 'draining\n' : 'unhealthy\n';
  });
}
