/**
 * The scrape page, opened when OTEL_METRICS_EXPORTER names `prometheus`. The standard exporter only serialises: it is not
 * registered with the MeterProvider and collects from the LiveReader. The HTTP server is ours: it binds loopback by default,
 * reports a port that is in use, names the format in its Content-Type, and writes the bounds of histograms as Prometheus' Go
 * client and the Collector do.
 */
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { diag } from '@opentelemetry/api';
import { PrometheusExporter, PrometheusSerializer } from '@opentelemetry/exporter-prometheus';
import { VitrineError } from '../../base/errors.ts';
import { formatGeneral } from '../../model/go-float.ts';
import { bearerOf, isLoopback, sameSecret } from '../../model/exposure.ts';
import { checkHost, checkSite } from '../../model/site.ts';
import type { LiveReader } from './live-reader.ts';
import { toPrometheusNames } from './prometheus-translation.ts';

export interface PrometheusPage {
  readonly host: string;
  readonly port: number;
  close(): Promise<void>;
}

/** A quote within a label value is escaped, so this matches labels only; `+Inf` does not match. */
const BOUND = /([{,]le=")(-?\d[^"]*)"/g;

async function pageOf(exporter: PrometheusExporter, serializer: PrometheusSerializer): Promise<string> {
  const { resourceMetrics, errors } = await exporter.collect();
  if (errors.length > 0) diag.error('Not every metric of the Prometheus page could be collected', ...errors);
  return serializer
    .serialize(resourceMetrics)
    .replaceAll(BOUND, (_, before: string, bound: string) => `${before}${formatGeneral(Number(bound))}"`);
}

const needsToken = (host: string, port: number): VitrineError =>
  new VitrineError(
    'auth_required_to_bind',
    `The Prometheus exporter would listen on ${host}:${port}, which other machines can reach, and no token is set.`,
    { hint: 'Set VITRINE_TOKEN, or OTEL_EXPORTER_PROMETHEUS_HOST to 127.0.0.1.' },
  );

/** The error for a request from a page of another site, or (on loopback) for a request to another host name. */
function foreignTo(request: IncomingMessage, exposed: boolean): VitrineError | undefined {
  try {
    const asked = { method: request.method ?? '', headers: request.headers };
    if (!exposed) checkHost(asked, []);
    checkSite(asked);
    return undefined;
  } catch (error) {
    if (error instanceof VitrineError) return error;
    throw error;
  }
}

/**
 * Port 0 binds a free port. Beyond loopback every scraper must send `token`.
 * Throws VitrineError `auth_required_to_bind`, `port_taken`, `bind_failed`.
 */
export async function startPrometheusPage(
  live: LiveReader,
  { host, port }: { readonly host: string; readonly port: number },
  token?: string,
): Promise<PrometheusPage> {
  const exposed = !isLoopback(host);
  if (exposed && token === undefined) throw needsToken(host, port);
  const exporter = new PrometheusExporter({ preventServerStart: true, withoutScopeInfo: true });
  const serializer = new PrometheusSerializer('', false, undefined, false, true);
  exporter.setMetricProducer(live.producer(toPrometheusNames));
  const server = createServer(
    { headersTimeout: 8_000, requestTimeout: 10_000, connectionsCheckingInterval: 2_000 },
    (request, response) => {
      const path = (request.url ?? '').split('?', 1)[0];
      response.setHeader('x-content-type-options', 'nosniff');
      const foreign = foreignTo(request, exposed);
      if (foreign !== undefined) {
        response.writeHead(foreign.status).end();
        return;
      }
      if (exposed && !sameSecret(bearerOf(request.headers.authorization) ?? '', token ?? '')) {
        response.writeHead(401, { 'www-authenticate': 'Bearer' }).end();
        return;
      }
      if (path !== '/metrics' || (request.method !== 'GET' && request.method !== 'HEAD')) {
        response.statusCode = path === '/metrics' ? 405 : 404;
        response.end();
        return;
      }
      response.setHeader('content-type', 'text/plain; version=0.0.4; charset=utf-8');
      pageOf(exporter, serializer).then(
        (page) => response.end(page),
        (error: unknown) => {
          response.statusCode = 500;
          response.end(`The metrics could not be collected: ${error instanceof Error ? error.message : 'no reason'}\n`);
        },
      );
    },
  );
  server.maxConnections = 64;
  server.unref();
  await new Promise<void>((resolve, reject) => {
    server.once('error', (cause: NodeJS.ErrnoException) => {
      const taken = cause.code === 'EADDRINUSE';
      const fact = taken ? 'is in use' : `cannot be bound (${cause.code ?? cause.message})`;
      const hint = 'Set OTEL_EXPORTER_PROMETHEUS_PORT or OTEL_EXPORTER_PROMETHEUS_HOST.';
      const error = `The address ${host}:${port} of the Prometheus exporter ${fact}.`;
      reject(new VitrineError(taken ? 'port_taken' : 'bind_failed', error, { hint, cause }));
    });
    server.listen({ host, port }, () => resolve());
  });
  return {
    host,
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
