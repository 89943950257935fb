/**
 * The story of one request: its body is held, the cache is asked, an upstream is picked (or waited for), a try is made,
 * maybe another, and an answer goes out. Every way it can end leads through `#finish`, once.
 *
 * A request is sent again only when nothing of it was sent, or when it is safe to repeat (RFC 9110 section 9.2.2), has no
 * body and no byte of an answer came; a POST whose bytes went out is never sent twice.
 */
import type { Context, Span } from '@opentelemetry/api';
import { VitrineError, type ErrorCode } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import type { Random } from '../../base/random.ts';
import type { CachedResponse, CacheFill, CacheLookup, ResponseCache } from '../../model/response-cache.ts';
import { Attempt, type AttemptFailure, type AttemptOwner, type AttemptPieces } from './attempt.ts';
import { cacheRequest, fieldLines, mayBeCached } from './cache-fields.ts';
import type { ClientReply } from './client-reply.ts';
import { forwardHead, type Peer } from './forward-head.ts';
import { CACHE, CONNECT, newLedger, QUEUE, serverTiming, TRANSFER, UPSTREAM } from './ledger.ts';
import { ALL_BUSY, pick } from './pick.ts';
import { problemAnswer } from './problem.ts';
import { Refresh } from './refresh.ts';
import { fieldList, type ReplyHead } from './reply-head.ts';
import type { BodyEvents, RequestBody } from './request-body.ts';
import type { RequestHead } from './request-head.ts';
import type { RetryBudget } from './retry-budget.ts';
import { pathOf, type Route } from './route.ts';
import type { Upstream } from './upstream.ts';
import type { Waiter } from './waiting-room.ts';

export interface ExchangePieces extends AttemptPieces {
  readonly random: Random;
  readonly budget: RetryBudget;
  readonly cache: ResponseCache | undefined;
  readonly log: Logger;
  /** Whether answers should close their connections. */
  readonly draining: () => boolean;
}

export interface ExchangeRequest {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly route: Route;
  readonly requestId: string;
  readonly reply: ClientReply;
  /** Called once, when nothing more happens to the request. */
  readonly onDone: () => void;
}

/** Safe to repeat by its method (RFC 9110 section 9.2.2). */
const IDEMPOTENT = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE']);
/** Safe to send to two upstreams at once (section 9.2.1). */
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

const CODES: Readonly<Record<AttemptFailure, ErrorCode>> = {
  refused: 'no_upstream',
  connect_timeout: 'no_upstream',
  stale: 'bad_gateway',
  reset: 'bad_gateway',
  invalid: 'bad_gateway',
  timeout: 'gateway_timeout',
  idle: 'gateway_timeout',
  client_stalled: 'request_timeout',
};
const DETAILS: Partial<Record<ErrorCode, string>> = {
  no_upstream: 'No upstream could be reached.',
  bad_gateway: 'The upstream closed the connection or sent what is not HTTP.',
  gateway_timeout: 'The upstream did not answer in time.',
};

export class Exchange implements AttemptOwner, Waiter, BodyEvents {
  readonly #pieces: ExchangePieces;
  readonly #request: ExchangeRequest;
  readonly #startMs: number;
  readonly #ledger = newLedger();
  readonly #route: string;
  readonly #span: Span;
  readonly #parent: Context;
  #body: RequestBody | undefined;
  #text = '';
  #attempts: Attempt[] = [];
  readonly #tried: Upstream[] = [];
  #tries = 0;
  #totalAtMs = Infinity;
  #readyMs: number;
  #headMs = 0;
  #fill: CacheFill | undefined;
  #filling = false;
  #cacheStatus: string | undefined;
  #cacheKind: string | undefined;
  #answered = false;
  #waiting = false;
  #waited = false;
  #done = false;

