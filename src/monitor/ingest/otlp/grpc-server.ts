/**
 * OTLP/gRPC: the three unary methods on cleartext HTTP/2 (github.com/grpc/grpc, PROTOCOL-HTTP2). Refusals are trailers with
 * a grpc-status; a refusal that is temporary carries a RetryInfo, which tells senders to try again.
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants, createServer } from 'node:http2';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { checkHost, checkSite } from '../../../model/site.ts';
import type { ByteBudget, ByteLease } from '../request/byte-budget.ts';
import { RETRY_AFTER_SECONDS } from '../request/byte-budget.ts';
import type { Signal } from '../checks/counters.ts';
import { checkToken } from '../request/token.ts';
import type { Intake } from '../request/intake.ts';
import type { BodyLimits } from '../request/body.ts';
import { BODY_LIMITS, tooLarge } from '../request/body.ts';
import { receive } from './receiver.ts';
import { RPC, publicMessage, rpcCode, throttleStatus } from './responses.ts';

export interface OtlpGrpcOptions {
  readonly intake: Intake;
  readonly logger: Logger;
  readonly budget: ByteBudget;
  readonly token?: string | undefined;
  /** The authority must be a loopback name or one of these; absent: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  readonly limits?: BodyLimits | undefined;
  /** A request that is not complete by then is ended. Default 30 s. */
  readonly streamTimeoutMs?: number | undefined;
}

const METHODS: Readonly<Record<string, Signal>> = {
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export': 'metrics',
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export': 'traces',
  '/opentelemetry.proto.collector.logs.v1.LogsService/Export': 'logs',
};
const FRAME_HEAD_BYTES = 5;
const RATIO_FREE_BYTES = 1024 * 1024;
const unzip = promisify(gunzip);

export class OtlpGrpcServer {
  /** The caller makes it listen. */
  readonly server = createServer({ settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16_384 } });
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #options: OtlpGrpcOptions;
  readonly #limits: BodyLimits;

  constructor(options: OtlpGrpcOptions) {
    this.#options = options;
    this.#limits = options.limits ?? BODY_LIMITS;
    this.server.on('session', (session) => {
      this.#sessions.add(session);
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', (error) => options.logger.debug({ err: error }, 'an OTLP/gRPC connection failed'));
    });
    this.server.on('stream', (stream, headers) => void this.#serve(stream, headers));
  }

  /** Lets running requests end, for at most `graceMs`; then closes their connections. */
  async close(graceMs = 1000): Promise<void> {
    const closed = new Promise<void>((resolve) => void this.server.close(() => resolve()));
    for (const session of this.#sessions) session.close();
    const cancel = this.#options.intake.clock.after(graceMs, () => {
      for (const session of this.#sessions) session.destroy();
    });
    await closed;
    cancel();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close(0);
  }

  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> {
    const { intake, budget, logger, token, streamTimeoutMs = 30_000 } = this.#options;
    stream.on('error', (error) => logger.debug({ err: error }, 'an OTLP/gRPC request broke off'));
    stream.setTimeout(streamTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    const refused = this.#foreign(headers);
    if (refused !== undefined) {
      stream.respond({ ':status': refused.status }, { endStream: true });
      return;
    }
    if (!/^application\/grpc(?:\+proto)?(?:;|$)/.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return;
    }
    const lease = budget.lease();
    try {
      const path = headers[':path'] ?? '';
      if (!Object.hasOwn(METHODS, path)) throw new VitrineError('not_found', 'there is no such method');
      if (token !== undefined) checkToken(headers.authorization, token);
      const message = await this.#message(stream, headers, lease);
      answer(stream, await receive(intake, METHODS[path], 'protobuf', message, 'otlp_grpc'));
    } catch (error) {
      if (!(error instanceof VitrineError)) logger.error({ err: error }, 'ingest failed');
      intake.requestRefused(error);
      refuse(stream, error);
    } finally {
      lease.release();
    }
  }

  /** The error of a request that a page of another site, or one under another name, has sent. */
  #foreign(headers: IncomingHttpHeaders): VitrineError | undefined {
    try {
      const asked = { method: 'POST', headers };
      if (this.#options.allowedHosts !== undefined) checkHost(asked, this.#options.allowedHosts);
      checkSite(asked);
      return undefined;
    } catch (error) {
      if (error instanceof VitrineError) return error;
      throw error;
    }
  }

  /** The one message of a unary call, decompressed. */
  async #message(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, lease: ByteLease): Promise<Buffer> {
    const { maxCompressedBytes } = this.#limits;
    const chunks: Buffer[] = [];
    let total = 0;
    for await (const chunk of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      total += chunk.length;
      if (total > maxCompressedBytes + FRAME_HEAD_BYTES)
        throw tooLarge(`the message has more than ${maxCompressedBytes} bytes`);
      lease.take(chunk.length);
      chunks.push(chunk);
    }
    const body = Buffer.concat(chunks, total);
    if (total < FRAME_HEAD_BYTES || body.readUInt32BE(1) !== total - FRAME_HEAD_BYTES) {
      throw new VitrineError('bad_request', 'the request does not hold exactly one message');
    }
    const message = body.subarray(FRAME_HEAD_BYTES);
    if (body[0] === 0) return message;
    const coding = headers['grpc-encoding'];
    if (body[0] !== 1 || coding !== 'gzip')
      throw new VitrineError('unsupported_media_type', 'the message encoding is not gzip');
    return this.#unzip(message, lease);
  }

  async #unzip(message: Buffer, lease: ByteLease): Promise<Buffer> {
    const { maxDecompressedBytes, maxRatio } = this.#limits;
    const maxBytes = Math.min(maxDecompressedBytes, Math.max(RATIO_FREE_BYTES, message.length * maxRatio));
    // The largest decompressed size is reserved first, so that many requests at once cannot exceed the budget.
    lease.take(maxBytes);
    try {
      return await unzip(message, { maxOutputLength: maxBytes });
    } catch (cause) {
      if (cause instanceof RangeError) throw tooLarge(`the message unpacks to more than ${maxBytes} bytes`);
      throw new VitrineError('bad_request', 'the message is not in gzip', { cause });
    }
  }
}

function answer(stream: ServerHttp2Stream, message: Uint8Array): void {
  if (stream.destroyed || stream.headersSent) return;
  stream.respond({ ':status': 200, 'content-type': 'application/grpc+proto' }, { waitForTrailers: true });
  stream.on('wantTrailers', () => stream.sendTrailers({ 'grpc-status': '0' }));
  const head = Buffer.alloc(FRAME_HEAD_BYTES);
  head.writeUInt32BE(message.length, 1);
  stream.end(Buffer.concat([head, message]));
}

/** A "trailers-only" answer. The rest of the request is told not to come. */
function refuse(stream: ServerHttp2Stream, error: unknown): void {
  if (stream.destroyed || stream.headersSent) return;
  const code = rpcCode(error);
  const details =
    code === RPC.UNAVAILABLE ? { 'grpc-status-details-bin': base64(throttleStatus(error, RETRY_AFTER_SECONDS)) } : {};
  stream.respond(
    {
      ':status': 200,
      'content-type': 'application/grpc+proto',
      'grpc-status': String(code),
      'grpc-message': percentEncoded(publicMessage(error)),
      ...details,
    },
    { endStream: true },
  );
  if (!stream.readableEnded) stream.close(constants.NGHTTP2_NO_ERROR);
}

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replace(/=+$/, '');

/** Header values are printable ASCII; all else is percent-encoded (PROTOCOL-HTTP2, Status-Message). */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text.slice(0, 1024)), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}
