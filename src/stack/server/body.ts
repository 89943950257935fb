/**
 * Reads a request body with a limit for the encoded and for the decoded bytes, so neither a large body nor a compression
 * bomb can take much memory. Supports identity and gzip (RFC 9110 section 8.4). JSON must be UTF-8 and has a depth limit.
 */
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';

export interface BodyLimits {
  /** Limit for the bytes as sent, and for the bytes after decoding. */
  readonly maxBytes: number;
  /** A client that sends nothing of a body for this long is answered 408. */
  readonly idleMs: number;
}

/** Maximum nesting of objects and arrays; RFC 8259 section 9 allows such a limit. */
export const MAX_JSON_DEPTH = 64;

/** The rest of a body that is not read would be parsed as the next request, so the connection is closed after the answer. */
const CLOSING = { headers: { Connection: 'close' } };
const tooLarge = (maxBytes: number): VitrineError =>
  new VitrineError('payload_too_large', `The body is larger than ${maxBytes} bytes.`, CLOSING);

/**
 * Throws VitrineError `payload_too_large`, `unsupported_media_type` (unknown or stacked coding), `bad_request` (invalid gzip
 * data, or the client closed the connection) and `request_timeout`.
 */
export async function readBody(req: IncomingMessage, limits: BodyLimits, clock: Clock = systemClock): Promise<Buffer> {
  if (Number(req.headers['content-length'] ?? 0) > limits.maxBytes) throw tooLarge(limits.maxBytes);
  const coding = (req.headers['content-encoding'] ?? 'identity').trim().toLowerCase();
  if (coding !== 'identity' && coding !== 'gzip' && coding !== 'x-gzip') {
    throw new VitrineError(
      'unsupported_media_type',
      `The coding ${JSON.stringify(coding.slice(0, 64))} is not supported.`,
      {
        headers: { 'Accept-Encoding': 'gzip, identity', Connection: 'close' },
      },
    );
  }
  const sent = collect(req, limits, clock);
  return coding === 'identity' ? sent : gunzipBounded(await sent, limits.maxBytes);
}

function collect(req: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let cancelIdle = (): void => {};
    const settle = (error?: Error): void => {
      cancelIdle();
      req.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      // The rest of the body is discarded, not buffered, until the answer has been sent and the connection closes.
      if (error) req.on('error', () => {}).resume();
      if (error) reject(error);
      else resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, size));
    };
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limits.maxBytes) return settle(tooLarge(limits.maxBytes));
      chunks.push(chunk);
      watchIdle();
    };
    const onEnd = (): void => settle();
    const onError = (error: Error): void =>
      settle(new VitrineError('bad_request', 'The body is incomplete.', { cause: error }));
    const onClose = (): void => settle(new VitrineError('bad_request', 'The body is incomplete.'));
    const watchIdle = (): void => {
      cancelIdle();
      cancelIdle = clock.after(limits.idleMs, () =>
        settle(
          new VitrineError('request_timeout', `The client sent no byte of the body for ${limits.idleMs} ms.`, CLOSING),
        ),
      );
    };
    watchIdle();
    req.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
  });
}

function gunzipBounded(sent: Buffer, maxBytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const gunzip = createGunzip();
    const chunks: Buffer[] = [];
    let size = 0;
    gunzip.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBytes) {
        gunzip.destroy();
        reject(tooLarge(maxBytes));
      } else chunks.push(chunk);
    });
    gunzip.on('end', () => resolve(Buffer.concat(chunks, size)));
    gunzip.on('error', (error) =>
      reject(new VitrineError('bad_request', 'The gzip data is invalid.', { cause: error })),
    );
    gunzip.end(sent);
  });
}

/** The parsed body; `unsupported_media_type` unless it is JSON, `bad_request` when it cannot be parsed; else the errors of `readBody`. */
export async function readJson(req: IncomingMessage, limits: BodyLimits, clock: Clock = systemClock): Promise<unknown> {
  const type = (req.headers['content-type'] ?? '').split(';')[0].trim().toLowerCase();
  if (type !== 'application/json' && !/^application\/[\w.-]+\+json$/.test(type)) {
    throw new VitrineError('unsupported_media_type', 'The body must be application/json.', {
      headers: { Accept: 'application/json', Connection: 'close' },
    });
  }
  const bytes = await readBody(req, limits, clock);
  if (jsonDepth(bytes) > MAX_JSON_DEPTH) {
    throw new VitrineError('bad_request', `The JSON is nested more than ${MAX_JSON_DEPTH} levels deep.`);
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown;
  } catch (error) {
    throw new VitrineError('bad_request', 'The body is not valid JSON.', { cause: error });
  }
}

/** Maximum nesting of `[` and `{` outside strings. Stops one level above the limit. */
export function jsonDepth(bytes: Uint8Array): number {
  let depth = 0;
  let deepest = 0;
  let inString = false;
  for (let i = 0; i < bytes.length && deepest <= MAX_JSON_DEPTH; i += 1) {
    const byte = bytes[i];
    if (byte === 0x22) inString = !inString;
    else if (inString) i += byte === 0x5c ? 1 : 0;
    else if (byte === 0x5b || byte === 0x7b) deepest = Math.max(deepest, (depth += 1));
    else if (byte === 0x5d || byte === 0x7d) depth -= 1;
  }
  return deepest;
}
