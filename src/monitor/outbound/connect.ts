/** A TCP connection of the monitor through the guard, for receivers that do not speak HTTP. */
import net from 'node:net';
import type { Origin, OutboundGuard } from './guard.ts';

export interface ConnectionRequest {
  readonly host: string;
  readonly port: number;
  readonly origin: Origin;
  readonly signal: AbortSignal;
}

/** Rejects with VitrineError `outbound_denied` or the error of the socket. The caller closes the socket. */
export async function connect(
  guard: OutboundGuard,
  { host, port, origin, signal }: ConnectionRequest,
): Promise<net.Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<net.Socket>();
  if (net.isIP(host) !== 0) guard.checkAddress(host, host, origin);
  const socket = net.connect({ host, port, lookup: guard.lookup(origin) });
  const stop = (): void => void socket.destroy(new Error('aborted'));
  if (signal.aborted) stop();
  signal.addEventListener('abort', stop, { once: true });
  socket.once('close', () => signal.removeEventListener('abort', stop));
  socket.on('error', reject);
  socket.once('connect', () => {
    try {
      // The address that the socket reports is checked last, whatever was resolved before.
      guard.checkAddress(socket.remoteAddress ?? '', host, origin);
      resolve(socket);
    } catch (denied) {
      socket.destroy();
      reject(denied);
    }
  });
  return promise;
}
