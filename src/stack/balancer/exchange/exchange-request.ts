/** The input of an exchange: one request on its route, and the way back to its client. */
import type { ClientReply } from '../client/reply.ts';
import type { Peer } from '../http/forward-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import type { RequestFacts } from '../routes/request-facts.ts';
import type { Route } from '../routes/route.ts';

export interface ExchangeRequest {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly route: Route;
  readonly requestId: string;
  readonly reply: ClientReply;
  /** Absent when no switch of the route reads facts of a request. */
  readonly facts: RequestFacts | undefined;
  /** Called once, when the request has ended completely. */
  readonly onDone: (nowMs: number) => void;
}
