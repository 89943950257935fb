/**
 * One try of a request at one upstream: its connection, its deadlines, its client span. It reports once how it ended;
 * whether to try again is decided by its owner.
 */
import type { Context, Span } from '@opentelemetry/api';
import type { Clock } from '../../../base/clock.ts';
import type { BalancerOptions } from '../config.ts';
import type { Deadlines, Timed } from '../timing/deadlines.ts';
import type { Observer } from '../telemetry/observer.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { BodySink, RequestBody } from '../http/request-body.ts';
import type { Route } from '../routes/route.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { Carrier, ConnectionFailure, ExchangeEvents } from '../upstream/carrier.ts';
import { firstBytes, type Asked } from './first-bytes.ts';
import type { WaitingRoom } from './waiting-room.ts';

/**
 * `stale`: a connection used before was closed before any byte of an answer. `timeout`: no first byte in time. `idle`: the
 * answer stopped.
 */
export type AttemptFailure = ConnectionFailure | 'stale' | 'connect_timeout' | 'timeout' | 'idle';

export interface AttemptOwner {
  attemptInterim(head: ReplyHead): void;
  attemptHead(attempt: Attempt, head: ReplyHead, nowMs: number): void;
  attemptBody(bytes: Buffer): void;
  attemptFlush(): void;
  /** `trailers`: lines ended by CRLF, mostly none. */
  attemptComplete(attempt: Attempt, nowMs: number, trailers: string): void;
  attemptFailed(attempt: Attempt, failure: AttemptFailure): void;
  /** Neither this request nor any other has received a byte from the upstream for `timeouts.hedge`. */
  attemptSilent(attempt: Attempt): void;
  /** The checks found the upstream down before a byte of its answer came. */
  attemptOrphaned(attempt: Attempt): void;
}

/** Parts that all tries share. */
export interface AttemptPieces {
  readonly options: BalancerOptions;
  readonly clock: Clock;
  readonly deadlines: Deadlines;
  readonly waiting: WaitingRoom;
  readonly observer: Observer;
}

export interface Try extends Asked {
  readonly route: Route;
  readonly upstream: Upstream;
  readonly parent: Context;
  readonly resend: number;
  /** A used connection may fail although the upstream is healthy. This try must not use one. */
  readonly fresh: boolean;
  /** Monotonic ms at the start of the try. */
  readonly startMs: number;
  /** Monotonic ms by which the first byte of any try must have come. */
  readonly totalAtMs: number;
}

const limitAt = (nowMs: number, limitMs: number): number => (limitMs > 0 ? nowMs + limitMs : Infinity);

export class Attempt implements ExchangeEvents, Timed, BodySink {
  readonly #pieces: AttemptPieces;
  readonly #owner: AttemptOwner;
  readonly #try: Try;
  readonly #span: Span;
  readonly #connection: Carrier;
  readonly #chunked: boolean;
  #stage: 'connect' | 'wait' | 'body' | 'over' = 'connect';
  #hedgeAtMs = Infinity;
  #limitAtMs = Infinity;
  #status: number | undefined;
  #paused = false;
  /** Whether the answer is an event stream. It may be silent for hours, and it does not count as work of the upstream. */
  #stream = false;
  #onceConnected: (() => void) | undefined;
  readonly startedMs: number;
  connectedMs: number;
  deadlineMs: number;
  deadlinePlace = -1;

