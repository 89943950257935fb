/**
 * Reads a request body with a limit for the encoded and for the decoded bytes, so neither a large body nor a compression
 * bomb can take much memory. Supports identity and gzip (RFC 9110 section 8.4). JSON must be UTF-8 and has a depth limit.
 */
import type { IncomingMessage } from 'node:http';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { bodyChunks } from '../../model/body-chunks.ts';

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

async function collect(req: IncomingMessage, limits: BodyLimits, clock: Clock): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const bytes = bodyChunks(req, {
    maxBytes: limits.maxBytes,
    tooLarge: () => tooLarge(limits.maxBytes),
    incomplete: 'The body is incomplete.',
    paced: (source) => promptChunks(source, limits.idleMs, clock),
  });
  try {
    for await (const chunk of bytes) chunks.push(chunk);
  } catch (error) {
    // The rest of the body is discarded, not buffered, until the answer has been sent and the connection closes.
    req.on('error', () => {}).resume();
    throw error;
  }
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks);
}

/** The chunks of `source`. Throws VitrineError `request_timeout` when none comes for `idleMs`. */
async function* promptChunks(source: AsyncIterable<Buffer>, idleMs: number, clock: Clock): AsyncGenerator<Buffer> {
  const chunks = source[Symbol.asyncIterator]();
  for (;;) {
    const next = chunks.next();
    const idle = Promise.withResolvers<undefined>();
    const cancel = clock.after(idleMs, () => idle.resolve(undefined));
    const first = await Promise.race([next, idle.promise]);
    cancel();
    if (first === undefined) {
      // Nobody uses the later result of this read.
      next.catch(() => {});
      throw new VitrineError('request_timeout', `The client sent no byte of the body for ${idleMs} ms.`, CLOSING);
    }
    if (first.done === true) return;
    yield first.value;
  }
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

/**
 * The parsed body. Throws `unsupported_media_type` unless it is JSON, `bad_request` when it cannot be parsed, and the errors
 * of `readBody`.
 */
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
