/** One listening HTTP port with the limits every port has, and an end that lets open requests finish for a moment. */
import { createServer, type RequestListener, type Server } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import type { Address } from '../config/types.ts';
import { addressText } from './settings.ts';

const CLOSE_LIMIT_MS = 2_000;

/** Throws VitrineError `port_taken` or `bind_failed`. */
export async function openHttpPort(at: Address, name: string, handler: RequestListener): Promise<Server> {
  const server = createServer(
    {
      headersTimeout: 10_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: 16_384,
    },
    handler,
  );
  server.maxHeadersCount = 100;
  await listen(server, at, name);
  return server;
}

/** Throws VitrineError `port_taken` or `bind_failed`. */
export function listen(server: NetServer, at: Address, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => reject(bindError(error, at, name)));
    server.listen({ host: at.host, port: at.port }, () => resolve());
  });
}

function bindError(error: NodeJS.ErrnoException, at: Address, name: string): VitrineError {
  const text = addressText(at);
  if (error.code === 'EADDRINUSE') {
    return new VitrineError('port_taken', `${name}: ${text} is in use by another process.`, {
      hint: `Stop it, or set another address (\`vitrine doctor\` shows all of them).`,
      cause: error,
    });
  }
  return new VitrineError('bind_failed', `${name}: ${text} cannot be bound (${error.code ?? error.message}).`, {
    hint: 'Set an address of this machine.',
    cause: error,
  });
}

export async function closeHttpPort(server: Server, clock: Clock): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  const cancel = clock.after(CLOSE_LIMIT_MS, () => server.closeAllConnections());
  await closed;
  cancel();
}
