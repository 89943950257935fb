/**
 * Requests that were read and found their route: each is held at the gate of the route, where it has one, and becomes an
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
import { Exchange, type ExchangePieces } from './exchange.ts';
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
  readonly expectsContinue: boolean;
}

export interface UpgradeArrival {
  readonly client: ClientConnection;
  readonly head: RequestHead;
  readonly route: Route;
  readonly requestId: string;
  readonly socket: Socket;
  /** Sent after the head. */
  readonly first: Buffer;
  /** Answers instead of an upstream, with lines of the gate's. */
  readonly refuse: (own: OwnReply, fields: string) => void;
}

export class Workload {
  readonly #pieces: WorkloadPieces;
  readonly #tunnels = new Set<Tunnel>();
  readonly #closing: () => boolean;
  #exchanges = 0;

  /** `closing`: connections are closed after their answer. */
  constructor(pieces: WorkloadPieces, closing: () => boolean) {
    this.#pieces = pieces;
    this.#closing = closing;
  }

  /** Requests at work, tunnels not counted. */
  get active(): number {
    return this.#exchanges;
  }

  serve(arrival: Arrival): void {
    const { route, head, client, requestId, reply } = arrival;
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

  /** The gate takes its time: meanwhile the connection counts as busy and the request as at work. */
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

  /** `own`: what is answered instead of asking an upstream. */
  #exchange(arrival: Arrival, facts: RequestFacts | undefined, own?: OwnReply, leave?: () => void): void {
    const { client, request, head, route, reply, requestId } = arrival;
    this.#exchanges += 1;
    const onDone = (nowMs: number): void => {
      leave?.();
      client.served(nowMs);
      this.#exchanges -= 1;
      // An answer whose head left before the drain did not close its connection.
      if (this.#closing()) setImmediate(() => client.close());
    };
    const exchange = new Exchange(this.#pieces, { head, peer: client.peer, route, requestId, reply, facts, onDone });
    client.serve(exchange);
    if (own !== undefined) {
      this.#pieces.observer.gated(route, own.reason);
      if (!request.complete) reply.noKeepAlive();
      request.resume();
      exchange.give(own);
      return;
    }
    if (arrival.expectsContinue && head.bodyBytes !== 0) client.socket.write('HTTP/1.1 100 Continue\r\n\r\n', 'latin1');
    const { deadlines, clock } = this.#pieces;
    exchange.begin(
      head.bodyBytes === 0 ? undefined : new RequestBody(request, route.limits, deadlines, clock, exchange),
    );
  }

  async upgrade(arrival: UpgradeArrival): Promise<void> {
    const { client, head, route, requestId, socket, first } = arrival;
    const request = { head, peer: client.peer, route, requestId, socket, first };
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

  /** Says goodbye to all tunnels. */
  drainTunnels(): void {
    for (const tunnel of this.#tunnels) tunnel.drain();
  }
}

/** Every answer carries what gate and route add to its fields. */
function editAnswers(reply: ClientReply, { answerEdit }: Route, admission: Admission): void {
  if (admission.fields === '' && answerEdit === undefined) return;
  reply.edit = (fields) => {
    const whole = fields + admission.fields;
    return answerEdit === undefined ? whole : answerEdit(whole, admission.facts);
  };
}
