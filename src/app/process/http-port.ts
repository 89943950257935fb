/** One listening HTTP port with the limits of every port; closing it gives open requests a moment to finish. */
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http';
import type { Server as NetServer } from 'node:net';
import type { Duplex } from 'node:stream';
import type { Clock } from '../../base/clock.ts';
import { problemOf, VitrineError } from '../../base/errors.ts';
import type { Address } from '../../config/types.ts';
import { SECURITY_HEADERS } from '../../monitor/api/guard.ts';
import { answerBrokenRequests, refuseSocket } from '../../stack/server/connection-errors.ts';
import { SERVER_LIMITS } from '../../stack/server/options.ts';
import { headTrouble } from '../../stack/server/request-head.ts';
import { capConnections, connectionBound } from './connection-cap.ts';
import { addressText } from './settings.ts';

const CLOSE_LIMIT_MS = 2_000;

export type UpgradeListener = (request: IncomingMessage, socket: Duplex, head: Buffer) => void;

/**
 * Without `upgrade`, requests for an upgrade are answered as if they asked for none. Throws VitrineError `port_taken` or
 * `bind_failed`.
 */
export async function openHttpPort(
  at: Address,
  name: string,
  handler: RequestListener,
  upgrade?: UpgradeListener,
): Promise<Server> {
  const server = createServer(
    {
      // With the time between two checks of it, 10 s at most.
      headersTimeout: 8_000,
      requestTimeout: 60_000,
      keepAliveTimeout: 65_000,
      connectionsCheckingInterval: 2_000,
      maxHeaderSize: SERVER_LIMITS.maxHeadBytes,
      // Heads are checked below, where the answer has Vitrine's form.
      requireHostHeader: false,
    },
    (request, response) => {
      const trouble = headTrouble(request, SERVER_LIMITS);
      if (trouble === undefined) handler(request, response);
      else refuse(response, trouble);
    },
  );
  // Node would silently drop fields above its limit, even the one with the token.
  server.maxHeadersCount = 0;
  capConnections(server, connectionBound());
  answerBrokenRequests(server);
  if (upgrade !== undefined) {
    server.on('upgrade', (request, socket, head) => {
      const trouble = headTrouble(request, SERVER_LIMITS);
      if (trouble === undefined) upgrade(request, socket, head);
      else refuseSocket(socket, trouble);
    });
  }
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

function refuse(response: ServerResponse, trouble: VitrineError): void {
  const headers = { ...SECURITY_HEADERS, ...trouble.headers, 'Content-Type': 'application/problem+json' };
  response.writeHead(trouble.status, headers).end(JSON.stringify(problemOf(trouble)));
}

/** The error of an address that cannot be listened on. */
export function bindError(error: NodeJS.ErrnoException, at: Address, name: string): VitrineError {
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
