/** Lean spans beside the SDK's: samplers, processors, exporters and metrics must see the same. */
import type { Context, Span, Tracer } from '@opentelemetry/api';
import { createTraceState, ROOT_CONTEXT, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { hrTimeToMilliseconds, suppressTracing, W3CTraceContextPropagator } from '@opentelemetry/core';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan, Sampler, SpanLimits } from '@opentelemetry/sdk-trace';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  createAlwaysRecordSampler,
  InMemorySpanExporter,
  ParentBasedSampler,
  SimpleSpanProcessor,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { closeCells, openCells, type Cells } from '../../../src/telemetry/metrics/cells.ts';
import { joinCells } from '../../../src/telemetry/metrics/cells-producer.ts';
import { LeanSpan } from '../../../src/telemetry/spans/lean-span.ts';
import { completeSpan, leanStart, traceparentOf, type StartSpan } from '../../../src/telemetry/spans/lean-tracer.ts';
import { RingSpanProcessor } from '../../../src/telemetry/road/record-buffer.ts';
import { recordEverything, samplerFromEnv } from '../../../src/telemetry/spans/sampler.ts';
import { toSpanRecord } from '../../../src/telemetry/spans/span-record.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const REMOTE = {
  traceId: '0af7651916cd43dd8448eb211c80319c',
  spanId: 'b7ad6b7169203331',
  traceFlags: 1,
  isRemote: true,
};

interface World {
  readonly exporter: InMemorySpanExporter;
  readonly ring: RingSpanProcessor;
  readonly reader: Reader;
  readonly tracer: Tracer;
  readonly start: StartSpan;
}

let cells: Cells | undefined;
afterEach(() => {
  if (cells !== undefined) closeCells(cells);
});

function world(lean: boolean, sampler: Sampler = new AlwaysOnSampler(), spanLimits: SpanLimits = {}): World {
  cells = openCells(systemClock);
  const exporter = new InMemorySpanExporter();
  const ring = new RingSpanProcessor(1_000);
  const reader = joinCells(cells, new Reader());
  const meterProvider = new MeterProvider({ readers: [reader] });
  const spanProcessors = [ring, new SimpleSpanProcessor({ exporter })];
  const tracer = new TracerProvider({ sampler, spanProcessors, spanLimits, meterProvider }).getTracer('t', '1');
  if (!lean) closeCells(cells);
  return { exporter, ring, reader, tracer, start: leanStart(tracer) };
}

/** A server span with a client span in it, in a trace of somebody else and in one of its own. */
function requests({ start }: World): void {
  const joined = trace.setSpan(ROOT_CONTEXT, trace.wrapSpanContext(REMOTE));
  for (const parent of [ROOT_CONTEXT, joined]) {
    const server = start('GET /', SpanKind.SERVER, parent);
    const client = start('GET', SpanKind.CLIENT, trace.setSpan(parent, server));
    client.setStatus({ code: SpanStatusCode.ERROR });
    completeSpan(client, { 'error.type': 'reset', 'server.port': 80 });
    client.end();
    server.updateName('GET /users/:id');
    completeSpan(server, { 'http.route': '/users/:id' });
    server.end();
  }
}

const shape = (span: ReadableSpan): unknown => {
  const record = toSpanRecord(span);
  return {
    ...record,
    traceId: record.traceId === REMOTE.traceId ? record.traceId : record.traceId.length,
    spanId: record.spanId.length,
    parentSpanId: record.parentSpanId.length,
    startUnixNano: typeof record.startUnixNano,
    endUnixNano: record.endUnixNano >= record.startUnixNano,
    flags: span.spanContext().traceFlags,
    state: span.spanContext().traceState?.serialize(),
    rest: [
      span.ended,
      span.duration.length,
      span.droppedAttributesCount,
      span.droppedEventsCount,
      span.droppedLinksCount,
    ],
  };
};

async function spanMetrics({ reader }: World): Promise<unknown> {
  const { resourceMetrics } = await reader.collect();
  return resourceMetrics.scopeMetrics
    .flatMap(({ metrics }) => metrics)
    .filter(({ descriptor }) => descriptor.name.startsWith('otel.sdk.span.'))
    .map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }) => JSON.stringify([attributes, value])).sort(),
    ]);
}

