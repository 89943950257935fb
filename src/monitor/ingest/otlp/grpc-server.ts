/**
 * OTLP/gRPC: the three unary methods on cleartext HTTP/2 (github.com/grpc/grpc, PROTOCOL-HTTP2). Refusals are trailers with
 * a grpc-status; a refusal that is temporary carries a RetryInfo, which tells senders to try again.
 */
import type { IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2';
import { constants, createServer } from 'node:http2';
import { createGunzip } from 'node:zlib';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { checkHost, checkSite } from '../../../model/site.ts';
import type { Arrival } from '../request/arrivals.ts';
import type { ByteBudget, ByteLease } from '../request/byte-budget.ts';
import { RETRY_AFTER_SECONDS } from '../request/byte-budget.ts';
import { pacedChunks } from '../request/body-pace.ts';
import { HeapPressure } from '../request/heap-pressure.ts';
import type { Signal } from '../checks/counters.ts';
import { checkToken, type MaySend } from '../request/token.ts';
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
  /** Tokens besides it that may send. */
  readonly maySend?: MaySend | undefined;
  /** The authority must be a loopback name or one of these; absent: any. */
  readonly allowedHosts?: readonly string[] | undefined;
  readonly limits?: BodyLimits | undefined;
  /** A request that is not complete after this time is ended. Default 30 s. */
  readonly streamTimeoutMs?: number | undefined;
  /** Connections of all senders. Default 1,000. */
  readonly maxSessions?: number | undefined;
  /** Shared by all ports. */
  readonly heap?: HeapPressure | undefined;
}

const METHODS: Readonly<Record<string, Signal>> = {
  '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export': 'metrics',
  '/opentelemetry.proto.collector.trace.v1.TraceService/Export': 'traces',
  '/opentelemetry.proto.collector.logs.v1.LogsService/Export': 'logs',
};
const FRAME_HEAD_BYTES = 5;
const RATIO_FREE_BYTES = 1024 * 1024;
const CHUNK_BYTES = 65_536;
/** Twice the number of requests that may be open at once. */
const RESETS = { max: 200, withinMs: 10_000 };
/** An exporter that has sent nothing for this long counts as gone. */
const IDLE_SESSION_MS = 300_000;
/** Connections of all senders. Further ones are refused, so that file descriptors remain for open files and connections. */
const MAX_SESSIONS = 1_000;

export class OtlpGrpcServer {
  /** The caller must call `listen`. */
  readonly server = createServer({ settings: { maxConcurrentStreams: 100, maxHeaderListSize: 16_384 } });
  readonly #sessions = new Set<ServerHttp2Session>();
  readonly #options: OtlpGrpcOptions;
  readonly #limits: BodyLimits;
  readonly #heap: HeapPressure;

  constructor(options: OtlpGrpcOptions) {
    this.#options = options;
    this.#heap = options.heap ?? new HeapPressure(options.intake.clock);
    this.#limits = options.limits ?? BODY_LIMITS;
    this.server.on('session', (session) => {
      if (this.#sessions.size >= (options.maxSessions ?? MAX_SESSIONS)) {
        session.goaway(constants.NGHTTP2_REFUSED_STREAM);
        session.destroy();
        return;
      }
      this.#sessions.add(session);
      session.setTimeout(IDLE_SESSION_MS, () => session.close());
      const bound = new ResetBound(session, options.intake.clock, options.logger);
      session.on('stream', (stream, headers) => {
        bound.opened();
        if (session.destroyed) return;
        void this.#serveCounted(stream, headers, bound);
      });
      session.on('close', () => this.#sessions.delete(session));
      session.on('error', (error) => options.logger.debug({ err: error }, 'an OTLP/gRPC connection failed'));
    });
  }

  /** Waits for running requests for at most `graceMs`; then closes their connections. */
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

  async #serveCounted(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, bound: ResetBound): Promise<void> {
    if (await this.#serve(stream, headers)) bound.answered();
  }

  /** False when there was no complete message: a reset cannot be distinguished from a body that ended early. */
  async #serve(stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<boolean> {
    const { intake, budget, logger, token, maySend, streamTimeoutMs = 30_000 } = this.#options;
    stream.on('error', (error) => logger.debug({ err: error }, 'an OTLP/gRPC request broke off'));
    stream.setTimeout(streamTimeoutMs, () => stream.close(constants.NGHTTP2_CANCEL));
    const refused = this.#foreign(headers);
    if (refused !== undefined) {
      stream.respond({ ':status': refused.status }, { endStream: true });
      return true;
    }
    if (!/^application\/grpc(?:\+proto)?(?:;|$)/.test(headers['content-type'] ?? '')) {
      stream.respond({ ':status': 415 }, { endStream: true });
      return true;
    }
    const peer = stream.session?.socket.remoteAddress ?? '';
    const lease = budget.lease(peer);
    const path = headers[':path'] ?? '';
    using arrival = METHODS[path] === 'metrics' ? intake.arrivals.of(peer) : undefined;
    try {
      if (!Object.hasOwn(METHODS, path)) throw new VitrineError('not_found', 'there is no such method');
      if (token !== undefined) checkToken(headers.authorization, token, maySend);
      this.#heap.check();
      const message = await this.#message(stream, headers, lease, arrival);
      await arrival?.turn();
      answer(stream, await receive(intake, METHODS[path], 'protobuf', message, 'otlp_grpc'));
      return true;
    } catch (error) {
      if (!(error instanceof VitrineError)) logger.error({ err: error }, 'ingest failed');
      intake.requestRefused(error);
      refuse(stream, error);
      return error instanceof VitrineError && error.code !== 'bad_request';
    } finally {
      lease.release();
    }
  }

