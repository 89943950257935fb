/**
 * All tries of one request. An upstream is picked, or the request waits for one. When a try fails or is silent, another
 * upstream may be asked, until one answers or no further try is allowed. The owner receives one result: an answer or a
 * failure.
 *
 * A request is sent again only when nothing of it was sent, or when it is safe to repeat (RFC 9110 section 9.2.2), has no
 * body and no byte of an answer came; a POST whose bytes went out is never sent twice.
 */
import type { Context } from '@opentelemetry/api';
import type { Random } from '../../../base/random.ts';
import type { CacheFill } from '../../../model/response-cache.ts';
import { Attempt, type AttemptFailure, type AttemptOwner, type AttemptPieces } from './attempt.ts';
import { ALL_BUSY } from '../upstream/pick.ts';
import { Refresh } from './refresh.ts';
import { IDEMPOTENT, SAFE } from '../http/methods.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { RequestBody } from '../http/request-body.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Route } from '../routes/route.ts';
import type { Preference } from '../routes/sticky.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Waiter } from './waiting-room.ts';

export interface AttemptsPieces extends AttemptPieces {
  readonly random: Random;
}

export interface AttemptsOwner {
  /** The first upstream is about to be asked. Returns the head for it, from `forwardHead`. */
  asking(upstream: Upstream, nowMs: number): string;
  /** An interim answer. */
  interim(head: ReplyHead): void;
  /** The one answer has begun; the other tries are over. */
  answering(attempt: Attempt, head: ReplyHead, nowMs: number): void;
  answerBody(bytes: Buffer): void;
  /** All bytes of one read were delivered. */
  answerFlush(): void;
  answerComplete(nowMs: number, trailers: string): void;
  /** The answer that began will never be complete. */
  brokenOff(failure: AttemptFailure): void;
  /** There is no answer, and there will not be one. */
  gaveUp(failure: AttemptFailure): void;
  /** Every upstream was at its limit for too long. */
  shed(reason: string): void;
}

const NONE: readonly Attempt[] = [];

export class Attempts implements AttemptOwner, Waiter {
  readonly #pieces: AttemptsPieces;
  readonly #owner: AttemptsOwner;
  readonly #route: Route;
  readonly #head: RequestHead;
  readonly #parent: Context;
  readonly #preference: Preference | undefined;
  readonly #tried: Upstream[] = [];
  #body: RequestBody | undefined;
  #text = '';
  #attempts: readonly Attempt[] = NONE;
  #totalAtMs = Infinity;
  #answering = false;
  #waiting = false;
  #over = false;
  #rest: { readonly attempt: Attempt; readonly fill: CacheFill } | undefined;
  /** Whether the request waited in the queue. */
  waited = false;

  /** `parent`: the parent of the tries' spans. `preference`: the upstream that the request prefers. */
  constructor(
    pieces: AttemptsPieces,
    owner: AttemptsOwner,
    route: Route,
    head: RequestHead,
    parent: Context,
    preference: Preference | undefined,
  ) {
    this.#pieces = pieces;
    this.#owner = owner;
    this.#route = route;
    this.#head = head;
    this.#parent = parent;
    this.#preference = preference;
  }

  /** The upstreams that were asked, in order. */
  get tried(): readonly Upstream[] {
    return this.#tried;
  }

