/**
 * Accepts client connections. Node's server parses requests; the listener checks them, answers the balancer's own endpoints
 * and starts an exchange on a route. Pipelined requests of one connection are handled one after the other.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { isIPv6, type BlockList } from 'node:net';
import type { Duplex } from 'node:stream';
import { VitrineError } from '../../base/errors.ts';
import { ClientConnection } from './client/connection.ts';
import { ClientReply, closeGently, REASONS } from './client/reply.ts';
import type { BalancerOptions } from './config.ts';
import { Exchange, type ExchangePieces } from './exchange/exchange.ts';
import { makePeer } from './http/forward-head.ts';
import { ownAnswer, type HealthFacts } from './own-endpoints.ts';
import { problemAnswer, problemMessage } from './client/problem.ts';
import { refusalOf } from './client/refusal.ts';
import { RequestBody } from './http/request-body.ts';
import { checkRequestHead, type Refusal, type RequestHead } from './http/request-head.ts';
import { isAmbiguousPath, pathOf, type Route, type RouteTable } from './routes/route.ts';
import { newRequestId, serverOptions, trustedList } from './client/server-options.ts';
import { Tunnel } from './exchange/tunnel.ts';

export interface ListenerPieces extends ExchangePieces {
  readonly routes: RouteTable;
  readonly health: () => HealthFacts;
}

/** Pipelined requests that may wait on one connection; a client that sends more is disconnected. */
const PIPELINE_LIMIT = 128;

export class Listener {
  readonly #pieces: ListenerPieces;
  readonly #options: BalancerOptions;
  readonly #server: Server;
  readonly #trusted: BlockList;
  readonly #clients = new Map<Duplex, ClientConnection>();
  readonly #tunnels = new Set<Tunnel>();
  #exchanges = 0;
  #onQuiet: (() => void) | undefined;

