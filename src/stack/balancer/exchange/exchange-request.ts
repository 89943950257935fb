/** What an exchange is given: one request on its route, and the way back to its client. */
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
  /** Absent where no switch of the route reads any. */
  readonly facts: RequestFacts | undefined;
  /** Called once, when nothing more happens to the request. */
  readonly onDone: (nowMs: number) => void;
}
