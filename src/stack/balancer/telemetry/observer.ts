/**
 * The balancer's telemetry for OpenTelemetry: a server span per request and a client span per try, the duration histograms
 * of the semantic conventions, and its own counters. Histograms are bound to attributes once per combination; counters are
 * plain numbers that observable instruments read at each collection, so they cost nothing per request.
 */
import { isSpanContextValid, metrics, propagation, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import type { Attributes, Context, ObservableCallback, ObservableResult, Span } from '@opentelemetry/api';
import { boundHistogram, type BoundHistogram, type BoundRecord } from '../../../telemetry/metrics/cells.ts';
import { observeMetric } from '../../../telemetry/metrics/meters.ts';
import { SYNTHETIC_TYPE } from '../../../telemetry/spans/synthetic.ts';
import { finishSpan, leanStart, traceparentOf } from '../../../telemetry/spans/lean-tracer.ts';
import { IdPool } from '../../../telemetry/spans/id-pool.ts';
import { linkedRoot } from '../../../telemetry/spans/linked-context.ts';
import { DURATION_BOUNDS, FINE_DURATION_BOUNDS, METRICS, type MetricName } from '../../../telemetry/names.ts';
import type { AccessLog } from './access-log.ts';
import { fromRaw, intoText } from './carriers.ts';
import { SyntheticRequests } from './synthetic-requests.ts';
import { FIELD, fieldMeaning } from '../http/fields.ts';
import { inPanic, type Route } from '../routes/route.ts';
import { LabelSets, AttemptLabels, serverLabels } from './label-sets.ts';
import { PHASES, type PhaseTimes } from './phase-times.ts';
import type { OwnFields, Peer } from '../http/forward-head.ts';
import type { RequestHead } from '../http/request-head.ts';
import { clientAttributes, serverAttributes, type ClientOutcome, type ServerOutcome } from './span-attributes.ts';
import type { GateReason } from '../routes/gate.ts';
import type { Upstream } from '../upstream/upstream.ts';

export interface Gauges {
  readonly accessLog?: AccessLog | undefined;
  readonly upstreams: () => Iterable<Upstream>;
  readonly routes: () => Iterable<Route>;
  readonly queueSize: () => number;
}

const METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'TRACE', 'CONNECT']);
const W3C_FIELDS = new Set(['traceparent', 'tracestate', 'baggage']);
const SCOPE = 'vitrine-balancer';
const CELLS_LIMIT = 4096;
const FINEST_MS = FINE_DURATION_BOUNDS[0] * 1000;

export const knownMethod = (method: string): string => (METHODS.has(method) ? method : '_OTHER');

/** The trace that a request belongs to. */
export interface Origin {
  /** What the client sent. */
  readonly context: Context;
  /** The client's, or a new one. It is the id of the request, too, when the client sent none. */
  readonly traceId: string;
}

const traceIds = new IdPool(16);

/** Counts by label set, read by one observable instrument. */
class Counts {
  readonly #cells = new Map<string, { readonly attributes: Attributes; value: number }>();

