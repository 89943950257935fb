/** An application that registers its own SDK with the API, in the process of the preload's. */
import { context, diag, metrics, propagation, ROOT_CONTEXT, SpanKind, trace, TraceFlags } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  AlwaysOffSampler,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  TracerProvider,
  type ReadableSpan,
} from '@opentelemetry/sdk-trace';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { prepareHandover, tieApi, tieOwnApi } from '../../../src/telemetry/others/handover.ts';
import { asOwn, heardScope, isTheirs, onTheirs } from '../../../src/telemetry/others/scopes.ts';
import { SwitchingContextManager } from '../../../src/telemetry/others/switching.ts';
import {
  foreignTracers,
  mirrorOf,
  mirrorParts,
  setForeignTracers,
} from '../../../src/telemetry/spans/mirrored-spans.ts';
import { resetApi } from '../collector.ts';

interface Sdk {
  readonly exporter: InMemorySpanExporter;
  readonly provider: TracerProvider;
}

const sdk = (sampler?: AlwaysOffSampler): Sdk => {
  const exporter = new InMemorySpanExporter();
  const processors = [new SimpleSpanProcessor({ exporter })];
  return { exporter, provider: new TracerProvider({ spanProcessors: processors, ...(sampler && { sampler }) }) };
};

/** Vitrine's side: its SDK registered, and mirrors that are collected. */
function prepared(): {
  readonly mirrored: ReadableSpan[];
  readonly handover: ReturnType<typeof prepareHandover>;
  readonly ours: Sdk;
} {
  const ours = sdk();
  const mirrored: ReadableSpan[] = [];
  const contexts = new SwitchingContextManager(new AsyncLocalStorageContextManager());
  context.setGlobalContextManager(contexts);
  trace.setGlobalTracerProvider(ours.provider);
  const parts = mirrorParts(ours.provider.getTracer('x'), [
    { onStart() {}, onEnd: (span) => void mirrored.push(span), forceFlush: async () => {}, shutdown: async () => {} },
  ]);
  if (parts === undefined) throw new Error('no parts');
  return { mirrored, handover: prepareHandover(parts, contexts), ours };
}

const names = (spans: readonly ReadableSpan[]): string[] => spans.map(({ name }) => name);

describe('an own SDK', () => {
  // The API's objects stay tied for the whole file; so there is one scene.
  afterEach(() => setForeignTracers(undefined, mirrorParts(sdk().provider.getTracer('x'), []) as never));

  it('takes effect as without Vitrine, and Vitrine gets its spans as they are', () => {
    const { mirrored, handover, ours } = prepared();
    tieOwnApi();
    const early = trace.getTracer('early');
    early.startSpan('before').end();
    expect(names(ours.exporter.getFinishedSpans())).toEqual(['before']);

    const theirs = sdk();
    const direct = theirs.provider.getTracer('direct');
    expect(trace.setGlobalTracerProvider(theirs.provider)).toBe(true);
    expect(foreignTracers()).toMatchObject({ isSdk: true });
    const manager = new AsyncLocalStorageContextManager();
    expect(context.setGlobalContextManager(manager)).toBe(true);

    const link = { context: { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16), traceFlags: TraceFlags.SAMPLED } };
    early.startActiveSpan('outer', { kind: SpanKind.SERVER, attributes: { a: 1 }, links: [link] }, (outer) => {
      expect(context.active()).toBe(manager.active());
      outer.setAttribute('b', 2).addEvent('event').setStatus({ code: 2, message: 'bad' }).updateName('renamed');
      direct.startSpan('inner', { startTime: Date.now() - 1_000 }).end();
      expect(mirrorOf(outer)?.spanContext()).toEqual(outer.spanContext());
      mirrorOf(outer)?.setAttribute('http.route', '/x');
      outer.end();
    });
    expect(names(ours.exporter.getFinishedSpans())).toEqual(['before']);
    const [inner, outer] = theirs.exporter.getFinishedSpans();
    expect(names(mirrored)).toEqual(['inner', 'renamed']);
    for (const [copy, span] of [
      [mirrored[0], inner],
      [mirrored[1], outer],
    ] as const) {
      expect(copy.spanContext()).toEqual(span.spanContext());
      expect(copy.parentSpanContext?.spanId).toBe(span.parentSpanContext?.spanId);
      expect([copy.kind, copy.status, copy.links, copy.events]).toEqual([
        span.kind,
        span.status,
        span.links,
        span.events,
      ]);
      expect(copy.instrumentationScope.name).toBe(span.instrumentationScope.name);
      expect(Math.abs(copy.startTime[0] - span.startTime[0])).toBeLessThanOrEqual(1);
    }
    // What Vitrine adds stays with Vitrine.
    expect(mirrored[1].attributes).toEqual({ a: 1, b: 2, 'http.route': '/x' });
    expect(outer.attributes).toEqual({ a: 1, b: 2 });
    // Vitrine's own spans go there too, and are mirrored.
    handover.tracers.getTracer('pg').startSpan('query').end();
    expect(names(theirs.exporter.getFinishedSpans())).toContain('query');
    expect(names(mirrored)).toContain('query');

    const said: string[] = [];
    const logger = { error: (text: string) => void said.push(text), warn() {}, info() {}, debug() {}, verbose() {} };
    diag.setLogger(logger, { suppressOverrideMessage: true });
    const refused = [
      trace.setGlobalTracerProvider(sdk().provider),
      context.setGlobalContextManager(manager),
      propagation.setGlobalPropagator({ inject() {}, extract: (into) => into, fields: () => [] }),
      propagation.setGlobalPropagator({ inject() {}, extract: (into) => into, fields: () => [] }),
      metrics.setGlobalMeterProvider(new MeterProvider()),
      metrics.setGlobalMeterProvider(new MeterProvider()),
    ];
    expect(refused).toEqual([false, false, true, false, true, false]);
    expect(said.map((text) => /duplicate registration of API: (\w+)/.exec(text)?.[1])).toEqual([
      'trace',
      'context',
      'propagation',
      'metrics',
    ]);
    trace.disable();
    context.disable();
    propagation.disable();
    expect(foreignTracers()).toBeUndefined();
    early.startSpan('afterwards').end();
    expect(names(ours.exporter.getFinishedSpans())).toContain('afterwards');
    tieApi({});
    resetApi();
  });
});

