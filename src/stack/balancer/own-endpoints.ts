/**
 * `/health`, `/livez` and `/readyz` on the balancer's own port, answered from its own state. They do not count as requests.
 */
import { formatUptime } from '../../base/units.ts';
import { worst, type ComponentHealth, type Health } from '../../model/health.ts';

export interface OwnAnswer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
}

/** The data for the answers. */
export interface HealthFacts {
  /** Since the start, without those of the balancer's own endpoints. */
  readonly requests: number;
  readonly uptimeSeconds: number;
  readonly queueSize: number;
  readonly draining: boolean;
  readonly components: Readonly<Record<string, ComponentHealth>>;
  readonly cacheSizeBytes: number;
}

const MIB = 1024 ** 2;
const PASS = { starting: 'warn', healthy: 'pass', degraded: 'warn', unhealthy: 'fail' } as const;

/** The components of `/health` without addresses of upstreams, for clients that must not see them. */
function anonymous(components: HealthFacts['components']): HealthFacts['components'] {
  return Object.fromEntries(
    Object.entries(components).map(([name, { upstreams: _addresses, ...figures }]) => [
      name,
      figures as ComponentHealth,
    ]),
  );
}

export function healthBody(facts: HealthFacts, named = true): Health {
  return {
    status: worst(Object.values(facts.components).map((one) => one.status)),
    uptime: formatUptime(facts.uptimeSeconds),
    uptime_seconds: Math.floor(facts.uptimeSeconds),
    memory_usage_mb: Math.round(process.memoryUsage.rss() / MIB),
    cache_size_mb: Math.round((facts.cacheSizeBytes / MIB) * 10) / 10,
    queue_size: facts.queueSize,
    components: named ? facts.components : anonymous(facts.components),
  };
}

/** The answer in the format of the draft inadarei-api-health-check-06, when `Accept` asks for it. */
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

export type OwnEndpoint = '/livez' | '/readyz' | '/health';

/** Undefined when the path is not an own endpoint. `bare`: the paths are also served without the prefix. */
export function ownEndpoint(path: string, prefix: string, bare: boolean): OwnEndpoint | undefined {
  const last = path.charCodeAt(path.length - 1);
  // The three names end in h or z; any other path is skipped at once.
  if (last !== 104 && last !== 122) return undefined;
  const name = path.startsWith(prefix) ? path.slice(prefix.length) : '';
  if (isOwn(name)) return name;
  return bare && isOwn(path) ? path : undefined;
}

const isOwn = (name: string): name is OwnEndpoint => name === '/livez' || name === '/readyz' || name === '/health';

/** `named`: the client may see the addresses of upstreams. */
export function ownAnswer(endpoint: OwnEndpoint, accept: string, named: boolean, facts: () => HealthFacts): OwnAnswer {
  switch (endpoint) {
    case '/livez':
      return { status: 200, type: 'text/plain; charset=utf-8', body: 'ok\n' };
    case '/readyz': {
      const { draining, components } = facts();
      const starting = Object.values(components).some(({ status }) => status === 'starting');
      return {
        status: draining || starting ? 503 : 200,
        type: 'text/plain; charset=utf-8',
        body: draining ? 'draining\n' : starting ? 'starting\n' : 'ok\n',
      };
    }
    default: {
      const health = healthBody(facts(), named);
      const status = health.status === 'unhealthy' ? 503 : 200;
      return accept.includes('application/health+json')
        ? { status, type: 'application/health+json', body: healthJson(health) }
        : { status, type: 'application/json', body: JSON.stringify(health) };
    }
  }
}
