/**
 * Spans for a hot path. The SDK's tracer takes a large part of the cost of observing a request: it cleans attributes twice, adds
 * to three counters with new attributes for each span, and its spans check each attribute. This tracer asks the same sampler,
 * calls the same processors with a `ReadableSpan`, and counts the same `otel.sdk.span.*` metrics as plain numbers until a
 * collection.
 * It takes its parts from the SDK's tracer. It is used only where the parts are as in the SDK of this version, no limit needs
 * attributes to be counted or cut on the hot path, and the comparison of `lean-proof.ts` finds no difference on the running
 * version; everywhere else the given tracer is used.
 */
import type {
  Attributes,
  Context,
  Counter,
  Span,
  SpanContext,
  SpanKind,
  Tracer,
  UpDownCounter,
} from '@opentelemetry/api';
import { INVALID_SPAN_CONTEXT, isSpanContextValid, trace, TraceFlags } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { Sampler, SamplingResult, SpanLimits, SpanProcessor } from '@opentelemetry/sdk-trace';
import { SamplingDecision } from '@opentelemetry/sdk-trace';
import { currentCells, type Cells } from '../metrics/cells.ts';
import { IdPool } from './id-pool.ts';
import { leanFault } from './lean-proof.ts';
import { LeanSpan, type LeanShared } from './lean-span.ts';
import { followsSampledParent } from './sampler.ts';

/** Fields of the SDK's tracer, version 3.1.0; each is checked before it is used. */
interface TracerParts {
  readonly _sampler: Sampler;
  readonly _spanLimits: Required<SpanLimits>;
  readonly _resource: LeanShared['resource'];
  readonly _spanProcessor: SpanProcessor;
  readonly _tracerMetrics: { readonly startedSpans: Counter; readonly liveSpans: UpDownCounter };
  readonly instrumentationScope: LeanShared['scope'];
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const has = (value: unknown, method: string): boolean => isObject(value) && typeof value[method] === 'function';

/** Spans of the hot path have some 15 attributes. With a limit near that, or a limit of lengths, the SDK's tracer is used. */
const ENOUGH_ATTRIBUTES = 64;

function partsOf(tracer: Tracer): TracerParts | undefined {
  const found: unknown = tracer;
  if (!isObject(found) || !isObject(found._tracerMetrics) || !isObject(found._spanLimits)) return undefined;
  const known =
    has(found._sampler, 'shouldSample') &&
    has(found._spanProcessor, 'onStart') &&
    has(found._spanProcessor, 'onEnd') &&
    has(found._tracerMetrics.startedSpans, 'add') &&
    has(found._tracerMetrics.liveSpans, 'add') &&
    isObject(found._resource) &&
    isObject(found.instrumentationScope);
  const { attributeCountLimit, attributeValueLengthLimit } = found._spanLimits;
  const unlimited = Number(attributeCountLimit) >= ENOUGH_ATTRIBUTES && attributeValueLengthLimit === Infinity;
  return known && unlimited ? (found as unknown as TracerParts) : undefined;
}

const ORIGINS = ['none', 'remote', 'local'] as const;
const RESULTS = ['DROP', 'RECORD_ONLY', 'RECORD_AND_SAMPLE'] as const;

/** `otel.sdk.span.started` and `.live` (semantic conventions, OpenTelemetry SDK metrics), added to the SDK's at collection. */
class SpanCounts {
  readonly #started = new Float64Array(ORIGINS.length * RESULTS.length);
  readonly #live = new Float64Array(RESULTS.length);
  readonly #seen = new Uint8Array(RESULTS.length);

  started(origin: number, result: number): void {
    this.#started[origin * RESULTS.length + result] += 1;
    this.#live[result] += 1;
    this.#seen[result] = result;
  }

  ended(result: number): void {
    this.#live[result] -= 1;
  }

