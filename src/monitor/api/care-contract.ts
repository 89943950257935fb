/** The shapes of the session and of the runtime API, as types only: what `contract.ts` is for figures and records. */

/** Each role may do what the ones before it may. */
export type Role = 'viewer' | 'editor' | 'admin';

/** `GET /api/session`. */
export interface SessionAnswer {
  readonly token_needed: boolean;
  readonly role: Role;
  /** The name of the account or token with which this session began; `local` when no sign-in is needed. */
  readonly name: string;
  /** True when the session began with name and password, so that a password can be changed. */
  readonly account: boolean;
  /** Parts that this server has: `balancer`. The page leaves out what needs another. */
  readonly capabilities: readonly string[];
}

/** One change made by hand on the running stack, and the call that reverts it. */
export interface CareChangeView {
  readonly id: number;
  readonly atMs: number;
  readonly who: string;
  readonly action: string;
  readonly target: string;
  readonly before: unknown;
  readonly after: unknown;
  readonly undo: { readonly method: 'POST'; readonly path: string; readonly body: unknown } | null;
}

/** `GET /api/balancer`. */
export interface BalancerAnswer {
  readonly routes: readonly {
    readonly id: string;
    readonly name: string;
    readonly host: string | null;
    readonly path: string;
    readonly maintenance: boolean;
    readonly upstreams: readonly {
      readonly id: string;
      readonly name: string;
      readonly weight: number;
      readonly backup: boolean;
      readonly drained: boolean;
      readonly available: boolean;
      readonly inflight: number;
      readonly streams: number;
    }[];
  }[];
  readonly changes: readonly CareChangeView[];
}

export interface KeyCountView {
  readonly key: string;
  /** A lower bound, too low by at most the error of its list. */
  readonly count: number;
}

/** `GET /api/cache`. */
export interface CacheAnswer {
  readonly lookups: Readonly<Record<'hit' | 'miss' | 'stale' | 'bypass' | 'error', number>>;
  readonly entries?: number;
  readonly sizeBytes?: number;
  readonly filling: number;
  readonly fillingBytes: number;
  readonly tooLarge: number;
  readonly hot: readonly KeyCountView[];
  readonly missed: readonly KeyCountView[];
  readonly countError: { readonly hot: number; readonly missed: number };
}

/** What a change by hand answers. `purged` is null when the store cannot count. */
export interface CareAnswer {
  readonly change: CareChangeView;
  readonly purged?: number | null;
}

/** `GET /api/connect`. Addresses are `host:port` as the settings say them. */
export interface ConnectAnswer {
  readonly otlp_http: string;
  readonly otlp_grpc: string;
  readonly balancer: string | null;
  /** Spans of services that are not part of Vitrine, in the newest traces of the last ten minutes; newest first. */
  readonly received: readonly { readonly service: string; readonly spans: number; readonly lastMs: number }[];
}

/** `GET /api/sample`: the trickle of requests that shows life in the first minute. */
export interface SampleAnswer {
  readonly running: boolean;
  readonly ended: 'real_traffic' | 'stopped' | null;
  readonly own_last_minute: number;
  readonly all_last_minute: number;
}

export interface TokenView {
  readonly id: string;
  readonly name: string;
  readonly role: Role | 'ingest';
  readonly createdMs: number;
  readonly createdBy: string;
  readonly expiresMs: number | null;
}

/** `GET /api/tokens`. */
export interface TokensAnswer {
  readonly tokens: readonly TokenView[];
  /** False when this server needs no sign-in: then no token can be made. */
  readonly sign_in: boolean;
}

/** `POST /api/tokens`: the only answer with the text of the token. */
export interface TokenMade extends TokenView {
  readonly token: string;
}

export interface AccountView {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  readonly createdMs: number;
  readonly createdBy: string;
  /** False until the person has used the first link. */
  readonly hasPassword: boolean;
  /** Until when a link that was not used yet is valid; null without one. */
  readonly linkEndsMs: number | null;
}

/** `GET /api/accounts`. */
export interface AccountsAnswer {
  readonly accounts: readonly AccountView[];
}

/** `POST /api/accounts` and `POST /api/accounts/:id/link`: the only answers with a one-time link. */
export interface AccountLink {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
  /** Behind the address of the page; the secret is in the fragment. */
  readonly path: string;
  readonly expiresMs: number;
}

/** One value of the configuration in use; a secret one is `<secret>`. */
export interface SettingView {
  /** For example `store.traces.retention`. */
  readonly key: string;
  readonly value: string | number | boolean | null;
  readonly unit: 'ms' | 'bytes' | '';
  readonly is_default: boolean;
}

/** `GET /api/config`: those that differ from the default first. */
export interface SettingsAnswer {
  readonly settings: readonly SettingView[];
}

/** `GET /api/store`: what is kept, how much room it takes, and since when. */
export interface StoreAnswer {
  readonly max_bytes: number;
  readonly writable: boolean;
  /** At the present growth; null while it does not grow. */
  readonly seconds_to_full: number | null;
  readonly samples: {
    readonly series: number;
    readonly disk_bytes: number;
    readonly memory_bytes: number;
    readonly days: number;
    readonly keep_ms: number;
  };
  readonly signals: readonly {
    readonly signal: 'logs' | 'traces' | 'requests';
    readonly records: number;
    readonly disk_bytes: number;
    readonly memory_bytes: number;
    readonly oldest_ms: number | null;
    readonly lost_records: number;
    readonly keep_ms: number;
    /** Largest first. */
    readonly services: readonly { readonly service: string; readonly records: number; readonly bytes: number }[];
  }[];
}

/** A route of port 4000 and the least role that may ask it. */
export interface RouteView {
  readonly method: string;
  /** A part that begins with `:` stands for one segment. */
  readonly path: string;
  readonly role: 'open' | Role;
}

/** `GET /api/routes`, for admins. */
export interface RoutesAnswer {
  readonly routes: readonly RouteView[];
}

/** `GET /api/audit`, newest first. */
export interface AuditAnswer {
  readonly entries: readonly {
    readonly atMs: number;
    readonly who: string;
    readonly action: string;
    readonly status: number;
  }[];
}