  constructor(pieces: ExchangePieces, request: ExchangeRequest) {
    this.#pieces = pieces;
    this.#request = request;
    this.#startMs = pieces.clock.monotonic();
    this.#readyMs = this.#startMs;
    const { head, route } = request;
    this.#route = route.name ?? route.templates.find(pathOf(head.target)) ?? route.templates.other;
    const { span, parent } = pieces.observer.serverSpan(head, this.#route);
    this.#span = span;
    this.#parent = parent;
  }

  /** With a body, the rest begins at its `onReady`. */
  begin(body: RequestBody | undefined): void {
    this.#body = body;
    this.#pieces.budget.request();
    if (body === undefined) this.#askCache();
  }

  onReady(): void {
    this.#askCache();
  }

  onTooLarge(): void {
    this.#refuse('payload_too_large', `The body is larger than ${this.#pieces.options.limits.body} bytes.`);
  }

  onTooSlow(): void {
    this.#refuse('request_timeout', 'The body came too slowly.');
  }

  #askCache(): void {
    const { cache, clock } = this.#pieces;
    const { head } = this.#request;
    this.#readyMs = clock.monotonic();
    if (cache === undefined || !mayBeCached(head)) {
      this.#dispatch();
      return;
    }
    const found = cache.lookup(cacheRequest(head));
    if (found instanceof Promise) void found.then((late) => this.#looked(late));
    else this.#looked(found);
  }

  #looked(found: CacheLookup): void {
    const now = this.#pieces.clock.monotonic();
    this.#ledger[CACHE] = now - this.#readyMs;
    this.#readyMs = now;
    this.#cacheKind = found.kind;
    if (this.#done) {
      if (found.kind === 'miss') found.fill?.abort();
      else if (found.kind === 'stale') found.refresh?.abort();
    } else if (found.kind === 'hit') this.#sendCached(found.response);
    else if (found.kind === 'stale') {
      this.#sendCached(found.response);
      if (found.refresh !== undefined) this.#refresh(found.refresh);
    } else {
      this.#cacheStatus = found.cacheStatus;
      if (found.kind === 'miss') this.#fill = found.fill;
      this.#dispatch();
    }
  }

