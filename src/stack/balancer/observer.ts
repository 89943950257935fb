/**
 * What the balancer tells OpenTelemetry: a server span and a client span per try, the duration histograms of the semantic
 * conventions, and its own counters. Attribute objects are made once per combination and kept, bounded; counters are plain
 * numbers that observable instruments read when somebody collects, so they cost nothing per request.
 */
import { metrics, propagation, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, Histogram, Observable, ObservableCallback, Span, Tracer } from '@opentelemetry/api';
import { DURATION_BOUNDS, FINE_DURATION_BOUNDS, METRICS, type MetricName } from '../../telemetry/names.ts';
import { PHASES, type Ledger } from './ledger.ts';
import type { OwnFields, Peer } from './forward-head.ts';
import type { RequestHead } from './request-head.ts';
import { pathOf } from './route.ts';
import type { Upstream } from './upstream.ts';

/** How a request ended. */
export interface ServerOutcome {
  readonly head: RequestHead;
  readonly peer: Peer;
  readonly routeAtStart: string;
  readonly route: string;
  /** Undefined when the client left before there was one. */
  readonly status: number | undefined;
  /** Value of `error.type`; for a 5xx its status when undefined. */
  readonly error: string | undefined;
  readonly totalMs: number;
  readonly ledger: Ledger;
}

/** How a try ended. */
export interface ClientOutcome {
  readonly head: RequestHead;
  readonly upstream: Upstream;
  readonly status: number | undefined;
  /** Value of `error.type` when there was no valid answer, or it was cut short. */
  readonly error: string | undefined;
  readonly ms: number;
  readonly resend: number;
}

export interface Gauges {
  readonly upstreams: () => Iterable<Upstream>;
  readonly queueSize: () => number;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT']);
const ATTRIBUTES_LIMIT = 4096;
const FINEST_MS = FINE_DURATION_BOUNDS[0] * 1000;

export const knownMethod = (method: string): string => (METHODS.has(method) ? method : '_OTHER');

/** The W3C fields by name and whatever the configured propagator writes, as text for a request's head. */
const intoText = {
  set(carrier: { text: string }, name: string, value: string): void {
    carrier.text += `${name}: ${value}\r\n`;
  },
};
const fromRaw = {
  keys: (raw: readonly string[]): string[] => raw.filter((_, at) => at % 2 === 0).map((name) => name.toLowerCase()),
  get(raw: readonly string[], name: string): string | undefined {
    for (let at = 0; at < raw.length; at += 2) {
      if (raw[at].length === name.length && raw[at].toLowerCase() === name) return raw[at + 1];
    }
    return undefined;
  },
};

/** Counts by label set, read by one observable instrument. */
class Counts {
  readonly #cells = new Map<string, { readonly attributes: Attributes; value: number }>();

