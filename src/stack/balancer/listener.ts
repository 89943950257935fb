/**
 * Accepts client connections. Node's server parses requests; the listener checks them, answers the balancer's own endpoints
 * and starts an exchange on a route. Pipelined requests of one connection are handled one after the other.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { VitrineError } from '../../base/errors.ts';
import { ClientConnection } from './client/connection.ts';
import { ClientReply, closeGently, REASONS } from './client/reply.ts';
import type { BalancerOptions } from './config.ts';
import { makePeer } from './http/forward-head.ts';
import { ownAnswer, type HealthFacts } from './own-endpoints.ts';
import type { OwnReply } from './routes/gate.ts';
import { ownMessage, problemAnswer, problemMessage } from './client/problem.ts';
import { refusalOf } from './client/refusal.ts';
import { checkRequestHead, type Refusal, type RequestHead } from './http/request-head.ts';
import { Workload, type WorkloadPieces } from './exchange/workload.ts';
import type { Limits } from './config.ts';
import { isListed } from './http/address-list.ts';
import { isAmbiguousPath, pathOf, plainPath } from './routes/path.ts';
import type { Route } from './routes/route.ts';
import { newRequestId, serverOptions } from './client/server-options.ts';

export interface ListenerPieces extends WorkloadPieces {
  /** What a head is held to before its route is known. */
  readonly limits: Limits;
  readonly health: () => HealthFacts;
}

/** Pipelined requests that may wait on one connection; a client that sends more is disconnected. */
const PIPELINE_LIMIT = 128;

export class Listener {
  readonly #pieces: ListenerPieces;
  readonly #options: BalancerOptions;
  readonly #server: Server;
  readonly #limits: Limits;
  readonly #clients = new Map<Duplex, ClientConnection>();
  readonly #work: Workload;

  constructor(pieces: ListenerPieces) {
    this.#pieces = pieces;
    this.#options = pieces.options;
    this.#limits = pieces.limits;
    this.#work = new Workload(pieces);
    this.#server = createServer(serverOptions(pieces.options, pieces.limits));
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
    return this.#work.active;
  }

  #connected(socket: Socket): void {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
    const trusted = isListed(this.#pieces.routes().trusted, address);
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
    return checkRequestHead({ method, url, major, minor, raw }, this.#limits);
  }

  #handle(
    client: ClientConnection,
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): void {
    const head = client.overlong(this.#limits.header) ?? this.#check(request);
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
    const requestId = head.requestId ?? newRequestId();
    this.#work.serve({ client, request, head, route, reply, requestId, expectsContinue });
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
    const routes = this.#pieces.routes();
    if (routes.byPath && isAmbiguousPath(path)) return new VitrineError('bad_request', 'The path is ambiguous.');
    const route = routes.find(head, plainPath(path));
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
    const refusal = client?.closing === true ? undefined : refusalOf(error, socket.bytesRead, this.#limits.target);
    if (refusal === undefined || !socket.writable) {
      if (client?.closing !== true || error.code === 'ECONNRESET') socket.destroy();
      return;
    }
    if (client?.busy === true && client.malformed(refusal)) return;
    this.#pieces.observer.refused(refusal.status);
    this.#refuseSocket(refusal, socket);
  }

  #refuseSocket(refusal: VitrineError | Buffer, socket: Socket): void {
    const client = this.#clients.get(socket);
    if (client !== undefined) client.closing = true;
    socket.on('error', () => socket.destroy());
    socket.write(Buffer.isBuffer(refusal) ? refusal : problemMessage(refusal));
    closeGently(socket);
  }

  #upgrade(request: IncomingMessage, socket: Socket, first: Buffer): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    const head = client.overlong(this.#limits.header) ?? this.#check(request);
    const route =
      head.kind === 'ok' ? this.#route(head, pathOf(head.target)) : new VitrineError(head.code, head.detail);
    if (head.kind === 'refused' || route instanceof VitrineError) {
      const error =
        route instanceof VitrineError ? route : new VitrineError('bad_request', 'The upgrade is malformed.');
      this.#pieces.observer.refused(error.status);
      this.#refuseSocket(error, socket);
      return;
    }
    const requestId = head.requestId ?? newRequestId();
    const refuse = (own: OwnReply, fields: string): void =>
      this.#refuseSocket(ownMessage(own, requestId, fields), socket);
    void this.#work.upgrade({ client, head, route, requestId, socket, first, refuse });
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
    for (const client of this.#clients.values()) if (!client.busy) client.close();
    await this.#work.drain();
  }

  close(): void {
    this.#server.close();
    for (const client of this.#clients.values()) client.socket.destroy();
  }
}