const SAMPLERS: readonly (readonly [string, () => Sampler])[] = [
  ['all', () => new AlwaysOnSampler()],
  ['none', () => new AlwaysOffSampler()],
  ['none, but recorded', () => createAlwaysRecordSampler(new AlwaysOffSampler())],
  ['what the parent samples', () => new ParentBasedSampler({ root: new AlwaysOffSampler() })],
  ['as the environment says by default', () => samplerFromEnv({}, silentLogger)],
  [
    'nothing of its own, but recorded',
    () => recordEverything(samplerFromEnv({ OTEL_TRACES_SAMPLER: 'parentbased_always_off' }, silentLogger)),
  ],
];

describe('lean spans', () => {
  it.each(SAMPLERS)('equal the spans of the SDK, sampling %s', async (_name, sampler) => {
    const [sdk, lean] = [world(false, sampler()), world(true, sampler())];
    requests(sdk);
    requests(lean);
    expect(lean.ring.buffer.drain().items.map(shape)).toEqual(sdk.ring.buffer.drain().items.map(shape));
    expect(lean.exporter.getFinishedSpans().map(shape)).toEqual(sdk.exporter.getFinishedSpans().map(shape));
    const counted = await spanMetrics(sdk);
    expect(JSON.stringify(counted)).toContain('otel.sdk.span.started');
    expect(await spanMetrics(lean)).toEqual(counted);
    lean.start('alive', SpanKind.SERVER, ROOT_CONTEXT);
    sdk.start('alive', SpanKind.SERVER, ROOT_CONTEXT);
    expect(await spanMetrics(lean)).toEqual(await spanMetrics(sdk));
  });

  it('are used where the limits leave room; elsewhere the SDK makes the spans', () => {
    const made = (limits: SpanLimits): Span => world(true, undefined, limits).start('s', SpanKind.SERVER, ROOT_CONTEXT);
    expect(made({})).toBeInstanceOf(LeanSpan);
    for (const limits of [{ attributeCountLimit: 3 }, { attributeValueLengthLimit: 4 }]) {
      const { start, exporter } = world(true, undefined, limits);
      const span = start('s', SpanKind.SERVER, ROOT_CONTEXT);
      completeSpan(span, { a: '12345', b: 1, c: 1, d: 1 });
      span.end();
      expect(span).not.toBeInstanceOf(LeanSpan);
      const [{ attributes }] = exporter.getFinishedSpans();
      expect(limits.attributeCountLimit === 3 ? Object.keys(attributes).length : attributes.a).toBe(
        limits.attributeCountLimit === 3 ? 3 : '1234',
      );
    }
    const other = trace.getTracer('no SDK');
    expect(leanStart(other)('s', SpanKind.SERVER, ROOT_CONTEXT).isRecording()).toBe(false);
  });

  it('have every method of a span', () => {
    const use = (span: Span): void => {
      span
        .setAttribute('a', 1)
        .setAttributes({ b: [1, 2], c: undefined })
        .addEvent('e', { x: 1 });
      span.addEvent('timed', [1, 2]).addEvent('more').addEvent('too many').addLink({ context: REMOTE });
      span.addLinks([{ context: REMOTE }]).setStatus({ code: SpanStatusCode.ERROR, message: 'm' });
      span.setStatus({ code: SpanStatusCode.UNSET });
      completeSpan(span, { d: 1 });
      span.end();
      span.setAttribute('late', 1).updateName('late').addEvent('late').addLink({ context: REMOTE });
      span.setStatus({ code: SpanStatusCode.OK });
      span.end();
    };
    const [sdk, lean] = [false, true].map((one) => world(one, undefined, { eventCountLimit: 3, linkCountLimit: 1 }));
    const bare = ({ exporter }: World): unknown => {
      const [span, ...none] = exporter.getFinishedSpans();
      expect(none).toEqual([]);
      const { attributes, status, links, droppedEventsCount, droppedLinksCount } = span;
      const timed = span.events.length;
      return { name: span.name, attributes, status, links: links.length, timed, droppedEventsCount, droppedLinksCount };
    };
    for (const one of [sdk, lean]) use(one.start('s', SpanKind.SERVER, ROOT_CONTEXT));
    expect(bare(lean)).toEqual(bare(sdk));
  });

  it('keep exceptions, given times, and the status OK', () => {
    const { start, exporter } = world(true);
    const span = start('s', SpanKind.SERVER, ROOT_CONTEXT);
    expect([span.isRecording(), (span as unknown as ReadableSpan).endTime]).toEqual([true, [0, 0]]);
    span.recordException(new TypeError('bad'));
    span.recordException('worse');
    span.setStatus({ code: SpanStatusCode.OK }).setStatus({ code: SpanStatusCode.ERROR });
    span.end(Date.now() + 2_000);
    const [ended] = exporter.getFinishedSpans();
    expect(ended.events.map(({ attributes }) => attributes)).toEqual([
      {
        'exception.type': 'TypeError',
        'exception.message': 'bad',
        'exception.stacktrace': expect.stringContaining('TypeError: bad'),
      },
      { 'exception.message': 'worse' },
    ]);
    expect(ended.status.code).toBe(SpanStatusCode.OK);
    expect(ended.duration[0]).toBeGreaterThanOrEqual(1);
    const early = start('s', SpanKind.SERVER, ROOT_CONTEXT);
    early.end(1);
    expect(exporter.getFinishedSpans()[1].duration).toEqual([0, 0]);
  });

  it('are not made while tracing is suppressed, and have the attributes of the sampler', () => {
    const sampler: Sampler = {
      shouldSample: () => ({ decision: 2, attributes: { by: 'sampler' } }),
      toString: () => 'one',
    };
    const { start, exporter } = world(true, sampler);
    const of = (context: Context): Span => start('s', SpanKind.CLIENT, context);
    expect(trace.isSpanContextValid(of(suppressTracing(ROOT_CONTEXT)).spanContext())).toBe(false);
    of(ROOT_CONTEXT).end();
    expect(exporter.getFinishedSpans()[0].attributes).toEqual({ by: 'sampler' });
    const ids = new Set(Array.from({ length: 1_000 }, () => of(ROOT_CONTEXT).spanContext().traceId));
    expect(ids.size).toBe(1_000);
  });

  it.each([true, false])('are propagated as by the W3C propagator, sampled: %s', (sampled) => {
    const { start, tracer } = world(
      true,
      createAlwaysRecordSampler(sampled ? new AlwaysOnSampler() : new AlwaysOffSampler()),
    );
    const span = start('GET', SpanKind.CLIENT, ROOT_CONTEXT);
    const carrier: Record<string, string> = {};
    new W3CTraceContextPropagator().inject(trace.setSpan(ROOT_CONTEXT, span), carrier, {
      set: (to, name, value) => (to[name] = value),
    });
    expect(carrier).toEqual({ traceparent: traceparentOf(span) });
    expect(traceparentOf(tracer.startSpan('of the SDK'))).toBeUndefined();
    const joined = trace.setSpanContext(ROOT_CONTEXT, { ...REMOTE, traceState: createTraceState('a=b') });
    expect(traceparentOf(start('GET', SpanKind.CLIENT, joined))).toBeUndefined();
  });

  it('can begin and end before they are made', () => {
    const { start, ring } = world(true);
    const nowMs = performance.now();
    start('cache get', SpanKind.INTERNAL, ROOT_CONTEXT, undefined, nowMs - 50).end(nowMs - 20);
    start('now', SpanKind.INTERNAL, ROOT_CONTEXT).end();
    const [late, now] = ring.buffer.drain().items;
    expect(hrTimeToMilliseconds(late.duration)).toBeCloseTo(30, 3);
    expect(hrTimeToMilliseconds(now.startTime) - hrTimeToMilliseconds(late.startTime)).toBeGreaterThanOrEqual(49);
  });
});
