/** Every option of the server kit with its unit and default. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { KitRouter } from './context.ts';
import type { HealthRegistry } from './health.ts';
import type { ServerTelemetry } from './telemetry.ts';

export interface ServerLimits {
  /** Bytes of a request body, sent and decoded. */
  readonly maxBodyBytes: number;
  /** Bytes of a request head (Node's `maxHeaderSize`). */
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  readonly maxTargetBytes: number;
  /** Connections at once; more are closed on arrival. */
  readonly maxConnections: number;
}

export interface ServerTimeouts {
  /** From the first byte of a connection or request to the end of its head; 408 after. */
  readonly headMs: number;
  /** From the first byte of a request to the end of its body; 408 after. */
  readonly requestMs: number;
  /** Without a byte of a body that is being read; 408 after. */
  readonly bodyIdleMs: number;
  /** An idle connection is kept this long. */
  readonly keepAliveMs: number;
  /** How often the two limits on requests are looked at. */
  readonly checkMs: number;
  /** While draining: how long `/readyz` says 503 before the listener closes. */
  readonly drainNoticeMs: number;
  /** While draining: how long requests in flight may take after that. */
  readonly drainMs: number;
}

export interface ServerOptions {
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  readonly telemetry: ServerTelemetry;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: HealthRegistry;
  /** Adds the service's routes; the health paths are there already. */
  readonly routes: (router: KitRouter) => void;
  /** Prefix of the health paths, '' for none. */
  readonly healthPrefix: string;
  /** One log line a request. */
  readonly accessLog: boolean;
  readonly limits: ServerLimits;
  readonly timeouts: ServerTimeouts;
}

export const SERVER_LIMITS: ServerLimits = {
  maxBodyBytes: 1024 * 1024,
  maxHeadBytes: 16 * 1024,
  maxFields: 100,
  maxTargetBytes: 8 * 1024,
  maxConnections: 10_000,
};

export const SERVER_TIMEOUTS: ServerTimeouts = {
  // With the time between two looks: ten seconds.
  headMs: 9_000,
  requestMs: 300_000,
  bodyIdleMs: 10_000,
  keepAliveMs: 65_000,
  checkMs: 1_000,
  drainNoticeMs: 1_000,
  drainMs: 10_000,
};
