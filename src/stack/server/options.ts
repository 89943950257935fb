/** All options of the server kit, with units and defaults. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { KitRouter } from './context.ts';
import type { HealthRegistry } from './health.ts';
import type { ServerTelemetry } from './telemetry.ts';

export interface ServerLimits {
  /** Bytes of a request body, as sent and as decoded. */
  readonly maxBodyBytes: number;
  /** Bytes of a request head (Node's `maxHeaderSize`). */
  readonly maxHeadBytes: number;
  readonly maxFields: number;
  readonly maxTargetBytes: number;
  /** Open connections. Further ones are closed at once. */
  readonly maxConnections: number;
}

export interface ServerTimeouts {
  /** From the start of a connection or request to the end of its head. A later head is answered 408. */
  readonly headMs: number;
  /** From the first byte of a request to the end of its body. A later end is answered 408. */
  readonly requestMs: number;
  /** Longest pause in a body that is being read. A longer one is answered 408. */
  readonly bodyIdleMs: number;
  /** How long an idle connection stays open. */
  readonly keepAliveMs: number;
  /** Interval at which the limits for head and request are checked. */
  readonly checkMs: number;
  /** During a drain: how long `/readyz` answers 503 before the listener closes. */
  readonly drainNoticeMs: number;
  /** During a drain: how long requests in flight may take after the listener has closed. */
  readonly drainMs: number;
}

export interface ServerOptions {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly telemetry: ServerTelemetry;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly health: HealthRegistry;
  /** Adds the routes of the service. The health paths exist already. */
  readonly routes: (router: KitRouter) => void;
  /** Prefix of the health paths; '' for none. */
  readonly healthPrefix: string;
  /** Whether each request gets a log line. */
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
  // Together with the interval of the checks, this is at most ten seconds.
  headMs: 9_000,
  requestMs: 300_000,
  bodyIdleMs: 10_000,
  keepAliveMs: 65_000,
  checkMs: 1_000,
  drainNoticeMs: 1_000,
  drainMs: 10_000,
};
