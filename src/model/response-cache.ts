/**
 * The port between the balancer and the response cache (RFC 9111). The balancer looks a request up before it forwards it,
 * and offers the answer of the upstream afterwards. All rules of caching are behind this port: the balancer only moves
 * bytes. Headers are flat lists `[name, value, name, value, …]` in their original order and spelling, without
 * hop-by-hop fields.
 */

/** A complete answer, ready to be sent. Its headers include `Age` and exclude framing and connection fields. */
export interface CachedResponse {
  readonly status: number;
  readonly headers: readonly string[];
  /** Empty for 304 and for HEAD; `Content-Length` is added by the balancer (for HEAD it must be in `headers`). */
  readonly body: Buffer;
  /** The value of the `Cache-Status` field (RFC 9211), such as `vitrine; hit; ttl=12`. */
  readonly cacheStatus: string;
}

/** The request as the upstream would receive it. */
export interface CacheRequest {
  readonly method: string;
  /** Scheme and host as the client sees them: from a trusted proxy in front, if it names them. */
  readonly scheme: string;
  /** Host with port, lower case. */
  readonly host: string;
  /** Whether trusted fields name two different schemes or hosts: then the request bypasses the cache. */
  readonly ambiguous?: boolean;
  /** Requests of different partitions never share a response. */
  readonly partition?: string | undefined;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; several fields of one name joined with `, `. The object has no prototype, because a field may have any name. */
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Value of a field, by its lower-case name, as the upstream receives it: the balancer writes some fields itself, and a route
   * may change others. `Vary` selects by these values. Absent: they are those of `headers`.
   */
  readonly sent?: ((name: string) => string | undefined) | undefined;
}

/**
 * Takes one response. The balancer calls `head` (or `validated`, or `failed`) once, then `chunk` for each part of the body
 * if `head` returned true, and finally exactly one of `end` and `abort`. A body that was cut short is never stored.
 */
export interface CacheFill {
  /**
   * Lower-case fields that replace the client's own of that name (`if-none-match`, …), or remove them where the value is
   * undefined. Undefined when the client's fields are forwarded as they are.
   */
  readonly conditional: Readonly<Record<string, string | undefined>> | undefined;
  /** Requests that wait for this fill. */
  readonly waiters: number;
  /** Whether `conditional` asks for a validation: then a 304 is given to `validated`, and no other 304 is. */
  readonly validates: boolean;
  /**
   * Whether an answer with these lines of fields might be stored. Where it certainly is not, `head` needs no fields: most
   * answers of services are of this kind, and a list of their fields costs more than all the rest of the cache.
   */
  mayStore(lines: string): boolean;
  /**
   * Receives the final status and headers that are passed to the client. Returns whether the cache wants the body. After
   * false, the balancer calls no `chunk`, and the requests that waited for this fill continue without it.
   */
  head(status: number, headers: readonly string[]): boolean;
  /**
   * Called after `head`. Returns a 304 when the client's own conditions were removed and match this answer: the 304 is
   * sent instead, and the body goes only to the cache.
   */
  unchanged(status: number, headers: readonly string[]): CachedResponse | undefined;
  /** The cache owns these bytes from now on. Returns false once the body is too large: then nothing is stored. */
  chunk(bytes: Buffer): boolean;
  /** The message was complete. */
  end(): void;
  /** The message will never be complete, or no upstream was asked. */
  abort(): void;
  /**
   * The upstream answered 304 to `conditional`. Returns the response to send instead; undefined when the stored response has
   * left the cache meanwhile.
   */
  validated(headers: readonly string[]): CachedResponse | undefined;
  /** The upstream failed (no valid answer, or a 5xx `status`). Returns the stale response that may be sent instead, if any. */
  failed(status: number | undefined): CachedResponse | undefined;
}

export type CacheLookup =
  | { readonly kind: 'hit'; readonly response: CachedResponse }
  /** Answer at once; with `refresh`, ask the upstream in the background (stale-while-revalidate) and give the result to `refresh`. */
  | { readonly kind: 'stale'; readonly response: CachedResponse; readonly refresh?: CacheFill | undefined }
  /** Forward the request. There is a `fill` when the response may be stored or validated. `cacheStatus` such as `vitrine; fwd=uri-miss`. */
  | { readonly kind: 'miss'; readonly cacheStatus: string; readonly fill?: CacheFill | undefined }
  /** Forward the request. Its method or fields forbid caching, or the store is down. */
  | { readonly kind: 'bypass' | 'error'; readonly cacheStatus: string };

export interface ResponseCache {
  /**
   * Never rejects: a store that fails gives `{ kind: 'error' }`. There is one load per missing key: a second miss of a key
   * waits for the first fill and becomes a hit (`collapsed`). It becomes a miss of its own when the first fill was refused
   * or aborted, or took longer than the longest wait. The cache counts look-ups itself.
   */
  lookup(request: CacheRequest): CacheLookup | Promise<CacheLookup>;
  /**
   * An unsafe method was answered with a status below 400: remove the responses that it made invalid (RFC 9111 section 4.4).
   * Returns a fill when the answer itself may answer later GET requests (RFC 9110 section 9.3.3).
   */
  invalidate(request: CacheRequest, status: number, headers: readonly string[]): CacheFill | undefined;
}

/**
 * The target of a purge: one URL, all URLs that begin with a prefix (with scheme and host, or a path on every host), or a
 * tag.
 */
export type PurgeTarget = { readonly url: string } | { readonly prefix: string } | { readonly tag: string };

export interface PurgeResult {
  /** Identifies the purge for `undo`; undefined when it cannot be undone. */
  readonly id: string | undefined;
  /** Responses that were removed; undefined when the store failed before the end. */
  readonly purged: number | undefined;
}

export interface KeyFigures {
  /** Scheme, host and target. */
  readonly key: string;
  /** A lower bound; it is too low by at most `CacheFigures.countError`. */
  readonly count: number;
}

export interface CacheFigures {
  readonly lookups: Readonly<Record<'hit' | 'miss' | 'stale' | 'bypass' | 'error', number>>;
  /** Undefined when responses are not stored in this process. */
  readonly entries: number | undefined;
  readonly sizeBytes: number | undefined;
  /** Responses on their way into the cache, and the bytes of them that arrived. */
  readonly filling: number;
  readonly fillingBytes: number;
  /** Responses that could be stored but were too large, since the start. */
  readonly tooLarge: number;
  readonly hot: readonly KeyFigures[];
  readonly missed: readonly KeyFigures[];
  readonly countError: { readonly hot: number; readonly missed: number };
}

/** The operator's view of the cache, and the operator's actions on it. */
export interface CacheCare {
  figures(limit: number): CacheFigures;
  /** Throws VitrineError `bad_request` for a target that cannot name a response. */
  purge(target: PurgeTarget): Promise<PurgeResult>;
  /**
   * Puts back the responses that a purge removed, except where a newer one is stored. Undefined when the purge is no longer
   * known.
   */
  undo(id: string): number | undefined;
}