  add(key: string, by: number, attributes: () => Attributes): void {
    const cell = this.#cells.get(key);
    if (cell !== undefined) cell.value += by;
    else if (this.#cells.size < ATTRIBUTES_LIMIT) this.#cells.set(key, { attributes: attributes(), value: by });
  }

  readonly observe: ObservableCallback = (result) => {
    for (const { attributes, value } of this.#cells.values()) result.observe(value, attributes);
  };
}

export class Observer {
  readonly #tracer: Tracer = trace.getTracer('vitrine-balancer');
  readonly #server: Histogram;
  readonly #client: Histogram;
  readonly #phases: Histogram;
  readonly #requests = new Counts();
  readonly #retries = new Counts();
  readonly #ejections = new Counts();
  readonly #shed = new Counts();
  readonly #active = new Counts();
  readonly #attributes = new Map<string, Attributes>();
  readonly #callbacks: [Observable, ObservableCallback][] = [];
  readonly #fields = propagation.fields();
  /** Fields of the propagator: a client's own are taken in by `serverSpan`, never passed on. */
  readonly ownFields: OwnFields = new Set(this.#fields);

  constructor(gauges: Gauges) {
    const meter = metrics.getMeter('vitrine-balancer');
    const histogram = (name: MetricName, bounds: readonly number[]): Histogram =>
      meter.createHistogram(name.name, {
        unit: name.unit,
        description: name.description,
        advice: { explicitBucketBoundaries: [...bounds] },
      });
    this.#server = histogram(METRICS.httpServerDuration, DURATION_BOUNDS);
    this.#client = histogram(METRICS.httpClientDuration, DURATION_BOUNDS);
    this.#phases = histogram(METRICS.phaseDuration, FINE_DURATION_BOUNDS);
    const observe = (name: MetricName, callback: ObservableCallback): void => {
      const options = { unit: name.unit, description: name.description };
      const instrument =
        name.kind === 'counter'
          ? meter.createObservableCounter(name.name, options)
          : name.kind === 'gauge'
            ? meter.createObservableGauge(name.name, options)
            : meter.createObservableUpDownCounter(name.name, options);
      instrument.addCallback(callback);
      this.#callbacks.push([instrument, callback]);
    };
    observe(METRICS.upstreamRequests, this.#requests.observe);
    observe(METRICS.retries, this.#retries.observe);
    observe(METRICS.ejections, this.#ejections.observe);
    observe(METRICS.shed, this.#shed.observe);
    observe(METRICS.httpServerActive, this.#active.observe);
    observe(METRICS.queueSize, (result) => result.observe(gauges.queueSize()));
    observe(METRICS.upstreamUp, (result) => {
      // An upstream of two routes is up when one of them may use it.
      const up = new Map<string, boolean>();
      for (const one of gauges.upstreams()) up.set(one.name, one.available || up.get(one.name) === true);
      for (const [name, isUp] of up) result.observe(isUp ? 1 : 0, { 'vitrine.upstream': name });
    });
  }

  close(): void {
    for (const [instrument, callback] of this.#callbacks) instrument.removeCallback(callback);
  }

  #cached(key: string, make: () => Attributes): Attributes {
    const known = this.#attributes.get(key);
    if (known !== undefined) return known;
    const made = make();
    if (this.#attributes.size < ATTRIBUTES_LIMIT) this.#attributes.set(key, made);
    return made;
  }

  /** The context the client sent, and a server span in it. */
  serverSpan(head: RequestHead, route: string): { readonly span: Span; readonly parent: Context } {
    const method = knownMethod(head.method);
    this.#active.add(method, 1, () => ({ 'http.request.method': method, 'url.scheme': 'http' }));
    const from = this.#fields.length > 0 ? propagation.extract(ROOT_CONTEXT, head.raw, fromRaw) : ROOT_CONTEXT;
    const span = this.#tracer.startSpan(spanName(method, route), { kind: SpanKind.SERVER }, from);
    return { span, parent: trace.setSpan(from, span) };
  }

  serverDone(span: Span, parent: Context, done: ServerOutcome): void {
    const { head, route, status, ledger } = done;
    const method = knownMethod(head.method);
    this.#active.add(method, -1, () => ({ 'http.request.method': method, 'url.scheme': 'http' }));
    const errorType = done.error ?? (status !== undefined && status >= 500 ? String(status) : undefined);
    const version = head.http11 ? '1.1' : '1.0';
    const attributes = this.#cached(`s${method}${status}${version}${errorType ?? ''} ${route}`, () => ({
      'http.request.method': method,
      'url.scheme': 'http',
      'http.route': route,
      'network.protocol.version': version,
      ...statusAttributes(status, errorType),
    }));
    this.#server.record(done.totalMs / 1000, attributes, parent);
    this.#recordPhases(method, route, ledger);
    if (span.isRecording()) {
      if (route !== done.routeAtStart) span.updateName(spanName(method, route));
      if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      setAll(span, serverAttributes(method, done, version, errorType));
    }
    span.end();
  }

  #recordPhases(method: string, route: string, ledger: Ledger): void {
    for (let at = 0; at < PHASES.length; at += 1) {
      const ms = ledger[at];
      // Below the finest bucket a phase is no phase, and each record has its price.
      if (!(ms >= FINEST_MS)) continue;
      const attributes = this.#cached(`p${at}${method} ${route}`, () => ({
        'vitrine.phase': PHASES[at],
        'http.route': route,
        'http.request.method': method,
      }));
      this.#phases.record(ms / 1000, attributes);
    }
  }

  /** A request that was refused before it could be understood: there is no span to it. */
  refused(status: number): void {
    const attributes = this.#cached(`r${status}`, () => ({
      'http.request.method': '_OTHER',
      'url.scheme': 'http',
      ...statusAttributes(status, undefined),
    }));
    this.#server.record(0, attributes);
  }

