/**
 * Bounds the open connections of a port, so that descriptors are left for files, upstreams and the other ports. A connection
 * over the bound is answered 503 and closed in order, because senders treat a reset like a crash, and a full table of
 * descriptors stops everything. One peer may hold three quarters of the bound.
 */
import { readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';

const PEER_SHARE = 0.75;
const LINGER_MS = 1_000;
const BOUNDS = { least: 32, most: 4_096, shareOfDescriptors: 0.25 };

const REFUSAL =
  'HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\n' +
  'Content-Type: application/problem+json\r\n';
const BODY = JSON.stringify({
  type: 'about:blank',
  title: 'The queue is full',
  status: 503,
  code: 'overloaded',
  detail: 'too many connections are open; try again later',
});

/** Connections that one port may have, by the soft limit of descriptors (`ulimit -n`). */
export function connectionBound(limits = procLimits()): number {
  const soft = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
  if (!Number.isFinite(soft)) return BOUNDS.most;
  return Math.min(BOUNDS.most, Math.max(BOUNDS.least, Math.floor(soft * BOUNDS.shareOfDescriptors)));
}

function procLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'utf8');
  } catch {
    // Not Linux: the limit is not known.
    return '';
  }
}

/** Refuses connections over `bound`. Returns how many were refused so far. */
export function capConnections(server: Server, bound: number): { readonly refused: number } {
  const byPeer = new Map<string, number>();
  const count = { open: 0, refused: 0 };
  const ofPeer = Math.max(1, Math.floor(bound * PEER_SHARE));
  server.prependListener('connection', (socket: Socket) => {
    const peer = socket.remoteAddress ?? '';
    const held = byPeer.get(peer) ?? 0;
    if (count.open >= bound || held >= ofPeer) {
      count.refused += 1;
      refuse(socket);
      return;
    }
    count.open += 1;
    byPeer.set(peer, held + 1);
    socket.once('close', () => {
      count.open -= 1;
      const left = (byPeer.get(peer) ?? 1) - 1;
      if (left > 0) byPeer.set(peer, left);
      else byPeer.delete(peer);
    });
  });
  return count;
}

/** The bytes that the peer still sends are read and dropped for a second: closing with unread bytes would be a reset. */
function refuse(socket: Socket): void {
  socket.on('error', () => socket.destroy());
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  socket.end(`${REFUSAL}Content-Length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`);
}