  add(key: string, by: number, attributes: () => Attributes): void {
    const cell = this.#cells.get(key);
    if (cell !== undefined) cell.value += by;
    else if (this.#cells.size < CELLS_LIMIT) this.#cells.set(key, { attributes: attributes(), value: by });
  }

  readonly observe: ObservableCallback = (result) => {
    for (const { attributes, value } of this.#cells.values()) result.observe(value, attributes);
  };
}

export class Observer {
  readonly #start = leanStart(trace.getTracer(SCOPE));
  readonly #server = boundHistogram(SCOPE, METRICS.httpServerDuration, DURATION_BOUNDS);
  readonly #client: BoundHistogram = boundHistogram(SCOPE, METRICS.httpClientDuration, DURATION_BOUNDS);
  readonly #synthetic: BoundHistogram = boundHistogram(SCOPE, METRICS.syntheticDuration, DURATION_BOUNDS);
  readonly #checks = new SyntheticRequests();
  readonly #refused = new Map<number, BoundRecord>();
  readonly #retries = new Counts();
  readonly #ejections = new Counts();
  readonly #shed = new Counts();
  readonly #gated = new Counts();
  readonly #compressed = new Counts();
  readonly #learned = new Counts();
  readonly #active = new Map<string, { readonly attributes: Attributes; value: number }>();
  readonly #labels = new LabelSets(this.#server, boundHistogram(SCOPE, METRICS.phaseDuration, FINE_DURATION_BOUNDS));
  readonly #attemptLabels = new WeakMap<Upstream, AttemptLabels>();
  readonly #gauges: Gauges;
  readonly #stops: (() => void)[] = [];
  readonly #fields = propagation.fields();
  /**
   * Whether all fields of the propagator are known by name. Then `RequestHead.traced` is true for a request with any of
   * them.
   */
  readonly #fieldsKnown = this.#fields.every((name) => fieldMeaning(name) === FIELD.trace);
  /** The W3C fields can be written here: their text does not depend on the propagator. */
  readonly #w3c = this.#fields.includes('traceparent') && this.#fields.every((name) => W3C_FIELDS.has(name));
  /** Fields of the propagator: `serverSpan` reads the client's own; they are never forwarded. */
  readonly ownFields: OwnFields = new Set(this.#fields);

  constructor(gauges: Gauges) {
    this.#gauges = gauges;
    const meter = metrics.getMeter(SCOPE);
    const observe = (name: MetricName, callback: ObservableCallback): void => {
      this.#stops.push(observeMetric(meter, name, callback));
    };
    observe(METRICS.upstreamRequests, (result) => this.#observeTries(result));
    observe(METRICS.retries, this.#retries.observe);
    observe(METRICS.ejections, this.#ejections.observe);
    observe(METRICS.shed, this.#shed.observe);
    const { accessLog } = gauges;
    if (accessLog !== undefined) observe(METRICS.accessLogDropped, (result) => result.observe(accessLog.dropped));
    observe(METRICS.gated, this.#gated.observe);
    observe(METRICS.compressed, this.#compressed.observe);
    observe(METRICS.routesLearned, this.#learned.observe);
    observe(METRICS.limitKeys, (result) => {
      for (const { id, gate } of gauges.routes())
        if (gate.rateLimit !== undefined) result.observe(gate.rateLimit.keys, { 'vitrine.route': id });
    });
    observe(METRICS.limitForgotten, (result) => {
      for (const { id, gate } of gauges.routes())
        if (gate.rateLimit !== undefined) result.observe(gate.rateLimit.forgotten, { 'vitrine.route': id });
    });
    observe(METRICS.httpServerActive, (result) => {
      for (const { attributes, value } of this.#active.values()) result.observe(value, attributes);
    });
    observe(METRICS.queueSize, (result) => result.observe(gauges.queueSize()));
    observe(METRICS.panic, (result) => {
      for (const route of gauges.routes())
        result.observe(inPanic(route) ? 1 : 0, { 'http.route': route.name ?? `${route.host ?? ''}${route.path}` });
    });
    observe(METRICS.upstreamDrained, (result) => {
      // The runtime API drains an address in all routes that use it.
      const drained = new Map([...gauges.upstreams()].map((one) => [one.name, one.drained]));
      for (const [name, is] of drained) result.observe(is ? 1 : 0, { 'vitrine.upstream': name });
    });
    observe(METRICS.upstreamUp, (result) => {
      // An upstream that two routes use is up when one of them may use it.
      const up = new Map<string, boolean>();
      for (const one of gauges.upstreams()) up.set(one.name, one.available || up.get(one.name) === true);
      for (const [name, isUp] of up) result.observe(isUp ? 1 : 0, { 'vitrine.upstream': name });
    });
  }

  close(): void {
    for (const stop of this.#stops) stop();
  }

  originOf(head: RequestHead, peer: Peer): Origin {
    if (!head.traced && this.#fieldsKnown) return { context: linkedRoot, traceId: traceIds.next() };
    const context = this.#checks.judged(head, peer, propagation.extract(linkedRoot, head.raw, fromRaw));
    const sent = trace.getSpanContext(context);
    return { context, traceId: sent !== undefined && isSpanContextValid(sent) ? sent.traceId : traceIds.next() };
  }

  /** A server span in the trace of `origin`, and the context for the tries. */
  serverSpan(
    head: RequestHead,
    route: string,
    { context, traceId }: Origin,
  ): { readonly span: Span; readonly parent: Context } {
    const method = knownMethod(head.method);
    if (!this.#checks.has(head)) this.#activeCell(method).value += 1;
    const { spanName } = this.#labels.of(method, route);
    const span = this.#start(spanName, SpanKind.SERVER, context, undefined, undefined, traceId);
    return { span, parent: trace.setSpan(context, span) };
  }

  serverDone(span: Span, done: ServerOutcome): void {
    const { head, route, status, phases } = done;
    const method = knownMethod(head.method);
    const isCheck = this.#checks.has(head);
    const errorType = done.error ?? (status !== undefined && status >= 500 ? String(status) : undefined);
    const version = head.http11 ? '1.1' : '1.0';
    if (isCheck)
      this.#synthetic.bind(serverLabels(method, route, head.http11, status, errorType)).record(done.totalMs / 1000);
    else {
      this.#activeCell(method).value -= 1;
      this.#labels.server(method, route, head.http11, status, errorType).record(done.totalMs / 1000);
      this.#recordPhases(this.#labels.of(method, route).phases, phases);
    }
    if (span.isRecording()) {
      if (route !== done.routeAtStart) span.updateName(this.#labels.of(method, route).spanName);
      if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      const attributes = serverAttributes(method, done, version, errorType);
      // The id of the trace is the request's id, too: then it is not stored twice.
      if (done.requestId !== undefined && done.requestId !== span.spanContext().traceId)
        attributes['request_id'] = done.requestId;
      finishSpan(span, isCheck ? { ...attributes, ...SYNTHETIC_TYPE } : attributes, done.totalMs);
    }
    this.#gauges.accessLog?.write(span, done, errorType);
  }

  #recordPhases(records: readonly BoundRecord[], phases: PhaseTimes): void {
    for (let at = 0; at < PHASES.length; at += 1) {
      // A phase below the finest bucket is not recorded: each record costs time.
      if (phases[at] >= FINEST_MS) records[at].record(phases[at] / 1000);
    }
  }

  #activeCell(method: string): { value: number } {
    let cell = this.#active.get(method);
    if (cell === undefined) {
      cell = { attributes: { 'http.request.method': method, 'url.scheme': 'http' }, value: 0 };
      this.#active.set(method, cell);
    }
    return cell;
  }

  #triesAt(upstream: Upstream): AttemptLabels {
    let labels = this.#attemptLabels.get(upstream);
    if (labels === undefined) {
      labels = new AttemptLabels(upstream.name, upstream.endpoint.host, upstream.endpoint.port, this.#client);
      this.#attemptLabels.set(upstream, labels);
    }
    return labels;
  }

  /** The method is not a label here, and two routes may share an address: equal labels are summed to one point. */
  #observeTries(result: ObservableResult): void {
    const points = new Map<string, { attributes: Attributes; value: number }>();
    for (const upstream of this.#gauges.upstreams()) {
      for (const { count, value } of this.#triesAt(upstream).cells()) {
        const key = JSON.stringify(count);
        const point = points.get(key);
        if (point === undefined) points.set(key, { attributes: count, value });
        else point.value += value;
      }
    }
    for (const { attributes, value } of points.values()) result.observe(value, attributes);
  }

  /** A request that was refused before it could be parsed: it has no span. */
  refused(status: number): void {
    let cell = this.#refused.get(status);
    if (cell === undefined) {
      const attributes = { 'http.request.method': '_OTHER', 'url.scheme': 'http', 'http.response.status_code': status };
      this.#refused.set(status, (cell = this.#server.bind(attributes)));
    }
    cell.record(0);
  }

  /** A client span for a try, and the fields that carry it to the upstream. */
  clientSpan(head: RequestHead, parent: Context): { span: Span; fields: string } {
    const method = knownMethod(head.method);
    const span = this.#start(method === '_OTHER' ? 'HTTP' : method, SpanKind.CLIENT, parent);
    if (this.#fields.length === 0) return { span, fields: '' };
    const traceparent = this.#w3c && propagation.getBaggage(parent) === undefined ? traceparentOf(span) : undefined;
    if (traceparent !== undefined) return { span, fields: `traceparent: ${traceparent}\r\n` };
    const carrier = { text: '' };
    propagation.inject(trace.setSpan(parent, span), carrier, intoText);
    return { span, fields: carrier.text };
  }

  clientDone(span: Span, done: ClientOutcome): void {
    const { head, upstream, status, error } = done;
    const method = knownMethod(head.method);
    const errorType = error ?? (status !== undefined && status >= 400 ? String(status) : undefined);
    if (!this.#checks.has(head)) {
      const cell = this.#triesAt(upstream).of(method, status, error);
      cell.value += 1;
      cell.duration.record(done.ms / 1000);
    }
    if (span.isRecording()) {
      if (errorType !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
      finishSpan(span, clientAttributes(method, done, errorType), done.ms);
    }
  }

  retried(upstream: Upstream, reason: string): void {
    this.#retries.add(`${reason} ${upstream.name}`, 1, () => ({ 'vitrine.upstream': upstream.name, reason }));
  }

  ejected(upstream: Upstream, reason: string): void {
    this.#ejections.add(`${reason} ${upstream.name}`, 1, () => ({ 'vitrine.upstream': upstream.name, reason }));
  }

  /** The gate of a route answered instead of an upstream. */
  gated(route: Route, reason: GateReason): void {
    this.#gated.add(`${reason} ${route.id}`, 1, () => ({ 'vitrine.route': route.id, reason }));
  }

  /** The application told a route. `taken`: false when there are too many of them. */
  learned(route: Route, taken: boolean): void {
    const result = taken ? 'learned' : 'refused';
    this.#learned.add(`${result} ${route.id}`, 1, () => ({ 'vitrine.route': route.id, 'vitrine.result': result }));
  }

  /** `busy`: an answer that could have been compressed was not. */
  compressed(coding: string): void {
    this.#compressed.add(coding, 1, () => ({ 'vitrine.coding': coding }));
  }

  shed(reason: string): void {
    this.#shed.add(reason, 1, () => ({ reason }));
  }
}
