/** The body of `/health`. Its names are public: dashboards and probes of other programs read them. */

export type HealthStatus = 'healthy' | 'degraded' | 'unhealthy';

export interface ComponentHealth {
  readonly status: HealthStatus;
  readonly uptime_seconds: number;
  /** One sentence when the status is not healthy. */
  readonly reason?: string;
  readonly [figure: string]: unknown;
}

export interface Health {
  readonly status: HealthStatus;
  /** In words: `2 days 4 hours`. */
  readonly uptime: string;
  readonly uptime_seconds: number;
  readonly memory_usage_mb: number;
  readonly cache_size_mb: number;
  readonly queue_size: number;
  /** Only where a monitor runs. */
  readonly alerts_firing?: number;
  /** Components that do not run here are absent. */
  readonly components: Readonly<Record<string, ComponentHealth>>;
}

/** The worst of several states. */
export function worst(states: readonly HealthStatus[]): HealthStatus {
  if (states.includes('unhealthy')) return 'unhealthy';
  return states.includes('degraded') ? 'degraded' : 'healthy';
}
