/**
 * The HTTP side of ingest as one plain handler: OTLP, Prometheus remote write, OpenMetrics import and log lines. It is the
 * only handler of the OTLP port and the first one on the monitor's own port; it leaves other paths to the next handler.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Logger } from '../../base/logger.ts';
import { checkHost, checkSite } from '../../model/site.ts';
import { ByteBudget } from './request/byte-budget.ts';
import { HeapPressure } from './request/heap-pressure.ts';
import type { Answer, Endpoint } from './request/endpoint.ts';
import { problemAnswer } from './request/endpoint.ts';
import { checkToken } from './request/token.ts';
import type { Intake } from './request/intake.ts';
import type { LineReader } from './lines/line-reader.ts';
import { logLinesEndpoint } from './lines/endpoint.ts';
import { openMetricsEndpoint } from './openmetrics/endpoint.ts';
import { otlpEndpoint } from './otlp/endpoint.ts';
import { remoteWriteEndpoint } from './remote-write/endpoint.ts';
import type { BodyLimits } from './request/body.ts';
import { BODY_LIMITS } from './request/body.ts';

export interface IngestHttpOptions {
  readonly intake: Intake;
  readonly logger: Logger;
  /** When set, every request must send it as `Authorization: Bearer`. */
  readonly token?: string | undefined;
  /** Default: 20 MiB compressed, 64 MiB decompressed, 200:1. */
  readonly limits?: BodyLimits | undefined;
  /** Shared by all ports, so that this limit holds for all their requests together. Default 256 MiB. */
  readonly budget?: ByteBudget | undefined;
  /** Reads log lines; by default with the fields of known loggers and without a schema. */
  readonly lines?: LineReader | undefined;
  /** Shared by all ports. */
  readonly heap?: HeapPressure | undefined;
}

/** Resolves with false, without having done anything, when the path does not belong to ingest. */
export type IngestHandler = (request: IncomingMessage, response: ServerResponse) => Promise<boolean>;

const DEFAULT_BUDGET_BYTES = 256 * 1024 * 1024;
/** Bytes of a refused body that are still read, so that the sender can read the answer before the connection closes. */
const DRAIN_BYTES = 32 * 1024 * 1024;
const DRAIN_MS = 2_000;

export function ingestHttp(options: IngestHttpOptions): IngestHandler {
  const { intake, logger, token } = options;
  const limits = options.limits ?? BODY_LIMITS;
  const budget = options.budget ?? new ByteBudget(DEFAULT_BUDGET_BYTES);
  const endpoints = endpointsOf(intake, limits, options.lines);
  const heap = options.heap ?? new HeapPressure(intake.clock);
  return async (request, response) => {
    const path = (request.url ?? '').split('?', 1)[0];
    const endpoint = endpoints.get(path);
    // Another handler serves the reading of logs: ingest owns this path for POST only.
    if (endpoint === undefined || (path === '/api/logs' && request.method !== 'POST')) return false;
    const lease = budget.lease(request.socket.remoteAddress ?? '');
    const send = (answer: Answer): void => sendAnswer(request, response, answer, intake.clock);
    try {
      checkMethod(request);
      if (token !== undefined) checkToken(request.headers.authorization, token);
      heap.check();
      send(await endpoint.answer(request, lease));
    } catch (error) {
      if (!(error instanceof VitrineError)) logger.error({ err: error, path }, 'ingest failed');
      intake.requestRefused(error);
      send(endpoint.refuse(error, request));
    } finally {
      lease.release();
    }
    return true;
  };
}

/**
 * For a port on which nothing else is served: every other path is answered with 404. With `allowedHosts`, the Host must be a
 * loopback name or in this list: this prevents DNS rebinding where no token is set. Pages of other sites are always refused.
 */
export function ingestOnly(ingest: IngestHandler, clock: Clock, allowedHosts?: readonly string[]): RequestListener {
  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    try {
      const asked = { method: request.method ?? '', headers: request.headers };
      if (allowedHosts !== undefined) checkHost(asked, allowedHosts);
      checkSite(asked);
      if (await ingest(request, response)) return;
      throw new VitrineError('not_found', 'only telemetry is taken here');
    } catch (error) {
      sendAnswer(request, response, problemAnswer(error), clock);
    }
  };
  return (request, response) => void serve(request, response);
}

function endpointsOf(intake: Intake, limits: BodyLimits, lines?: LineReader): ReadonlyMap<string, Endpoint> {
  const endpoints = new Map<string, Endpoint>();
  for (const prefix of ['', '/api/v1/otlp']) {
    for (const signal of ['metrics', 'traces', 'logs'] as const) {
      endpoints.set(`${prefix}/v1/${signal}`, otlpEndpoint(intake, signal, limits));
    }
  }
  endpoints.set('/api/v1/write', remoteWriteEndpoint(intake, limits));
  endpoints.set('/api/v1/import/openmetrics', openMetricsEndpoint(intake, limits));
  endpoints.set('/api/logs', logLinesEndpoint(intake, limits, lines));
  return endpoints;
}

function checkMethod(request: IncomingMessage): void {
  if (request.method === 'POST') return;
  throw new VitrineError('method_not_allowed', 'only POST is allowed here', { headers: { Allow: 'POST' } });
}

function sendAnswer(request: IncomingMessage, response: ServerResponse, answer: Answer, clock: Clock): void {
  if (response.headersSent || response.destroyed) return;
  drain(request, clock);
  response.writeHead(answer.status, {
    ...answer.headers,
    ...(answer.status === 204 ? {} : { 'Content-Length': Buffer.byteLength(answer.body) }),
  });
  response.end(answer.body);
}

/**
 * Reads the rest of a refused body, within limits of bytes and time: a connection that is closed over unread bytes is reset,
 * and the answer is lost.
 */
function drain(request: IncomingMessage, clock: Clock): void {
  if (request.complete || request.destroyed) return;
  let left = DRAIN_BYTES;
  request.on('data', (chunk: Buffer) => {
    left -= chunk.length;
    if (left < 0) request.destroy();
  });
  request.on('error', () => request.destroy());
  const cancel = clock.after(DRAIN_MS, () => request.destroy());
  request.once('close', cancel);
  request.resume();
}
