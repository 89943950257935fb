/**
 * Requests that were read and whose route is known. Each passes the gate of its route, if the route has one, and becomes an
 * exchange or a tunnel.
 */
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { ClientConnection } from '../client/connection.ts';
import type { ClientReply } from '../client/reply.ts';
import { RequestBody } from '../http/request-body.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { Admission, OwnReply } from '../routes/gate.ts';
import { RequestFacts } from '../routes/request-facts.ts';
import type { Route, RouteTable } from '../routes/route.ts';
import type { Origin } from '../telemetry/observer.ts';
import { Exchange } from './exchange.ts';
import type { ExchangePieces } from './exchange-request.ts';
import { Tunnel, type TunnelRequest } from './tunnel.ts';

export interface WorkloadPieces extends ExchangePieces {
  readonly routes: () => RouteTable;
}

export interface Arrival {
  readonly client: ClientConnection;
  readonly request: IncomingMessage;
  readonly head: RequestHead;
  readonly route: Route;
  readonly reply: ClientReply;
  readonly requestId: string;
  readonly origin: Origin;
  readonly expectsContinue: boolean;
}

export interface UpgradeArrival {
  readonly client: ClientConnection;
  readonly head: RequestHead;
  readonly route: Route;
  readonly requestId: string;
  readonly origin: Origin;
  readonly socket: Socket;
  /** The bytes that the client sent after the head. */
  readonly first: Buffer;
  /** The answer that is sent instead of asking an upstream, with the lines of the gate. */
  readonly refuse: (own: OwnReply, fields: string) => void;
}

export class Workload {
  readonly #pieces: WorkloadPieces;
  readonly #tunnels = new Set<Tunnel>();
  readonly #closing: () => boolean;
  #exchanges = 0;
  /** Requests since the start. */
  taken = 0;

  /** `closing`: each connection is closed after its answer. */
  constructor(pieces: WorkloadPieces, closing: () => boolean) {
    this.#pieces = pieces;
    this.#closing = closing;
  }

  /** Requests in progress, without tunnels. */
  get active(): number {
    return this.#exchanges;
  }

  serve(arrival: Arrival): void {
    const { route, head, client, requestId, reply } = arrival;
    this.taken += 1;
    if (!route.guarded && !route.factual) {
      this.#exchange(arrival, undefined);
      return;
    }
    const facts = new RequestFacts(head, client.peer, requestId, this.#pieces.routes().trusted);
    const admission: Admission = { facts, fields: '', leave: undefined };
    const verdict = route.guarded ? route.gate.check(admission) : undefined;
    editAnswers(reply, route, admission);
    if (verdict instanceof Promise) void this.#later(arrival, facts, admission, verdict);
    else this.#exchange(arrival, facts, verdict, admission.leave);
  }

  /** The gate may take time: meanwhile the connection counts as busy and the request as in progress. */
  async #later(
    arrival: Arrival,
    facts: RequestFacts,
    admission: Admission,
    verdict: Promise<OwnReply | undefined>,
  ): Promise<void> {
    const { client } = arrival;
    client.pipelined += 1;
    this.#exchanges += 1;
    const own = await verdict;
    client.pipelined -= 1;
    if (client.closing) admission.leave?.();
    else this.#exchange(arrival, facts, own, admission.leave);
    this.#exchanges -= 1;
  }

  /** `own`: the answer that is sent instead of asking an upstream. */
  #exchange(arrival: Arrival, facts: RequestFacts | undefined, own?: OwnReply, leave?: () => void): void {
    const { client, request, head, route, reply, requestId, origin } = arrival;
    this.#exchanges += 1;
    const onDone = (nowMs: number): void => {
      leave?.();
      client.served(nowMs);
      this.#exchanges -= 1;
      // An answer whose head was sent before the drain does not close its connection, so it is closed here.
      if (this.#closing()) setImmediate(() => client.close());
    };
    const { peer } = client;
    const routed = { head, peer, route, requestId, origin, reply, facts, onDone };
    const exchange = new Exchange(this.#pieces, routed);
    client.serve(exchange);
    if (own !== undefined) {
      this.#pieces.observer.gated(route, own.reason);
      if (!request.complete) reply.noKeepAlive();
      request.resume();
      exchange.give(own);
      return;
    }
    if (arrival.expectsContinue && head.bodyBytes !== 0) reply.continue();
    const { deadlines, clock } = this.#pieces;
    exchange.begin(
      head.bodyBytes === 0 ? undefined : new RequestBody(request, route.limits, deadlines, clock, exchange),
    );
  }

  async upgrade(arrival: UpgradeArrival): Promise<void> {
    const { client, head, route, requestId, origin, socket, first } = arrival;
    const request = { head, peer: client.peer, route, requestId, origin, socket, first };
    if (!route.guarded && !route.factual) {
      this.#tunnel(client, { ...request, facts: undefined });
      return;
    }
    const facts = new RequestFacts(head, client.peer, requestId, this.#pieces.routes().trusted);
    const admission: Admission = { facts, fields: '', leave: undefined };
    const own = route.guarded ? await route.gate.check(admission) : undefined;
    if (own === undefined && !client.closing) {
      this.#tunnel(client, { ...request, facts }, admission.leave);
      return;
    }
    admission.leave?.();
    if (own === undefined) return;
    this.#pieces.observer.gated(route, own.reason);
    this.#pieces.observer.refused(own.status);
    arrival.refuse(own, admission.fields);
  }

  #tunnel(client: ClientConnection, request: TunnelRequest, leave?: () => void): void {
    const tunnel = new Tunnel(this.#pieces, request, () => {
      leave?.();
      this.#tunnels.delete(tunnel);
      client.served(this.#pieces.clock.monotonic());
    });
    this.#tunnels.add(tunnel);
    client.serve(tunnel);
    tunnel.begin();
  }

  /** Asks both sides of every tunnel to close. */
  drainTunnels(): void {
    for (const tunnel of this.#tunnels) tunnel.drain();
  }
}

/** The changes of the gate and of the route to the fields of every answer. */
function editAnswers(reply: ClientReply, { answerEdit }: Route, admission: Admission): void {
  if (admission.fields === '' && answerEdit === undefined) return;
  reply.edit = (fields) => {
    const whole = fields + admission.fields;
    return answerEdit === undefined ? whole : answerEdit(whole, admission.facts);
  };
}