  /** The error for a request from a page of another site, or with another host name. */
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
  async #message(
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    lease: ByteLease,
    arrival: Arrival | undefined,
  ): Promise<Buffer> {
    const { maxCompressedBytes } = this.#limits;
    const chunks: Buffer[] = [];
    let total = 0;
    const { clock } = this.#options.intake;
    try {
      for await (const chunk of pacedChunks(stream.iterator({ destroyOnReturn: false }), clock)) {
        total += chunk.length;
        if (total > maxCompressedBytes + FRAME_HEAD_BYTES)
          throw tooLarge(`the message has more than ${maxCompressedBytes} bytes`);
        lease.take(chunk.length);
        chunks.push(chunk);
      }
    } catch (cause) {
      if (cause instanceof VitrineError) throw cause;
      throw new VitrineError('bad_request', 'the request broke off', { cause });
    }
    arrival?.whole();
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
    const decoder = createGunzip({ chunkSize: CHUNK_BYTES });
    decoder.end(message);
    const chunks: Buffer[] = [];
    let total = 0;
    try {
      for await (const chunk of decoder as AsyncIterable<Buffer>) {
        total += chunk.length;
        if (total > maxBytes) throw tooLarge(`the message unpacks to more than ${maxBytes} bytes`);
        // Memory is reserved while the message is decompressed, so that a small message uses little of the budget.
        lease.take(chunk.length);
        chunks.push(chunk);
      }
    } catch (cause) {
      if (cause instanceof VitrineError) throw cause;
      throw new VitrineError('bad_request', 'the message is not in gzip', { cause });
    } finally {
      decoder.destroy();
    }
    return Buffer.concat(chunks, total);
  }
}

/**
 * Ends connections that open requests and reset them: each reset costs work here and nothing at the sender (CVE-2023-44487,
 * "rapid reset"). It counts the requests of the last seconds that brought no complete message. When there are more of them
 * than may be open at once, some were reset.
 */
class ResetBound {
  readonly #session: ServerHttp2Session;
  readonly #clock: Clock;
  readonly #logger: Logger;
  #beganMs: number;
  #unanswered = 0;

  constructor(session: ServerHttp2Session, clock: Clock, logger: Logger) {
    this.#session = session;
    this.#clock = clock;
    this.#logger = logger;
    this.#beganMs = clock.monotonic();
  }

  /** A request begins. */
  opened(): void {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#beganMs > RESETS.withinMs) [this.#beganMs, this.#unanswered] = [nowMs, 0];
    this.#unanswered += 1;
    if (this.#unanswered <= RESETS.max || this.#session.destroyed) return;
    this.#logger.warn({ unanswered: this.#unanswered }, 'an OTLP/gRPC connection resets its requests and was closed');
    this.#session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    this.#session.destroy();
  }

  answered(): void {
    this.#unanswered = Math.max(0, this.#unanswered - 1);
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

/** A "trailers-only" answer. The sender is told not to send the rest of the request. */
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

/** Header values are printable ASCII; all other characters are percent-encoded (PROTOCOL-HTTP2, Status-Message). */
function percentEncoded(text: string): string {
  return Array.from(Buffer.from(text.slice(0, 1024)), (byte) =>
    byte >= 0x20 && byte <= 0x7e && byte !== 0x25
      ? String.fromCharCode(byte)
      : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`,
  ).join('');
}
