/**
 * The response cache's part in one request: it is asked first, it may store the answer, and a stored answer may replace a
 * failed one. A fill that it handed out is ended or aborted exactly once in every case.
 */
import type {
  CachedResponse,
  CacheFill,
  CacheLookup,
  CacheRequest,
  ResponseCache,
} from '../../../model/response-cache.ts';
import { cacheRequest, mayBeCached } from '../http/cache-fields.ts';
import type { Peer } from '../http/forward-head.ts';
import { fieldList, type ReplyHead } from '../http/reply-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { RouteCache } from '../routes/cache-rules.ts';
import { SAFE } from '../http/methods.ts';

const NO_FIELDS: readonly string[] = [];

export class CacheVisit {
  readonly #cache: ResponseCache;
  readonly #head: RequestHead;
  readonly #peer: Peer;
  readonly #rules: RouteCache;
  readonly #changed: (() => readonly string[]) | undefined;
  #fill: CacheFill | undefined;
  #begun = false;
  #filling = false;
  #status: string | undefined;
  /** The result of the look-up. */
  kind: CacheLookup['kind'] | undefined;

  /** `changed`: the fields that the route sends, where it changes them. */
  constructor(
    cache: ResponseCache,
    head: RequestHead,
    peer: Peer,
    rules: RouteCache,
    changed: (() => readonly string[]) | undefined,
  ) {
    this.#cache = cache;
    this.#changed = changed;
    this.#rules = rules;
    this.#head = head;
    this.#peer = peer;
  }

  /** Undefined when this kind of request cannot be cached. */
  ask(): CacheLookup | Promise<CacheLookup> | undefined {
    return mayBeCached(this.#head) ? this.#cache.lookup(this.#request()) : undefined;
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
   * The answer to send in place of this head: a stored answer when a 304 answers the balancer's own condition, or a stale
   * answer in place of an error. `gone`: the response to validate has left the cache, so the request must be sent again
   * without its condition.
   */
  instead(head: ReplyHead): CachedResponse | 'gone' | undefined {
    const fill = this.#fill;
    if (fill === undefined) return undefined;
    const validated = head.status === 304 && fill.validates;
    const kept = validated
      ? fill.validated(fieldList(head.fields))
      : head.status >= 500
        ? fill.failed(head.status)
        : undefined;
    if (kept !== undefined) this.#end();
    else if (validated) this.abort();
    return kept ?? (validated ? 'gone' : this.#unchanged(fill, head));
  }

  /** The answer for a client whose conditions were not forwarded and that already has this response. */
  #unchanged(fill: CacheFill, head: ReplyHead): CachedResponse | undefined {
    if (head.status !== 200 || fill.conditional === undefined) return undefined;
    const fields = this.#timed(head);
    this.#begin(fill, head.status, fields);
    return fill.unchanged(head.status, fields);
  }

  #begin(fill: CacheFill, status: number, fields: readonly string[]): void {
    if (this.#begun) return;
    this.#begun = true;
    this.#filling = fill.head(status, fields);
  }

  /** This head is passed to the client. Returns the value of `Cache-Status`, if there is one. */
  passing(head: ReplyHead): string | undefined {
    if (this.#fill === undefined) {
      if (SAFE.has(this.#head.method) || head.status >= 400) return this.#status;
      const fields = allFields(head);
      this.#fill = this.#cache.invalidate(this.#request(), head.status, fields);
      if (this.#fill !== undefined) this.#begin(this.#fill, head.status, fields);
      return this.#status;
    }
    if (!this.#begun) this.#begin(this.#fill, head.status, this.#stored(this.#fill, head));
    return `${this.#status}; fwd-status=${head.status}${this.#filling ? '; stored' : ''}`;
  }

  #stored(fill: CacheFill, head: ReplyHead): readonly string[] {
    return this.#rules.defaultTtlSeconds > 0 || fill.mayStore(head.fields) ? this.#timed(head) : NO_FIELDS;
  }

  /** The fields of an answer. The route's lifetime is added when the answer states none and is no error. */
  #timed(head: ReplyHead): readonly string[] {
    const fields = allFields(head);
    const seconds = this.#rules.defaultTtlSeconds;
    if (
      seconds === 0 ||
      head.status >= 400 ||
      fields.some((name, at) => at % 2 === 0 && /^(?:cache-control|expires|pragma|set-cookie)$/i.test(name))
    )
      return fields;
    return [...fields, 'Cache-Control', `max-age=${seconds}`];
  }

  #request(): CacheRequest {
    return cacheRequest(this.#head, this.#peer, this.#rules.partition, this.#changed);
  }

  /** A view of bytes that are sent to the client. */
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

  /** Hands over a running fill for the rest of the body, when the client needs no more of the body. */
  release(): CacheFill | undefined {
    const fill = this.#filling ? this.#fill : undefined;
    if (fill !== undefined) this.#fill = undefined;
    return fill;
  }

  /** Like `release`, if other requests wait for the answer. */
  releaseForOthers(): CacheFill | undefined {
    return this.#fill !== undefined && this.#fill.waiters > 0 ? this.release() : undefined;
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

/** The fields with the length of the body, which is not among the forwarded fields. */
function allFields(head: ReplyHead): string[] {
  const fields = fieldList(head.fields);
  const length = head.statedLength ?? (head.bodyBytes > 0 ? String(head.bodyBytes) : undefined);
  return length === undefined ? fields : [...fields, 'Content-Length', length];
}