  /** A client span for a try, and the fields that carry it to the upstream. */
  clientSpan(head: RequestHead, parent: Context): { span: Span; fields: string } {
    const method = knownMethod(head.method);
    const span = this.#tracer.startSpan(method === '_OTHER' ? 'HTTP' : method, { kind: SpanKind.CLIENT }, parent);
    if (this.#fields.length === 0) return { span, fields: '' };
    const carrier = { text: '' };
    propagation.inject(trace.setSpan(parent, span), carrier, intoText);
    return { span, fields: carrier.text };
  }

  clientDone(span: Span, done: ClientOutcome): void {
    const { head, upstream, status, error } = done;
    const method = knownMethod(head.method);
    const errorType = error ?? (status !== undefined && status >= 400 ? String(status) : undefined);
    const key = `${method}${status}${errorType ?? ''} ${upstream.name}`;
    const attributes = this.#cached(`c${key}`, () => ({
      'http.request.method': method,
      'server.address': upstream.endpoint.host,
      'server.port': upstream.endpoint.port,
      ...statusAttributes(status, errorType),
    }));
    this.#client.record(done.ms / 1000, attributes);
    this.#requests.add(key, 1, () => ({ 'vitrine.upstream': upstream.name, ...statusAttributes(status, error) }));
    if (span.isRecording()) {
      if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      setAll(span, clientAttributes(method, done, errorType));
    }
    span.end();
  }

  retried(upstream: Upstream, reason: string): void {
    this.#retries.add(`${reason} ${upstream.name}`, 1, () => ({ 'vitrine.upstream': upstream.name, reason }));
  }

  ejected(upstream: Upstream, reason: string): void {
    this.#ejections.add(`${reason} ${upstream.name}`, 1, () => ({ 'vitrine.upstream': upstream.name, reason }));
  }

  shed(reason: string): void {
    this.#shed.add(reason, 1, () => ({ reason }));
  }
}

const spanName = (method: string, route: string): string => `${method === '_OTHER' ? 'HTTP' : method} ${route}`;

function statusAttributes(status: number | undefined, errorType: string | undefined): Attributes {
  return {
    ...(status === undefined ? {} : { 'http.response.status_code': status }),
    ...(errorType === undefined ? {} : { 'error.type': errorType }),
  };
}

const PHASE_ATTRIBUTES = PHASES.map((phase) => `vitrine.phase.${phase}`);
const USER_AGENT_LIMIT = 512;

/** Phases as span attributes are in milliseconds. */
function serverAttributes(
  method: string,
  done: ServerOutcome,
  version: string,
  errorType: string | undefined,
): Attributes {
  const { head, ledger } = done;
  const attributes: Attributes = {
    'http.request.method': method,
    'url.scheme': 'http',
    'url.path': pathOf(head.target),
    'http.route': done.route,
    'server.address': head.host,
    'client.address': done.peer.address,
    'network.protocol.version': version,
  };
  if (head.userAgent !== undefined) attributes['user_agent.original'] = head.userAgent.slice(0, USER_AGENT_LIMIT);
  if (done.status !== undefined) attributes['http.response.status_code'] = done.status;
  for (let at = 0; at < PHASES.length; at += 1) {
    if (ledger[at] > 0) attributes[PHASE_ATTRIBUTES[at]] = Math.round(ledger[at] * 1000) / 1000;
  }
  if (method === '_OTHER') attributes['http.request.method_original'] = head.method.slice(0, 32);
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return attributes;
}

function clientAttributes(method: string, done: ClientOutcome, errorType: string | undefined): Attributes {
  const { upstream } = done;
  const attributes: Attributes = {
    'http.request.method': method,
    'server.address': upstream.endpoint.host,
    'server.port': upstream.endpoint.port,
    'url.full': `http://${upstream.name}${pathOf(done.head.target)}`,
  };
  if (done.status !== undefined) attributes['http.response.status_code'] = done.status;
  if (done.resend > 0) attributes['http.request.resend_count'] = done.resend;
  if (errorType !== undefined) attributes['error.type'] = errorType;
  return attributes;
}

/**
 * The SDK checks each attribute with a fresh WeakSet, which made a third of all garbage of a request. Its spans show their
 * attributes (`ReadableSpan`), and ours are plain strings and numbers, fewer than any limit: they are written there. Any
 * other span gets them by the API.
 */
function setAll(span: Span, attributes: Attributes): void {
  const shown = (span as Span & { readonly attributes?: Attributes }).attributes;
  if (typeof shown === 'object') Object.assign(shown, attributes);
  else span.setAttributes(attributes);
}
