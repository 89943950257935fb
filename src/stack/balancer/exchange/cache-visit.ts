/**
 * The response cache's part in one request: it is asked first, it may store the answer, and a stored answer may replace a
 * failed one. A fill that it handed out is ended or aborted exactly once in every case.
 */
import type { CachedResponse, CacheFill, CacheLookup, ResponseCache } from '../../../model/response-cache.ts';
import { cacheRequest, mayBeCached } from '../http/cache-fields.ts';
import { fieldList, type ReplyHead } from '../http/reply-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { RouteCache } from '../routes/cache-rules.ts';
import { SAFE } from './attempts.ts';

export class CacheVisit {
  readonly #cache: ResponseCache;
  readonly #head: RequestHead;
  readonly #scheme: string;
  readonly #rules: RouteCache;
  #fill: CacheFill | undefined;
  #filling = false;
  #status: string | undefined;
  /** What the look-up said. */
  kind: CacheLookup['kind'] | undefined;

  constructor(cache: ResponseCache, head: RequestHead, scheme: string, rules: RouteCache) {
    this.#cache = cache;
    this.#scheme = scheme;
    this.#rules = rules;
    this.#head = head;
  }

  /** Undefined when such a request cannot be cached. */
  ask(): CacheLookup | Promise<CacheLookup> | undefined {
    return mayBeCached(this.#head)
      ? this.#cache.lookup(cacheRequest(this.#head, this.#scheme, this.#rules.partition))
      : undefined;
  }

  /** The client left before the look-up finished. */
  decline(found: CacheLookup): void {
    if (found.kind === 'miss') found.fill?.abort();
    else if (found.kind === 'stale') found.refresh?.abort();
  }

  /** The request is forwarded. */
  forward(found: Exclude<CacheLookup, { response: CachedResponse }>): void {
    this.#status = found.cacheStatus;
    if (found.kind === 'miss') this.#fill = found.fill;
  }

  /** Fields that replace the client's own. */
  get conditional(): CacheFill['conditional'] | undefined {
    return this.#fill?.conditional;
  }

  /**
   * What is sent in place of this head: a kept answer for a 304 to our own condition, or something stale for an error.
   * `gone`: what was to be validated has left the cache, so the request has to be made without its condition.
   */
  instead(head: ReplyHead): CachedResponse | 'gone' | undefined {
    const fill = this.#fill;
    if (fill === undefined) return undefined;
    const validated = head.status === 304 && Object.keys(fill.conditional).length > 0;
    const kept = validated
      ? fill.validated(fieldList(head.fields))
      : head.status >= 500
        ? fill.failed(head.status)
        : undefined;
    if (kept !== undefined) this.#end();
    else if (validated) this.abort();
    return kept ?? (validated ? 'gone' : undefined);
  }

  /** This head is passed to the client. Returns the value of `Cache-Status`, if there is one. */
  passing(head: ReplyHead): string | undefined {
    if (this.#fill === undefined) {
      if (!SAFE.has(this.#head.method) && head.status < 400)
        this.#cache.invalidate(
          cacheRequest(this.#head, this.#scheme, this.#rules.partition),
          head.status,
          fieldList(head.fields),
        );
      return this.#status;
    }
    this.#filling = this.#fill.head(head.status, this.#timed(fieldList(head.fields)));
    return `${this.#status}; fwd-status=${head.status}${this.#filling ? '; stored' : ''}`;
  }

  /** An answer that says nothing of its freshness gets the route's. */
  #timed(fields: readonly string[]): readonly string[] {
    const seconds = this.#rules.defaultTtlSeconds;
    if (
      seconds === 0 ||
      fields.some((name, at) => at % 2 === 0 && /^(?:cache-control|expires|pragma|set-cookie)$/i.test(name))
    )
      return fields;
    return [...fields, 'Cache-Control', `max-age=${seconds}`];
  }

  /** A view of bytes that go to the client. */
  body(bytes: Buffer): void {
    if (this.#filling && this.#fill?.chunk(Buffer.from(bytes)) === false) this.#filling = false;
  }

  /** The answer is complete. */
  complete(): void {
    if (this.#filling) this.#end();
    else this.abort();
  }

  /** No upstream gave a valid answer: returns a stale answer if one may be sent. */
  failed(): CachedResponse | undefined {
    const kept = this.#fill?.failed(undefined);
    if (kept !== undefined) this.#end();
    return kept;
  }

  #end(): void {
    this.#fill?.end();
    this.#fill = undefined;
  }

  /** May be called at any time. */
  abort(): void {
    this.#fill?.abort();
    this.#fill = undefined;
  }
}
