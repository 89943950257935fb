/**
 * A row of the request ledger: one request that a balancer (or a server kit alone) answered. Rows are made of every server
 * span of the balancer and are never sampled.
 */

/** In the order of a request. A phase that the request did not have is undefined. */
export interface RequestPhases {
  readonly queue: number | undefined;
  readonly cache: number | undefined;
  readonly connect: number | undefined;
  readonly upstream: number | undefined;
  readonly transfer: number | undefined;
}

export interface RequestRow {
  /** When the request arrived. */
  readonly startUnixNano: bigint;
  /** Milliseconds with microseconds as fraction. */
  readonly durationMs: number;
  /** The service that wrote the row: the balancer. */
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  /** The application's own route when its span came, else the balancer's; '' when neither is known. */
  readonly route: string;
  readonly method: string;
  /** The request's path without its query. */
  readonly path: string;
  /** 0 when no answer was sent. */
  readonly status: number;
  /** Why the request failed (`error.type`), '' when it did not. */
  readonly reason: string;
  /** Name of the last upstream, '' when none was asked. */
  readonly upstream: string;
  readonly tries: number;
  /** `hit`, `miss`, `stale`, `bypass`, …, '' when the cache was not asked. */
  readonly cache: string;
  /** Milliseconds. */
  readonly phases: RequestPhases;
  readonly requestBytes: number | undefined;
  readonly responseBytes: number | undefined;
  readonly traceId: string;
  /** The support code: 40 bits of the balancer's own span id as eight characters of Crockford's base 32. */
  readonly code: string;
  /** The client's request id when it is not the trace id, else ''. */
  readonly requestId: string;
  /** '' when no attribute is configured or the request has none. */
  readonly user: string;
  /** A synthetic check made the request, not a user. */
  readonly synthetic: boolean;
}
