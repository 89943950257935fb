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
import type { Attributes, Context, Span, TracerProvider } from '@opentelemetry/api';
import {
  context,
  INVALID_SPAN_CONTEXT,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import type { RPCMetadata } from '@opentelemetry/core';
import { getRPCMetadata, RPCType, setRPCMetadata } from '@opentelemetry/core';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { PathTemplates } from '../../model/text/path-templates.ts';
import type { BoundHistogram, BoundRecord } from '../metrics/cells.ts';
import { boundHistogram, CELLS_LIMIT } from '../metrics/cells.ts';
import { mountOf, routeOf } from './framework-routes.ts';
import { knownMethod, serverAttributes, targetOf } from './http-attributes.ts';
import { innerNoteOf, innerNotes, takeInnerNotes, type InnerNotes } from './inner-spans.ts';
import { completeSpan, leanStart, type StartSpan } from './lean-tracer.ts';
import { foreignTracers, mirrorOf } from './mirrored-spans.ts';
import { linkedRoot } from './linked-context.ts';
import { DURATION_BOUNDS, METRICS, type MetricName } from '../names.ts';
import { notedError } from './request-notes.ts';
import { isSyntheticRequest } from './synthetic.ts';
import { isUnobserved } from './unobserved-requests.ts';

const STATE = Symbol('vitrine.http.server');
const SCOPE = 'vitrine.http';

interface State {
  readonly request: IncomingMessage;
  span: Span;
  rpc: RPCMetadata;
  /** The mirror of a span that the application's own instrumentation made, and ends. */
  isTheirs: boolean;
  readonly startedMs: number;
  readonly method: string;
  readonly scheme: string;
  /** Where its duration goes: a check's is in no figure of users. */
  readonly durations: Durations;
  readonly shapes: PathTemplates;
}

type Tracked = ServerResponse & { [STATE]?: State | undefined };

/** The cells by the text of their labels. */
class Durations {
  readonly #histogram: BoundHistogram;
  readonly #cells = new Map<string, BoundRecord>();

  constructor(name: MetricName) {
    this.#histogram = boundHistogram(SCOPE, name, DURATION_BOUNDS);
  }

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

/**
 * The events of a body come in later turns of the parser, outside the context that was entered. The parser reads `push` before
 * each part: an accessor enters the context there, so that no function of ours stands in the stack of an error that the
 * application may show to its client.
 */
function bindBody(request: IncomingMessage, active: Context): void {
  const { headers } = request;
  if (headers['content-length'] === undefined && headers['transfer-encoding'] === undefined) return;
  if (headers['content-length'] === '0') return;
  let push: unknown = Reflect.get(request, 'push');
  Object.defineProperty(request, 'push', {
    configurable: true,
    get() {
      context.attach(active);
      return push;
    },
    set(other: unknown) {
      push = other;
    },
  });
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
  if (told !== undefined) return told;
  if (status >= 400 && status < 500) return mountOf(request);
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

const errorTypeOf = (error: unknown): string => (error instanceof Error ? error.name : '_OTHER');

/** As the standard instrumentation does with an error that a handler throws. The event has no effect on the process. */
function noteUncaught(error: unknown): void {
  const rpc = getRPCMetadata(context.active());
  if (rpc !== undefined) Object.assign(innerNoteOf(rpc), { error, isUncaught: true });
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
  if (error !== undefined || inner.isUncaught === true) {
    outcome['error.type'] = error ?? errorTypeOf(inner.error);
    if (!state.isTheirs) span.setStatus({ code: SpanStatusCode.ERROR });
    recordError(span, notedError(request) ?? inner.error, inner);
  }
  if (!state.isTheirs) {
    completeSpan(span, outcome);
    span.end();
  } else if (route !== undefined && span.isRecording()) span.setAttribute('http.route', route);
  state.durations.of(state, statusCode, error, route).record((performance.now() - state.startedMs) / 1e3);
}

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
const listening = new WeakSet<Server>();

/**
 * An application with an SDK of its own may have an instrumentation that makes a span of the request, in a function around the
 * event `request`. The first listener of that event is called inside of it and knows.
 */
function beginInside(server: Server, start: StartSpan): void {
  if (listening.has(server)) return;
  listening.add(server);
  server.prependListener('request', (_request, response: Tracked) => {
    const state = response[STATE];
    if (state !== undefined && state.span === NO_SPAN) beginBeside(state, start);
  });
}

function beginBeside(state: State, start: StartSpan): void {
  const { request, method, scheme, rpc } = state;
  const outer = context.active();
  const theirs = mirrorOf(trace.getSpan(outer));
  if (theirs?.kind === SpanKind.SERVER && theirs.isRecording()) {
    const known = getRPCMetadata(outer);
    Object.assign(state, { span: theirs, isTheirs: true, rpc: known ?? rpc });
    if (known === undefined) context.attach(setRPCMetadata(outer, rpc));
    return;
  }
  const foreign = foreignTracers();
  const parent = propagation.extract(ROOT_CONTEXT, request.headers);
  const name = method === '_OTHER' ? 'HTTP' : method;
  const attributes = serverAttributes(request, scheme);
  if (foreign?.isSdk !== true) {
    // Its spans are of another kind, among which one of ours must not be the active one.
    state.span = start(name, SpanKind.SERVER, parent, attributes);
    context.attach(setRPCMetadata(outer, Object.assign(rpc, { span: state.span })));
    return;
  }
  const span = foreign.provider.getTracer(SCOPE).startSpan(name, { kind: SpanKind.SERVER, attributes }, parent);
  state.span = span;
  const active = setRPCMetadata(trace.setSpan(parent, span), Object.assign(rpc, { span }));
  bindBody(request, active);
  context.attach(active);
}

/** Starts observing. Call once an SDK is registered. Returns a function that ends the observation. */
export function observeHttpServers(own: TracerProvider = trace.getTracerProvider()): () => void {
  const start = leanStart(own.getTracer(SCOPE));
  const ofUsers = new Durations(METRICS.httpServerDuration);
  const ofChecks = new Durations(METRICS.syntheticDuration);
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
    const durations = isSyntheticRequest(request) ? ofChecks : ofUsers;
    if (foreignTracers() !== undefined) {
      const rpc: RPCMetadata = { type: RPCType.HTTP, span: NO_SPAN };
      response[STATE] = { request, span: NO_SPAN, rpc, isTheirs: false, startedMs, method, scheme, durations, shapes };
      response.on('close', onClose);
      beginInside(server, start);
      context.attach(ROOT_CONTEXT);
      return;
    }
    const { headers } = request;
    const isRemote = carriers.some((field) => headers[field] !== undefined);
    const parent = isRemote ? propagation.extract(linkedRoot, headers) : linkedRoot;
    const name = method === '_OTHER' ? 'HTTP' : method;
    const span = start(name, SpanKind.SERVER, parent, serverAttributes(request, scheme));
    const rpc: RPCMetadata = { type: RPCType.HTTP, span };
    const active = setRPCMetadata(trace.setSpan(parent, span), rpc);
    response[STATE] = { request, span, rpc, isTheirs: false, startedMs, method, scheme, durations, shapes };
    response.on('close', onClose);
    bindBody(request, active);
    // A subscriber is called before the handlers and cannot run them in a callback. So the context stays entered for this
    // turn of the parser and everything that starts in it.
    context.attach(active);
  };
  subscribe('http.server.request.start', onStart);
  process.on('uncaughtExceptionMonitor', noteUncaught);
  return () => {
    process.off('uncaughtExceptionMonitor', noteUncaught);
    endNotes();
    unsubscribe('http.server.request.start', onStart);
  };
}
