/**
 * The client span and `http.client.request.duration` of every request by node:http and node:https, from diagnostics
 * channels. `fetch` and undici are observed by their own instrumentation. Requests made while tracing is suppressed (those of
 * exporters) are not observed.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import http, { type ClientRequest, type IncomingMessage } from 'node:http';
import https from 'node:https';
import { syncBuiltinESMExports } from 'node:module';
import type { Attributes, Context, Span, TracerProvider } from '@opentelemetry/api';
import {
  context,
  INVALID_SPAN_CONTEXT,
  metrics,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { knownMethod, redactQuery, splitHost } from './http-attributes.ts';
import { isIntakeCall, lookForAgents } from './intake-calls.ts';
import { mirrorOf } from './mirrored-spans.ts';
import { histogramOf } from '../metrics/meters.ts';
import { METRICS } from '../names.ts';

const STATE = Symbol('vitrine.http.client');

interface State {
  readonly span: Span;
  readonly startedMs: number;
  readonly metric: Attributes;
  /** Set when the Host header names another host than the connection: the port is known only when the response comes. */
  readonly target: ((port: number | undefined) => Attributes) | undefined;
}

type Tracked = ClientRequest & { [STATE]?: State | undefined };

interface Outgoing {
  readonly attributes: Attributes;
  readonly target: ((port: number | undefined) => Attributes) | undefined;
}

function describe(request: Tracked): Outgoing {
  const method = request.method ?? 'GET';
  const known = knownMethod(method);
  const scheme = (request.protocol ?? 'http:').replace(':', '');
  const { host } = request;
  const mark = request.path.indexOf('?');
  const path = mark < 0 ? request.path : `${request.path.slice(0, mark)}?${redactQuery(request.path.slice(mark + 1))}`;
  const header = String(request.getHeader('host') ?? host);
  const named = splitHost(header, scheme);
  const target = (port: number | undefined): Attributes => {
    const isStandard = port === (scheme === 'https' ? 443 : 80) || port === undefined;
    return { 'server.port': port, 'url.full': `${scheme}://${host}${isStandard ? '' : `:${port}`}${path}` };
  };
  const isElsewhere = named.host.replace(/^\[|\]$/g, '') !== host.replace(/^\[|\]$/g, '');
  const attributes: Attributes = {
    'http.request.method': known,
    'server.address': host,
    ...target(isElsewhere ? undefined : named.port),
  };
  const agent = request.getHeader('user-agent');
  if (agent !== undefined) attributes['user_agent.original'] = String(agent);
  if (known !== method) attributes['http.request.method_original'] = method;
  return { attributes, target: isElsewhere ? target : undefined };
}

/** Node.js 20 publishes no request before its head is being sent, so the functions that make requests are wrapped there. */
function watchCreation(onCreated: (message: unknown) => void): () => void {
  if (Number(process.versions.node.split('.', 1)[0]) >= 22) {
    subscribe('http.client.request.created', onCreated);
    return () => unsubscribe('http.client.request.created', onCreated);
  }
  const restores = [http, https].flatMap((module) =>
    (['request', 'get'] as const).map((name) => {
      const original = module[name] as (...args: unknown[]) => ClientRequest;
      const observed = function (this: unknown, ...args: unknown[]): ClientRequest {
        const request = original.apply(this, args);
        onCreated({ request });
        return request;
      };
      Object.assign(module, { [name]: observed });
      return () => void Object.assign(module, { [name]: original });
    }),
  );
  syncBuiltinESMExports();
  return () => {
    for (const restore of restores) restore();
    syncBuiltinESMExports();
  };
}

interface WrittenHead {
  _header?: unknown;
  _headerSent?: unknown;
  outputSize?: unknown;
  readonly outputData?: { data?: unknown }[];
}

/**
 * Adds a field to the head of a request. Node writes the head already in the constructor where the fields are given as an
 * array or ask for `100 Continue`; until there is a connection Node keeps the head in two places, and the field is added to
 * its text. A version of Node.js that keeps the head elsewhere sends it without the field.
 */
