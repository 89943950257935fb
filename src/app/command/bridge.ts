/**
 * A loopback port that speaks HTTP/1.1 for an application that listens in another way: on a Unix socket, with TLS, or with
 * HTTP/2. So the balancer has only one kind of upstream. A self-signed certificate is accepted, because the connection stays
 * on this machine.
 */
import http from 'node:http';
import http2 from 'node:http2';
import net, { type AddressInfo, type Socket } from 'node:net';
import { pipeline } from 'node:stream';
import tls from 'node:tls';
import type { Endpoint } from '../../stack/balancer/options/upstream-options.ts';
import type { ListenerKind } from '../../telemetry/listener-reports.ts';

/** Where the application listens. */
export type Place = { readonly host: string; readonly port: number } | { readonly path: string };

export interface Bridge {
  readonly endpoint: Endpoint;
  close(): void;
}

const ownTls = (place: Place, protocol: string): tls.TLSSocket =>
  tls.connect({ ...place, rejectUnauthorized: false, servername: 'localhost', ALPNProtocols: [protocol] });

/** Undefined where no bridge is needed. */
export async function openBridge(kind: ListenerKind, place: Place): Promise<Bridge | undefined> {
  switch (kind) {
    case 'https':
      return carry(() => ownTls(place, 'http/1.1'));
    case 'h2':
      return translate(() => ownTls(place, 'h2'), 'https://localhost');
    case 'h2c':
      return translate(() => net.connect(place), 'http://localhost');
    default:
      return 'path' in place ? carry(() => net.connect(place)) : undefined;
  }
}

async function open(server: net.Server): Promise<Bridge> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  return {
    endpoint: { host: '127.0.0.1', port: (server.address() as AddressInfo).port },
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Passes bytes on unchanged. */
function carry(dial: () => Socket): Promise<Bridge> {
  return open(
    net.createServer({ allowHalfOpen: true }, (client) => {
      const upstream = dial();
      // An error of either side ends both.
      pipeline(client, upstream, client, () => {});
    }),
  );
}

/** Fields that belong to one HTTP/1.1 connection; HTTP/2 does not have them (RFC 9113 section 8.2.2). */
const CONNECTION_FIELDS = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'transfer-encoding',
  'upgrade',
  'host',
]);

function requestFields({ method, url, headers, rawHeaders }: http.IncomingMessage): http2.OutgoingHttpHeaders {
  const fields: http2.OutgoingHttpHeaders = {
    ':method': method,
    ':path': url,
    ':authority': headers.host,
  };
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at].toLowerCase();
    if (CONNECTION_FIELDS.has(name)) continue;
    const before = fields[name] as string[] | undefined;
    fields[name] = [...(before ?? []), rawHeaders[at + 1]];
  }
  return fields;
}

const plainFields = (headers: http2.IncomingHttpHeaders): Record<string, string | string[]> =>
  Object.fromEntries(
    Object.entries(headers).filter((each): each is [string, string | string[]] => {
      return !each[0].startsWith(':') && each[1] !== undefined;
    }),
  );

/** One HTTP/2 session for all requests, opened anew when it has ended. */
async function translate(dial: () => Socket, authority: string): Promise<Bridge> {
  let session: http2.ClientHttp2Session | undefined;
  const current = (): http2.ClientHttp2Session => {
    if (session !== undefined && !session.closed && !session.destroyed) return session;
    session = http2.connect(authority, { createConnection: dial });
    session.on('error', () => {});
    return session;
  };
  const bridge = await open(http.createServer((request, response) => forward(current(), request, response)));
  return {
    endpoint: bridge.endpoint,
    close() {
      bridge.close();
      session?.destroy();
    },
  };
}

function forward(
  session: http2.ClientHttp2Session,
  request: http.IncomingMessage,
  response: http.ServerResponse,
): void {
  const stream = session.request(requestFields(request));
  let trailers: Record<string, string | string[]> = {};
  stream.on('headers', (headers) => {
    if (headers[':status'] === 103 && headers['link'] !== undefined) response.writeEarlyHints(plainFields(headers));
  });
  stream.on('response', (headers) => response.writeHead(headers[':status'] ?? 502, plainFields(headers)));
  stream.on('trailers', (headers) => {
    trailers = plainFields(headers);
  });
  stream.on('data', (bytes: Buffer) => {
    if (!response.write(bytes)) stream.pause();
  });
  response.on('drain', () => stream.resume());
  stream.on('end', () => {
    if (Object.keys(trailers).length > 0) response.addTrailers(trailers);
    response.end();
  });
  // The answer of a broken stream must not look complete.
  stream.on('error', () => response.destroy());
  stream.on('aborted', () => response.destroy());
  response.on('close', () => stream.close());
  request.pipe(stream);
}