  constructor(pieces: ListenerPieces) {
    this.#pieces = pieces;
    this.#options = pieces.options;
    this.#trusted = trustedList(pieces.options.trusted_proxies);
    this.#server = createServer(serverOptions(pieces.options));
    // Node truncates the list silently at its limit; ours is checked where a refusal can be sent.
    this.#server.maxHeadersCount = 0;
    if (this.#options.limits.connections > 0) this.#server.maxConnections = this.#options.limits.connections;
    // A client that has closed its writing side may still wait for its answer.
    Object.assign(this.#server, { httpAllowHalfOpen: true });
    this.#server.on('connection', (socket) => this.#connected(socket));
    this.#server.on('request', (request, response) => this.#arrived(request, response, false));
    this.#server.on('checkContinue', (request, response) => this.#arrived(request, response, true));
    this.#server.on('checkExpectation', (request, response) => this.#arrived(request, response, false));
    this.#server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    this.#server.on('connect', (_request, socket) =>
      this.#refuseSocket(new VitrineError('method_not_allowed', 'CONNECT is not forwarded.'), socket as Socket),
    );
    this.#server.on('clientError', (error, socket) => this.#clientError(error, socket as Socket));
    this.#server.on('drop', () => pieces.observer.shed('connections'));
  }

  listen(): Promise<AddressInfo> {
    return new Promise((resolve, reject) => {
      const { host, port } = this.#options.listen;
      this.#server.once('error', (error: NodeJS.ErrnoException) => {
        const code = error.code === 'EADDRINUSE' ? 'port_taken' : 'bind_failed';
        reject(
          new VitrineError(code, `Cannot listen on ${host}:${port}: ${error.message}.`, {
            cause: error,
            hint: 'Set balancer.listen to a free address.',
          }),
        );
      });
      this.#server.listen({ host, port, backlog: 4096 }, () => resolve(this.#server.address() as AddressInfo));
    });
  }

  get active(): number {
    return this.#exchanges;
  }

  #connected(socket: Socket): void {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
    const trusted = address !== '' && this.#trusted.check(address, isIPv6(address) ? 'ipv6' : 'ipv4');
    const client = new ClientConnection(socket, makePeer(address, trusted), this.#pieces.clock.monotonic(), () =>
      this.#clients.delete(socket),
    );
    this.#clients.set(socket, client);
  }

  #arrived(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const client = this.#clients.get(request.socket);
    if (client === undefined || client.closing) return;
    if (response.socket !== null && !client.busy) {
      this.#handle(client, request, response, expectsContinue);
      return;
    }
    client.pipelined += 1;
    if (client.pipelined > PIPELINE_LIMIT) {
      this.#pieces.observer.shed('pipelined');
      client.socket.destroy();
      return;
    }
    response.once('socket', () => {
      process.nextTick(() => {
        client.pipelined -= 1;
        if (!client.closing) this.#handle(client, request, response, expectsContinue);
      });
    });
  }

  #check(request: IncomingMessage): RequestHead | Refusal {
    const { method = '', url = '', httpVersionMajor: major, httpVersionMinor: minor, rawHeaders: raw } = request;
    return checkRequestHead({ method, url, major, minor, raw }, this.#options.limits);
  }

  #handle(
    client: ClientConnection,
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): void {
    const head = client.overlong(this.#options.limits.header) ?? this.#check(request);
    const reply = new ClientReply(
      response,
      client.socket,
      head.kind === 'ok' && head.http11,
      head.kind === 'ok' && head.keepAlive,
    );
    reply.keepsFraming = this.#options.transparent === true;
    if (head.kind === 'refused') {
      this.#refuse(client, request, reply, new VitrineError(head.code, head.detail));
      return;
    }
    if (this.#answerOwn(head, pathOf(head.target), reply)) return;
    const route = this.#route(head, pathOf(head.target));
    if (route instanceof VitrineError) {
      this.#refuse(client, request, reply, route);
      return;
    }
    if (expectsContinue && head.bodyBytes !== 0) client.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    this.#exchange(client, request, head, route, reply);
  }

  #exchange(
    client: ClientConnection,
    request: IncomingMessage,
    head: RequestHead,
    route: Route,
    reply: ClientReply,
  ): void {
    this.#exchanges += 1;
    const exchange = new Exchange(this.#pieces, {
      head,
      peer: client.peer,
      route,
      requestId: head.requestId ?? newRequestId(),
      reply,
      onDone: (nowMs) => this.#done(client, nowMs),
    });
    client.serve(exchange);
    const { limits } = this.#options;
    exchange.begin(
      head.bodyBytes === 0
        ? undefined
        : new RequestBody(request, limits, this.#pieces.deadlines, this.#pieces.clock, exchange),
    );
  }

  #done(client: ClientConnection, nowMs: number): void {
    client.served(nowMs);
    this.#exchanges -= 1;
    if (this.#exchanges === 0) this.#onQuiet?.();
  }

  #answerOwn(head: RequestHead, path: string, reply: ClientReply): boolean {
    const accept = (): string =>
      head.raw.filter((_, at) => at % 2 === 1 && head.raw[at - 1].toLowerCase() === 'accept').join(',');
    const prefix = this.#options.health_prefix;
    const last = path.charCodeAt(path.length - 1);
    // The three names end in h or z; any other path is skipped at once.
    if (last !== 104 && last !== 122) return false;
    const own = ownAnswer(path, prefix, accept(), this.#pieces.health);
    if (own === undefined || head.bodyBytes !== 0) return false;
    const body = Buffer.from(own.body);
    const bodiless = head.method === 'HEAD';
    if (this.#pieces.draining()) reply.noKeepAlive();
    reply.head(
      own.status,
      REASONS[own.status] ?? '',
      `Content-Type: ${own.type}\r\nCache-Control: no-store\r\n`,
      body.length,
      bodiless,
      String(body.length),
    );
    if (!bodiless) reply.body(body);
    reply.end();
    return true;
  }

  #route(head: RequestHead, path: string): Route | VitrineError {
    const { routes } = this.#pieces;
    if (routes.byPath && isAmbiguousPath(path)) return new VitrineError('bad_request', 'The path is ambiguous.');
    const route = routes.find(head.host, path);
    if (route !== undefined) return route;
    return routes.routes.length === 0
      ? new VitrineError('no_upstream', 'No upstream is configured.', { headers: { 'Retry-After': '1' } })
      : new VitrineError('not_found', 'No route matches the request.');
  }

  /** Answers without an exchange. The connection is closed, because the bytes that follow cannot be trusted. */
  #refuse(client: ClientConnection, request: IncomingMessage, reply: ClientReply, error: VitrineError): void {
    this.#pieces.observer.refused(error.status);
    if (error.code !== 'not_found' && error.code !== 'no_upstream') {
      client.closing = true;
      reply.noKeepAlive();
    } else if (!request.complete) reply.noKeepAlive();
    request.resume();
    const answer = problemAnswer(error);
    const bodiless = request.method === 'HEAD';
    reply.head(answer.status, answer.reason, answer.fields, answer.body.length, bodiless, String(answer.body.length));
    if (!bodiless) reply.body(answer.body);
    reply.end();
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const client = this.#clients.get(socket);
    const refusal =
      client?.closing === true ? undefined : refusalOf(error, socket.bytesRead, this.#options.limits.target);
    if (refusal === undefined || !socket.writable) {
      if (client?.closing !== true || error.code === 'ECONNRESET') socket.destroy();
      return;
    }
    if (client?.busy === true && client.malformed(refusal)) return;
    this.#pieces.observer.refused(refusal.status);
    this.#refuseSocket(refusal, socket);
  }

  #refuseSocket(refusal: VitrineError, socket: Socket): void {
    const client = this.#clients.get(socket);
    if (client !== undefined) client.closing = true;
    socket.on('error', () => socket.destroy());
    socket.write(problemMessage(refusal));
    closeGently(socket);
  }

  #upgrade(request: IncomingMessage, socket: Socket, first: Buffer): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    const head = client.overlong(this.#options.limits.header) ?? this.#check(request);
    const route =
      head.kind === 'ok' ? this.#route(head, pathOf(head.target)) : new VitrineError(head.code, head.detail);
    if (head.kind === 'refused' || route instanceof VitrineError) {
      const error =
        route instanceof VitrineError ? route : new VitrineError('bad_request', 'The upgrade is malformed.');
      this.#pieces.observer.refused(error.status);
      this.#refuseSocket(error, socket);
      return;
    }
    const tunnel = new Tunnel(
      this.#pieces,
      { head, peer: client.peer, route, requestId: head.requestId ?? newRequestId(), socket, first },
      () => {
        this.#tunnels.delete(tunnel);
        client.served(this.#pieces.clock.monotonic());
      },
    );
    this.#tunnels.add(tunnel);
    client.serve(tunnel);
    tunnel.begin();
  }

  /** Closes client connections that were idle for too long. */
  tick(nowMs: number): void {
    const limit = this.#options.timeouts.client_keep_alive;
    if (limit === 0) return;
    for (const client of this.#clients.values()) {
      if (!client.busy && !client.closing && nowMs - client.lastActiveMs >= limit) client.close();
    }
  }

  /** Accepts no new connection, closes idle ones, and resolves when every request that was read has its answer. */
  async drain(): Promise<void> {
    this.#server.close();
    for (const tunnel of this.#tunnels) tunnel.drain();
    for (const client of this.#clients.values()) if (!client.busy) client.close();
    if (this.#exchanges === 0) return;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients.values()) client.socket.destroy();
  }
}
