import { createRequire } from 'node:module';
import { ROOT_CONTEXT, SeverityNumber, SpanKind, SpanStatusCode, trace, TraceFlags } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import { LoggerProvider } from '@opentelemetry/sdk-logs';
import { AggregationType, MeterProvider } from '@opentelemetry/sdk-metrics';
import { TracerProvider } from '@opentelemetry/sdk-trace';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { encodeMetrics } from '../../../src/telemetry/road/otlp-metrics.ts';
import { encodeLogs, encodeSpans } from '../../../src/telemetry/road/otlp-records.ts';
import { ProtobufWriter } from '../../../src/telemetry/road/protobuf-writer.ts';
import { RingLogProcessor, RingSpanProcessor } from '../../../src/telemetry/road/record-buffer.ts';
import { decodeProto } from '../../support/telemetry/otlp-proto.ts';

type Serializer = { serializeRequest(items: unknown): Uint8Array };
/** The standard exporters' own serializers. */
const standard = createRequire(createRequire(import.meta.url).resolve('@opentelemetry/exporter-trace-otlp-proto'))(
  '@opentelemetry/otlp-transformer',
) as Record<'ProtobufTraceSerializer' | 'ProtobufLogsSerializer' | 'ProtobufMetricsSerializer', Serializer>;

const resource = resourceFromAttributes({ 'service.name': 'shop', n: 3, names: ['a', 'ü'] });
const attributes = {
  text: 'größer 🙂',
  long: 'x'.repeat(20_000),
  empty: '',
  yes: true,
  no: false,
  int: 7,
  negative: -12_345_678_901,
  half: 0.5,
  list: [1, 2, 3],
};

describe('encodeSpans', () => {
  it('writes the same bytes as the standard exporter, after decoding', () => {
    const spans = new RingSpanProcessor(10);
    const tracer = new TracerProvider({ resource, spanProcessors: [spans] }).getTracer('scope', '1.2.3');
    const remote = { traceId: 'ab'.repeat(16), spanId: 'cd'.repeat(8), traceFlags: TraceFlags.SAMPLED, isRemote: true };
    const parent = trace.setSpanContext(ROOT_CONTEXT, remote);
    const links = [{ context: { ...remote, isRemote: false }, attributes: { a: 'b' } }];
    const span = tracer.startSpan('work', { kind: SpanKind.SERVER, attributes, links }, parent);
    span.addEvent('happened', { n: 1 }).addEvent('again');
    span.setStatus({ code: SpanStatusCode.ERROR, message: 'no' }).end();
    new TracerProvider({ resource, spanProcessors: [spans] }).getTracer('other').startSpan('bare').end();
    const { items } = spans.buffer.drain();
    expect(items).toHaveLength(2);
    expect(decodeProto('ExportTraces', encodeSpans(items))).toEqual(
      decodeProto('ExportTraces', standard.ProtobufTraceSerializer.serializeRequest(items)),
    );
  });
});

describe('encodeLogs', () => {
  it('writes the same bytes as the standard exporter, after decoding', () => {
    const lines = new RingLogProcessor(10);
    const logger = new LoggerProvider({ resource, processors: [lines] }).getLogger('scope');
    const context = trace.setSpanContext(ROOT_CONTEXT, {
      traceId: 'ab'.repeat(16),
      spanId: 'cd'.repeat(8),
      traceFlags: TraceFlags.SAMPLED,
    });
    logger.emit({ body: 'line', severityNumber: SeverityNumber.WARN, severityText: 'WARN', attributes, context });
    logger.emit({ body: { nested: { deep: [1, 'two', { three: 3 }] } }, eventName: 'an.event' });
    logger.emit({ body: new Uint8Array([1, 2, 255]) });
    const { items } = lines.buffer.drain();
    expect(items).toHaveLength(3);
    expect(decodeProto('ExportLogs', encodeLogs(items))).toEqual(
      decodeProto('ExportLogs', standard.ProtobufLogsSerializer.serializeRequest(items)),
    );
  });

  it('stops at the depth limit of a circular value', () => {
    const lines = new RingLogProcessor(1);
    const circle: Record<string, unknown> = { name: 'x' };
    circle['self'] = circle;
    const logger = new LoggerProvider({ resource, processors: [lines] }).getLogger('scope');
    logger.emit({ body: 'x' });
    const [record] = lines.buffer.drain().items;
    const own = Object.create(record, { body: { value: circle } }) as typeof record;
    expect(encodeLogs([own]).length).toBeLessThan(2_000);
  });
});

describe('encodeMetrics', () => {
  it('writes the same bytes as the standard exporter, after decoding', async () => {
    const live = new LiveReader();
    const views = [{ instrumentName: 'exp', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const }];
    const meter = new MeterProvider({ resource, readers: [live], views }).getMeter('scope', '1');
    meter.createCounter('counter', { unit: 's', description: 'd' }).add(0.5, { a: 'b' });
    meter.createUpDownCounter('updown').add(-3.25);
    meter.createGauge('gauge').record(0.75, { a: 'ü' });
    meter.createCounter('silent');
    for (const value of [-2.5, 0, 1.5, 400, 1e9]) {
      meter.createHistogram('histogram').record(value + 3, { x: 1 });
      meter.createHistogram('exp').record(value + 2.5);
    }
    const { resourceMetrics } = await live.collect();
    const ours = decodeProto('ExportMetrics', encodeMetrics(resourceMetrics));
    const theirs = decodeProto('ExportMetrics', standard.ProtobufMetricsSerializer.serializeRequest(resourceMetrics));
    expect(ours).toEqual(theirs);
    await live.shutdown();
  });
});

describe('ProtobufWriter', () => {
  it('keeps all bits of times, and nests messages of any length', () => {
    const second = fc.integer({ min: 0, max: 2 ** 33 });
    fc.assert(
      fc.property(second, fc.integer({ min: 0, max: 999_999_999 }), fc.nat(70_000), (seconds, nanos, length) => {
        const w = new ProtobufWriter(16);
        const outer = w.open(1);
        const inner = w.open(2);
        w.string(5, 'y'.repeat(length));
        w.time(7, [seconds, nanos]);
        w.close(inner);
        w.close(outer);
        const bytes = w.take();
        expect(bytes.readBigUInt64LE(bytes.length - 8)).toBe(BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
        expect(w.size).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  it('writes signed numbers as int64 and sint32', () => {
    const w = new ProtobufWriter();
    w.int64(3, -1);
    w.sint32(6, -3);
    w.sint32(6, 3);
    expect(w.take().toString('hex')).toBe(`18${'ff'.repeat(9)}0130053006`);
  });
});
