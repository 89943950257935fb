/**
 * `/ws`: sends the live figures to every viewer each second, with the newest values of the PromQL expressions that the
 * viewer requested. A frame is written as text once, for any number of viewers. A viewer that does not read is disconnected;
 * the server never waits for it. Too many viewers are refused before the upgrade. Limits: 64 KiB a message, 10 messages a
 * second, 50 viewers for one address, 1,000 in all, 16 expressions a viewer, 64 different ones in all.
 */
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { WebSocketServer } from 'ws';
import type { Clock } from '../../base/clock.ts';
import { every } from '../../base/clock.ts';
import { ERRORS, problemOf, VitrineError } from '../../base/errors.ts';
import { rareLines, type Logger, type RareLine } from '../../base/logger.ts';
import type { Alert } from '../../model/alert.ts';
import type { Health } from '../../model/health.ts';
import type { Querier } from '../../model/ports.ts';
import { isHostAllowed, isSameOrigin, PROXY_HINT } from '../../model/site.ts';
import type { Access } from './access/access.ts';
import type { LiveFrame, LiveHello, ServerMessage } from './contract.ts';
import { SECURITY_HEADERS } from './guard.ts';
import type { LiveState } from './live.ts';
import { Expressions, subscriptionsFrom } from './subscriptions.ts';
import { alertViews } from './views.ts';

const MAX_PAYLOAD_BYTES = 64 * 1_024;
const MAX_BUFFERED_BYTES = 1_024 * 1_024;
const DEFAULT_LIMITS: ViewerLimits = { perAddress: 50, total: 1_000 };
const MAX_MESSAGES_PER_SECOND = 10;
const TICK_MS = 1_000;
const TICKS_PER_PING = 10;

export interface LiveSocketOptions {
  readonly querier: Querier;
  readonly live: LiveState;
  readonly alerts: () => readonly Alert[];
  readonly health: () => Health;
  readonly version: string;
  readonly access: Access;
  readonly logger: Logger;
  readonly clock: Clock;
  readonly allowedHosts: readonly string[];
  /** Default: 50 for one address, 1,000 in all. */
  readonly viewerLimits?: ViewerLimits | undefined;
}

/** The most viewers that may be connected. One more gets 503 before the upgrade. */
export interface ViewerLimits {
  readonly perAddress: number;
  readonly total: number;
}

interface Viewer {
  readonly address: string;
  readonly request: IncomingMessage;
  expressions: readonly string[];
  messages: number;
  answered: boolean;
}

