/** Decoders against random and damaged bytes: what they throw is a VitrineError, and what they read is what was written. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { VitrineError } from '../../src/base/errors.ts';
import { attributesOf } from '../../src/monitor/ingest/metrics/metric-points.ts';
import { formatPlain } from '../../src/model/go-float.ts';
import { nativeHistogram } from '../../src/monitor/ingest/metrics/native-histograms.ts';
import { parseMetricLine } from '../../src/monitor/ingest/openmetrics/reader.ts';
import { ProtobufReader } from '../../src/monitor/ingest/protobuf/reader.ts';
import { readWriteRequestV1, readWriteRequestV2 } from '../../src/monitor/ingest/remote-write/requests.ts';
import { WriteSeriesCache } from '../../src/monitor/ingest/remote-write/write-series.ts';
import { WriteSteps } from '../../src/monitor/ingest/remote-write/write-steps.ts';
import { LABEL_LIMITS } from '../../src/monitor/ingest/metrics/series-labels.ts';
import { NOW_MS, NOW_NANOS, ingestRig } from '../support/telemetry/ingest-bench.ts';
import { MemorySampleSink } from '../support/telemetry/memory-sinks.ts';
import { encodeProto } from '../support/telemetry/otlp-proto.ts';
import {
  atOnce,
  decodeLogs,
  decodeLogsJson,
  decodeMetrics,
  decodeMetricsJson,
  decodeSnappy,
  decodeTraces,
  decodeTracesJson,
} from '../support/telemetry/decoders.ts';

const T = String(NOW_NANOS);
const ATTRIBUTES = [
  { key: 'http.route', value: { stringValue: '/ü' } },
  { key: 'n', value: { intValue: -5 } },
  {
    key: 'l',
    value: {
      arrayValue: {
        values: [{ boolValue: true }, { kvlistValue: { values: [{ key: 'k', value: { doubleValue: 1 } }] } }],
      },
    },
  },
];
const resource = { attributes: ATTRIBUTES };
const exemplars = [{ asDouble: 1, timeUnixNano: T, traceId: Buffer.alloc(16, 1), filteredAttributes: ATTRIBUTES }];
const buckets = { offset: -3, bucketCounts: [1, 0, 2] };
const METRICS = encodeProto('ExportMetrics', {
  resourceMetrics: [
    {
      resource,
      scopeMetrics: [
        {
          scope: { name: 's', version: '1' },
          metrics: [
            { name: 'a', gauge: { dataPoints: [{ attributes: ATTRIBUTES, timeUnixNano: T, asDouble: 1, exemplars }] } },
            {
              name: 'b',
              sum: {
                aggregationTemporality: 1,
                isMonotonic: true,
                dataPoints: [{ timeUnixNano: T, asInt: 3, exemplars }],
              },
            },
            {
              name: 'c',
              histogram: {
                aggregationTemporality: 2,
                dataPoints: [
                  { timeUnixNano: T, count: 3, sum: 1, bucketCounts: [1, 2], explicitBounds: [1], exemplars },
                ],
              },
            },
            {
              name: 'd',
              exponentialHistogram: {
                aggregationTemporality: 1,
                dataPoints: [{ timeUnixNano: T, count: 3, scale: 9, positive: buckets, negative: buckets, exemplars }],
              },
            },
            {
              name: 'e',
              summary: {
                dataPoints: [{ timeUnixNano: T, count: 1, sum: 1, quantileValues: [{ quantile: 0.5, value: 1 }] }],
              },
            },
          ],
        },
      ],
    },
  ],
});
const TRACES = encodeProto('ExportTraces', {
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope: { name: 's' },
          spans: [
            {
              traceId: Buffer.alloc(16, 1),
              spanId: Buffer.alloc(8, 2),
              name: 'span',
              kind: 3,
              startTimeUnixNano: T,
              endTimeUnixNano: T,
              attributes: ATTRIBUTES,
              events: [{ timeUnixNano: T, name: 'e', attributes: ATTRIBUTES }],
              links: [{ traceId: Buffer.alloc(16, 1), spanId: Buffer.alloc(8, 2), attributes: ATTRIBUTES }],
              status: { code: 2, message: 'm' },
            },
          ],
        },
      ],
    },
  ],
});
const LOGS = encodeProto('ExportLogs', {
  resourceLogs: [
    {
      resource,
      scopeLogs: [
        { logRecords: [{ timeUnixNano: T, severityNumber: 9, body: ATTRIBUTES[2].value, attributes: ATTRIBUTES }] },
      ],
    },
  ],
});
const histograms = [
  {
    countInt: 3,
    sum: 1,
    schema: 3,
    positiveSpans: [{ offset: 1, length: 2 }],
    positiveDeltas: [1, 1],
    timestamp: NOW_MS,
  },
];
const samples = [{ value: 1, timestamp: NOW_MS }];
const labels = [{ name: '__name__', value: 'up' }];
const WRITE_1 = encodeProto('WriteV1', {
  timeseries: [{ labels, samples, histograms, exemplars: [{ labels, value: 1, timestamp: NOW_MS }] }],
  metadata: [{ type: 1, metricFamilyName: 'up', help: 'h' }],
});
const WRITE_2 = encodeProto('WriteV2', {
  symbols: ['', '__name__', 'up'],
  timeseries: [
    {
      labelsRefs: [1, 2],
      samples,
      histograms,
      exemplars: [{ labelsRefs: [1, 2], value: 1 }],
      metadata: { type: 1, helpRef: 2 },
    },
  ],
});

function writeSteps(): WriteSteps {
  const cache = new WriteSeriesCache(new MemorySampleSink(), LABEL_LIMITS, 100);
  return new WriteSteps(cache, { maxAheadMs: 600_000, anyTime: false }, NOW_MS);
}

const DECODERS: Readonly<Record<string, (bytes: Buffer) => unknown>> = {
  metrics: (bytes) =>
    decodeMetrics(bytes).map(({ metrics }) => metrics.map(({ points }) => points.map((point) => attributesOf(point)))),
  traces: decodeTraces,
  logs: decodeLogs,
  'metrics JSON': decodeMetricsJson,
  'traces JSON': decodeTracesJson,
  'logs JSON': decodeLogsJson,
  snappy: (bytes) => decodeSnappy(bytes, 1_000_000),
  'remote write 1': (bytes) => atOnce(readWriteRequestV1(bytes, writeSteps())),
  'remote write 2': (bytes) => atOnce(readWriteRequestV2(bytes, writeSteps())),
};

function expectTame(run: () => unknown): void {
  try {
    run();
  } catch (error) {
    if (!(error instanceof VitrineError)) throw error;
    expect(['bad_request', 'payload_too_large']).toContain(error.code);
  }
}

describe('random bytes', () => {
  it.each(Object.entries(DECODERS))('do no more to %s than make it refuse', (_name, decode) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => expectTame(() => decode(Buffer.from(bytes)))),
      { numRuns: 2000 },
    );
  });
});

describe('damaged messages', () => {
  const valid: Readonly<Record<string, Buffer>> = {
    metrics: METRICS,
    traces: TRACES,
    logs: LOGS,
    'remote write 1': WRITE_1,
    'remote write 2': WRITE_2,
  };
  it.each(Object.entries(valid))('do no more to %s than make it refuse', (name, bytes) => {
    expect(() => DECODERS[name](bytes)).not.toThrow();
    const damage = fc.array(fc.tuple(fc.nat(bytes.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(damage, fc.nat(bytes.length), (changes, cut) => {
        const copy = Buffer.from(bytes);
        for (const [at, value] of changes) copy[at] = value;
        expectTame(() => DECODERS[name](copy));
        expectTame(() => DECODERS[name](copy.subarray(0, cut)));
      }),
      { numRuns: 3000 },
    );
  });

  it('of metrics go through the whole intake', async () => {
    const damage = fc.array(fc.tuple(fc.nat(METRICS.length - 1), fc.nat(255)), { minLength: 1, maxLength: 3 });
    const rig = ingestRig();
    await fc.assert(
      fc.asyncProperty(damage, async (changes) => {
        const copy = Buffer.from(METRICS);
        for (const [at, value] of changes) copy[at] = value;
        try {
          await rig.intake.metrics(decodeMetrics(copy), 'otlp_http');
        } catch (error) {
          expect(error).toBeInstanceOf(VitrineError);
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('what is read', () => {
  it('is what was written, in protobuf and JSON', () => {
    const word = fc.oneof(fc.string({ unit: 'grapheme' }), fc.constantFrom('__proto__', 'constructor', 'a.b', ''));
    const value = fc.oneof(
      word.map((stringValue) => ({ sent: { stringValue }, kept: stringValue })),
      fc.boolean().map((boolValue) => ({ sent: { boolValue }, kept: boolValue })),
      fc.maxSafeInteger().map((intValue) => ({ sent: { intValue }, kept: intValue })),
      fc
        .double({ noNaN: true, noDefaultInfinity: true })
        .map((doubleValue) => ({ sent: { doubleValue }, kept: doubleValue })),
    );
    const attributes = fc.uniqueArray(fc.tuple(word, value), { selector: ([key]) => key, maxLength: 6 });
    fc.assert(
      fc.property(attributes, word, fc.bigInt(0n, 2n ** 63n - 1n), (entries, name, nanos) => {
        const message = (ids: (hex: string) => unknown): object => ({
          resourceSpans: [
            {
              scopeSpans: [
                {
                  spans: [
                    {
                      traceId: ids('0af7651916cd43dd8448eb211c80319c'),
                      name,
                      startTimeUnixNano: String(nanos),
                      attributes: entries.map(([key, { sent }]) => ({ key, value: sent })),
                    },
                  ],
                },
              ],
            },
          ],
        });
        const expected = Object.create(null) as Record<string, unknown>;
        for (const [key, { kept }] of entries) expected[key] = kept;
        const fromProto = decodeTraces(
          encodeProto(
            'ExportTraces',
            message((hex) => Buffer.from(hex, 'hex')),
          ),
        );
        const fromJson = decodeTracesJson(Buffer.from(JSON.stringify(message((hex) => hex.toUpperCase()))));
        for (const [span] of [fromProto, fromJson]) {
          expect([span.name, span.startUnixNano, span.traceId]).toEqual([
            name,
            nanos,
            '0af7651916cd43dd8448eb211c80319c',
          ]);
          expect(Object.entries(span.attributes).map(([key, kept]) => [key, Object.is(kept, -0) ? 0 : kept])).toEqual(
            Object.entries(expected).map(([key, kept]) => [key, Object.is(kept, -0) ? 0 : kept]),
          );
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of 64-bit numbers is exact', () => {
    fc.assert(
      fc.property(fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n), (number) => {
        const bytes = encodeProto('AnyValue', { intValue: String(number) });
        const r = new ProtobufReader(bytes);
        r.tag();
        r.varint64();
        expect(BigInt(r.exact())).toBe(number);
        const sint = new ProtobufReader(
          encodeProto('NativeHistogram', { negativeDeltas: [String(BigInt.asIntN(53, number))] }),
        );
        sint.tag();
        sint.enter();
        sint.varint64();
        expect(BigInt(sint.zigzag())).toBe(BigInt.asIntN(53, number));
        const nanos = BigInt.asUintN(64, number);
        const time = new ProtobufReader(encodeProto('Event', { timeUnixNano: String(nanos) }));
        if (nanos !== 0n) {
          time.tag();
          time.fixed64();
          expect(time.nanosAsMs()).toBe(Number(nanos / 1_000_000n));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('of floats is written as Go writes it and reads back the same', () => {
    expect([0.00005, 5e-7, 1e21, 1.5e300, 123456.75, 1, -2.5e-9].map(formatPlain)).toEqual([
      '0.00005',
      '0.0000005',
      '1000000000000000000000',
      `15${'0'.repeat(299)}`,
      '123456.75',
      '1',
      '-0.0000000025',
    ]);
    expect([Number.NaN, Infinity, -Infinity, -0].map(formatPlain)).toEqual(['NaN', '+Inf', '-Inf', '-0']);
    fc.assert(
      fc.property(fc.double({ noNaN: true, noDefaultInfinity: true }), (number) => {
        const text = formatPlain(number);
        expect(text).not.toContain('e');
        expect(Object.is(Number(text), number)).toBe(true);
      }),
    );
  });

  it('of exponential histograms keeps every count', () => {
    const side = fc.record({
      offset: fc.integer({ min: -1000, max: 1000 }),
      counts: fc.array(fc.nat(5), { maxLength: 40 }),
    });
    fc.assert(
      fc.property(side, side, fc.integer({ min: -4, max: 20 }), (positive, negative, scale) => {
        const h = nativeHistogram({ scale, count: 0, sum: 0, zeroCount: 0, zeroThreshold: 0, positive, negative });
        const total = (counts: readonly number[]): number => counts.reduce((sum, count) => sum + count, 0);
        expect(total(h?.positiveBuckets ?? [])).toBe(total(positive.counts));
        expect(total(h?.negativeBuckets ?? [])).toBe(total(negative.counts));
        const length = (h?.positiveSpans ?? []).reduce((sum, span) => sum + span.length, 0);
        expect(length).toBe(h?.positiveBuckets.length);
        // The first bucket stands where the first count of the sender does, one higher.
        const first = positive.counts.findIndex((count) => count > 0);
        if (first >= 0)
          expect(h?.positiveSpans[0].offset).toBe(
            Math.floor((positive.offset + first) / 2 ** Math.max(0, scale - 8)) + 1,
          );
      }),
    );
  });

  it('of text lines never throws', () => {
    const piece = fc.constantFrom('a', '{', '}', '"', ',', '=', '\\', '#', ' ', '1', 'NaN', '__name__', '# TYPE ', 'é');
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
        expect(['nothing', 'end', 'meta', 'sample', 'error']).toContain(parseMetricLine(pieces.join('')).kind);
      }),
      { numRuns: 3000 },
    );
  });
});