  /** Sends the request to an upstream or puts it into the queue. */
  begin(body: RequestBody | undefined, nowMs: number): void {
    this.#body = body;
    if (IDEMPOTENT.has(this.#head.method)) this.#start(nowMs);
    // The body cannot be sent again, so an idle connection that the upstream has closed must be noticed before it is used.
    else setImmediate(() => this.#over || this.#start(this.#pieces.clock.monotonic()));
  }

  #start(nowMs: number): void {
    const at = this.#pick();
    if (at >= 0) this.#send(this.#route.upstreams[at], false, nowMs);
    else if (at === ALL_BUSY) this.#wait(nowMs);
    else this.#owner.gaveUp('refused');
  }

  /** Asks the upstream that has just answered once more, with another head. */
  again(upstream: Upstream, text: string): void {
    this.#attempts = NONE;
    this.#answering = false;
    this.#text = text;
    this.#send(upstream, false, this.#pieces.clock.monotonic());
  }

  /** A background try that refreshes a stale answer in the cache. */
  refresh(fill: CacheFill, headFor: (upstream: Upstream) => string): void {
    const upstream = this.#next();
    if (upstream === undefined) {
      fill.abort();
      return;
    }
    const startMs = this.#pieces.clock.monotonic();
    const totalAtMs = startMs + (this.#route.timeouts.total || Infinity);
    const asked = { route: this.#route, upstream, head: this.#head, body: undefined, text: headFor(upstream) };
    const one = { ...asked, parent: this.#parent, resend: 0, fresh: false, startMs, totalAtMs };
    void new Refresh(this.#pieces, fill, one);
  }

  #next(): Upstream | undefined {
    const at = this.#pick();
    return at < 0 ? undefined : this.#route.upstreams[at];
  }

  #pick(): number {
    const { options, random } = this.#pieces;
    const { max_inflight: limit } = options.queue;
    const route = this.#route;
    return route.picker.pick(this.#tried, limit > 0 ? limit : Infinity, random, this.#preference);
  }

  #wait(nowMs: number): void {
    this.#waiting = this.#pieces.waiting.enter(this.#route, this, nowMs);
    this.waited = true;
    if (!this.#waiting) this.#owner.shed('queue_full');
  }

  admitted(): void {
    this.#waiting = false;
    this.begin(this.#body, this.#pieces.clock.monotonic());
  }

  expired(): void {
    this.#waiting = false;
    this.#owner.shed('queue_deadline');
  }

  #send(upstream: Upstream, fresh: boolean, nowMs: number): void {
    if (this.#tried.length === 0) {
      const { total } = this.#route.timeouts;
      if (total > 0) this.#totalAtMs = nowMs + total;
      this.#text = this.#owner.asking(upstream, nowMs);
    }
    this.#tried.push(upstream);
    const attempt = new Attempt(this.#pieces, this, {
      route: this.#route,
      upstream,
      head: this.#head,
      body: this.#body,
      text: this.#text,
      parent: this.#parent,
      resend: this.#tried.length - 1,
      fresh,
      startMs: nowMs,
      totalAtMs: this.#totalAtMs,
    });
    this.#attempts = this.#attempts.length === 0 ? [attempt] : [...this.#attempts, attempt];
  }

  attemptInterim(head: ReplyHead): void {
    if (!this.#answering) this.#owner.interim(head);
  }

  attemptHead(attempt: Attempt, head: ReplyHead, nowMs: number): void {
    if (this.#attempts.length > 1) {
      for (const other of this.#attempts) {
        if (other !== attempt) other.cancel();
      }
      this.#attempts = [attempt];
    }
    this.#answering = true;
    this.#owner.answering(attempt, head, nowMs);
  }

  attemptBody(bytes: Buffer): void {
    if (this.#rest === undefined) this.#owner.answerBody(bytes);
    else if (!this.#rest.fill.chunk(Buffer.from(bytes))) this.#rest.attempt.cancel();
  }

  attemptFlush(): void {
    if (this.#rest === undefined) this.#owner.answerFlush();
  }

  attemptComplete(attempt: Attempt, nowMs: number, trailers: string): void {
    if (attempt === this.#rest?.attempt) this.#rest.fill.end();
    if (attempt !== this.#attempts[0]) return;
    this.#attempts = NONE;
    this.#owner.answerComplete(nowMs, trailers);
  }

  attemptSilent(attempt: Attempt): void {
    const { observer } = this.#pieces;
    const { budget } = this.#route;
    if (!SAFE.has(this.#head.method) || this.#body !== undefined || this.#attempts.length > 1) return;
    if (this.#tried.length > this.#route.retries.max || this.#answering) return;
    const upstream = this.#next();
    if (upstream === undefined || !upstream.available || !budget.take()) return;
    observer.retried(attempt.upstream, 'hedge');
    this.#send(upstream, false, this.#pieces.clock.monotonic());
  }

  /** Moves the request to an upstream that works, at most once because of one upstream. The retry budget is not asked. */
  attemptOrphaned(attempt: Attempt): void {
    const { clock, observer } = this.#pieces;
    const repeatable = SAFE.has(this.#head.method) && this.#body === undefined;
    if (this.#attempts.length > 1 || this.#route.retries.max === 0 || (attempt.sent && !repeatable)) return;
    const upstream = this.#next();
    if (upstream?.available !== true) return;
    observer.retried(attempt.upstream, 'health_check');
    this.#attempts = NONE;
    attempt.cancel();
    this.#send(upstream, false, clock.monotonic());
  }

  attemptFailed(attempt: Attempt, failure: AttemptFailure): void {
    if (attempt === this.#rest?.attempt) this.#rest.fill.abort();
    const mine = this.#attempts.includes(attempt);
    this.#attempts = this.#attempts.filter((one) => one !== attempt);
    if (this.#over || !mine || this.#attempts.length > 0) return;
    if (this.#answering) this.#owner.brokenOff(failure);
    else if (!this.#retry(attempt, failure)) this.#owner.gaveUp(failure);
  }

  #retry(attempt: Attempt, failure: AttemptFailure): boolean {
    const { upstreams, retries, budget } = this.#route;
    const { observer } = this.#pieces;
    const repeatable = IDEMPOTENT.has(this.#head.method) && this.#body === undefined && failure !== 'invalid';
    if (attempt.sent && !repeatable) return false;
    // A refused connection cost the upstream nothing, so every upstream may be asked. All other retries are bounded.
    if (failure !== 'refused' && (this.#tried.length > retries.max || !budget.take())) return false;
    if (retries.max === 0 || (failure === 'connect_timeout' && !upstreams.some((one) => one.available))) return false;
    const upstream = this.#next() ?? (failure === 'stale' ? attempt.upstream : undefined);
    if (upstream === undefined) return false;
    observer.retried(attempt.upstream, failure);
    this.#send(upstream, failure === 'stale', this.#pieces.clock.monotonic());
    return true;
  }

  /** The client cannot take more bytes for now. */
  pause(): void {
    this.#attempts[0]?.pause();
  }

  resume(): void {
    this.#attempts[0]?.resume();
  }

  /** The answer is not for the client. `toEnd`: it is read to its end, so that its connection can be used again. */
  leave(toEnd: boolean): void {
    if (toEnd) this.#attempts = NONE;
    else this.cancel();
  }

  /** The client needs no more of the answer: the rest goes only to the fill. Returns whether there is a fill. */
  finishInto(fill: CacheFill | undefined): boolean {
    const attempt = this.#attempts.at(0);
    if (fill === undefined) return false;
    if (attempt === undefined) fill.abort();
    else {
      this.#rest = { attempt, fill };
      attempt.resume();
      this.#attempts = NONE;
    }
    return true;
  }

  /** Cancels the tries that are running. */
  cancel(): void {
    const attempts = this.#attempts;
    this.#attempts = NONE;
    for (const attempt of attempts) attempt.cancel();
  }

  /** Cancels everything; nothing is reported after this. */
  close(): void {
    this.#over = true;
    this.cancel();
    if (this.#waiting) this.#pieces.waiting.leave(this.#route, this);
    this.#waiting = false;
  }
}