describe('a mirror', () => {
  const foreignOf = (provider: Parameters<typeof setForeignTracers>[0]): ReadableSpan[] => {
    const mirrored: ReadableSpan[] = [];
    const parts = mirrorParts(sdk().provider.getTracer('x'), [
      { onStart() {}, onEnd: (span) => void mirrored.push(span), forceFlush: async () => {}, shutdown: async () => {} },
    ]);
    if (parts === undefined) throw new Error('no parts');
    setForeignTracers(provider, parts);
    return mirrored;
  };

  it('is recorded for a span that the sampler of the application leaves out', () => {
    const { provider, exporter } = sdk(new AlwaysOffSampler());
    const mirrored = foreignOf(provider);
    const span = provider.getTracer('t').startSpan('left out', { attributes: { a: 1 } }, ROOT_CONTEXT);
    span.setAttribute('b', 2);
    span.recordException(new Error('noted'));
    span.end();
    expect(exporter.getFinishedSpans()).toEqual([]);
    expect(mirrored[0]?.attributes).toEqual({ a: 1, b: 2 });
    expect(mirrored[0]?.events.map(({ name }) => name)).toEqual(['exception']);
    expect(mirrored[0]?.spanContext()).toEqual(span.spanContext());
  });

  it('is not made of spans without valid ids, nor twice', () => {
    const invalid = trace.wrapSpanContext({ traceId: '0'.repeat(32), spanId: '0'.repeat(16), traceFlags: 0 });
    const provider = { getTracer: () => ({ startSpan: () => invalid, startActiveSpan: () => undefined as never }) };
    expect(foreignOf(provider)).toEqual([]);
    provider.getTracer().startSpan();
    expect(mirrorOf(invalid)).toBeUndefined();
    expect(foreignTracers()?.isSdk).toBe(false);
    expect(mirrorOf(undefined)).toBeUndefined();
  });

  it('leaves a provider that cannot be changed', () => {
    const frozen = Object.freeze({ getTracer: () => sdk().provider.getTracer('x') });
    foreignOf(frozen);
    expect(() => frozen.getTracer().startSpan('x').end()).not.toThrow();
  });
});

describe('scopes', () => {
  it('of the application are told once, those of Vitrine not', () => {
    const told: string[] = [];
    onTheirs((suffix) => told.push(suffix));
    asOwn(() => heardScope('@opentelemetry/instrumentation-mysql'));
    for (const scope of ['mine', '@opentelemetry/instrumentation-pg', '@opentelemetry/instrumentation-pg'])
      heardScope(scope);
    expect(told).toEqual(['pg']);
    expect([isTheirs('pg'), isTheirs('mysql')]).toEqual([true, false]);
  });
});
