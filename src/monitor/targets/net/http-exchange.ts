/**
 * One HTTP exchange over a connection that was opened for it: request, head, body up to a limit. Node's parser reads the
 * answer; the phases are those of the sockets, so they are exact.
 */
import http from 'node:http';
import type { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import type { TLSSocket } from 'node:tls';
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib';
import type { CheckContext, FamilyChoice, TlsChoice } from '../check.ts';
import { dial, eventOf, secured } from './dial.ts';
import { requestOverHttp2 } from './http2-exchange.ts';
import { CheckFailure, type Progress } from './progress.ts';

export interface Exchange {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  readonly family: FamilyChoice;
  readonly tls: TlsChoice;
  readonly proxyUrl?: string | undefined;
  readonly maxBodyBytes: number;
  /** Offer HTTP/2 to servers that speak TLS. */
  readonly http2: boolean;
  /** Decode Content-Encoding. */
  readonly decode: boolean;
}

export interface HttpAnswer {
  readonly url: URL;
  readonly status: number;
  /** `1.1`. */
  readonly version: string;
  readonly headers: http.IncomingHttpHeaders;
  /** -1 when the answer does not say it. */
  readonly contentLength: number;
  readonly body: Buffer;
  /** The body was longer than the limit. */
  readonly truncated: boolean;
  readonly isTls: boolean;
  /** Why the body ended early; the head is known all the same. */
  readonly cut?: Error | undefined;
}

const DECODERS: Readonly<Record<string, () => NodeJS.ReadWriteStream & Readable>> = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};
const MAX_HEAD_BYTES = 64 * 1024;

const portOf = (url: URL): number => Number(url.port) || (url.protocol === 'https:' ? 443 : 80);

/** Throws CheckFailure, VitrineError `outbound_denied` and the errors of sockets. */
export async function exchange(one: Exchange, context: CheckContext, progress: Progress): Promise<HttpAnswer> {
  const { url, proxyUrl } = one;
  const isTls = url.protocol === 'https:';
  context.guard.checkUrl(url, context.origin);
  const socket = proxyUrl === undefined ? await direct(one, context, progress) : await viaProxy(one, context, progress);
  const end = (): void => void socket.destroy(context.signal.reason as Error | undefined);
  context.signal.addEventListener('abort', end, { once: true });
  try {
    const absolute = proxyUrl !== undefined && !isTls;
    return await speak(socket, one, absolute ? url.href : url.pathname + url.search, progress);
  } finally {
    context.signal.removeEventListener('abort', end);
    socket.destroy();
  }
}

const alpnOf = ({ http2 }: Exchange): readonly string[] => (http2 ? ['h2', 'http/1.1'] : ['http/1.1']);

function direct(one: Exchange, context: CheckContext, progress: Progress): Promise<Socket> {
  const { url, family, tls } = one;
  const secure = url.protocol === 'https:' ? { ...tls, alpn: alpnOf(one) } : undefined;
  return dial({ host: url.hostname, port: portOf(url), family, tls: secure }, context, progress);
}

async function viaProxy(one: Exchange, context: CheckContext, progress: Progress): Promise<Socket> {
  const { url, family, tls, proxyUrl = '' } = one;
  const proxy = new URL(proxyUrl);
  const socket = await dial({ host: proxy.hostname, port: portOf(proxy), family }, context, progress);
  if (url.protocol !== 'https:') return socket;
  const where = `${url.hostname}:${portOf(url)}`;
  socket.write(`CONNECT ${where} HTTP/1.1\r\nHost: ${where}\r\n\r\n`);
  let head = '';
  while (!head.includes('\r\n\r\n')) {
    head += String(await eventOf(socket, 'data', context.signal));
    if (head.length > MAX_HEAD_BYTES) throw new CheckFailure('The proxy answers with no HTTP head.');
  }
  socket.pause();
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined || !status.startsWith('2')) {
    socket.destroy();
    throw new CheckFailure(`The proxy refuses the connection with ${status ?? 'no status'}.`);
  }
  progress.end('connect');
  return secured(socket, { host: url.hostname }, { ...tls, alpn: alpnOf(one) }, context, progress);
}

async function speak(socket: Socket, one: Exchange, path: string, progress: Progress): Promise<HttpAnswer> {
  const isHttp2 = (socket as Partial<TLSSocket>).alpnProtocol === 'h2';
  let head: Answered;
  try {
    head = await (isHttp2 ? requestOverHttp2(socket, one) : requestOverHttp1(socket, one, path));
  } finally {
    progress.end('processing');
  }
  const { body, truncated, cut } = await bodyOf(head, one);
  progress.end('transfer');
  const length = head.headers['content-length'];
  return {
    url: one.url,
    status: head.status,
    version: head.version,
    headers: head.headers,
    contentLength: length === undefined ? -1 : Number(length),
    body,
    truncated,
    isTls: one.url.protocol === 'https:',
    cut,
  };
}

interface Answered extends Pick<HttpAnswer, 'status' | 'version' | 'headers'> {
  readonly body: Readable;
}

async function requestOverHttp1(socket: Socket, one: Exchange, path: string): Promise<Answered> {
  const { promise, resolve, reject } = Promise.withResolvers<http.IncomingMessage>();
  const request = http.request({
    createConnection: () => socket,
    method: one.method,
    path,
    headers: { host: one.url.host, ...one.headers },
    setHost: false,
    maxHeaderSize: MAX_HEAD_BYTES,
  });
  request.on('response', resolve);
  request.on('error', reject);
  request.end(one.body);
  const incoming = await promise;
  const { statusCode = 0, httpVersion: version, headers } = incoming;
  return { status: statusCode, version, headers, body: incoming };
}

async function bodyOf(
  { headers, body: incoming }: Answered,
  { maxBodyBytes, decode }: Exchange,
): Promise<Pick<HttpAnswer, 'body' | 'truncated' | 'cut'>> {
  const coding = decode ? (headers['content-encoding'] ?? '').trim().toLowerCase() : '';
  const decoder = DECODERS[coding]?.();
  let from: AsyncIterable<Buffer> = incoming;
  if (decoder !== undefined) {
    incoming.on('error', (error) => decoder.destroy(error));
    from = incoming.pipe(decoder);
  }
  const parts: Buffer[] = [];
  let size = 0;
  try {
    for await (const part of from) {
      parts.push(part.subarray(0, Math.max(0, maxBodyBytes - size)));
      size += part.length;
      // Leaving the loop destroys the stream; the caller destroys the socket.
      if (size > maxBodyBytes) break;
    }
  } catch (error) {
    return { body: Buffer.concat(parts), truncated: false, cut: error as Error };
  }
  return { body: Buffer.concat(parts), truncated: size > maxBodyBytes };
}
