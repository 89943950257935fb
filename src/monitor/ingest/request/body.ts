/**
 * Reads and decompresses a request body within limits. Both sizes and their ratio are checked while the bytes arrive, so a
 * decompression bomb is refused after its first decompressed megabyte and memory stays flat. Throws VitrineError
 * `payload_too_large`, `unsupported_media_type`, `bad_request`, `request_timeout` or `overloaded`.
 */
import type { IncomingMessage } from 'node:http';
import { constants, createGunzip, createInflate, createZstdDecompress } from 'node:zlib';
import { VitrineError } from '../../../base/errors.ts';
import { systemClock, type Clock } from '../../../base/clock.ts';
import { bodyChunks } from '../../../model/body-chunks.ts';
import type { Arrival } from './arrivals.ts';
import { pacedChunks } from './body-pace.ts';
import type { ByteLease } from './byte-budget.ts';

export interface BodyLimits {
  readonly maxCompressedBytes: number;
  readonly maxDecompressedBytes: number;
  /** Decompressed to compressed size; checked from 1 MiB on. */
  readonly maxRatio: number;
  /** The clock of the minimum pace. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export const BODY_LIMITS: BodyLimits = {
  maxCompressedBytes: 20 * 1024 * 1024,
  maxDecompressedBytes: 64 * 1024 * 1024,
  maxRatio: 200,
};

const RATIO_FREE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 65_536;
/**
 * Compressed bytes that are read before the decoder has taken them: a usual body is whole, and has its place among the others,
 * when its last byte arrived and not when it is decompressed.
 */
const READ_AHEAD_BYTES = 262_144;
/** Windows above 8 MiB are refused: zstd would hold that much for each request. */
const ZSTD_MAX_WINDOW_LOG = 23;

type Decoder = ReturnType<typeof createGunzip>;

const DECODING = { chunkSize: CHUNK_BYTES, writableHighWaterMark: READ_AHEAD_BYTES };

const DECODERS: Readonly<Record<string, () => Decoder>> = {
  gzip: () => createGunzip(DECODING),
  deflate: () => createInflate(DECODING),
  zstd: () =>
    createZstdDecompress({
      ...DECODING,
      params: { [constants.ZSTD_d_windowLogMax]: ZSTD_MAX_WINDOW_LOG },
    }),
};

export function tooLarge(message: string): VitrineError {
  return new VitrineError('payload_too_large', message, { hint: 'Send smaller batches.' });
}

/** The decoder of a `Content-Encoding`; undefined for none. One coding at most. */
function decoderFor(encoding: string | undefined): Decoder | undefined {
  const coding = (encoding ?? '').trim().toLowerCase();
  if (coding === '' || coding === 'identity') return undefined;
  if (!Object.hasOwn(DECODERS, coding)) {
    throw new VitrineError(
      'unsupported_media_type',
      'the Content-Encoding is not one of gzip, deflate, zstd, identity',
      {
        headers: { 'Accept-Encoding': 'gzip, deflate, zstd' },
      },
    );
  }
  return DECODERS[coding]();
}

/** The whole body, decompressed. Its memory is reserved from `lease`, and `arrival` gets its place. */
export async function readBody(
  request: IncomingMessage,
  limits: BodyLimits,
  lease: ByteLease,
  arrival?: Arrival,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let total = 0;
  const keep = (chunk: Buffer): void => {
    lease.take(chunk.length);
    total += chunk.length;
    chunks.push(chunk);
  };
  await eachChunk(request, limits, keep, { whole: () => arrival?.whole() });
  return chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, total);
}

export interface Reading {
  /** Instead of the request's Content-Encoding; '' takes the bytes as they are. */
  readonly encoding?: string | undefined;
  /** Called when all bytes have arrived, which is before they are decompressed. */
  readonly whole?: (() => void) | undefined;
}

/** Gives each decompressed chunk to `take`, in order, after checking the limits. An error thrown by `take` ends the reading. */
export async function eachChunk(
  request: IncomingMessage,
  limits: BodyLimits,
  take: (chunk: Buffer) => void | Promise<void>,
  { encoding = request.headers['content-encoding'], whole }: Reading = {},
): Promise<void> {
  const declared = Number(request.headers['content-length'] ?? 0);
  if (declared > limits.maxCompressedBytes) {
    throw tooLarge(`the body has ${declared} bytes, ${limits.maxCompressedBytes} are allowed`);
  }
  const decoder = decoderFor(encoding);
  if (decoder) {
    await decoded({ request, decoder, limits, whole }, take);
    return;
  }
  const maxBytes = Math.min(limits.maxCompressedBytes, limits.maxDecompressedBytes);
  for await (const chunk of received(request, maxBytes, limits.clock ?? systemClock)) await take(chunk);
  whole?.();
}

/**
 * A small body that is not compressed: forms and JSON of the API. `refusal` makes the error for one above `maxBytes`. The
 * request stays alive when it is refused, so that the client gets the answer.
 */
export async function readSmallBody(
  request: IncomingMessage,
  maxBytes: number,
  refusal: () => VitrineError,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of received(request, maxBytes, systemClock, refusal)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

const received = (
  request: IncomingMessage,
  maxBytes: number,
  clock: Clock,
  refusal = (): VitrineError => tooLarge(`the body has more than ${maxBytes} bytes`),
): AsyncGenerator<Buffer> =>
  bodyChunks(request, {
    maxBytes,
    tooLarge: refusal,
    incomplete: 'the body broke off',
    paced: (source) => pacedChunks(source, clock),
  });

interface Decoding extends Pick<Reading, 'whole'> {
  readonly request: IncomingMessage;
  readonly decoder: Decoder;
  readonly limits: BodyLimits;
}

async function decoded(
  { request, decoder, limits, whole }: Decoding,
  take: (chunk: Buffer) => void | Promise<void>,
): Promise<void> {
  let receivedBytes = 0;
  let producedBytes = 0;
  const feeding = (async () => {
    for await (const chunk of received(request, limits.maxCompressedBytes, limits.clock ?? systemClock)) {
      receivedBytes += chunk.length;
      if (decoder.readableEnded || decoder.destroyed) break;
      if (!decoder.write(chunk)) await roomOrEnd(decoder);
    }
    whole?.();
    decoder.end();
  })();
  feeding.catch((error: unknown) => decoder.destroy(error instanceof Error ? error : undefined));
  try {
    for await (const chunk of decoder as AsyncIterable<Buffer>) {
      producedBytes += chunk.length;
      if (producedBytes > limits.maxDecompressedBytes) {
        throw tooLarge(`the body unpacks to more than ${limits.maxDecompressedBytes} bytes`);
      }
      if (producedBytes > RATIO_FREE_BYTES && producedBytes > limits.maxRatio * decoder.bytesWritten) {
        throw tooLarge(`the body unpacks to more than ${limits.maxRatio} times its size`);
      }
      await take(chunk);
    }
  } catch (error) {
    if (error instanceof VitrineError) throw error;
    throw new VitrineError('bad_request', 'the body is not in the coding its Content-Encoding names', { cause: error });
  } finally {
    decoder.destroy();
  }
  await feeding;
  if (decoder.bytesWritten < receivedBytes) {
    throw new VitrineError('bad_request', 'the body goes on after the end of its compressed data');
  }
}

/** Waits until the decoder accepts more, or has ended. */
function roomOrEnd(decoder: Decoder): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      for (const event of ['drain', 'end', 'close']) decoder.off(event, done);
      resolve();
    };
    for (const event of ['drain', 'end', 'close']) decoder.on(event, done);
  });
}
