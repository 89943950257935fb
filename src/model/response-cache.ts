/**
 * The port between the balancer and whatever keeps responses (RFC 9111): the balancer asks before it forwards and
 * offers what came back. All rules of caching live behind it; the balancer only moves bytes and never reads a freshness
 * rule. Headers travel as flat lists `[name, value, name, value, …]` in the order and spelling in which they came,
 * hop-by-hop fields already removed.
 */

/** A complete answer, ready to be sent: `Age` is in its headers, framing and connection fields are not. */
export interface CachedResponse {
  readonly status: number;
  readonly headers: readonly string[];
  /** Empty for 304 and for HEAD; `Content-Length` is added by the balancer (for HEAD it must be in `headers`). */
  readonly body: Buffer;
  /** The value of the `Cache-Status` field (RFC 9211), such as `vitrine; hit; ttl=12`. */
  readonly cacheStatus: string;
}

/** The request as the upstream would see it. */
export interface CacheRequest {
  readonly method: string;
  readonly scheme: string;
  /** Host with port, lower case. */
  readonly host: string;
  /** Path and query, as sent. */
  readonly target: string;
  /** Lower-case names; several fields of one name joined with `, `. Without prototype: a field may be called anything. */
  readonly headers: Readonly<Record<string, string>>;
}

/**
 * Takes one response. The balancer calls `head` (or `validated`, or `failed`) once, then `chunk` while `head` said true,
 * and always ends with exactly one of `end` and `abort`: a body that was cut short is never stored.
 */
export interface CacheFill {
  /** Lower-case fields that replace the client's own of that name (`if-none-match`, …); empty when nothing is kept yet. */
  readonly conditional: Readonly<Record<string, string>>;
  /**
   * The final status and headers, when they are to be passed to the client. Returns whether the body is wanted; after
   * false no `chunk` comes and those who waited for this fill are let go.
   */
  head(status: number, headers: readonly string[]): boolean;
  /** The bytes are the cache's to keep. Returns false once the body is too large: no more are offered, nothing is stored. */
  chunk(bytes: Buffer): boolean;
  /** The message was complete. */
  end(): void;
  /** The message will not be complete, or nobody asked the upstream at all. */
  abort(): void;
  /** The upstream answered 304 to `conditional`: what to send instead. Undefined when the kept response has gone meanwhile. */
  validated(headers: readonly string[]): CachedResponse | undefined;
  /** The upstream failed (no valid answer, or a 5xx `status`): what may be sent instead (stale-if-error), if anything. */
  failed(status: number | undefined): CachedResponse | undefined;
}

export type CacheLookup =
  | { readonly kind: 'hit'; readonly response: CachedResponse }
  /** Answer at once; with `refresh`, ask the upstream in the background (stale-while-revalidate) and give it the result. */
  | { readonly kind: 'stale'; readonly response: CachedResponse; readonly refresh?: CacheFill | undefined }
  /** Forward. `fill` when the response may be kept or validated. `cacheStatus` such as `vitrine; fwd=uri-miss`. */
  | { readonly kind: 'miss'; readonly cacheStatus: string; readonly fill?: CacheFill | undefined }
  /** Forward; not cacheable by its method or fields, or the store is down. */
  | { readonly kind: 'bypass' | 'error'; readonly cacheStatus: string };

export interface ResponseCache {
  /**
   * Never rejects: a store that fails is `{ kind: 'error' }`. One load per missing key: a second miss of a key waits
   * here for the first fill and becomes a hit (`collapsed`), or a miss of its own when that fill was refused, was aborted
   * or took longer than the cache is ready to wait. The cache counts look-ups itself.
   */
  lookup(request: CacheRequest): CacheLookup | Promise<CacheLookup>;
  /** An unsafe method was answered with a status below 400: forget what it made invalid (RFC 9111 section 4.4). */
  invalidate(request: CacheRequest, status: number, headers: readonly string[]): void;
}
