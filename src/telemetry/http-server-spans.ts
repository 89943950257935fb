/**
 * The server span and `http.server.request.duration` of every request of node:http and node:https, from diagnostics
 * channels instead of patched methods: the wrapping of emitters is what makes the standard instrumentation dear. Names and
 * attributes are the standard's. The route comes from what the framework leaves on the request (`framework-routes.ts`).
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import type { Attributes, Context, Histogram, Span } from '@opentelemetry/api';
import { context, metrics, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RPCMetadata } from '@opentelemetry/core';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import { routeOf } from './framework-routes.ts';
import { serverAttributes } from './http-attributes.ts';
import { METRICS } from './names.ts';
import { isUnobserved } from './unobserved-requests.ts';

const STATE = Symbol('vitrine.http.server');

interface State {
  readonly request: IncomingMessage;
  readonly span: Span;
  readonly rpc: RPCMetadata;
  readonly startedMs: number;
  readonly metric: Attributes;
  readonly duration: Histogram;
  errorName: string | undefined;
}

type Tracked = ServerResponse & { [STATE]?: State };

/** Events of a request with a body come in later turns of the parser, outside the context that was entered. */
function bindBody(request: IncomingMessage, active: Context): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  if (headers['content-length'] === '0') return;
  const emit = request.emit.bind(request);
  request.emit = ((...event: Parameters<typeof emit>) => context.with(active, () => emit(...event))) as typeof emit;
}

function onClose(this: Tracked): void {
  const state = this[STATE];
  if (state === undefined) return;
  this[STATE] = undefined;
  const { request, span, metric, rpc } = state;
  const { statusCode } = this;
  const route = routeOf(request) ?? rpc.route;
  span.setAttribute('http.response.status_code', statusCode);
  metric['http.response.status_code'] = statusCode;
  if (route !== undefined) {
    span.setAttribute('http.route', route);
    metric['http.route'] = route;
    span.updateName(`${String(metric['http.request.method']).replace('_OTHER', 'HTTP')} ${route}`);
  }
  const failed = state.errorName ?? (statusCode >= 500 ? String(statusCode) : undefined);
  if (failed !== undefined) {
    span.setAttribute('error.type', failed);
    metric['error.type'] = failed;
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
  state.duration.record((performance.now() - state.startedMs) / 1e3, metric);
}

/** Starts observing. Call once an SDK is registered. Returns what ends it. */
export function observeHttpServers(): () => void {
  const tracer = trace.getTracer('vitrine.http');
  const { name, unit, description } = METRICS.httpServerDuration;
  const duration = metrics.getMeter('vitrine.http').createHistogram(name, { unit, description });
  const carriers = propagation.fields();
  const onStart = (message: unknown): void => {
    const { request, response, server } = message as { request: IncomingMessage; response: Tracked; server: Server };
    if (isUnobserved(server, request)) {
      // What the request before left open on this connection is none of its business.
      context.attach(ROOT_CONTEXT);
      return;
    }
    const scheme = (request.socket as TLSSocket).encrypted ? 'https' : 'http';
    const attributes = serverAttributes(request, scheme);
    const method = String(attributes['http.request.method']);
    const { headers } = request;
    const isRemote = carriers.some((field) => headers[field] !== undefined);
    const parent = isRemote ? propagation.extract(ROOT_CONTEXT, headers) : ROOT_CONTEXT;
    const span = tracer.startSpan(method === '_OTHER' ? 'HTTP' : method, { kind: SpanKind.SERVER, attributes }, parent);
    const rpc: RPCMetadata = { type: RPCType.HTTP, span };
    const active = setRPCMetadata(trace.setSpan(parent, span), rpc);
    const metric = {
      'http.request.method': method,
      'url.scheme': scheme,
      'network.protocol.version': request.httpVersion,
    };
    response[STATE] = { request, span, rpc, startedMs: performance.now(), metric, duration, errorName: undefined };
    response.on('close', onClose);
    bindBody(request, active);
    // A subscriber is called before the handlers and has no callback to run them in: the context stays open for this turn
    // of the parser and whatever it starts.
    context.attach(active);
  };
  subscribe('http.server.request.start', onStart);
  return () => unsubscribe('http.server.request.start', onStart);
}
