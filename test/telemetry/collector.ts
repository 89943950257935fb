/** A real HTTP server that stands in for an OTLP collector, well-behaved or not. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { context, diag, logs, metrics, propagation, trace } from '@opentelemetry/api';

export type Mode = 'ok' | 'hang' | '503' | 'slow' | 'garbage';

export interface Collector {
  readonly url: string;
  readonly bodies: { readonly path: string; readonly body: Buffer; readonly headers: IncomingMessage['headers'] }[];
  /** Resolves when a body for `path` has come that `accept` likes. */
  readonly received: (path: string, accept?: (text: string) => boolean) => Promise<string>;
  close(): Promise<void>;
}

function answer(mode: Mode, response: ServerResponse): void {
  if (mode === 'ok') response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  if (mode === '503') response.writeHead(503).end();
  if (mode === 'garbage') response.socket?.end('\u0000\u0001 this is not HTTP');
  if (mode === 'slow') {
    response.writeHead(200, { 'content-length': '100' });
    response.write('x');
  }
}

export async function startCollector(mode: Mode = 'ok', port = 0): Promise<Collector> {
  const bodies: Collector['bodies'] = [];
  const waiters = new Set<() => void>();
  const sockets = new Set<Socket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      bodies.push({ path: request.url ?? '', body: Buffer.concat(chunks), headers: request.headers });
      for (const waiter of waiters) waiter();
      answer(mode, response);
    });
  });
  server.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    bodies,
    received: (path, accept = () => true) =>
      new Promise((resolve) => {
        const look = (): void => {
          const found = bodies.find((body) => body.path === path && accept(body.body.toString('latin1')));
          if (found === undefined) return;
          waiters.delete(look);
          resolve(found.body.toString('latin1'));
        };
        waiters.add(look);
        look();
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

/** Takes the SDK out of the API, so that the next test can register its own. */
export function resetApi(): void {
  for (const api of [trace, metrics, logs, context, propagation, diag]) api.disable();
}