  #refresh(fill: CacheFill): void {
    const { route, head, peer, requestId } = this.#request;
    const { options, observer } = this.#pieces;
    const at = this.#pick(route);
    if (at < 0) {
      fill.abort();
      return;
    }
    const upstream = route.upstreams[at];
    const text = forwardHead(head, peer, requestId, observer.ownFields, fill.conditional, upstream.name);
    void new Refresh(this.#pieces, fill, {
      route,
      upstream,
      head,
      body: undefined,
      text,
      parent: this.#parent,
      resend: 0,
      fresh: false,
      totalAtMs: options.timeouts.total > 0 ? this.#pieces.clock.monotonic() + options.timeouts.total : Infinity,
    });
  }

  #pick(route: Route): number {
    const limit = this.#pieces.options.queue.max_inflight;
    route.turn = (route.turn + 1) >>> 0;
    return pick(
      route.policy,
      route.upstreams,
      route.turn,
      this.#tried,
      limit > 0 ? limit : Infinity,
      this.#pieces.random,
    );
  }

  /** To an upstream, or into the queue. */
  #dispatch(): void {
    const { route } = this.#request;
    const at = this.#pick(route);
    if (at >= 0) this.#send(route.upstreams[at], false);
    else if (at === ALL_BUSY && this.#tries === 0) this.#wait(route);
    else this.#giveUp('refused');
  }

  #wait(route: Route): void {
    this.#waiting = this.#pieces.waiting.enter(route, this, this.#pieces.clock.monotonic());
    this.#waited = true;
    if (!this.#waiting) this.#shed('queue_full');
  }

  admitted(): void {
    this.#waiting = false;
    this.#dispatch();
  }

  expired(): void {
    this.#waiting = false;
    this.#shed('queue_deadline');
  }

  #shed(reason: string): void {
    this.#pieces.observer.shed(reason);
    this.#refuse('overloaded', 'Every upstream is busy and the queue gave no place in time.', reason);
  }

  #send(upstream: Upstream, fresh: boolean): void {
    const { head, peer, requestId, route } = this.#request;
    const { observer, options, clock } = this.#pieces;
    if (this.#tries === 0) {
      const now = clock.monotonic();
      // Who did not wait has no time in the queue: the few microseconds of our own are no phase.
      const waited = this.#waited || this.#body !== undefined;
      this.#ledger[QUEUE] = waited ? now - this.#startMs - (this.#ledger[CACHE] || 0) : 0;
      this.#readyMs = now;
      if (options.timeouts.total > 0) this.#totalAtMs = now + options.timeouts.total;
      this.#text = forwardHead(head, peer, requestId, observer.ownFields, this.#fill?.conditional, upstream.name);
    }
    this.#tried.push(upstream);
    this.#tries += 1;
    const attempt = new Attempt(this.#pieces, this, {
      route,
      upstream,
      head,
      body: this.#body,
      text: this.#text,
      parent: this.#parent,
      resend: this.#tries - 1,
      fresh,
      totalAtMs: this.#totalAtMs,
    });
    this.#attempts.push(attempt);
  }

  attemptHead(attempt: Attempt, head: ReplyHead): void {
    for (const other of this.#attempts) {
      if (other !== attempt) other.cancel(other.startedMs < attempt.startedMs);
    }
    this.#attempts = [attempt];
    const now = this.#pieces.clock.monotonic();
    const connect = attempt.connectedMs - attempt.startedMs;
    if (!attempt.reused) this.#ledger[CONNECT] = connect;
    this.#ledger[UPSTREAM] = now - this.#readyMs - (attempt.reused ? 0 : connect);
    this.#headMs = now;
    if (this.#fill !== undefined && this.#keptInstead(this.#fill, head)) return;
    this.#answer(head);
  }

  /** Whether the cache answers in place of this head: 304 to its own condition, or something stale instead of an error. */
  #keptInstead(fill: CacheFill, head: ReplyHead): boolean {
    const asked = Object.keys(fill.conditional).length > 0;
    const kept =
      head.status === 304 && asked
        ? fill.validated(fieldList(head.fields))
        : head.status >= 500
          ? fill.failed(head.status)
          : undefined;
    if (kept === undefined) return head.status === 304 && asked && this.#askAgain(fill);
    fill.end();
    this.#fill = undefined;
    // A 304 has no body and its connection goes on by itself; the body of an error is not worth waiting for.
    const attempt = this.#attempts[0];
    this.#attempts = [];
    if (head.status >= 500) attempt.cancel(false);
    this.#sendCached(kept);
    return true;
  }

  /** What was to be validated has gone from the cache meanwhile: the same request without its condition. */
  #askAgain(fill: CacheFill): boolean {
    const { head, peer, requestId } = this.#request;
    const [attempt] = this.#attempts;
    fill.abort();
    this.#fill = undefined;
    this.#attempts = [];
    const { upstream } = attempt;
    this.#text = forwardHead(head, peer, requestId, this.#pieces.observer.ownFields, undefined, upstream.name);
    this.#send(upstream, false);
    return true;
  }

  #answer(head: ReplyHead): void {
    const { reply, head: request } = this.#request;
    const fill = this.#fill;
    let cacheStatus = this.#cacheStatus;
    if (fill !== undefined) {
      this.#filling = fill.head(head.status, fieldList(head.fields));
      cacheStatus = `${cacheStatus}; fwd-status=${head.status}${this.#filling ? '; stored' : ''}`;
    } else this.#invalidate(head);
    const fields =
      head.fields + this.#ownFields(cacheStatus) + (head.hasDate ? '' : `Date: ${new Date().toUTCString()}\r\n`);
    const bodiless = request.method === 'HEAD' || head.status === 204 || head.status === 304;
    if (this.#pieces.draining()) reply.noKeepAlive();
    this.#answered = true;
    reply.head(head.status, head.reason, fields, head.bodyBytes, bodiless, head.statedLength);
  }

  #invalidate(head: ReplyHead): void {
    const { cache } = this.#pieces;
    const { head: request } = this.#request;
    if (cache === undefined || SAFE.has(request.method) || head.status >= 400) return;
    cache.invalidate(cacheRequest(request), head.status, fieldList(head.fields));
  }

  #ownFields(cacheStatus: string | undefined): string {
    const timing = this.#pieces.options.server_timing ? serverTiming(this.#ledger, this.#cacheKind) : '';
    const status = cacheStatus === undefined ? '' : `Cache-Status: ${cacheStatus}\r\n`;
    return `Via: 1.1 vitrine\r\nX-Request-Id: ${this.#request.requestId}\r\n${status}${timing}`;
  }

  attemptBody(bytes: Buffer): void {
    if (this.#filling && this.#fill?.chunk(Buffer.from(bytes)) === false) this.#filling = false;
    if (this.#answered) this.#request.reply.body(bytes);
  }

  attemptFlush(): void {
    const { reply } = this.#request;
    if (!this.#answered || this.#done) return;
    reply.flush();
    if (reply.blocked) this.#attempts[0]?.pause();
  }

  onClientWritable(): void {
    this.#attempts[0]?.resume();
  }

  attemptComplete(attempt: Attempt): void {
    if (this.#done || !this.#answered || attempt !== this.#attempts[0]) return;
    this.#attempts = [];
    if (this.#filling) this.#fill?.end();
    else this.#fill?.abort();
    this.#fill = undefined;
    this.#ledger[TRANSFER] = this.#pieces.clock.monotonic() - this.#headMs;
    this.#finish(undefined);
  }

  attemptSilent(attempt: Attempt): void {
    const { head, route } = this.#request;
    const { budget, observer, options } = this.#pieces;
    if (!SAFE.has(head.method) || this.#body !== undefined || this.#attempts.length > 1) return;
    if (this.#tries > options.retries.max || this.#answered) return;
    const at = this.#pick(route);
    if (at < 0 || !route.upstreams[at].available || !budget.take()) return;
    observer.retried(attempt.upstream, 'hedge');
    this.#send(route.upstreams[at], false);
  }

  attemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    this.#attempts = this.#attempts.filter((one) => one !== attempt);
    if (this.#done || this.#attempts.length > 0) return;
    if (this.#answered) {
      this.#brokenOff(failure);
    } else if (!this.#retry(attempt, failure)) this.#giveUp(failure);
  }

  /** An answer that began is cut short: the client's connection is cut too, never ended as if it were whole. */
  #brokenOff(failure: AttemptFailure): void {
    const { reply } = this.#request;
    this.#ledger[TRANSFER] = this.#pieces.clock.monotonic() - this.#headMs;
    if (!reply.begun && failure !== 'client_stalled') {
      this.#answered = false;
      this.#giveUp(failure);
      return;
    }
    this.#pieces.log.warn({ request_id: this.#request.requestId, failure }, 'an answer was cut short');
    this.#close(failure === 'client_stalled' ? failure : 'truncated');
  }

  #retry(attempt: Attempt, failure: AttemptFailure): boolean {
    const { route, head } = this.#request;
    const { budget, observer, options } = this.#pieces;
    const unsent = !attempt.sent;
    if (!unsent && (!IDEMPOTENT.has(head.method) || this.#body !== undefined || failure === 'invalid')) return false;
    // Connections that nobody answered cost nothing: every upstream may be asked. Anything else is bounded.
    if (failure !== 'refused' && (this.#tries > options.retries.max || !budget.take())) return false;
    if (options.retries.max === 0 || (failure === 'connect_timeout' && !route.upstreams.some((one) => one.available)))
      return false;
    const at = this.#pick(route);
    const upstream = at >= 0 ? route.upstreams[at] : failure === 'stale' ? attempt.upstream : undefined;
    if (upstream === undefined) return false;
    observer.retried(attempt.upstream, failure);
    this.#send(upstream, failure === 'stale');
    return true;
  }

  #giveUp(failure: AttemptFailure): void {
    const kept = this.#fill?.failed(undefined);
    if (kept !== undefined) {
      this.#fill?.end();
      this.#fill = undefined;
      this.#sendCached(kept);
      return;
    }
    const code = CODES[failure];
    if (code === 'no_upstream') this.#pieces.observer.shed('no_upstream');
    this.#refuse(code, DETAILS[code] ?? 'The upstream failed.', failure);
  }

  #sendCached(kept: CachedResponse): void {
    const { reply, head } = this.#request;
    const bodiless = head.method === 'HEAD' || kept.status === 304 || kept.status === 204;
    const { text, length } = fieldLines(kept.headers);
    if (this.#pieces.draining()) reply.noKeepAlive();
    reply.head(kept.status, '', text + this.#ownFields(kept.cacheStatus), kept.body.length, bodiless, length);
    if (!bodiless && kept.body.length > 0) reply.body(kept.body);
    this.#finish(undefined);
  }

  /** An answer of our own, if there is still somebody to answer. */
  #refuse(code: ErrorCode, detail: string, errorType: string = code): void {
    const { reply, head, requestId } = this.#request;
    if (reply.begun) {
      this.#close(errorType);
      return;
    }
    for (const attempt of this.#attempts) attempt.cancel(false);
    this.#attempts = [];
    const headers: Record<string, string> =
      code === 'no_upstream' || code === 'overloaded' ? { 'Retry-After': '1' } : {};
    const answer = problemAnswer(new VitrineError(code, detail, { headers }), requestId);
    reply.head(
      answer.status,
      answer.reason,
      answer.fields + this.#timing(),
      answer.body.length,
      head.method === 'HEAD',
      String(answer.body.length),
    );
    if (head.method !== 'HEAD') reply.body(answer.body);
    this.#finish(answer.status >= 500 ? errorType : undefined);
  }

  #timing(): string {
    return this.#pieces.options.server_timing ? serverTiming(this.#ledger, this.#cacheKind) : '';
  }

  /** A body that goes wrong is refused; what follows a whole request only ends the connection after its answer. */
  onClientMalformed(refusal: VitrineError): void {
    this.#request.reply.noKeepAlive();
    if (this.#body !== undefined && !this.#body.complete) this.#refuse(refusal.code, refusal.message);
  }

  /** The client's connection is gone. */
  onClientClosed(): void {
    if (!this.#done) this.#close(this.#request.reply.status === undefined ? 'client_closed' : undefined);
  }

  /** Ends without an answer, or in the middle of one. */
  #close(errorType: string | undefined): void {
    this.#request.reply.cut();
    this.#end(errorType);
  }

  #finish(errorType: string | undefined): void {
    const { reply } = this.#request;
    if (this.#body !== undefined && !this.#body.complete) {
      reply.noKeepAlive();
      this.#body.stop();
    }
    // Before the next message on the connection begins, this one is over.
    this.#end(errorType);
    reply.end();
  }

  #end(errorType: string | undefined): void {
    if (this.#done) return;
    this.#done = true;
    const { observer, clock, waiting } = this.#pieces;
    const { head, route, reply, peer } = this.#request;
    for (const attempt of this.#attempts) attempt.cancel(false);
    this.#attempts = [];
    if (this.#waiting) waiting.leave(route, this);
    this.#fill?.abort();
    this.#body?.stop();
    observer.serverDone(this.#span, {
      head,
      peer,
      routeAtStart: this.#route,
      route: this.#tries > 0 && this.#answered ? this.#learn() : this.#route,
      status: reply.status,
      error: errorType,
      totalMs: clock.monotonic() - this.#startMs,
      ledger: this.#ledger,
    });
    this.#request.onDone();
  }

  #learn(): string {
    const { route, head, reply } = this.#request;
    if (route.name !== undefined || this.#route !== route.templates.other) return this.#route;
    return route.templates.learn(pathOf(head.target), reply.status ?? 0);
  }
}
