/** The input of an exchange: one request on its route, and the way back to its client. */
import type { Logger } from '../../../base/logger.ts';
import type { ResponseCache } from '../../../model/response-cache.ts';
import type { AttemptsPieces } from './attempts.ts';
import type { ClientReply } from '../client/reply.ts';
import { forwardHead, type OwnFields, type Peer, type Replaced } from '../http/forward-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { RequestFacts } from '../routes/request-facts.ts';
import { outgoingHead, type Route } from '../routes/route.ts';
import type { Origin } from '../telemetry/observer.ts';
import type { Upstream } from '../upstream/upstream.ts';

export interface ExchangePieces extends AttemptsPieces {
  readonly cache: ResponseCache | undefined;
  readonly log: Logger;
  /** Whether answers should close their connections. */
  readonly draining: () => boolean;
}

/** A request on its route. */
export interface RoutedRequest {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly route: Route;
  readonly requestId: string;
  readonly origin: Origin;
  /** Absent when no switch of the route reads facts of a request. */
  readonly facts: RequestFacts | undefined;
}

export interface ExchangeRequest extends RoutedRequest {
  readonly reply: ClientReply;
  /** Called once, when the request has ended completely. */
  readonly onDone: (nowMs: number) => void;
}

/** The head for an upstream, up to the propagation fields. `own`: fields of the propagator. */
export function headFor(
  { peer, requestId, head, route, facts }: RoutedRequest,
  upstream: Upstream,
  own: OwnFields,
  conditional: Replaced | undefined,
): string {
  return forwardHead(outgoingHead(route, facts, head), peer, requestId, own, conditional, upstream.name);
}