  constructor(pieces: AttemptPieces, owner: AttemptOwner, one: Try) {
    this.#pieces = pieces;
    this.#owner = owner;
    this.#try = one;
    const { upstream, head, body } = one;
    const now = one.startMs;
    this.startedMs = now;
    this.connectedMs = now;
    const { span, fields } = pieces.observer.clientSpan(head, one.parent);
    this.#span = span;
    this.#chunked =
      upstream.framesBodies && body !== undefined && ((!body.complete && head.bodyBytes < 0) || body.trailers !== '');
    upstream.inflight += 1;
    const held = body?.held.length ?? 0;
    const bytes = firstBytes(one, fields, this.#chunked);
    const complete = body === undefined || body.complete;
    const message = { method: head.method, bytes, complete, trailers: body?.trailers };
    this.#connection = upstream.begin(message, this, one.fresh);
    this.#limitAtMs = limitAt(now, one.route.timeouts.connect);
    this.deadlineMs = Math.min(this.#limitAtMs, one.totalAtMs);
    pieces.deadlines.add(this);
    if (this.#connection.connected) this.#waiting(now);
    if (body !== undefined && !body.complete) this.#streamWhenSent(body, held);
  }

  get upstream(): Upstream {
    return this.#try.upstream;
  }

  /** Whether any bytes may have reached the upstream. */
  get sent(): boolean {
    return this.#connection.connected;
  }

  get reused(): boolean {
    return this.#connection.reused;
  }

  #streamWhenSent(body: RequestBody, held: number): void {
    const stream = (): void => body.stream(this, held);
    if (this.#connection.connected) stream();
    else this.#onceConnected = stream;
  }

  #waiting(now: number): void {
    const { timeouts } = this.#try.route;
    this.#stage = 'wait';
    this.connectedMs = now;
    this.#limitAtMs = limitAt(now, timeouts.first_byte);
    this.#hedgeAtMs = limitAt(now, timeouts.hedge);
    this.deadlineMs = Math.min(this.#limitAtMs, this.#hedgeAtMs, this.#try.totalAtMs);
  }

  onConnected(): void {
    this.#waiting(this.#pieces.clock.monotonic());
    this.#onceConnected?.();
  }

  write(bytes: Buffer): boolean {
    if (this.#stage === 'over') return true;
    // While the upload makes progress, the upstream does not count as silent.
    if (this.#stage === 'wait') this.#waiting(this.#pieces.clock.monotonic());
    // The upstream may already have answered and closed: its bytes are read before the next write can fail.
    this.#connection.holdForTurn();
    if (!this.#chunked) return this.#connection.write(bytes);
    this.#connection.write(`${bytes.length.toString(16)}\r\n`);
    this.#connection.write(bytes);
    return this.#connection.write('\r\n');
  }

  end(): void {
    if (this.#stage === 'over') return;
    const trailers = this.#try.body?.trailers ?? '';
    this.#connection.endBody(trailers);
    if (!this.#chunked) return;
    this.#connection.holdForTurn();
    this.#connection.write(`0\r\n${trailers}\r\n`);
  }

  onWritable(): void {
    this.#try.body?.resume();
  }

  onInterim(head: ReplyHead): void {
    this.#owner.attemptInterim(head);
  }

  onHead(head: ReplyHead): void {
    const now = this.#pieces.clock.monotonic();
    this.#try.upstream.answered(now, head.keepAlive);
    this.#status = head.status;
    this.#stage = 'body';
    this.deadlineMs = limitAt(now, this.#try.route.timeouts.idle);
    if (head.bodyBytes < 0 && head.fields.includes('text/event-stream')) this.#streams();
    // The upstream does not want the rest of the body: sending it could break the connection before the answer is read.
    if (!head.keepAlive) this.#try.body?.detach();
    this.#owner.attemptHead(this, head, now);
  }

  #streams(): void {
    const { upstream, route } = this.#try;
    this.#stream = true;
    this.deadlineMs = Infinity;
    upstream.inflight -= 1;
    upstream.streams += 1;
    this.#pieces.waiting.roomIn(route);
  }

  onBody(bytes: Buffer): void {
    if (this.#stage === 'body') this.#owner.attemptBody(bytes);
  }

  onFlush(): void {
    if (this.#stage !== 'body') return;
    const now = this.#pieces.clock.monotonic();
    this.#try.upstream.lastByteMs = now;
    if (!this.#stream) this.deadlineMs = limitAt(now, this.#try.route.timeouts.idle);
    this.#owner.attemptFlush();
  }

  onComplete(reusable: boolean, trailers: string): void {
    if (this.#stage === 'over') return;
    const { upstream, body } = this.#try;
    // With 502, 503 or 504 the upstream itself reports that it cannot serve.
    if (this.#status !== undefined && this.#status >= 502 && this.#status <= 504)
      upstream.failed('error', this.#try.route.upstreams);
    else upstream.succeeded();
    const now = this.#pieces.clock.monotonic();
    this.#settle(undefined, now);
    const keep = reusable && (body === undefined || body.complete);
    if (keep) upstream.release(this.#connection, this.#try.route.timeouts.upstream_keep_alive, now);
    else this.#connection.destroy();
    this.#owner.attemptComplete(this, now, trailers);
    this.#pieces.waiting.roomIn(this.#try.route);
  }

  onFailed(kind: ConnectionFailure): void {
    const stale = kind === 'reset' && this.#connection.reused && this.#stage === 'wait';
    this.#fail(stale ? 'stale' : kind);
  }

  onDeadline(now: number): void {
    if (this.#stage === 'connect') this.#fail('connect_timeout');
    else if (this.#stage === 'body') this.#fail('idle');
    else if (now >= this.#limitAtMs || now >= this.#try.totalAtMs) this.#fail('timeout');
    else this.#maybeSilent(now);
  }

  /** An upstream that has sent bytes for any request meanwhile is not silent yet; it may have stopped since then. */
  #maybeSilent(now: number): void {
    const heardMs = Math.max(this.#try.upstream.lastByteMs, this.connectedMs);
    const silentAtMs = heardMs + this.#try.route.timeouts.hedge;
    this.#hedgeAtMs = now >= silentAtMs ? Infinity : silentAtMs;
    this.deadlineMs = Math.min(this.#limitAtMs, this.#hedgeAtMs, this.#try.totalAtMs);
    if (now >= silentAtMs) this.#owner.attemptSilent(this);
  }

  /** The client reads more slowly than the upstream sends. */
  pause(): void {
    if (this.#paused) return;
    this.#paused = true;
    // From now on the client's own limit applies.
    this.deadlineMs = Infinity;
    this.#connection.pause();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    if (!this.#stream) this.deadlineMs = limitAt(this.#pieces.clock.monotonic(), this.#try.route.timeouts.idle);
    this.#connection.resume();
  }

  /** The checks found `upstream` down. */
  upstreamOut(upstream: Upstream): void {
    if (this.#try.upstream === upstream && (this.#stage === 'wait' || this.#stage === 'connect'))
      this.#owner.attemptOrphaned(this);
  }

  /** The answer is no longer wanted. A slower upstream whose answer is cancelled counts no failure. */
  cancel(): void {
    if (this.#stage === 'over') return;
    this.#settle('cancelled', this.#pieces.clock.monotonic());
    this.#connection.destroy();
    this.#pieces.waiting.roomIn(this.#try.route);
  }

  #fail(failure: AttemptFailure): void {
    if (this.#stage === 'over') return;
    const { upstream, route } = this.#try;
    if (failure === 'refused') upstream.failed('refused', route.upstreams);
    else if (failure === 'reset' || failure === 'invalid') upstream.failed('error', route.upstreams);
    else if (failure !== 'stale') upstream.failed('timeout', route.upstreams);
    const error = this.#status !== undefined && failure === 'reset' ? 'truncated' : failure;
    this.#settle(error, this.#pieces.clock.monotonic());
    this.#connection.destroy();
    this.#owner.attemptFailed(this, failure);
    this.#pieces.waiting.roomIn(route);
  }

  #settle(error: string | undefined, nowMs: number): void {
    this.#stage = 'over';
    const { deadlines, observer } = this.#pieces;
    deadlines.delete(this);
    const { upstream, head, resend } = this.#try;
    if (this.#stream) upstream.streams -= 1;
    else upstream.inflight -= 1;
    const ms = nowMs - this.startedMs;
    observer.clientDone(this.#span, { head, upstream, status: this.#status, error, ms, resend });
  }
}
