/**
 * The form of this port's responses: every error is problem+json with a code and a request id; every JSON body is compressed
 * when that saves something. The response does not describe internal failures; the log describes them under the same id.
 */
import { promisify } from 'node:util';
import { gzip as gzipCallback } from 'node:zlib';
import type { Context, Middleware } from 'koa';
import { problemOf, VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { randomHex } from '../../base/random.ts';
import { readSmallBody } from '../ingest/request/body.ts';
import { SECURITY_HEADERS } from './guard.ts';

const gzip = promisify(gzipCallback);
/** Smaller bodies fit into one packet, so compression would save no round trip. */
const MIN_COMPRESSED_BYTES = 1_400;
const GZIP_LEVEL = 4;

function fail(ctx: Context, error: unknown, requestId: string): void {
  const problem = problemOf(error, requestId);
  if (problem.status === 503) ctx.set('Retry-After', RETRY_AFTER_SECONDS);
  if (error instanceof VitrineError) ctx.set({ ...error.headers });
  ctx.status = problem.status;
  ctx.body = JSON.stringify(problem);
  ctx.type = 'application/problem+json';
}

/** Sent with errors that are temporary. */
const RETRY_AFTER_SECONDS = '5';

/** The outermost middleware. A client that disconnects is not an error. */
export function problems(logger: Logger): Middleware {
  return async (ctx, next) => {
    const requestId = randomHex(8);
    ctx.set({ ...SECURITY_HEADERS, 'X-Request-Id': requestId });
    try {
      await next();
      // Ingest writes its response on the socket itself; nothing is left to send then.
      if (ctx.respond === false || ctx.headerSent) return;
      if (ctx.status === 404 && ctx.body === undefined) {
        throw new VitrineError('not_found', 'There is nothing at this address.');
      }
    } catch (error) {
      if (!(error instanceof VitrineError)) logger.error({ err: error, requestId, path: ctx.path }, 'request failed');
      // The unread part of a refused body would be read as the next request on this connection.
      if (!ctx.req.complete) ctx.set('Connection', 'close');
      fail(ctx, error, requestId);
    }
  };
}

const accepts = (ctx: Context): boolean => ctx.acceptsEncodings('gzip', 'identity') === 'gzip';

function bytesOf(body: unknown): Buffer | undefined {
  if (Buffer.isBuffer(body)) return body;
  if (typeof body === 'string') return Buffer.from(body);
  return undefined;
}

/** Turns objects into JSON and compresses text. Streams and bodies that are already compressed are not changed. */
export function compressed(): Middleware {
  return async (ctx, next) => {
    await next();
    const { body } = ctx;
    if (body === undefined || body === null || ctx.res.hasHeader('Content-Encoding')) return;
    const plain =
      typeof body === 'object' && !Buffer.isBuffer(body) && Object.getPrototypeOf(body) === Object.prototype;
    if (plain) {
      ctx.body = JSON.stringify(body);
      ctx.type = 'application/json';
    }
    const bytes = bytesOf(ctx.body);
    if (bytes === undefined || bytes.length < MIN_COMPRESSED_BYTES) return;
    ctx.vary('Accept-Encoding');
    if (!accepts(ctx)) return;
    const { type } = ctx;
    ctx.body = await gzip(bytes, { level: GZIP_LEVEL });
    ctx.type = type;
    ctx.set('Content-Encoding', 'gzip');
  };
}

/**
 * The JSON value in the body of a write. @throws VitrineError `unsupported_media_type`, `payload_too_large`, `bad_request`
 */
export async function jsonValue(ctx: Context, maxBytes = 64 * 1_024): Promise<unknown> {
  if (ctx.request.is('application/json') !== 'application/json') {
    throw new VitrineError('unsupported_media_type', 'The body must be application/json.');
  }
  const refusal = (): VitrineError => new VitrineError('payload_too_large', `The body may have ${maxBytes} bytes.`);
  const body = await readSmallBody(ctx.req, maxBytes, refusal);
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch (error) {
    throw new VitrineError('bad_request', 'The body is not JSON.', { cause: error });
  }
}

/**
 * The JSON object in the body of a write. @throws VitrineError `unsupported_media_type`, `payload_too_large`, `bad_request`
 */
export async function jsonBody(ctx: Context, maxBytes = 64 * 1_024): Promise<Readonly<Record<string, unknown>>> {
  const value = await jsonValue(ctx, maxBytes);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new VitrineError('bad_request', 'The body must be a JSON object.');
}