  give({ startedSpans, liveSpans }: TracerParts['_tracerMetrics']): void {
    for (const [origin, parent] of ORIGINS.entries()) {
      for (const [result, text] of RESULTS.entries()) {
        const at = origin * RESULTS.length + result;
        if (this.#started[at] > 0)
          startedSpans.add(this.#started[at], { 'otel.span.parent.origin': parent, 'otel.span.sampling_result': text });
        this.#started[at] = 0;
      }
    }
    for (const [result, text] of RESULTS.entries()) {
      // A span that is not recorded is never live, and the SDK has a point from the first started span on.
      if (this.#seen[result] > 0) liveSpans.add(this.#live[result], { 'otel.span.sampling_result': text });
      this.#live[result] = 0;
    }
  }
}

const SAMPLED: SamplingResult = Object.freeze({ decision: SamplingDecision.RECORD_AND_SAMPLED });

const isSampled = (given: SpanContext | undefined): boolean => given !== undefined && (given.traceFlags & 1) === 1;
const originOf = (parent: SpanContext | undefined): number => (parent === undefined ? 0 : parent.isRemote ? 1 : 2);

class LeanTracer {
  readonly #parts: TracerParts;
  readonly #shared: LeanShared;
  readonly #counts = new SpanCounts();
  readonly #traceIds = new IdPool(16);
  readonly #spanIds = new IdPool(8);
  readonly #followsParent: boolean;

  constructor(parts: TracerParts, cells: Cells) {
    const counts = this.#counts;
    this.#parts = parts;
    this.#followsParent = followsSampledParent(parts._sampler);
    this.#shared = {
      resource: parts._resource,
      scope: parts.instrumentationScope,
      processor: parts._spanProcessor,
      limits: parts._spanLimits,
      ended: (sampled) => counts.ended(sampled ? 2 : 1),
    };
    cells.onCollect(() => counts.give(parts._tracerMetrics));
  }

  start(
    name: string,
    kind: SpanKind,
    context: Context,
    attributes?: Attributes,
    begunMs?: number,
    rootId?: string,
  ): Span {
    if (isTracingSuppressed(context)) return trace.wrapSpanContext(INVALID_SPAN_CONTEXT);
    const parentSpan = trace.getSpan(context);
    const given = parentSpan?.spanContext();
    const ours = parentSpan instanceof LeanSpan;
    const parent = given !== undefined && (ours || isSpanContextValid(given)) ? given : undefined;
    const traceId = parent?.traceId ?? rootId ?? this.#traceIds.next();
    // The child of a sampled lean span is sampled too, so the sampler need not be asked.
    const known = ours && this.#followsParent && isSampled(given) ? SAMPLED : undefined;
    const asked = known ?? this.#parts._sampler.shouldSample(context, traceId, name, kind, attributes ?? {}, []);
    this.#counts.started(originOf(given), asked.decision);
    const own = this.#contextOf(traceId, asked, parent);
    if (asked.decision === SamplingDecision.NOT_RECORD) return trace.wrapSpanContext(own);
    const span = new LeanSpan(this.#shared, name, kind, own, parent, begunMs);
    describe(span, attributes, asked.attributes);
    this.#shared.processor.onStart(span, context);
    return span;
  }

  #contextOf(traceId: string, asked: SamplingResult, parent: SpanContext | undefined): SpanContext {
    return {
      traceId,
      spanId: this.#spanIds.next(),
      traceFlags: asked.decision === SamplingDecision.RECORD_AND_SAMPLED ? TraceFlags.SAMPLED : TraceFlags.NONE,
      traceState: asked.traceState ?? parent?.traceState,
    };
  }
}

function describe(span: LeanSpan, own: Attributes | undefined, ofSampler: Attributes | undefined): void {
  if (own !== undefined) span.complete(own);
  if (ofSampler !== undefined) span.setAttributes(ofSampler);
}

/**
 * Starts a span of `kind` in `context`: a lean one where `startTelemetry` made the SDK, else one of the tracer.
 * `attributes` are plain strings and numbers, and the object becomes the span's own.
 * `begunMs`: when the span began, if not now, in milliseconds of `performance.now()`.
 * `rootId`: the id of the trace when the context has none; the tracer of an SDK makes its own.
 */
export type StartSpan = (
  name: string,
  kind: SpanKind,
  context: Context,
  attributes?: Attributes,
  begunMs?: number,
  rootId?: string,
) => Span;

export function leanStart(tracer: Tracer): StartSpan {
  const cells = currentCells();
  const parts = cells === undefined ? undefined : partsOf(tracer);
  if (cells === undefined || parts === undefined || leanFault() !== undefined) {
    return (name, kind, context, attributes = {}, begunMs?) =>
      tracer.startSpan(
        name,
        begunMs === undefined ? { kind, attributes } : { kind, attributes, startTime: begunMs },
        context,
      );
  }
  const lean = new LeanTracer(parts, cells);
  return (name, kind, context, attributes, begunMs, rootId) =>
    lean.start(name, kind, context, attributes, begunMs, rootId);
}

/** Adds attributes at the end of a span. The object becomes the span's own. */
export function completeSpan(span: Span, attributes: Attributes): void {
  if (span instanceof LeanSpan) span.complete(attributes);
  else span.setAttributes(attributes);
}

/** Adds attributes, as `completeSpan`, and ends a span that took `tookMs`. */
export function finishSpan(span: Span, attributes: Attributes, tookMs: number): void {
  if (span instanceof LeanSpan) span.finish(attributes, tookMs);
  else {
    span.setAttributes(attributes);
    span.end();
  }
}

/**
 * The value of `traceparent` (W3C Trace Context, section 3.2) for requests that are children of `span`. Undefined when a
 * propagator must be used: the span is not a lean one, or has a `tracestate`.
 */
export function traceparentOf(span: Span): string | undefined {
  if (!(span instanceof LeanSpan)) return undefined;
  const own = span.spanContext();
  if (own.traceState !== undefined) return undefined;
  return `00-${own.traceId}-${own.spanId}-${isSampled(own) ? '01' : '00'}`;
}
