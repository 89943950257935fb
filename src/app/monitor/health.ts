/** `/health` of the monitor's port: the last health report of the stack, the monitor's own state, and the alerts that fire. */
import type { Clock } from '../../base/clock.ts';
import { formatUptime } from '../../base/units.ts';
import type { Alert } from '../../model/alert.ts';
import type { Frame } from '../../model/frame.ts';
import { worst, type ComponentHealth, type Health } from '../../model/health.ts';

const MIB = 1024 ** 2;
/** The state of a stack that has sent no frame for this long, or for this many intervals, is unknown. */
const SILENT_MS = 5_000;
const SILENT_INTERVALS = 3;

export interface MonitorHealthOptions {
  readonly clock: Clock;
  /** The time between two frames. */
  readonly intervalMs: number;
  readonly alerts: () => readonly Alert[];
  /** Whether a stack must report; until it has reported, its state is unknown. */
  readonly expectsStack: boolean;
  /** False while the disk is full. */
  readonly storeWritable: () => boolean;
  readonly storeFigures: () => Readonly<Record<string, unknown>>;
}

export class MonitorHealth {
  readonly #options: MonitorHealthOptions;
  readonly #startedAtMs: number;
  #stack: Health | undefined;
  #heardAtMs = 0;
  /** Set once every port is open. */
  open = false;

  constructor(options: MonitorHealthOptions) {
    this.#options = options;
    this.#startedAtMs = options.clock.monotonic();
  }

  get uptimeSeconds(): number {
    return (this.#options.clock.monotonic() - this.#startedAtMs) / 1000;
  }

  get ready(): boolean {
    return this.open && !this.#isStarting;
  }

  get #isStarting(): boolean {
    return this.#options.expectsStack && this.#stack === undefined;
  }

  heard(frame: Frame): void {
    if (frame.health === undefined) return;
    this.#stack = frame.health;
    this.#heardAtMs = this.#options.clock.monotonic();
  }

  report(): Health {
    const firing = this.#options.alerts().filter(({ state }) => state === 'firing');
    const components = { ...this.#stackComponents(), monitor: this.#own() };
    const critical = firing.some(({ labels }) => labels.get('severity') === 'critical');
    const uptimeSeconds = this.#stack?.uptime_seconds ?? this.uptimeSeconds;
    return {
      status: worst([
        this.#isStarting ? 'starting' : 'healthy',
        ...Object.values(components).map(({ status }) => status),
        critical ? 'degraded' : 'healthy',
      ]),
      uptime: formatUptime(uptimeSeconds),
      uptime_seconds: Math.floor(uptimeSeconds),
      memory_usage_mb: Math.round(process.memoryUsage.rss() / MIB) + (this.#stack?.memory_usage_mb ?? 0),
      cache_size_mb: this.#stack?.cache_size_mb ?? 0,
      queue_size: this.#stack?.queue_size ?? 0,
      alerts_firing: firing.length,
      components,
    };
  }

  #own(): ComponentHealth {
    const figures = {
      uptime_seconds: Math.floor(this.uptimeSeconds),
      memory_usage_mb: Math.round(process.memoryUsage.rss() / MIB),
      ...this.#options.storeFigures(),
    };
    if (this.#options.storeWritable()) return { status: 'healthy', ...figures };
    return {
      status: 'degraded',
      reason: 'The disk is full, fails or is gone: queries are answered, new samples are not kept.',
      ...figures,
    };
  }

  #stackComponents(): Readonly<Record<string, ComponentHealth>> {
    if (this.#stack === undefined) return {};
    const silentMs = this.#options.clock.monotonic() - this.#heardAtMs;
    if (silentMs < Math.max(SILENT_MS, SILENT_INTERVALS * this.#options.intervalMs)) return this.#stack.components;
    const { balancer } = this.#stack.components;
    const reason = `The balancer has sent nothing for ${Math.floor(silentMs / 1000)} s.`;
    return {
      ...this.#stack.components,
      balancer: { ...balancer, uptime_seconds: balancer?.uptime_seconds ?? 0, status: 'degraded', reason },
    };
  }
}
