/** `/health`, `/livez` and `/readyz` on the balancer's own port, from its own state. They count as no request. */
import { formatUptime } from '../../base/units.ts';
import { worst, type ComponentHealth, type Health } from '../../model/health.ts';

export interface OwnAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The data for the answers. */
export interface HealthFacts {
  readonly uptimeSeconds: number;
  readonly queueSize: number;
  readonly draining: boolean;
  readonly components: Readonly<Record<string, ComponentHealth>>;
  readonly cacheSizeBytes: number;
}

const MIB = 1024 ** 2;
const PASS = { healthy: 'pass', degraded: 'warn', unhealthy: 'fail' } as const;

export function healthBody(facts: HealthFacts): Health {
  return {
    status: worst(Object.values(facts.components).map((one) => one.status)),
    uptime: formatUptime(facts.uptimeSeconds),
    uptime_seconds: Math.floor(facts.uptimeSeconds),
    memory_usage_mb: Math.round(process.memoryUsage.rss() / MIB),
    cache_size_mb: Math.round((facts.cacheSizeBytes / MIB) * 10) / 10,
    queue_size: facts.queueSize,
    components: facts.components,
  };
}

/** The draft inadarei-api-health-check-06, when `Accept` asks for it. */
function healthJson(health: Health): string {
  const checks = Object.fromEntries(
    Object.entries(health.components).map(([name, one]) => [
      `${name}:uptime`,
      [
        {
          componentType: 'component',
          observedValue: one.uptime_seconds,
          observedUnit: 's',
          status: PASS[one.status],
          ...(one.reason === undefined ? {} : { output: one.reason }),
        },
      ],
    ]),
  );
  return JSON.stringify({ status: PASS[health.status], description: 'vitrine', checks });
}

/** Undefined when the path is not an own endpoint. */
export function ownAnswer(
  path: string,
  prefix: string,
  accept: string,
  facts: () => HealthFacts,
): OwnAnswer | undefined {
  if (!path.startsWith(prefix)) return undefined;
  switch (path.slice(prefix.length)) {
    case '/livez':
      return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' };
    case '/readyz': {
      const { draining } = facts();
      return {
        status: draining ? 503 : 200,
        type: 'text/plain; charset=utf-8',
        body: draining ? 'draining\n' : 'ok\n',
      };
    }
    case '/health': {
      const health = healthBody(facts());
      const status = health.status === 'unhealthy' ? 503 : 200;
      return accept.includes('application/health+json')
        ? { status, type: 'application/health+json', body: healthJson(health) }
        : { status, type: 'application/json', body: JSON.stringify(health) };
    }
    default:
      return undefined;
  }
}