export class LiveSocket {
  readonly #options: LiveSocketOptions;
  readonly #server = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
    clientTracking: false,
  });
  readonly #viewers = new Map<WebSocket, Viewer>();
  readonly #expressions: Expressions;
  readonly #stop: () => void;
  readonly #rareLine: RareLine;
  #ticks = 0;

  constructor(options: LiveSocketOptions) {
    this.#options = options;
    this.#expressions = new Expressions(options.querier);
    this.#rareLine = rareLines(options.logger, options.clock);
    this.#stop = every(
      options.clock,
      TICK_MS,
      (nowMs) => this.#tick(nowMs),
      (error) => {
        options.logger.error({ err: error }, 'live tick failed');
      },
    );
  }

  get size(): number {
    return this.#viewers.size;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void {
    // Without a listener, an error of a refused socket would stop the process.
    socket.on('error', () => socket.destroy());
    try {
      this.#admit(request);
    } catch (error) {
      const { host, origin } = request.headers;
      const hint = error instanceof VitrineError ? error.hint : undefined;
      const fields = { reason: problemOf(error).detail, hint, host, origin };
      this.#rareLine('warn', 'refused socket', fields, 'A live socket was refused');
      refuse(socket, error);
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (client) => this.#welcome(client, request));
  }

  async close(): Promise<void> {
    this.#stop();
    this.#expressions.close();
    for (const client of this.#viewers.keys()) {
      client.close(1001, 'the server shuts down');
      client.terminate();
    }
    this.#viewers.clear();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #admit(request: IncomingMessage): void {
    const { host, origin } = request.headers;
    if (!isHostAllowed(host, this.#options.allowedHosts)) {
      throw new VitrineError('misdirected', 'This host name is not one of this server.', {
        hint: 'Name the host in monitor.allowed_hosts.',
      });
    }
    if (request.url?.split('?')[0] !== '/ws') throw new VitrineError('not_found', 'The live socket is at /ws.');
    if (!isSameOrigin(origin, host)) {
      throw new VitrineError('forbidden', 'Only the page of this server may listen.', { hint: PROXY_HINT });
    }
    this.#options.access.check(request.headers);
    this.checkRoom(request.socket.remoteAddress ?? '');
  }

  /**
   * The viewers and the most there may be.
   * @throws VitrineError `overloaded` when one more from this address would be refused
   */
  checkRoom(address: string): { viewers: number; most: number } {
    let same = 0;
    for (const viewer of this.#viewers.values()) if (viewer.address === address) same += 1;
    const { perAddress, total } = this.#options.viewerLimits ?? DEFAULT_LIMITS;
    if (this.#viewers.size >= total || same >= perAddress) {
      throw new VitrineError('overloaded', 'There are too many viewers.', { headers: { 'Retry-After': '10' } });
    }
    return { viewers: this.#viewers.size, most: total };
  }

  #welcome(client: WebSocket, request: IncomingMessage): void {
    const viewer: Viewer = {
      address: request.socket.remoteAddress ?? '',
      request,
      expressions: [],
      messages: 0,
      answered: true,
    };
    this.#viewers.set(client, viewer);
    client.on('pong', () => {
      viewer.answered = true;
    });
    client.on('ping', () => this.#count(client, viewer));
    client.on('close', () => this.#leave(client));
    client.on('error', () => client.terminate());
    client.on('message', (data: Buffer, isBinary: boolean) => {
      if (this.#count(client, viewer)) this.#take(client, viewer, isBinary ? undefined : data.toString('utf8'));
    });
    const { live, version, clock } = this.#options;
    const nowMs = clock.now();
    this.#send(client, { kind: 'hello', version, history: live.history(nowMs) } satisfies LiveHello);
    this.#send(client, this.#frame(nowMs));
  }

  #leave(client: WebSocket): void {
    this.#viewers.delete(client);
    this.#keepExpressions();
  }

  #count(client: WebSocket, viewer: Viewer): boolean {
    viewer.messages += 1;
    if (viewer.messages <= MAX_MESSAGES_PER_SECOND) return true;
    client.close(1008, 'too many messages');
    return false;
  }

  #take(client: WebSocket, viewer: Viewer, text: string | undefined): void {
    const wanted = subscriptionsFrom(text);
    if (typeof wanted === 'string') {
      this.#send(client, { kind: 'refused', reason: wanted });
      return;
    }
    viewer.expressions = wanted;
    const refused = this.#keepExpressions();
    if (refused > 0) {
      this.#send(client, {
        kind: 'refused',
        reason: `${refused} expressions are over the limit of all viewers together`,
      });
    }
  }

  #keepExpressions(): number {
    return this.#expressions.keep([...this.#viewers.values()].flatMap(({ expressions }) => expressions));
  }

  #frame(nowMs: number): LiveFrame {
    const { live, alerts, health } = this.#options;
    return {
      kind: 'frame',
      timeMs: nowMs,
      health: health(),
      current: live.current(nowMs),
      alerts: alertViews(alerts()),
    };
  }

  #tick(nowMs: number): void {
    this.#ticks += 1;
    if (this.#viewers.size === 0) return;
    const ping = this.#ticks % TICKS_PER_PING === 0;
    const text = JSON.stringify(this.#frame(nowMs));
    for (const [client, viewer] of this.#viewers) {
      viewer.messages = 0;
      if (!this.#isAlive(client, viewer, ping)) continue;
      client.send(text);
      if (viewer.expressions.length > 0) {
        this.#send(client, { kind: 'results', results: this.#expressions.results(viewer.expressions) });
      }
    }
    this.#expressions.evaluate(nowMs);
  }

  /** Closes viewers that do not read, whose session has ended or that did not answer the last ping. */
  #isAlive(client: WebSocket, viewer: Viewer, ping: boolean): boolean {
    if (client.bufferedAmount > MAX_BUFFERED_BYTES) {
      client.close(1013, 'the viewer does not keep up');
      // A viewer that does not read will not answer a close frame either.
      client.terminate();
      return false;
    }
    if (!this.#options.access.isStillAllowed(viewer.request.headers)) {
      client.close(1008, 'the session has ended');
      return false;
    }
    if (ping) {
      if (!viewer.answered) {
        client.terminate();
        return false;
      }
      viewer.answered = false;
      client.ping();
    }
    return client.readyState === client.OPEN;
  }

  #send(client: WebSocket, message: ServerMessage): void {
    client.send(JSON.stringify(message));
  }
}

function refuse(socket: Duplex, error: unknown): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const headers = {
    ...SECURITY_HEADERS,
    ...(error instanceof VitrineError ? error.headers : {}),
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    Connection: 'close',
  };
  const head = Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('');
  socket.end(`HTTP/1.1 ${problem.status} ${ERRORS[problem.code].title}\r\n${head}\r\n${body}`);
}
