/**
 * A WebSocket through the balancer: the handshake is forwarded like a request, and when the upstream accepts it (and proves
 * it, RFC 6455 section 4.2.2) bytes flow both ways with back-pressure. A drain sends close 1001 to both sides and then
 * closes the tunnel.
 */
import { codeOf } from '../http/support-code.ts';
import type { Socket } from 'node:net';
import type { Context, Span } from '@opentelemetry/api';
import { VitrineError, type ErrorCode } from '../../../base/errors.ts';
import type { Served } from '../client/connection.ts';
import { closeGently } from '../client/linger.ts';
import type { Timed } from '../timing/deadlines.ts';
import { headFor, type ExchangePieces, type RoutedRequest } from './exchange-request.ts';
import { newPhaseTimes } from '../telemetry/phase-times.ts';
import { problemMessage } from '../client/problem.ts';
import type { ReplyHead } from '../http/reply-head.ts';
import type { Upstream } from '../upstream/upstream.ts';
import type { ConnectionFailure, ExchangeEvents } from '../upstream/carrier.ts';
import type { UpstreamConnection } from '../upstream/connection.ts';
import { closeFrame, FrameTracker, isAccepted } from '../http/websocket-frames.ts';

export interface TunnelRequest extends RoutedRequest {
  readonly socket: Socket;
  /** The bytes that the client sent after the head. */
  readonly first: Buffer;
}

/** After a drain, both sides have this long to close the tunnel themselves. */
const GOODBYE_MS = 2_000;
const KEEP_ALIVE_MS = 30_000;
/** Bytes that a client may send before the upstream has agreed; then reading from the client pauses. */
const EARLY_LIMIT = 64 * 1024;

export class Tunnel implements ExchangeEvents, Served, Timed {
  readonly #pieces: ExchangePieces;
  readonly #request: TunnelRequest;
  readonly #onDone: () => void;
  readonly #startMs: number;
  readonly #span: Span;
  readonly #parent: Context;
  readonly #tried: Upstream[] = [];
  readonly #toClient = new FrameTracker();
  readonly #toUpstream = new FrameTracker();
  /** The bytes that the client sent before the upstream agreed. */
  #early: Buffer[] = [];
  #earlyBytes = 0;
  #upstream: Upstream | undefined;
  #connection: UpstreamConnection | undefined;
  #clientSpan: Span | undefined;
  #tryMs = 0;
  #state: 'asking' | 'open' | 'refused' | 'over' = 'asking';
  #observed = false;
  #draining = false;
  deadlineMs = Infinity;
  deadlinePlace = -1;

  constructor(pieces: ExchangePieces, request: TunnelRequest, onDone: () => void) {
    this.#pieces = pieces;
    this.#request = request;
    this.#onDone = onDone;
    this.#startMs = pieces.clock.monotonic();
    const { span, parent } = pieces.observer.serverSpan(request.head, this.#routeName, request.origin);
    this.#span = span;
    this.#parent = parent;
  }

  get #routeName(): string {
    const { route } = this.#request;
    return route.name ?? route.templates.other;
  }

