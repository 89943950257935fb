/**
 * The Koa server kit: everything that a service needs around its routes. It guarantees an id, a span and a measurement for
 * each request, limits for all input of clients, errors as problem+json, health endpoints, and a shutdown that loses no
 * request in flight.
 */
import type { Server } from 'node:http';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Router } from '@koa/router';
import Koa from 'koa';
import { VitrineError } from '../../base/errors.ts';
import { leaveUnobserved, type RequestFilter } from '../../telemetry/spans/unobserved-requests.ts';
import { accessLog } from './access-log.ts';
import { answerBrokenRequests } from './connection-errors.ts';
import type { KitMiddleware, KitRouter, KitState } from './context.ts';
import { healthRequests, healthRoutes } from './health.ts';
import type { ServerOptions } from './options.ts';
import { answerProblem, problems, unmatched } from './problems.ts';
import { rateLimitRefusals } from './rate-limit-refusals.ts';
import { requestHead } from './request-head.ts';
import { requestIds } from './request-id.ts';
import { securityHeaders } from './security-headers.ts';
import { serverTelemetry } from './telemetry.ts';

const IDLE_CHECK_MS = 50;

export interface KitServer extends AsyncDisposable {
  /** Resolves with the bound address. Throws VitrineError `port_taken` or `bind_failed`. */
  listen(): Promise<{ readonly host: string; readonly port: number }>;
  /**
   * Shuts down in order: `/readyz` answers 503; after the notice, the listener closes; requests in flight may finish within
   * `drainMs`. Resolves with the number of connections that were cut. `noticeMs` replaces the option: use 0 when no
   * client sends requests any more.
   */
  drain(noticeMs?: number): Promise<{ readonly cut: number }>;
  /** Ends all connections at once. */
  close(): Promise<void>;
  readonly http: Server;
}

export function createServer(options: ServerOptions): KitServer {
  const http = hardenedServer(options);
  const isHealth = healthRequests(options.healthPrefix);
  leaveUnobserved(http, isHealth);
  const handle = application(options, isHealth).callback();
  http.on('request', (req, res) => void handle(req, res));
  let draining: Promise<{ cut: number }> | undefined;
  const close = async (): Promise<void> => {
    const closed = new Promise((resolve) => http.close(resolve));
    http.closeAllConnections();
    await closed;
  };
  return {
    http,
    listen: () => listen(http, options),
    drain: (noticeMs = options.timeouts.drainNoticeMs) => (draining ??= drain(http, options, noticeMs)),
    close,
    [Symbol.asyncDispose]: close,
  };
}

function application(options: ServerOptions, isHealth: RequestFilter): Koa<KitState> {
  const { logger, clock, health, limits } = options;
  const router: KitRouter = new Router<KitState>();
  healthRoutes(router, health, options.healthPrefix);
  options.routes(router);

  const app = new Koa<KitState>();
  app.use(serverTelemetry(options.telemetry, clock, isHealth));
  app.use(requestIds(logger));
  if (options.accessLog) app.use(accessLog(clock, isHealth));
  app.use(securityHeaders());
  app.use(rateLimitRefusals());
  app.use(problems());
  app.use(requestHead(limits));
  app.use(closeWhileDraining(options));
  app.use(unmatched());
  app.use(router.routes());

  // Called for errors after the last middleware, while Koa sends the answer.
  Object.assign(app.context, {
    onerror(this: Parameters<KitMiddleware>[0], error: unknown): void {
      if (error === null || error === undefined) return;
      if (this.res.destroyed || this.res.writableEnded) {
        this.state.log.debug({ err: error }, 'the client closed the connection');
        return;
      }
      answerProblem(this, error);
      this.res.end(this.body);
    },
  });
  return app;
}

/** During a drain, each answer closes its connection, so that clients reconnect to another process. */
function closeWhileDraining({ health }: ServerOptions): KitMiddleware {
  return async function closeConnection(ctx, next) {
    try {
      await next();
    } finally {
      if (health.draining && !ctx.res.headersSent) ctx.set('Connection', 'close');
    }
  };
}

function hardenedServer({ limits, timeouts }: ServerOptions): Server {
  const http = createHttpServer({
    maxHeaderSize: limits.maxHeadBytes,
    headersTimeout: timeouts.headMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.keepAliveMs,
    connectionsCheckingInterval: timeouts.checkMs,
    // requestHead() answers missing and repeated Host fields.
    requireHostHeader: false,
    insecureHTTPParser: false,
  });
  // 0 keeps all fields: Node would silently drop fields above a limit. requestHead() counts them.
  http.maxHeadersCount = 0;
  http.maxConnections = limits.maxConnections;
  answerBrokenRequests(http);
  return http;
}

async function listen(http: Server, { host, port }: ServerOptions): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE';
      reject(
        new VitrineError(taken ? 'port_taken' : 'bind_failed', `Cannot listen on ${host}:${port} (${error.code}).`, {
          hint: taken
            ? 'Choose another port, or stop the program that uses this one.'
            : 'Choose an address of this machine.',
          cause: error,
        }),
      );
    });
    http.listen(port, host, resolve);
  });
  return { host, port: (http.address() as AddressInfo).port };
}

async function drain(http: Server, options: ServerOptions, noticeMs: number): Promise<{ cut: number }> {
  const { health, clock, timeouts, logger } = options;
  health.drain();
  await new Promise<void>((resolve) => clock.after(noticeMs, resolve));
  let over = false;
  const closed = new Promise<void>((resolve) => {
    http.close(() => {
      over = true;
      resolve();
    });
  });
  // A connection whose answer began before the drain stays open after it, and is closed as soon as it is idle.
  const closeIdle = (): void => {
    http.closeIdleConnections();
    if (!over) clock.after(IDLE_CHECK_MS, closeIdle);
  };
  closeIdle();
  let cut = 0;
  const cancelLate = clock.after(timeouts.drainMs, () => {
    http.getConnections((_error, count) => {
      cut = count;
      http.closeAllConnections();
    });
  });
  await closed;
  cancelLate();
  if (cut > 0) logger.warn({ connections: cut }, 'connections were cut at the end of the drain');
  return { cut };
}
