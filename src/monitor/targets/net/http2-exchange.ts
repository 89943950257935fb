/**
 * One request over HTTP/2, on a connection that was opened for it and on which the server chose `h2`. The answer has the form
 * of HTTP/1.1's, so that conditions and evidence do not know the difference.
 */
import http2 from 'node:http2';
import type { IncomingHttpHeaders } from 'node:http';
import type { Socket } from 'node:net';
import { CheckFailure } from './progress.ts';

export interface Head {
  readonly status: number;
  readonly version: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: http2.ClientHttp2Stream;
}

export interface Http2Request {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
}

/** Fields of a connection, which HTTP/2 does not have (RFC 9113, 8.2.2), and the host, which is `:authority`. */
const NOT_IN_HTTP2 = new Set(['host', 'connection', 'keep-alive', 'proxy-connection', 'transfer-encoding', 'upgrade']);
const MAX_HEAD_BYTES = 64 * 1024;

/** Rejects with the error of the session or of the stream. The caller ends the socket, and the session with it. */
export function requestOverHttp2(socket: Socket, { url, method, headers, body }: Http2Request): Promise<Head> {
  const { promise, resolve, reject } = Promise.withResolvers<Head>();
  const session = http2.connect(url.origin, {
    createConnection: () => socket,
    settings: { enablePush: false, maxHeaderListSize: MAX_HEAD_BYTES },
  });
  session.on('error', reject);
  session.on('goaway', (code) => reject(new CheckFailure(`The server ends the connection with GOAWAY ${code}.`)));
  const fields: http2.OutgoingHttpHeaders = {
    ':method': method,
    ':scheme': 'https',
    ':authority': url.host,
    ':path': url.pathname + url.search,
  };
  for (const [name, value] of Object.entries(headers)) {
    const lower = name.toLowerCase();
    if (lower === 'host') fields[':authority'] = value;
    if (!NOT_IN_HTTP2.has(lower)) fields[lower] = value;
  }
  const stream = session.request(fields, { endStream: body === undefined });
  stream.on('response', (received) => {
    const status = received[':status'] ?? 0;
    const plain = Object.fromEntries(Object.entries(received).filter(([name]) => !name.startsWith(':')));
    resolve({ status, version: '2.0', headers: plain as IncomingHttpHeaders, body: stream });
  });
  stream.on('error', reject);
  stream.on('close', () => reject(new CheckFailure('The connection was closed.')));
  if (body !== undefined) stream.end(body);
  return promise;
}