function addField(request: ClientRequest & WrittenHead, name: string, value: string): void {
  const head = request._header;
  if (typeof head !== 'string') {
    if (!request.headersSent) request.setHeader(name, value);
    return;
  }
  if (!head.endsWith('\r\n\r\n') || new RegExp(`^${name}:`, 'im').test(head)) return;
  const longer = `${head.slice(0, -2)}${name}: ${value}\r\n\r\n`;
  if (request._headerSent === true) {
    const waiting = request.outputData?.[0];
    if (typeof waiting?.data !== 'string' || !waiting.data.startsWith(head)) return;
    waiting.data = longer + waiting.data.slice(head.length);
    if (typeof request.outputSize === 'number') request.outputSize += longer.length - head.length;
  }
  request._header = longer;
}

const NO_SPAN = trace.wrapSpanContext(INVALID_SPAN_CONTEXT);

/** The standard instrumentation, loaded by the application, makes its span around the call that makes the request. */
function isOfTheirInstrumentation(active: Context): boolean {
  const span = mirrorOf(trace.getSpan(active));
  return span?.kind === SpanKind.CLIENT && span.instrumentationScope.name.endsWith('/instrumentation-http');
}

/** Starts observing. Call once an SDK is registered. Returns a function that ends the observation. */
export function observeHttpClients(own: TracerProvider = trace.getTracerProvider()): () => void {
  const tracer = own.getTracer('vitrine.http');
  const duration = histogramOf(metrics.getMeter('vitrine.http'), METRICS.httpClientDuration);

  const end = (request: Tracked, errorType?: string): void => {
    const state = request[STATE];
    if (state === undefined) return;
    request[STATE] = undefined;
    if (errorType !== undefined) {
      state.span.setAttribute('error.type', errorType).setStatus({ code: SpanStatusCode.ERROR });
      state.metric['error.type'] = errorType;
    }
    state.span.end();
    duration.record((performance.now() - state.startedMs) / 1e3, state.metric);
  };

  const onCreated = (message: unknown): void => {
    const { request } = message as { request: Tracked };
    const active = context.active();
    if (isTracingSuppressed(active) || isIntakeCall()) return;
    const { attributes, target } = describe(request);
    const method = String(attributes['http.request.method']);
    const labels = { 'http.request.method': method, 'server.address': attributes['server.address'] };
    const metric = { ...labels, 'server.port': attributes['server.port'] };
    const theirs = isOfTheirInstrumentation(active);
    const span = theirs
      ? NO_SPAN
      : tracer.startSpan(method === '_OTHER' ? 'HTTP' : method, { kind: SpanKind.CLIENT, attributes }, active);
    request[STATE] = { span, startedMs: performance.now(), metric, target };
    if (!theirs) propagation.inject(trace.setSpan(active, span), request, { set: addField });
    request.on('close', () => end(request));
  };

  const onResponse = (message: unknown): void => {
    const { request, response } = message as { request: Tracked; response: IncomingMessage };
    const state = request[STATE];
    if (state === undefined) return;
    const status = response.statusCode ?? 0;
    state.span.setAttributes({
      'http.response.status_code': status,
      'network.peer.address': response.socket.remoteAddress,
      'network.peer.port': response.socket.remotePort,
      'network.protocol.version': response.httpVersion,
    });
    if (state.target !== undefined) {
      state.span.setAttributes(state.target(response.socket.remotePort));
      state.metric['server.port'] = response.socket.remotePort;
    }
    state.metric['http.response.status_code'] = status;
    state.metric['network.protocol.version'] = response.httpVersion;
    if (status >= 400) {
      state.span.setAttribute('error.type', String(status)).setStatus({ code: SpanStatusCode.ERROR });
      state.metric['error.type'] = String(status);
    }
  };

  const onError = (message: unknown): void => {
    const { request, error } = message as { request: Tracked; error: Error };
    request[STATE]?.span.recordException(error);
    end(request, error.name);
  };

  lookForAgents();
  const endCreation = watchCreation(onCreated);
  subscribe('http.client.response.finish', onResponse);
  subscribe('http.client.request.error', onError);
  return () => {
    endCreation();
    unsubscribe('http.client.response.finish', onResponse);
    unsubscribe('http.client.request.error', onError);
  };
}
