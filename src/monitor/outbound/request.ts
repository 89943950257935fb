/**
 * One HTTP request of the monitor through the guard. It is limited in time and size; redirects are followed a few times and
 * checked at each step. Receivers and checks send with this function, so there is one place where a request leaves.
 */
import http from 'node:http';
import https from 'node:https';
import type { TLSSocket } from 'node:tls';
import { VitrineError } from '../../base/errors.ts';
import type { Origin, OutboundGuard } from './guard.ts';

export interface OutboundRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Buffer | string | undefined;
  readonly origin: Origin;
  readonly timeoutMs: number;
  /** Bytes of the answer that are read; the rest is cut off, and `truncated` says so. */
  readonly maxBodyBytes: number;
  /** Redirects that are followed. */
  readonly maxRedirects: number;
  readonly tls?: Pick<https.RequestOptions, 'ca' | 'cert' | 'key' | 'servername' | 'rejectUnauthorized'> | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface OutboundAnswer {
  /** Of the last request, after redirects. */
  readonly url: URL;
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
  readonly truncated: boolean;
  /** The address that answered. */
  readonly address: string;
}

const REDIRECTS = new Set([301, 302, 303, 307, 308]);
/**
 * Fields that only the first host may see (fetch.spec.whatwg.org, HTTP-redirect fetch), and fields of a body that is not
 * sent again.
 */
const SECRET_FIELDS = new Set(['authorization', 'cookie', 'proxy-authorization']);
const BODY_FIELDS = new Set(['content-type', 'content-length', 'content-encoding', 'content-language']);

const without = (headers: Readonly<Record<string, string>>, names: ReadonlySet<string>): Record<string, string> =>
  Object.fromEntries(Object.entries(headers).filter(([name]) => !names.has(name.toLowerCase())));

/** The request to which a redirect leads. Throws VitrineError `bad_gateway` when its Location is not a URL. */
function redirected(request: OutboundRequest, status: number, location: string): OutboundRequest {
  const url = URL.parse(location, request.url.href);
  if (url === null) throw new VitrineError('bad_gateway', `${request.url.host} redirects to something that is no URL.`);
  const toGet = status === 303 ? request.method !== 'HEAD' : status < 303 && request.method === 'POST';
  const own = url.origin === request.url.origin ? request.headers : without(request.headers, SECRET_FIELDS);
  return toGet
    ? { ...request, url, method: 'GET', body: undefined, headers: without(own, BODY_FIELDS) }
    : { ...request, url, headers: own };
}

/**
 * Throws VitrineError `outbound_denied`, `unreachable`, `gateway_timeout` (also with part of the answer read) or
 * `bad_gateway` (too many redirects); any status is an answer.
 */
export async function send(guard: OutboundGuard, request: OutboundRequest): Promise<OutboundAnswer> {
  const deadline = AbortSignal.timeout(request.timeoutMs);
  const signal = request.signal === undefined ? deadline : AbortSignal.any([deadline, request.signal]);
  try {
    let next = request;
    for (let followed = 0; ; followed += 1) {
      const answer = await sendOnce(guard, next, signal);
      const { location } = answer.headers;
      if (!REDIRECTS.has(answer.status) || location === undefined || request.maxRedirects === 0) return answer;
      if (followed === request.maxRedirects) {
        throw new VitrineError('bad_gateway', `${request.url.host} redirects more than ${request.maxRedirects} times.`);
      }
      next = redirected(next, answer.status, location);
    }
  } catch (error) {
    throw asVitrineError(error, request, deadline.aborted);
  }
}

function asVitrineError(error: unknown, { url, timeoutMs, signal }: OutboundRequest, late: boolean): unknown {
  if (error instanceof VitrineError || signal?.aborted === true) return error;
  if (late) {
    return new VitrineError('gateway_timeout', `${url.host} did not answer within ${timeoutMs} ms.`, { cause: error });
  }
  const { code, message } = error as NodeJS.ErrnoException;
  return new VitrineError('unreachable', `${url.host} cannot be reached: ${code ?? message}`, { cause: error });
}

function sendOnce(guard: OutboundGuard, one: OutboundRequest, signal: AbortSignal): Promise<OutboundAnswer> {
  guard.checkUrl(one.url, one.origin);
  const { promise, resolve, reject } = Promise.withResolvers<OutboundAnswer>();
  const { request } = one.url.protocol === 'https:' ? https : http;
  const outgoing = request(one.url, {
    ...one.tls,
    method: one.method,
    headers: one.headers,
    agent: false,
    lookup: guard.lookup(one.origin),
    signal,
  });
  outgoing.on('error', reject);
  outgoing.on('socket', (socket) => {
    socket.once('connect', () => {
      // The address that the socket reports is checked last, whatever was resolved before.
      try {
        guard.checkAddress((socket as TLSSocket).remoteAddress ?? '', one.url.hostname, one.origin);
      } catch (denied) {
        outgoing.destroy(denied as Error);
      }
    });
  });
  outgoing.on('response', (incoming) => {
    const address = incoming.socket.remoteAddress ?? '';
    readUpTo(incoming, one.maxBodyBytes).then(
      ({ body, truncated }) =>
        resolve({
          url: one.url,
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          body,
          truncated,
          address,
        }),
      reject,
    );
  });
  outgoing.end(one.body);
  return promise;
}

async function readUpTo(from: http.IncomingMessage, limit: number): Promise<{ body: Buffer; truncated: boolean }> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of from as AsyncIterable<Buffer>) {
    parts.push(part.subarray(0, limit - size));
    size += part.length;
    // Leaving the loop destroys the message and its socket.
    if (size > limit) return { body: Buffer.concat(parts), truncated: true };
  }
  return { body: Buffer.concat(parts), truncated: false };
}