  begin(): void {
    const { socket } = this.#request;
    socket.on('error', () => socket.destroy());
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    this.#pieces.deadlines.add(this);
    // The client's socket is read from the start: otherwise the end of its connection would not be noticed.
    socket.on('data', (bytes: Buffer) => this.#fromClient(bytes));
    socket.on('end', () => {
      if (this.#state === 'open') this.#connection?.endWriting();
    });
    if (this.#request.first.length > 0) this.#fromClient(this.#request.first);
    socket.resume();
    this.#ask();
  }

  #ask(): void {
    const { head, route, facts } = this.#request;
    const { observer, random, clock } = this.#pieces;
    const preference = facts && route.sticky?.prefer(facts);
    // An upstream with HTTP/2 takes no upgrades.
    const unfit = route.upstreams.filter((one) => !one.framesBodies);
    const at = route.picker.pick([...this.#tried, ...unfit], Infinity, random, preference);
    if (at < 0) {
      if (unfit.length > 0 && unfit.length === route.upstreams.length)
        this.#refuse('bad_gateway', 'Every upstream of the route is h2c, which carries no WebSocket.');
      else this.#refuse('no_upstream', 'No upstream could be reached.');
      return;
    }
    const upstream = route.upstreams[at];
    this.#tried.push(upstream);
    this.#upstream = upstream;
    upstream.inflight += 1;
    this.#tryMs = clock.monotonic();
    const { span, fields } = observer.clientSpan(head, this.#parent);
    this.#clientSpan = span;
    const text = headFor(this.#request, upstream, observer.ownFields, undefined);
    const { connect, first_byte } = route.timeouts;
    this.deadlineMs = connect + first_byte > 0 ? this.#tryMs + connect + first_byte : Infinity;
    const bytes = `${text}${fields}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`;
    this.#connection = upstream.open();
    this.#connection.begin({ method: 'GET', bytes }, this, true);
  }

  onConnected(): void {}

  onInterim({ status, reason, fields }: ReplyHead): void {
    const { head, socket } = this.#request;
    if (head.http11) socket.write(`HTTP/1.1 ${status} ${reason}\r\n${fields}\r\n`, 'latin1');
  }

  onHead(head: ReplyHead): void {
    const { socket, requestId } = this.#request;
    const own = `Via: 1.1 vitrine\r\nX-Request-Id: ${requestId}\r\n`;
    if (head.status !== 101) {
      this.#state = 'refused';
      this.#observe(head.status, undefined);
      socket.write(`HTTP/1.1 ${head.status} ${head.reason}\r\n${head.fields}${own}Connection: close\r\n\r\n`, 'latin1');
      return;
    }
    if (head.upgrade !== 'websocket' || !isAccepted(this.#request.head.raw, head.fields)) {
      this.#failed('invalid');
      return;
    }
    this.deadlineMs = Infinity;
    this.#state = 'open';
    if (this.#upstream !== undefined) {
      this.#upstream.succeeded();
      // A tunnel is open for hours, and it does not count as work towards the upstream's limit.
      this.#upstream.inflight -= 1;
      this.#upstream.streams += 1;
      this.#pieces.waiting.roomIn(this.#request.route);
    }
    this.#observe(101, undefined);
    socket.write(
      `HTTP/1.1 101 Switching Protocols\r\n${head.fields}${own}Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n`,
      'latin1',
    );
    const early = this.#early;
    this.#early = [];
    for (const bytes of early) this.#send(bytes);
    if (this.#connection?.blocked !== true) socket.resume();
  }

  #fromClient(bytes: Buffer): void {
    if (this.#state === 'open') this.#send(bytes);
    else if (this.#state === 'asking') {
      this.#early.push(bytes);
      this.#earlyBytes += bytes.length;
      if (this.#earlyBytes >= EARLY_LIMIT) this.#request.socket.pause();
    }
  }

  #send(bytes: Buffer): void {
    this.#toUpstream.feed(bytes);
    if (this.#connection?.write(bytes) === false) this.#request.socket.pause();
  }

  onWritable(): void {
    this.#request.socket.resume();
  }

  onBody(bytes: Buffer): void {
    if (this.#state === 'over') return;
    if (this.#state === 'open') this.#toClient.feed(bytes);
    if (!this.#request.socket.write(Buffer.from(bytes))) this.#connection?.pause();
  }

  onFlush(): void {}

  onClientWritable(): void {
    this.#connection?.resume();
  }

  onComplete(): void {
    closeGently(this.#request.socket);
    this.#over();
  }

  onFailed(kind: ConnectionFailure): void {
    if (this.#state === 'open') {
      this.#request.socket.destroy();
      this.#over();
    } else this.#failed(kind);
  }

  #failed(kind: ConnectionFailure | 'timeout'): void {
    const { route } = this.#request;
    const upstream = this.#upstream;
    if (upstream !== undefined) {
      upstream.failed(kind === 'refused' ? 'refused' : kind === 'timeout' ? 'timeout' : 'error', route.upstreams);
      upstream.inflight -= 1;
      this.#clientDone(upstream, undefined, kind);
      this.#upstream = undefined;
    }
    this.#connection?.destroy();
    this.#connection = undefined;
    // A refused connection carried no bytes, so another upstream may be asked; otherwise the handshake may have begun.
    if (kind === 'refused' && !this.#pieces.draining()) this.#ask();
    else if (kind === 'timeout') this.#refuse('gateway_timeout', 'The upstream did not answer the upgrade in time.');
    else {
      // The upstream answers by closing. A transparent proxy passes the close on.
      if (kind === 'reset' && this.#pieces.options.transparent === true) this.#request.socket.destroy();
      this.#refuse('bad_gateway', 'The upstream did not accept the upgrade.');
    }
  }

  #refuse(code: ErrorCode, detail: string): void {
    const { socket } = this.#request;
    const error = new VitrineError(code, detail);
    this.#observe(error.status, code);
    if (socket.writable && this.#state === 'asking') {
      socket.write(problemMessage(error, codeOf(this.#span)));
      closeGently(socket);
    } else socket.destroy();
    this.#over();
  }

  /** Telemetry ends the request when the tunnel opens: the lifetime of a tunnel is not a latency. */
  #observe(status: number | undefined, error: string | undefined): void {
    if (this.#observed) return;
    this.#observed = true;
    const { observer, clock } = this.#pieces;
    const { head, peer, requestId } = this.#request;
    if (this.#upstream !== undefined) this.#clientDone(this.#upstream, status, error);
    const totalMs = clock.monotonic() - this.#startMs;
    const phases = newPhaseTimes();
    observer.serverDone(this.#span, {
      head,
      peer,
      routeAtStart: this.#routeName,
      route: this.#routeName,
      status,
      error,
      totalMs,
      phases,
      requestId,
      tries: this.#tried,
    });
  }

  #clientDone(upstream: Upstream, status: number | undefined, error: string | undefined): void {
    const span = this.#clientSpan;
    this.#clientSpan = undefined;
    if (span === undefined) return;
    const ms = this.#pieces.clock.monotonic() - this.#tryMs;
    const { head } = this.#request;
    this.#pieces.observer.clientDone(span, { head, upstream, status, error, ms, resend: this.#tried.length - 1 });
  }

  onDeadline(): void {
    this.deadlineMs = Infinity;
    if (this.#draining) {
      this.#request.socket.destroy();
      this.#over();
    } else this.#failed('timeout');
  }

  onClientClosed(): void {
    this.#observe(undefined, 'client_closed');
    this.#over();
  }

  onClientMalformed(): void {}

  /** Sends close 1001 to each side that is at a frame boundary, and closes the tunnel a little later. */
  drain(): void {
    if (this.#state !== 'open' || this.#draining) return;
    this.#draining = true;
    if (this.#toClient.atBoundary) this.#request.socket.write(closeFrame(false));
    if (this.#toUpstream.atBoundary) this.#connection?.write(closeFrame(true));
    this.deadlineMs = this.#pieces.clock.monotonic() + GOODBYE_MS;
  }

  #over(): void {
    if (this.#state === 'over') return;
    const wasOpen = this.#state === 'open';
    this.#state = 'over';
    this.#pieces.deadlines.delete(this);
    if (this.#upstream !== undefined) {
      if (wasOpen) this.#upstream.streams -= 1;
      else this.#upstream.inflight -= 1;
    }
    this.#connection?.destroy();
    this.#early = [];
    this.#pieces.waiting.roomIn(this.#request.route);
    this.#onDone();
  }
}
