/**
 * One request from start to end: its body is held, the cache is asked, upstreams are tried (`attempts.ts`), and the answer
 * is sent. Every request ends in `#end`, exactly once.
 */
import { codeOf, failureCode } from '../http/support-code.ts';
import type { Span } from '@opentelemetry/api';
import type { ErrorCode, VitrineError } from '../../../base/errors.ts';
import type { CachedResponse, CacheFill, CacheLookup } from '../../../model/response-cache.ts';
import { giveKept, giveOwn, giveProblem, passHead, problemFor, isShort, type Packing } from './answers.ts';
import type { Attempt, AttemptFailure } from './attempt.ts';
import { CacheVisit } from './cache-visit.ts';
import { CACHE, CONNECT, newPhaseTimes, QUEUE, serverTiming, TRANSFER, UPSTREAM } from '../telemetry/phase-times.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { EncodingOwner } from '../client/reply.ts';
import type { BodyEvents, RequestBody } from '../http/request-body.ts';
import type { OwnReply } from '../routes/gate.ts';
import { changedFields, nameAtStart, nameByNow, stickyFields } from '../routes/route.ts';
import type { Preference } from '../routes/sticky.ts';
import { headFor, type ExchangePieces, type ExchangeRequest } from './exchange-request.ts';
import { Attempts, type AttemptsOwner } from './attempts.ts';
import type { Upstream } from '../upstream/upstream.ts';

export class Exchange implements AttemptsOwner, BodyEvents, EncodingOwner {
  readonly #pieces: ExchangePieces;
  readonly #request: ExchangeRequest;
  readonly #startMs: number;
  readonly #phases = newPhaseTimes();
  readonly #route: string;
  readonly #span: Span;
  readonly #attempts: Attempts;
  readonly #visit: CacheVisit | undefined;
  readonly #preference: Preference | undefined;
  #body: RequestBody | undefined;
  #readyMs: number;
  #headMs = 0;
  #answered = false;
  #done = false;

