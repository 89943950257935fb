/**
 * Spans of a tracer provider that the application registered itself. They stay that provider's: its sampler, limits, processors
 * and exporters see what they would see without Vitrine. Each has a mirror here, a span with the same ids that goes to
 * Vitrine, also where the provider's sampler left the span out. A mirror takes its data from the span when that ends; spans whose
 * fields cannot be read are followed call by call.
 */
import type { Context, Span, SpanOptions, TimeInput, Tracer, TracerProvider } from '@opentelemetry/api';
import { context, isSpanContextValid, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';
import { leanFault } from './lean-proof.ts';
import { LeanSpan, type LeanShared } from './lean-span.ts';

/** The parts of Vitrine's own SDK that mirrors use. */
export type MirrorParts = Pick<LeanShared, 'resource' | 'limits' | 'processor'>;

/** Takes resource and limits from a tracer of Vitrine's SDK; undefined where that keeps them elsewhere. */
export function mirrorParts(own: Tracer, processors: readonly SpanProcessor[]): MirrorParts | undefined {
  const { _resource: resource, _spanLimits: limits } = own as {
    readonly _resource?: unknown;
    readonly _spanLimits?: unknown;
  };
  if (typeof resource !== 'object' || typeof limits !== 'object' || leanFault() !== undefined) return undefined;
  const all = async (run: (processor: SpanProcessor) => Promise<void>): Promise<void> =>
    void (await Promise.all(processors.map(run)));
  return {
    resource: resource as MirrorParts['resource'],
    limits: limits as MirrorParts['limits'],
    processor: {
      onStart(span, parent) {
        for (const processor of processors) processor.onStart(span, parent);
      },
      onEnd(span) {
        for (const processor of processors) processor.onEnd(span);
      },
      forceFlush: () => all((processor) => processor.forceFlush()),
      shutdown: () => all((processor) => processor.shutdown()),
    },
  };
}

export interface ForeignTracers {
  readonly provider: TracerProvider;
  /** A provider of OpenTelemetry's SDK, of any version: it takes Vitrine's own spans too, so that no trace misses its root. */
  readonly isSdk: boolean;
}

let parts: MirrorParts | undefined;
let foreign: ForeignTracers | undefined;
const mirrors = new WeakMap<object, LeanSpan>();
const followed = new WeakSet<object>();

/** The application's tracers; undefined while it has registered none. */
export const foreignTracers = (): ForeignTracers | undefined => foreign;

export function mirrorOf(span: Span | undefined): LeanSpan | undefined {
  return span === undefined ? undefined : mirrors.get(span);
}

/** From now on spans of `provider` are mirrored. Undefined: the application has none any more. */
export function setForeignTracers(provider: TracerProvider | undefined, own: MirrorParts): void {
  parts = own;
  if (provider === undefined) {
    foreign = undefined;
    return;
  }
  foreign = { provider, isSdk: '_activeSpanProcessor' in provider || 'activeSpanProcessor' in provider };
  try {
    followProvider(provider);
  } catch {
    // A provider that cannot be changed keeps its spans to itself.
  }
}

const scopeOf = (tracer: Tracer, name: string): LeanShared['scope'] => {
  const { instrumentationScope, instrumentationLibrary } = tracer as {
    readonly instrumentationScope?: LeanShared['scope'];
    /** Before version 2 of the SDK. */
    readonly instrumentationLibrary?: LeanShared['scope'];
  };
  return instrumentationScope ?? instrumentationLibrary ?? { name };
};

function followProvider(provider: TracerProvider & { readonly _tracers?: unknown }): void {
  if (followed.has(provider)) return;
  followed.add(provider);
  const getTracer = provider.getTracer.bind(provider);
  provider.getTracer = (name, version, options) => {
    const tracer = getTracer(name, version, options);
    followTracer(tracer, name);
    return tracer;
  };
  // Tracers that were taken from the provider before it was registered.
  if (provider._tracers instanceof Map)
    for (const tracer of provider._tracers.values()) followTracer(tracer as Tracer, 'unknown');
}

function followTracer(tracer: Tracer, name: string): void {
  if (followed.has(tracer)) return;
  followed.add(tracer);
  const scope = scopeOf(tracer, name);
  const startSpan = tracer.startSpan.bind(tracer);
  tracer.startSpan = (spanName, options = {}, parent = context.active()) => {
    const span = startSpan(spanName, options, parent);
    mirror(span, spanName, options, parent, scope);
    return span;
  };
}

/** In milliseconds of `performance.now()`; a smaller number is one already. */
function begunMsOf(time: TimeInput | undefined): number | undefined {
  if (time === undefined) return undefined;
  const nowMs = performance.now();
  if (typeof time === 'number') return time <= nowMs ? time : time - performance.timeOrigin;
  const epochMs = time instanceof Date ? time.getTime() : time[0] * 1e3 + time[1] / 1e6;
  return epochMs - performance.timeOrigin;
}

function mirror(span: Span, name: string, options: SpanOptions, parent: Context, scope: LeanShared['scope']): void {
  const own = span.spanContext();
  if (parts === undefined || foreign === undefined || mirrors.has(span)) return;
  if (!isSpanContextValid(own) || isTracingSuppressed(parent)) return;
  const above = options.root === true ? undefined : trace.getSpanContext(parent);
  const isChild = above !== undefined && above.traceId === own.traceId && above.spanId !== own.spanId;
  const shared: LeanShared = { ...parts, scope, ended() {} };
  const kind = options.kind ?? SpanKind.INTERNAL;
  const copy = new LeanSpan(shared, name, kind, own, isChild ? above : undefined, begunMsOf(options.startTime));
  if (options.attributes !== undefined) copy.setAttributes(options.attributes);
  if (options.links !== undefined) copy.addLinks(options.links);
  mirrors.set(span, copy);
  parts.processor.onStart(copy, parent);
  follow(span, copy, name);
}

type Fields = Pick<ReadableSpan, 'name' | 'attributes' | 'status' | 'events' | 'links'>;

const isReadable = (span: Span): span is Span & Fields => {
  const { attributes, status, events, links } = span as Partial<Fields>;
  return typeof attributes === 'object' && typeof status === 'object' && Array.isArray(events) && Array.isArray(links);
};

function follow(span: Span, copy: LeanSpan, name: string): void {
  const end = span.end.bind(span);
  const readable = isReadable(span);
  if (!readable) followCalls(span, copy);
  span.end = (time) => {
    try {
      end(time);
    } finally {
      if (copy.isRecording()) {
        if (readable) take(span, copy, name);
        copy.end(time);
      }
    }
  };
}

/** Vitrine may have added a route, a name or an exception to the mirror; the span's own are kept before those. */
function take(span: Fields, copy: LeanSpan, name: string): void {
  const { events } = copy;
  copy.attributes = { ...copy.attributes, ...span.attributes };
  if (span.name !== name) copy.name = span.name;
  if (span.status.code !== SpanStatusCode.UNSET) copy.status = span.status;
  copy.links = [...span.links];
  copy.events = [...span.events];
  if (!span.events.some((event) => event.name === 'exception')) copy.events.push(...events);
}

const CALLS = ['setAttribute', 'setAttributes', 'addEvent', 'addLink', 'addLinks', 'setStatus', 'updateName'] as const;

function followCalls(span: Span, copy: LeanSpan): void {
  for (const name of [...CALLS, 'recordException'] as const) {
    const original: unknown = span[name];
    if (typeof original !== 'function') continue;
    const call = original as (...args: unknown[]) => unknown;
    const onCopy = copy[name] as (...args: unknown[]) => unknown;
    const both = (...args: unknown[]): unknown => {
      if (copy.isRecording()) onCopy.apply(copy, args);
      return call.apply(span, args);
    };
    Object.assign(span, { [name]: both });
  }
}
