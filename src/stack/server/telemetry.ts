/**
 * The server span and the two HTTP server metrics of the semantic conventions, as middleware over the OpenTelemetry API. If
 * a preload already creates the span (`ambient`), only the route is added to it, so there is never a second span or a
 * second measurement.
 */
import type { Attributes, Context, Span } from '@opentelemetry/api';
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  context,
  createContextKey,
  metrics,
  propagation,
  trace,
} from '@opentelemetry/api';
import type { Clock } from '../../base/clock.ts';
import { histogramOf, upDownCounterOf } from '../../telemetry/metrics/meters.ts';
import { METRICS } from '../../telemetry/names.ts';
import { isSyntheticRequest, SYNTHETIC_TYPE } from '../../telemetry/spans/synthetic.ts';
import type { RequestFilter } from '../../telemetry/spans/unobserved-requests.ts';
import type { KitMiddleware } from './context.ts';
import { routeOf } from './context.ts';

/** `own`: the kit creates span and metrics. `ambient`: `vitrine/register` or the host's own set-up creates them. */
export type ServerTelemetry = 'own' | 'ambient';

/** The methods used as a metric label; all others become `_OTHER` (semantic conventions, HTTP). */
const KNOWN_METHODS = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'DELETE',
  'CONNECT',
  'OPTIONS',
  'TRACE',
  'PATCH',
  'QUERY',
]);
/** The context key from which instrumentations read the route when they record the duration. */
const RPC_METADATA = createContextKey('OpenTelemetry SDK Context Key RPC_METADATA');

/** Requests for which `unobserved` returns true get no span and no measurement. */
export function serverTelemetry(mode: ServerTelemetry, clock: Clock, unobserved: RequestFilter): KitMiddleware {
  const observe = mode === 'own' ? ownTelemetry(clock) : ambientTelemetry();
  return (ctx, next) => (unobserved(ctx.req) ? next() : observe(ctx, next));
}

function ambientTelemetry(): KitMiddleware {
  return async function addRoute(ctx, next) {
    try {
      await next();
    } finally {
      const route = routeOf(ctx);
      if (route !== undefined) {
        // Instrumentations read this when the request ends. Router middleware that throws would leave its own path here.
        Reflect.set(ctx, '_matchedRoute', route);
        const span = trace.getActiveSpan();
        span?.setAttribute('http.route', route);
        span?.updateName(`${methodLabel(ctx.method)} ${route}`);
        const metadata = context.active().getValue(RPC_METADATA);
        if (typeof metadata === 'object' && metadata !== null) Reflect.set(metadata, 'route', route);
      }
    }
  };
}

function ownTelemetry(clock: Clock): KitMiddleware {
  const tracer = trace.getTracer('vitrine.server');
  const meter = metrics.getMeter('vitrine.server');
  const duration = histogramOf(meter, METRICS.httpServerDuration);
  const active = upDownCounterOf(meter, METRICS.httpServerActive);
  const synthetic = histogramOf(meter, METRICS.syntheticDuration);

  return function serverSpan(ctx, next) {
    const startMs = clock.monotonic();
    const method = methodLabel(ctx.method);
    const scheme = ctx.protocol;
    const activeAttributes = { 'http.request.method': method, 'url.scheme': scheme };
    const parent = propagation.extract(ROOT_CONTEXT, ctx.req.headers);
    const span = tracer.startSpan(
      method,
      { kind: SpanKind.SERVER, attributes: requestAttributes(ctx, method) },
      parent,
    );
    const isCheck = isSyntheticRequest(ctx.req);
    if (isCheck) span.setAttributes(SYNTHETIC_TYPE);
    else active.add(1, activeAttributes);
    ctx.res.once('close', () => {
      if (!isCheck) active.add(-1, activeAttributes);
      const outcome: Attributes = {
        'http.request.method': method,
        'url.scheme': scheme,
        'network.protocol.version': ctx.req.httpVersion,
        ...outcomeAttributes(ctx.res, routeOf(ctx)),
      };
      (isCheck ? synthetic : duration).record(
        (clock.monotonic() - startMs) / 1000,
        outcome,
        trace.setSpan(parent, span),
      );
      endSpan(span, method, outcome);
    });
    return context.with(trace.setSpan(parent, span), next) as Promise<void>;
  };
}

function outcomeAttributes(
  res: { statusCode: number; writableFinished: boolean },
  route: string | undefined,
): Attributes {
  const attributes: Attributes = { 'http.response.status_code': res.statusCode };
  if (route !== undefined) attributes['http.route'] = route;
  if (!res.writableFinished) attributes['error.type'] = 'aborted';
  else if (res.statusCode >= 500) attributes['error.type'] = String(res.statusCode);
  return attributes;
}

function endSpan(span: Span, method: string, outcome: Attributes): void {
  const route = outcome['http.route'];
  if (typeof route === 'string') span.updateName(`${method} ${route}`);
  span.setAttributes(outcome);
  // A client that closes the connection is not a server error (semantic conventions: only 5xx and missing answers are).
  if (outcome['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
  span.end();
}

function requestAttributes(ctx: Parameters<KitMiddleware>[0], method: string): Attributes {
  const attributes: Attributes = {
    'http.request.method': method,
    // Null for an absolute target without a path, which is refused later.
    'url.path': ctx.path ?? '',
    'url.scheme': ctx.protocol,
    'server.address': ctx.hostname,
    'client.address': ctx.ip,
    'network.protocol.version': ctx.req.httpVersion,
  };
  if (method === '_OTHER') attributes['http.request.method_original'] = ctx.method;
  const agent = ctx.req.headers['user-agent'];
  if (agent !== undefined) attributes['user_agent.original'] = agent;
  return attributes;
}

function methodLabel(method: string): string {
  return KNOWN_METHODS.has(method) ? method : '_OTHER';
}

/** Binds the present context to a callback that runs after the middleware has returned. */
export function boundHere<Args extends unknown[]>(callback: (...args: Args) => void): (...args: Args) => void {
  const here: Context = context.active();
  return (...args) => context.with(here, () => callback(...args));
}
