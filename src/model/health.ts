/** The body of `/health`. Its names are public: dashboards and probes of other programs read them. */

/** `starting`: a component has not reported since the process began; it is not healthy yet, and nothing is wrong yet. */
export type HealthStatus = 'starting' | 'healthy' | 'degraded' | 'unhealthy';

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

/** The state of something that has reported. */
export type ReportedStatus = Exclude<HealthStatus, 'starting'>;

/** The worst of several states. */
export function worst<S extends HealthStatus>(states: readonly S[]): S | 'healthy' {
  for (const status of ['unhealthy', 'degraded', 'starting'] as const) {
    const found = states.find((one) => one === status);
    if (found !== undefined) return found;
  }
  return 'healthy';
}

/** The present figures of a target, in `GET /api/metrics`. */
export interface TargetFigures {
  readonly id: string;
  readonly name: string;
  readonly kind: string;
  readonly competitor: boolean;
  readonly state: 'up' | 'down' | 'unknown';
  readonly maintenance: boolean;
  /** The parent that is down, if one is. */
  readonly cause: string | null;
  /** Of the last check. */
  readonly response_ms: number | null;
  readonly status: number | null;
  readonly checked: string | null;
}
