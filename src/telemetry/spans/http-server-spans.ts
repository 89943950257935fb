/**
 * The server span and `http.server.request.duration` of every request of node:http and node:https, from diagnostics
 * channels instead of patched methods: most of the cost of the standard instrumentation is the wrapping of emitters. Names and
 * attributes are those of the standard instrumentation. The route is the one that the framework matched
 * (`framework-routes.ts`).
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { TLSSocket } from 'node:tls';
import { inspect } from 'node:util';
import type { Attributes, Context, Span } from '@opentelemetry/api';
import { context, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { RPCMetadata } from '@opentelemetry/core';
import { RPCType, setRPCMetadata } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { PathTemplates } from '../../model/path-templates.ts';
import type { BoundHistogram, BoundRecord } from '../metrics/cells.ts';
import { boundHistogram, CELLS_LIMIT } from '../metrics/cells.ts';
import { routeOf } from './framework-routes.ts';
import { knownMethod, serverAttributes, targetOf } from './http-attributes.ts';
import { innerNotes, takeInnerNotes, type InnerNotes } from './inner-spans.ts';
import { completeSpan, leanStart } from './lean-tracer.ts';
import { linkedRoot } from './linked-context.ts';
import { DURATION_BOUNDS, METRICS } from '../names.ts';
import { notedError } from './request-notes.ts';
import { isUnobserved } from './unobserved-requests.ts';

const STATE = Symbol('vitrine.http.server');
const SCOPE = 'vitrine.http';

interface State {
  readonly request: IncomingMessage;
  readonly span: Span;
  readonly rpc: RPCMetadata;
  readonly startedMs: number;
  readonly method: string;
  readonly scheme: string;
  readonly durations: Durations;
  readonly shapes: PathTemplates;
}

type Tracked = ServerResponse & { [STATE]?: State | undefined };

/** The cells by the text of their labels. */
class Durations {
  readonly #histogram: BoundHistogram = boundHistogram(SCOPE, METRICS.httpServerDuration, DURATION_BOUNDS);
  readonly #cells = new Map<string, BoundRecord>();

  of(
    { method, scheme, request }: State,
    status: number,
    error: string | undefined,
    route: string | undefined,
  ): BoundRecord {
    const version = request.httpVersion;
    const key = `${method} ${scheme} ${version} ${status} ${error ?? ''} ${route ?? ''}`;
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    const labels: Attributes = {
      'http.request.method': method,
      'url.scheme': scheme,
      'network.protocol.version': version,
      'http.response.status_code': status,
    };
    if (route !== undefined) labels['http.route'] = route;
    if (error !== undefined) labels['error.type'] = error;
    const cell = this.#histogram.bind(labels);
    if (this.#cells.size < CELLS_LIMIT) this.#cells.set(key, cell);
    return cell;
  }
}

/** The events of a body come in later turns of the parser, outside the context that was entered. */
function bindBody(request: IncomingMessage, active: Context): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  if (headers['content-length'] === '0') return;
  const emit = request.emit.bind(request);
  request.emit = ((...event: Parameters<typeof emit>) => context.with(active, () => emit(...event))) as typeof emit;
}

/**
 * The route that the application itself set comes first: on the server span, or on an inner span. Then the route that the
 * framework matched, by a tie or by an instrumentation. A path without any of them is named by its shape, if its answer
 * proves that it exists.
 */
function routeFor({ request, span, rpc, shapes }: State, inner: InnerNotes, status: number): string | undefined {
  const own = (span as Partial<ReadableSpan>).attributes?.['http.route'];
  if (typeof own === 'string' && own !== '') return own;
  const told = inner.route ?? routeOf(request) ?? rpc.route ?? inner.partial;
  if (told !== undefined || (status >= 400 && status < 500)) return told;
  // Express and Connect shorten `url` while a mounted part works.
  const { originalUrl } = request as { originalUrl?: unknown };
  const { path } = targetOf(typeof originalUrl === 'string' ? originalUrl : (request.url ?? '/'));
  return shapes.find(path) ?? shapes.learn(path, status);
}

/** The error that a framework caught; else the exception that an inner span recorded. */
function recordError(span: Span, error: unknown, { exception }: InnerNotes): void {
  if (error instanceof Error || typeof error === 'string') span.recordException(error);
  else if (error !== undefined)
    span.recordException({ name: 'Error', message: inspect(error, { depth: 1 }).slice(0, 1_024) });
  else if (exception !== undefined) span.addEvent('exception', exception);
}

function onClose(this: Tracked): void {
  const state = this[STATE];
  if (state === undefined) return;
  this[STATE] = undefined;
  const { request, span, method, rpc } = state;
  const { statusCode } = this;
  const inner = innerNotes(rpc);
  const route = routeFor(state, inner, statusCode);
  const error = statusCode >= 500 ? String(statusCode) : undefined;
  const outcome: Attributes = { 'http.response.status_code': statusCode };
  if (route !== undefined) {
    outcome['http.route'] = route;
    // A name that the application gave is kept.
    const plain = method === '_OTHER' ? 'HTTP' : method;
    if (((span as Partial<ReadableSpan>).name ?? plain) === plain) span.updateName(`${plain} ${route}`);
  }
  if (error !== undefined) {
    outcome['error.type'] = error;
    span.setStatus({ code: SpanStatusCode.ERROR });
    recordError(span, notedError(request) ?? inner.error, inner);
  }
  completeSpan(span, outcome);
  span.end();
  state.durations.of(state, statusCode, error, route).record((performance.now() - state.startedMs) / 1e3);
}

/** Starts observing. Call once an SDK is registered. Returns a function that ends the observation. */
export function observeHttpServers(): () => void {
  const start = leanStart(trace.getTracer(SCOPE));
  const durations = new Durations();
  const shapes = new PathTemplates('/');
  const endNotes = takeInnerNotes();
  const carriers = propagation.fields();
  const onStart = (message: unknown): void => {
    const { request, response, server } = message as { request: IncomingMessage; response: Tracked; server: Server };
    if (isUnobserved(server, request)) {
      // The context of the previous request on this connection must not be seen by this one.
      context.attach(ROOT_CONTEXT);
      return;
    }
    const startedMs = performance.now();
    const scheme = (request.socket as TLSSocket).encrypted ? 'https' : 'http';
    const method = knownMethod(request.method ?? 'GET');
    const { headers } = request;
    const isRemote = carriers.some((field) => headers[field] !== undefined);
    const parent = isRemote ? propagation.extract(linkedRoot, headers) : linkedRoot;
    const name = method === '_OTHER' ? 'HTTP' : method;
    const span = start(name, SpanKind.SERVER, parent, serverAttributes(request, scheme));
    const rpc: RPCMetadata = { type: RPCType.HTTP, span };
    const active = setRPCMetadata(trace.setSpan(parent, span), rpc);
    response[STATE] = { request, span, rpc, startedMs, method, scheme, durations, shapes };
    response.on('close', onClose);
    bindBody(request, active);
    // A subscriber is called before the handlers and cannot run them in a callback. So the context stays entered for this
    // turn of the parser and everything that starts in it.
    context.attach(active);
  };
  subscribe('http.server.request.start', onStart);
  return () => {
    endNotes();
    unsubscribe('http.server.request.start', onStart);
  };
}
