/**
 * Accepts client connections. Node's server parses requests; the listener checks them, answers the balancer's own endpoints
 * and starts an exchange on a route. Pipelined requests of one connection are handled one after the other.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer, type Server as SecureServer } from 'node:https';
import { Server as NetServer, type Socket } from 'node:net';
import { VitrineError } from '../../base/errors.ts';
import { PlacedSet } from '../../model/placed-set.ts';
import type { ClientRequest } from './client/request.ts';
import { ClientConnection, connectionOf, type ClientPieces } from './client/connection.ts';
import { closeGently } from './client/linger.ts';
import { ClientReply } from './client/reply.ts';
import { makePeer, type Peer } from './http/forward-head.ts';
import { ownAnswer, ownEndpoint } from './own-endpoints.ts';
import type { OwnReply } from './routes/gate.ts';
import { ownMessage, problemAnswer, problemMessage } from './client/problem.ts';
import { refusalOf } from './client/refusal.ts';
import { checkRequestHead, type Refusal, type RequestHead } from './http/request-head.ts';
import { bindBoth, type Bound, type HandedSockets } from './tls/bind.ts';
import type { TlsListening } from './tls/tls-listening.ts';
import { Workload } from './exchange/workload.ts';
import type { ListenerPieces } from './listener-pieces.ts';
import { isListed } from './http/address-list.ts';
import { pathOf, plainPath } from './routes/path.ts';
import type { Route } from './routes/route.ts';
import { serverOptions } from './client/server-options.ts';

/** Pipelined requests that may wait on one connection; a client that sends more is disconnected. */
const PIPELINE_LIMIT = 128;

export class Listener {
  readonly #pieces: ListenerPieces;
  readonly #server: Server;
  readonly #secure: SecureServer<typeof ClientRequest> | undefined;
  readonly #tls: TlsListening | undefined;
  readonly #clients = new PlacedSet<ClientConnection>();
  readonly #work: Workload;
  readonly #forClients: ClientPieces;
  /** Called when the last connection has closed, once the listener drains. */
  #onQuiet: (() => void) | undefined;

  constructor(pieces: ListenerPieces) {
    this.#pieces = pieces;
    this.#work = new Workload(pieces, () => this.#onQuiet !== undefined);
    this.#forClients = {
      clock: pieces.clock,
      deadlines: pieces.deadlines,
      stallMs: pieces.options.timeouts.client_stall,
      onStalled: () => pieces.observer.shed('client_stalled'),
      onClosed: (client) => {
        this.#clients.delete(client);
        if (this.#clients.size === 0) this.#onQuiet?.();
      },
    };
    const common = serverOptions(pieces.options, pieces.limits(), pieces.responseClass);
    this.#tls = pieces.tls;
    this.#server = this.#equipped(createServer(common), 'connection');
    const secure = this.#tls && { ...common, ...this.#tls.serverOptions() };
    this.#secure = secure && this.#equipped(createSecureServer<typeof ClientRequest>(secure), 'secureConnection');
    // A failed handshake concerns the client alone; Node has closed the socket or does so now.
    this.#secure?.on('tlsClientError', (_error, socket) => socket.destroy());
  }