  constructor(pieces: ExchangePieces, request: ExchangeRequest) {
    this.#pieces = pieces;
    this.#request = request;
    this.#startMs = this.#readyMs = pieces.clock.monotonic();
    const { head, route, facts, origin } = request;
    this.#route = nameAtStart(route, head.method, head.target);
    const { span, parent } = pieces.observer.serverSpan(head, this.#route, origin);
    this.#span = span;
    this.#preference = facts && route.sticky?.prefer(facts);
    this.#attempts = new Attempts(pieces, this, route, head, parent, this.#preference);
    if (pieces.cache && route.cache && route.cache.bypass?.(head) !== true)
      this.#visit = new CacheVisit(pieces.cache, head, request.peer, route.cache, changedFields(route, facts));
  }

  /** The route's gate answers instead of an upstream. */
  give(own: OwnReply): void {
    const { reply, head, requestId } = this.#request;
    const status = giveOwn(reply, head.method, own, requestId, this.#timing(), codeOf(this.#span));
    this.#finish(status >= 500 ? (own.error?.code ?? own.reason) : undefined);
  }

  /** When there is a body, the rest begins in its `onReady`. */
  begin(body: RequestBody | undefined): void {
    this.#body = body;
    this.#request.route.budget.request();
    if (body === undefined) this.#askCache(this.#startMs);
  }

  onReady(): void {
    this.#askCache(this.#pieces.clock.monotonic());
  }

  onTooLarge(): void {
    this.#refuse('payload_too_large', `The body is larger than ${this.#request.route.limits.body} bytes.`);
  }

  onTooSlow(): void {
    this.#refuse('request_timeout', 'The body came too slowly.');
  }

  #askCache(nowMs: number): void {
    this.#readyMs = nowMs;
    const found = this.#visit?.ask();
    if (found === undefined) this.#attempts.begin(this.#body, nowMs);
    else if (found instanceof Promise) void found.then((late) => this.#looked(late));
    else this.#looked(found);
  }

  #looked(found: CacheLookup): void {
    const visit = this.#visit;
    if (visit === undefined) return;
    const now = this.#pieces.clock.monotonic();
    this.#phases[CACHE] = now - this.#readyMs;
    this.#readyMs = now;
    visit.kind = found.kind;
    if (this.#done) visit.decline(found);
    else if (found.kind === 'hit') this.#sendCached(found.response);
    else if (found.kind === 'stale') {
      this.#sendCached(found.response);
      const { refresh } = found;
      if (refresh !== undefined) this.#attempts.refresh(refresh, (one) => this.#headFor(one, refresh.conditional));
    } else {
      visit.forward(found);
      this.#attempts.begin(this.#body, now);
    }
  }

  #headFor(upstream: Upstream, conditional: CacheFill['conditional'] | undefined): string {
    return headFor(this.#request, upstream, this.#pieces.observer.ownFields, conditional);
  }

  asking(upstream: Upstream, nowMs: number): string {
    // A request that did not wait has no queue time: a few microseconds of processing do not count as a phase.
    const waited = this.#attempts.waited || this.#body !== undefined;
    this.#phases[QUEUE] = waited ? nowMs - this.#startMs - (this.#phases[CACHE] || 0) : 0;
    this.#readyMs = nowMs;
    return this.#headFor(upstream, this.#visit?.conditional);
  }

  shed(reason: string): void {
    this.#pieces.observer.shed(reason);
    this.#refuse('overloaded', 'Every upstream is busy and the request timed out in the queue.', reason);
  }

  interim({ status, reason, fields }: ReplyHead): void {
    if (!this.#done) this.#request.reply.interim(status, reason, fields);
  }

  answering(attempt: Attempt, head: ReplyHead, nowMs: number): void {
    const connect = attempt.connectedMs - attempt.startedMs;
    if (!attempt.reused) this.#phases[CONNECT] = connect;
    this.#phases[UPSTREAM] = nowMs - this.#readyMs - (attempt.reused ? 0 : connect);
    this.#headMs = nowMs;
    const instead = this.#visit?.instead(head);
    if (instead === undefined) this.#answer(head, attempt.upstream);
    else if (instead === 'gone') this.#attempts.again(attempt.upstream, this.#headFor(attempt.upstream, undefined));
    else {
      if (!this.#attempts.finishInto(this.#visit?.release())) this.#attempts.leave(head.status < 500 && isShort(head));
      this.#sendCached(instead);
    }
  }

  #answer(head: ReplyHead, upstream: Upstream): void {
    const { reply, head: request, route, facts } = this.#request;
    const own =
      this.#ownFields(head.status, this.#visit?.passing(head)) + stickyFields(route, facts, upstream, this.#preference);
    if (this.#pieces.draining()) reply.noKeepAlive();
    this.#answered = true;
    passHead(reply, request, head, own, this.#packing());
  }

  #packing(): Packing | undefined {
    const { compression } = this.#request.route;
    return compression && { compression, owner: this, observer: this.#pieces.observer };
  }

  onEncodingFailed(): void {
    if (!this.#done) this.#close('encoding');
  }

  #ownFields(status: number, cacheStatus: string | undefined): string {
    const cached = cacheStatus === undefined ? '' : `Cache-Status: ${cacheStatus}\r\n`;
    return `Via: 1.1 vitrine\r\nX-Request-Id: ${this.#request.requestId}\r\n${cached}${failureCode(status, this.#span)}${this.#timing()}`;
  }

  #timing(): string {
    return this.#pieces.options.server_timing ? serverTiming(this.#phases, this.#visit?.kind) : '';
  }

  answerBody(bytes: Buffer): void {
    if (!this.#answered) return;
    this.#visit?.body(bytes);
    this.#request.reply.body(bytes);
  }

  answerFlush(): void {
    const { reply } = this.#request;
    if (!this.#answered || this.#done) return;
    reply.flush();
    if (reply.blocked) this.#attempts.pause();
  }

  onClientWritable(): void {
    this.#request.reply.drained();
    this.#attempts.resume();
  }

  answerComplete(nowMs: number, trailers: string): void {
    if (this.#done || !this.#answered) return;
    if (trailers !== '') this.#request.reply.trailers(trailers);
    this.#visit?.complete();
    const { reply } = this.#request;
    if (reply.gradual) reply.complete(() => this.#delivered(this.#pieces.clock.monotonic()));
    else this.#delivered(nowMs);
  }

  #delivered(nowMs: number): void {
    this.#phases[TRANSFER] = nowMs - this.#headMs;
    this.#finish(undefined, nowMs);
  }

  /** The answer ended too early: the client's connection is cut too, and never ended as if the answer were complete. */
  brokenOff(failure: AttemptFailure): void {
    const { reply } = this.#request;
    this.#phases[TRANSFER] = this.#pieces.clock.monotonic() - this.#headMs;
    this.#answered = reply.begun;
    if (reply.begun) {
      this.#pieces.log.warn({ request_id: this.#request.requestId, failure }, 'an answer was cut short');
      this.#close('truncated');
    } else this.gaveUp(failure);
  }

  gaveUp(failure: AttemptFailure): void {
    const kept = this.#visit?.failed();
    if (kept !== undefined) this.#sendCached(kept);
    else {
      const { code, detail } = problemFor(failure);
      if (code === 'no_upstream') this.#pieces.observer.shed('no_upstream');
      this.#refuse(code, detail, failure);
    }
  }

  #sendCached(kept: CachedResponse): void {
    const { reply, head } = this.#request;
    if (this.#pieces.draining()) reply.noKeepAlive();
    giveKept(reply, head, kept, this.#ownFields(kept.status, kept.cacheStatus), this.#packing());
    if (reply.gradual) reply.complete(() => this.#finish(undefined));
    else this.#finish(undefined);
  }

  /** Sends an error of the balancer unless an answer has begun. */
  #refuse(code: ErrorCode, detail: string, errorType: string = code): void {
    const { reply, head, requestId } = this.#request;
    if (reply.begun) {
      this.#close(errorType);
      return;
    }
    this.#attempts.cancel();
    const status = giveProblem(reply, head.method, { code, detail }, requestId, this.#timing(), codeOf(this.#span));
    this.#finish(status >= 500 ? errorType : undefined);
  }

  /** A malformed body is refused; malformed bytes after a complete request only close the connection after its answer. */
  onClientMalformed(refusal: VitrineError): void {
    this.#request.reply.noKeepAlive();
    if (this.#body !== undefined && !this.#body.complete) this.#refuse(refusal.code, refusal.message);
  }

  onClientClosed(): void {
    if (!this.#done) this.#close(this.#request.reply.status === undefined ? 'client_closed' : undefined);
  }

  /** The client has left before the answer, or in the middle of it. */
  #close(errorType: string | undefined): void {
    this.#request.reply.cut();
    this.#attempts.finishInto(this.#visit?.releaseForOthers());
    this.#end(errorType, this.#pieces.clock.monotonic());
  }

  #finish(errorType: string | undefined, nowMs = this.#pieces.clock.monotonic()): void {
    const { reply } = this.#request;
    if (this.#body !== undefined && !this.#body.complete) {
      reply.noKeepAlive();
      this.#body.stop();
    }
    // This request must be over before the next message on the connection begins.
    this.#end(errorType, nowMs);
    reply.end();
  }

  #end(errorType: string | undefined, nowMs: number): void {
    if (this.#done) return;
    this.#done = true;
    const { head, reply, peer, route } = this.#request;
    this.#attempts.close();
    this.#visit?.abort();
    this.#body?.stop();
    const [routeAtStart, totalMs, phases] = [this.#route, nowMs - this.#startMs, this.#phases];
    const name = nameByNow(route, routeAtStart, head, this.#answered ? reply.status : undefined);
    this.#pieces.observer.serverDone(this.#span, {
      head,
      peer,
      routeAtStart,
      route: name,
      status: reply.status,
      error: errorType,
      totalMs,
      phases,
      requestId: this.#request.requestId,
      tries: this.#attempts.tried,
      cache: this.#visit?.kind,
      sentBytes: reply.sentBytes,
    });
    this.#request.onDone(nowMs);
  }
}
