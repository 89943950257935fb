/**
 * The Prometheus HTTP API, version 1, over a Querier: the API that Grafana, promtool and other clients of Prometheus use.
 * Routes and shapes are those of Prometheus 3.14. Errors keep Prometheus' envelope instead of problem+json.
 */
import { Router } from '@koa/router';
import type { Context, Middleware } from 'koa';
import { systemClock } from '../../../base/clock.ts';
import type { Clock, Turns } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import { silentLogger } from '../../../base/logger.ts';
import type { Querier } from '../../../model/ports.ts';
import type { RuleSource } from '../../alerts/rules/view.ts';
import { answer } from './answer.ts';
import { labelValues, labels, metadata, series } from './catalog.ts';
import { apiErrorOf, errorBody } from './envelope.ts';
import { federate } from './federate.ts';
import type { HeadStats } from '../../../model/head-stats.ts';
import type { Handler, PrometheusApi } from './handler.ts';
import { readParameters } from './parameters.ts';
import { formatQuery, parseQuery, query, queryExemplars, queryRange } from './queries.ts';
import { ResultSender } from './result-sender.ts';
import { alerts, rules } from './rules.ts';
import { buildInfo, flags, runtimeInfo, targets, tsdb } from './status.ts';

/** Sent with refusals that are temporary. */
const RETRY_AFTER_SECONDS = '5';

export interface PrometheusRouterOptions {
  readonly querier: Querier;
  readonly rules?: RuleSource | undefined;
  readonly clock?: Clock | undefined;
  readonly logger?: Logger | undefined;
  /** Vitrine's version, shown as the revision in buildinfo. */
  readonly version?: string | undefined;
  /** Upper limit of a query's `timeout`; default 2 minutes. */
  readonly timeoutMs?: number | undefined;
  /** Limit for the points of all results that are being sent; default 10 million. */
  readonly maxPointsSending?: number | undefined;
  /** Other work that shares the slices in which results are sent. */
  readonly turns?: Turns | undefined;
  /** Limit for a form body; default 1 MiB. */
  readonly maxFormBytes?: number | undefined;
  readonly retention?: string | undefined;
  readonly headStats?: ((limit: number) => HeadStats) | undefined;
}

const GET_AND_POST: Readonly<Record<string, Handler>> = {
  '/api/v1/query': query,
  '/api/v1/query_range': queryRange,
  '/api/v1/query_exemplars': queryExemplars,
  '/api/v1/format_query': formatQuery,
  '/api/v1/parse_query': parseQuery,
  '/api/v1/series': series,
  '/api/v1/labels': labels,
};
const GET_ONLY: Readonly<Record<string, Handler>> = {
  '/api/v1/label/:name/values': labelValues,
  '/api/v1/metadata': metadata,
  '/api/v1/rules': rules,
  '/api/v1/alerts': alerts,
  '/api/v1/targets': targets,
  '/api/v1/status/buildinfo': buildInfo,
  '/api/v1/status/runtimeinfo': runtimeInfo,
  '/api/v1/status/tsdb': tsdb,
  '/api/v1/status/flags': flags,
  '/federate': federate,
};

/** Runs a handler and turns the errors that it throws into the error envelope. */
function middlewareOf(handler: Handler, api: PrometheusApi): Middleware {
  return async (ctx) => {
    try {
      const params = await readParameters(ctx.req, ctx.URL, api.maxFormBytes);
      await handler(ctx, params, api);
    } catch (error) {
      const seen = apiErrorOf(error);
      // The unread part of a refused body would be read as the next request on this connection.
      if (!ctx.req.complete) ctx.set('Connection', 'close');
      if (seen.errorType === 'internal') api.logger.error({ err: error, path: ctx.path }, 'An API request failed');
      if (seen.status === 503) ctx.set('Retry-After', RETRY_AFTER_SECONDS);
      await answer(ctx, errorBody(seen), seen.status);
    }
  };
}

export function prometheusRouter(options: PrometheusRouterOptions): Router {
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.timeoutMs ?? 120_000;
  const api: PrometheusApi = {
    querier: options.querier,
    sender: new ResultSender({
      clock,
      maxPoints: options.maxPointsSending ?? 10_000_000,
      timeoutMs,
      turns: options.turns,
    }),
    rules: options.rules,
    clock,
    logger: options.logger ?? silentLogger,
    version: options.version ?? '0.0.0',
    startedMs: clock.now(),
    timeoutMs,
    maxFormBytes: options.maxFormBytes ?? 1024 * 1024,
    retention: options.retention ?? '',
    headStats: options.headStats,
  };
  const router = new Router();
  for (const [path, handler] of Object.entries(GET_AND_POST)) {
    router.register(path, ['GET', 'POST'], middlewareOf(handler, api));
  }
  for (const [path, handler] of Object.entries(GET_ONLY)) {
    router.register(path, ['GET'], middlewareOf(handler, api));
  }
  // Koa runs the first route that matches, so a request gets here only when no handler above matches.
  router.all(/^\/api\/v1(?:\/.*)?$/, notRouted);
  return router;
}

/** The response of Prometheus' router when it has no handler: plain text, and the methods that the path supports. */
async function notRouted(ctx: Context): Promise<void> {
  const methods = methodsOf(ctx.path);
  if (methods.length > 0) ctx.set('Allow', methods.join(', '));
  if (methods.length > 0) await answer(ctx, 'Method Not Allowed\n', 405, TEXT);
  else await answer(ctx, '404 page not found\n', 404, TEXT);
}

const TEXT = 'text/plain; charset=utf-8';

function methodsOf(path: string): readonly string[] {
  if (Object.hasOwn(GET_AND_POST, path)) return ['GET', 'POST'];
  const isLabel = /^\/api\/v1\/label\/[^/]+\/values$/.test(path);
  return isLabel || Object.hasOwn(GET_ONLY, path) ? ['GET'] : [];
}