  /** Sets up both servers in the same way. `connected`: the event after which requests can arrive on a connection. */
  #equipped<T extends Server | SecureServer<typeof ClientRequest>>(
    server: T,
    connected: 'connection' | 'secureConnection',
  ): T {
    // Node silently truncates the list of fields at this limit. Our own limit is checked where a refusal can be sent.
    server.maxHeadersCount = 0;
    if (this.#pieces.options.limits.connections > 0) server.maxConnections = this.#pieces.options.limits.connections;
    // A client that has closed its writing side may still wait for its answer.
    Object.assign(server, { httpAllowHalfOpen: true });
    server.on(connected, (socket: Socket) => this.#connected(socket, connected === 'connection' ? 'http' : 'https'));
    server.on('request', (request, response) => this.#arrived(request, response, false));
    server.on('checkContinue', (request, response) => this.#arrived(request, response, true));
    server.on('checkExpectation', (request, response) => this.#arrived(request, response, false));
    server.on('upgrade', (request, socket, head) => this.#upgrade(request, socket as Socket, head));
    server.on('connect', (_request, socket) =>
      this.#refuseSocket(new VitrineError('method_not_allowed', 'CONNECT is not forwarded.'), socket as Socket),
    );
    server.on('clientError', (error, socket) => this.#clientError(error, socket as Socket));
    server.on('drop', () => this.#pieces.observer.shed('connections'));
    return server;
  }

  /** Returns the addresses of both listeners. `handed`: sockets of a process that this one replaces. */
  listen(handed?: HandedSockets): Promise<Bound> {
    return bindBoth(this.servers, this.#pieces.options, handed);
  }

  get servers(): { readonly plain: NetServer; readonly secure: NetServer | undefined } {
    return { plain: this.#server, secure: this.#secure };
  }

  /** Another process accepts connections now. Resolves when the last one here has ended. Idle ones may bring one request. */
  async leave(): Promise<void> {
    // Node's own `close` would also close idle connections, but a request may be on its way on each of them.
    for (const server of [this.#server, this.#secure]) if (server !== undefined) NetServer.prototype.close.call(server);
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  /** The configuration has changed: updates the settings that Node's servers hold themselves. */
  reloaded(): void {
    for (const server of [this.#server, this.#secure])
      if (server !== undefined) Object.assign(server, { maxHeaderSize: this.#pieces.limits().header });
  }

  get secureServer(): SecureServer<typeof ClientRequest> | undefined {
    return this.#secure;
  }

  /** Requests in progress, and since the start; those of the balancer's own endpoints do not count. */
  get work(): Readonly<Pick<Workload, 'active' | 'taken'>> {
    return this.#work;
  }

  #connected(socket: Socket, scheme: 'http' | 'https'): void {
    const address = (socket.remoteAddress ?? '').replace(/^::ffff:/i, '');
    const trusted = isListed(this.#pieces.routes().trusted, address);
    this.#clients.add(new ClientConnection(socket, makePeer(address, trusted, scheme), this.#forClients));
  }

  #arrived(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const client = connectionOf(request.socket);
    if (client === undefined || client.closing) return;
    // The answer before may still be in the socket: it was held for the turn, waits for the kernel, or is being encrypted.
    if (response.socket !== null && !client.serving) {
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
    return checkRequestHead({ method, url, major, minor, raw }, this.#pieces.limits());
  }

  #handle(
    client: ClientConnection,
    request: IncomingMessage,
    response: ServerResponse,
    expectsContinue: boolean,
  ): void {
    const head = client.overlong(this.#pieces.limits().header) ?? this.#check(request);
    const reply = new ClientReply(
      response,
      client.socket,
      head.kind === 'ok' && head.http11,
      head.kind === 'ok' && head.keepAlive,
      () => client.stalling(),
    );
    reply.keepsFraming = this.#pieces.options.transparent === true;
    if (head.kind === 'refused') {
      this.#refuse(client, request, reply, new VitrineError(head.code, head.detail));
      return;
    }
    if (client.peer.scheme === 'https') reply.ownFields = this.#tls?.hsts ?? '';
    if (this.#answerOwn(head, pathOf(head.target), client.peer, reply)) return;
    if (this.#pieces.purge?.(head, client, request, reply) === true) return;
    if (this.#tls?.redirects(head, client.peer) === true) {
      this.#redirect(request, head, reply, this.#tls.location(head));
      return;
    }
    const route = this.#route(head, pathOf(head.target));
    if (route instanceof VitrineError) {
      this.#refuse(client, request, reply, route);
      return;
    }
    const origin = this.#pieces.observer.originOf(head, client.peer);
    const requestId = head.requestId ?? origin.traceId;
    this.#work.serve({ client, request, head, route, reply, requestId, origin, expectsContinue });
  }

  #redirect(request: IncomingMessage, head: RequestHead, reply: ClientReply, location: string): void {
    this.#pieces.observer.refused(308);
    if (!request.complete) reply.noKeepAlive();
    request.resume();
    reply.own(308, `Location: ${location}\r\n`, Buffer.alloc(0), head.method === 'HEAD');
  }

  #answerOwn(head: RequestHead, path: string, peer: Peer, reply: ClientReply): boolean {
    const endpoint = ownEndpoint(path, this.#pieces.options.health_prefix, this.#pieces.bareHealth);
    if (endpoint === undefined || head.bodyBytes !== 0) return false;
    const field = (wanted: string): string =>
      head.raw.filter((_, at) => at % 2 === 1 && head.raw[at - 1].toLowerCase() === wanted).join(',');
    const named = peer.local || peer.trusted || this.#pieces.authorized(field('authorization'));
    const own = ownAnswer(endpoint, field('accept'), named, this.#pieces.health);
    if (this.#pieces.draining()) reply.noKeepAlive();
    const fields = `Content-Type: ${own.type}\r\nCache-Control: no-store\r\n`;
    reply.own(own.status, fields, Buffer.from(own.body), head.method === 'HEAD');
    return true;
  }

  #route(head: RequestHead, path: string): Route | VitrineError {
    const routes = this.#pieces.routes();
    const route = routes.find(head, plainPath(path));
    if (routes.isAmbiguous(head, path, route)) return new VitrineError('bad_request', 'The path is ambiguous.');
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
    const { status, fields, body } = problemAnswer(error);
    reply.own(status, fields, body, request.method === 'HEAD');
  }

  #clientError(error: NodeJS.ErrnoException, socket: Socket): void {
    const client = connectionOf(socket);
    const refusal =
      client?.closing === true ? undefined : refusalOf(error, socket.bytesRead, this.#pieces.limits().target);
    if (refusal === undefined || !socket.writable) {
      if (client?.closing !== true || error.code === 'ECONNRESET') socket.destroy();
      return;
    }
    if (client?.busy === true && client.malformed(refusal)) return;
    this.#pieces.observer.refused(refusal.status);
    this.#refuseSocket(refusal, socket);
  }

  #refuseSocket(refusal: VitrineError | Buffer, socket: Socket): void {
    const client = connectionOf(socket);
    if (client !== undefined) client.closing = true;
    socket.on('error', () => socket.destroy());
    socket.write(Buffer.isBuffer(refusal) ? refusal : problemMessage(refusal));
    closeGently(socket);
  }

  #upgrade(request: IncomingMessage, socket: Socket, first: Buffer): void {
    const client = connectionOf(socket);
    if (client === undefined) return;
    const head = client.overlong(this.#pieces.limits().header) ?? this.#check(request);
    const route =
      head.kind === 'ok' ? this.#route(head, pathOf(head.target)) : new VitrineError(head.code, head.detail);
    if (head.kind === 'refused' || route instanceof VitrineError) {
      const error =
        route instanceof VitrineError ? route : new VitrineError('bad_request', 'The upgrade is malformed.');
      this.#pieces.observer.refused(error.status);
      this.#refuseSocket(error, socket);
      return;
    }
    const origin = this.#pieces.observer.originOf(head, client.peer);
    const requestId = head.requestId ?? origin.traceId;
    const refuse = (own: OwnReply, fields: string): void =>
      this.#refuseSocket(ownMessage(own, requestId, fields), socket);
    void this.#work.upgrade({ client, head, route, requestId, origin, socket, first, refuse });
  }

  /** Closes client connections that were idle for too long. */
  tick(nowMs: number): void {
    const limit = this.#pieces.options.timeouts.client_keep_alive || Infinity;
    for (const client of this.#clients) {
      if (!client.busy && !client.closing && nowMs - client.lastActiveMs >= limit) client.close();
    }
  }

  /** Accepts no new connection, closes idle ones, and resolves when every answer has left its connection. */
  async drain(): Promise<void> {
    this.#server.close();
    this.#secure?.close();
    this.#work.drainTunnels();
    for (const client of this.#clients) client.close();
    if (this.#clients.size === 0) return;
    await new Promise<void>((resolve) => {
      this.#onQuiet = resolve;
    });
  }

  close(): void {
    this.#server.close();
    this.#secure?.close();
    for (const client of this.#clients) client.socket.destroy();
  }
}
