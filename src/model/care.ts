/**
 * Calls that change the running stack (drain, weight, maintenance, purge). They come over the fork's channel from
 * the monitor's API, or from the control socket of a balancer that runs alone; both mean the same.
 */
export interface CareCall {
  readonly method: string;
  /** `/api/balancer…` or `/api/cache…`, without query. */
  readonly path: string;
  /** Parsed JSON; undefined without a body. */
  readonly body: unknown;
  /** The caller, for the audit. */
  readonly who: string;
}

export interface CareReply {
  readonly status: number;
  readonly body: unknown;
}

/** One change, and the call that reverts it; null when no call can. */
export interface CareChange {
  readonly id: number;
  readonly atMs: number;
  readonly who: string;
  readonly action: 'drain' | 'undrain' | 'weight' | 'maintenance' | 'purge' | 'unpurge';
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly undo: { readonly method: 'POST'; readonly path: string; readonly body: unknown } | null;
}
