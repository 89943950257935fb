/** The end of a client's connection. */
import type { Socket } from 'node:net';

/**
 * A closing connection is read until the client closes it, is quiet for this long, or sends for the whole limit: closing it
 * over unread bytes would reset it, and a client that is still sending would lose its answer (RFC 9112 section 9.6).
 */
const LINGER_QUIET_MS = 2_000;
const LINGER_LIMIT_MS = 30_000;

/** Sends all written bytes, however long the client takes to read them, then FIN, and keeps reading for a while. */
export function closeGently(socket: Socket): void {
  socket.end(() => {
    if (socket.destroyed) return;
    socket.removeAllListeners('timeout');
    socket.setTimeout(LINGER_QUIET_MS, () => socket.destroy());
    const timer = setTimeout(() => socket.destroy(), LINGER_LIMIT_MS);
    timer.unref();
    socket.once('close', () => clearTimeout(timer));
  });
}
