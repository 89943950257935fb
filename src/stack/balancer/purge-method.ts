/**
 * `PURGE` on the balancer's own port: removes one URL from the response cache when the address of the client's socket is
 * listed (`cache.purge.allow`). Forwarding fields do not count, because a client could write them. The purge goes through
 * the runtime API, so it is recorded with its undo. All other `PURGE` requests are ordinary requests and reach the upstream.
 */
import type { IncomingMessage } from 'node:http';
import type { CareCall, CareReply } from '../../model/care.ts';
import type { ClientConnection } from './client/connection.ts';
import type { ClientReply } from './client/reply.ts';
import { addressList, isListed } from './http/address-list.ts';
import { cacheRequest } from './http/cache-fields.ts';
import type { RequestHead } from './http/request-head.ts';

/** Returns whether the request is such a purge and is answered here. */
export type PurgeMethod = (
  head: RequestHead,
  client: ClientConnection,
  request: IncomingMessage,
  reply: ClientReply,
) => boolean;

/** Undefined when no address is listed. */
export function purgeMethod(
  allow: readonly string[] | undefined,
  care: (call: CareCall) => Promise<CareReply>,
): PurgeMethod | undefined {
  if (allow === undefined || allow.length === 0) return undefined;
  const allowed = addressList(allow);
  return (head, client, request, reply) => {
    if (head.method !== 'PURGE' || !isListed(allowed, client.peer.address)) return false;
    if (!request.complete) reply.noKeepAlive();
    request.resume();
    const { scheme, host, target } = cacheRequest(head, client.peer);
    const call = {
      method: 'POST',
      path: '/api/cache/purge',
      body: { url: `${scheme}://${host}${target}` },
      who: `PURGE from ${client.peer.address}`,
    };
    // Until the answer is sent, the connection must count as busy.
    client.pipelined += 1;
    void answerLater(client, reply, care(call));
    return true;
  };
}

async function answerLater(client: ClientConnection, reply: ClientReply, purging: Promise<CareReply>): Promise<void> {
  const done = await purging;
  client.pipelined -= 1;
  answer(reply, done);
}

function answer(reply: ClientReply, { status, body }: CareReply): void {
  const purged = status === 200 ? { purged: (body as { purged: unknown }).purged } : body;
  const type = status === 200 ? 'application/json' : 'application/problem+json';
  reply.own(status, `Content-Type: ${type}\r\nCache-Control: no-store\r\n`, Buffer.from(JSON.stringify(purged)), false);
}
