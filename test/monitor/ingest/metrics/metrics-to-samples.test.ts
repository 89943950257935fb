/** OTLP metrics in protobuf and JSON → Prometheus samples: names, labels, all kinds of points, limits and caches. */
import { describe, expect, it } from 'vitest';
import type { Outcome } from '../../../../src/monitor/ingest/request/intake.ts';
import type { IngestRig } from '../../../support/telemetry/ingest-bench.ts';
import { NOW_MS, NOW_NANOS, ingestRig } from '../../../support/telemetry/ingest-bench.ts';
import { seriesText } from '../../../support/telemetry/memory-sinks.ts';
import { encodeProto } from '../../../support/telemetry/otlp-proto.ts';
import { decodeMetrics, decodeMetricsJson } from '../../../support/telemetry/decoders.ts';

const attribute = (key: string, stringValue: string): object => ({ key, value: { stringValue } });
const T = String(NOW_NANOS);
const nanosAt = (ms: number): string => String(BigInt(ms) * 1_000_000n);

const SHOP = [
  attribute('service.name', 'shop'),
  attribute('service.namespace', 'eu'),
  attribute('service.instance.id', 'host:1'),
];

function request(metrics: readonly object[], resource: readonly object[] = SHOP): object {
  return {
    resourceMetrics: [{ resource: { attributes: resource }, scopeMetrics: [{ scope: { name: 's' }, metrics }] }],
  };
}

const take = (rig: IngestRig, metrics: readonly object[], resource?: readonly object[]): Promise<Outcome> =>
  rig.intake.metrics(decodeMetrics(encodeProto('ExportMetrics', request(metrics, resource))), 'otlp_http');

/** JSON as the OTLP rules have it: ids in hexadecimal, which only exemplars have here. */
const takeJson = (rig: IngestRig, metrics: readonly object[]): Promise<Outcome> =>
  rig.intake.metrics(decodeMetricsJson(Buffer.from(JSON.stringify(request(metrics)))), 'otlp_http');

const counter = (points: readonly object[], more: object = {}): object => ({
  name: 'http.requests',
  unit: '{request}',
  description: 'Requests.',
  sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: points, ...more },
});

const KINDS = [
  counter([
    {
      attributes: [attribute('http.route', '/a')],
      startTimeUnixNano: nanosAt(NOW_MS - 5000),
      timeUnixNano: T,
      asInt: '7',
    },
  ]),
  { name: 'cpu.utilization', unit: '1', gauge: { dataPoints: [{ timeUnixNano: T, asDouble: 0.25 }] } },
  {
    name: 'queue',
    unit: '{item}',
    sum: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: T, asDouble: -3 }] },
  },
  {
    name: 'http.server.request.duration',
    unit: 's',
    histogram: {
      aggregationTemporality: 2,
      dataPoints: [
        {
          timeUnixNano: T,
          count: '6',
          sum: 1.5,
          explicitBounds: [0.005, 1, 0.0000005e21],
          bucketCounts: ['1', '2', '0', '3'],
        },
      ],
    },
  },
  {
    name: 'rpc.latency',
    unit: 'ms',
    summary: {
      dataPoints: [
        {
          timeUnixNano: T,
          count: '2',
          sum: 9,
          quantileValues: [
            { quantile: 0.5, value: 4 },
            { quantile: 1, value: 5 },
          ],
        },
      ],
    },
  },
];

const TARGET = 'instance="host:1",job="eu/shop"';

describe.each([
  ['protobuf', take],
  ['JSON', takeJson],
] as const)('metrics in %s', (_encoding, send) => {
  it('become samples of every kind under Prometheus names', async () => {
    const rig = ingestRig();
    expect(await send(rig, KINDS)).toEqual({ accepted: 5, rejected: [] });
    expect(rig.sinks.samples.last()).toEqual({
      [`http_requests_total{http_route="/a",${TARGET}}`]: 7,
      [`cpu_utilization_ratio{${TARGET}}`]: 0.25,
      [`queue{${TARGET}}`]: -3,
      [`http_server_request_duration_seconds_sum{${TARGET}}`]: 1.5,
      [`http_server_request_duration_seconds_count{${TARGET}}`]: 6,
      [`http_server_request_duration_seconds_bucket{${TARGET},le="0.005"}`]: 1,
      [`http_server_request_duration_seconds_bucket{${TARGET},le="1"}`]: 3,
      [`http_server_request_duration_seconds_bucket{${TARGET},le="500000000000000"}`]: 3,
      [`http_server_request_duration_seconds_bucket{${TARGET},le="+Inf"}`]: 6,
      [`rpc_latency_milliseconds_sum{${TARGET}}`]: 9,
      [`rpc_latency_milliseconds_count{${TARGET}}`]: 2,
      [`rpc_latency_milliseconds{${TARGET},quantile="0.5"}`]: 4,
      [`rpc_latency_milliseconds{${TARGET},quantile="1"}`]: 5,
    });
    expect(rig.sinks.samples.of(`http_requests_total{http_route="/a",${TARGET}}`)).toEqual([
      { t: NOW_MS, v: 7, stale: false, st: NOW_MS - 5000, h: undefined },
    ]);
    expect(rig.sinks.samples.metadata.slice(0, 2)).toEqual([
      { name: 'http_requests_total', type: 'counter', help: 'Requests.', unit: '' },
      { name: 'cpu_utilization_ratio', type: 'gauge', help: '', unit: 'ratio' },
    ]);
  });

  it('resolves a series once and recognises it by its bytes', async () => {
    const rig = ingestRig();
    await send(rig, KINDS);
    const { resolved } = rig.sinks.samples;
    await send(rig, KINDS);
    expect(rig.sinks.samples.resolved).toBe(resolved);
    rig.sinks.samples.generation += 1;
    await send(rig, KINDS);
    expect(rig.sinks.samples.resolved).toBe(2 * resolved);
  });

  it('marks series that ended', async () => {
    const rig = ingestRig();
    await send(rig, KINDS);
    const ended = [
      { name: 'cpu.utilization', unit: '1', gauge: { dataPoints: [{ timeUnixNano: nanosAt(NOW_MS + 1), flags: 1 }] } },
      {
        name: 'http.server.request.duration',
        unit: 's',
        histogram: { aggregationTemporality: 2, dataPoints: [{ timeUnixNano: nanosAt(NOW_MS + 1), flags: 1 }] },
      },
    ];
    await send(rig, ended);
    const stale = rig.sinks.samples.labels.filter((_, i) => rig.sinks.samples.samples[i].at(-1)?.stale).map(seriesText);
    expect(stale).toContain(`cpu_utilization_ratio{${TARGET}}`);
    expect(stale.filter((name) => name.includes('_bucket'))).toHaveLength(4);
  });

  it('adds deltas and states when they began', async () => {
    const rig = ingestRig();
    const delta = (ms: number, asInt: string): object =>
      counter([{ startTimeUnixNano: nanosAt(ms - 1000), timeUnixNano: nanosAt(ms), asInt }], {
        aggregationTemporality: 1,
      });
    await send(rig, [delta(NOW_MS - 2000, '5')]);
    await send(rig, [delta(NOW_MS - 1000, '2')]);
    expect((await send(rig, [delta(NOW_MS - 1000, '2')])).rejected).toMatchObject([{ reason: 'duplicate', count: 1 }]);
    expect((await send(rig, [delta(NOW_MS - 1500, '2')])).rejected).toMatchObject([
      { reason: 'out_of_order', count: 1 },
    ]);
    expect(rig.sinks.samples.of(`http_requests_total{${TARGET}}`).map(({ v, st }) => [v, st])).toEqual([
      [5, NOW_MS - 3000],
      [7, NOW_MS - 3000],
    ]);
  });

  it('refuses invalid points and keeps their neighbours', async () => {
    const rig = ingestRig();
    const point = (timeUnixNano: string, more: object = {}): object => ({ timeUnixNano, asInt: '1', ...more });
    const outcome = await send(rig, [
      counter([
        point(T),
        point('0'),
        point('1'),
        point(String(NOW_MS)),
        point(nanosAt(NOW_MS + 86_400_000)),
        point('18446744073709551615'),
        point(T, { attributes: Array.from({ length: 41 }, (_, i) => attribute(`l${i}`, 'x')) }),
        point(T, { attributes: [attribute('long', 'v'.repeat(4097))] }),
        point(T, { attributes: [attribute('n'.repeat(1025), 'v')] }),
      ]),
      { name: '💥', gauge: { dataPoints: [point(T)] } },
      { name: 'no.temporality', sum: { dataPoints: [point(T)] } },
      {
        name: 'bad.buckets',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [point(T, { explicitBounds: [1, 2], bucketCounts: ['1'] })],
        },
      },
      {
        name: 'falling',
        histogram: {
          aggregationTemporality: 2,
          dataPoints: [point(T, { explicitBounds: [2, 1], bucketCounts: ['1', '1', '1'] })],
        },
      },
    ]);
    expect(outcome.accepted).toBe(1);
    expect(outcome.rejected.map(({ reason, count }) => [reason, count])).toEqual([
      ['invalid', 7],
      ['label_limit', 3],
      ['too_far_ahead', 2],
    ]);
    expect(rig.counters.totals().get('rejected metrics label_limit')).toBe(3);
    expect(rig.counters.totals().get('accepted metrics')).toBe(1);
  });
});

describe('metrics', () => {
  it('accept resources and scopes that name their schema', () => {
    const schemaUrl = 'https://opentelemetry.io/schemas/1.40.0';
    const gauge = { dataPoints: [{ timeUnixNano: NOW_NANOS, asDouble: 1 }] };
    const scopeMetrics = [{ metrics: [{ name: 'a', gauge }], schemaUrl }];
    const [read] = decodeMetrics(
      encodeProto('ExportMetrics', { resourceMetrics: [{ resource: {}, scopeMetrics, schemaUrl }] }),
    );
    expect(read.metrics.map(({ name }) => name)).toEqual(['a']);
  });

  it('names the unit that the sender of a time probably used', async () => {
    const rig = ingestRig();
    const outcome = await take(rig, [counter([{ timeUnixNano: String(NOW_MS), asInt: 1 }])]);
    expect(outcome.rejected[0].message).toContain('looks like milliseconds, but nanoseconds are expected');
  });

  it('describes the target once per point in time', async () => {
    const rig = ingestRig();
    const resource = [...SHOP, attribute('host.name', 'h'), attribute('__proto__', 'p')];
    await take(rig, [KINDS[1]], resource);
    await take(rig, [KINDS[2]], resource);
    const name = `target_info{__proto__="p",host_name="h",${TARGET}}`;
    expect(rig.sinks.samples.of(name)).toHaveLength(1);
    expect(rig.sinks.samples.metadata).toContainEqual(expect.objectContaining({ name: 'target_info', type: 'info' }));
  });

  it('joins attributes that become one label, and prefers the target to attributes', async () => {
    const rig = ingestRig();
    const attributes = [
      attribute('a.b', '2'),
      attribute('a-b', '1'),
      attribute('job', 'forged'),
      attribute('__name__', 'x'),
    ];
    await take(rig, [{ name: 'g', gauge: { dataPoints: [{ timeUnixNano: T, asDouble: 1, attributes }] } }]);
    expect(rig.sinks.samples.last()).toEqual({ [`g{a_b="1;2",${TARGET}}`]: 1 });
  });

  it('keeps exemplars with the bucket of their value', async () => {
    const rig = ingestRig();
    const exemplars = [
      {
        timeUnixNano: T,
        asDouble: 0.5,
        traceId: Buffer.alloc(16, 1),
        spanId: Buffer.alloc(8, 2),
        filteredAttributes: [attribute('user', 'u')],
      },
      { asDouble: 9, traceId: Buffer.alloc(16, 1), filteredAttributes: [attribute('long', 'x'.repeat(200))] },
    ];
    const point = { timeUnixNano: T, count: 2, sum: 2, explicitBounds: [1], bucketCounts: [1, 1], exemplars };
    await take(rig, [{ name: 'h', histogram: { aggregationTemporality: 2, dataPoints: [point] } }]);
    expect(
      rig.sinks.samples.exemplars.map(({ series, exemplar }) => [
        series,
        exemplar.labels.toJSON(),
        exemplar.timestampMs,
      ]),
    ).toEqual([
      [`h_bucket{${TARGET},le="1"}`, { span_id: '02'.repeat(8), trace_id: '01'.repeat(16), user: 'u' }, NOW_MS],
      [`h_bucket{${TARGET},le="+Inf"}`, { trace_id: '01'.repeat(16) }, NOW_MS],
    ]);
  });

  const exponential = (point: object, aggregationTemporality = 2): object => ({
    name: 'e',
    unit: 's',
    exponentialHistogram: { aggregationTemporality, dataPoints: [{ timeUnixNano: T, ...point }] },
  });

  it('turns exponential histograms into native ones', async () => {
    const rig = ingestRig();
    await take(rig, [
      exponential({
        count: 7,
        sum: 3,
        scale: 1,
        zeroCount: 1,
        positive: { offset: -1, bucketCounts: [1, 0, 2, 0, 0, 0, 3] },
      }),
    ]);
    expect(rig.sinks.samples.of(`e_seconds{${TARGET}}`)[0].h).toEqual({
      schema: 1,
      count: 7,
      sum: 3,
      zeroThreshold: 1e-128,
      zeroCount: 1,
      positiveSpans: [
        { offset: 0, length: 3 },
        { offset: 3, length: 1 },
      ],
      positiveBuckets: [1, 0, 2, 3],
      negativeSpans: [],
      negativeBuckets: [],
      customValues: [],
      resetHint: 'unknown',
    });
  });

  it('merges scales above 8 and refuses those below -4', async () => {
    const rig = ingestRig();
    const outcome = await take(rig, [
      exponential({ count: 3, sum: 3, scale: 10, positive: { offset: 3, bucketCounts: [1, 1, 1] } }),
      exponential({ count: 3, scale: -5 }),
      exponential({ count: 3, scale: 1000 }),
    ]);
    expect(outcome.rejected).toMatchObject([{ reason: 'invalid', count: 2 }]);
    const { h } = rig.sinks.samples.of(`e_seconds{${TARGET}}`)[0];
    // Buckets 3, 4, 5 of scale 10 are 0, 1, 1 of scale 8; one higher in Prometheus.
    expect([h?.schema, h?.positiveSpans, h?.positiveBuckets]).toEqual([8, [{ offset: 1, length: 2 }], [1, 2]]);
  });

  it('adds exponential deltas of different scales', async () => {
    const rig = ingestRig();
    const at = (ms: number, point: object): object => exponential({ ...point, timeUnixNano: nanosAt(ms) }, 1);
    await take(rig, [at(NOW_MS - 2, { count: 1, sum: 1, scale: 1, positive: { offset: 2, bucketCounts: [1] } })]);
    await take(rig, [at(NOW_MS - 1, { count: 2, sum: 2, scale: 0, positive: { offset: 0, bucketCounts: [1, 1] } })]);
    const { h } = rig.sinks.samples.of(`e_seconds{${TARGET}}`)[1];
    expect([h?.schema, h?.count, h?.sum, h?.positiveSpans, h?.positiveBuckets]).toEqual([
      0,
      3,
      3,
      [{ offset: 1, length: 2 }],
      [1, 2],
    ]);
    const far = await take(rig, [at(NOW_MS, { count: 1, scale: 0, positive: { offset: 2 ** 30, bucketCounts: [1] } })]);
    expect(far.rejected).toMatchObject([{ reason: 'invalid' }]);
  });

  it('restarts histogram deltas when the bounds change', async () => {
    const rig = ingestRig();
    const at = (ms: number, explicitBounds: number[]): object => ({
      name: 'h',
      histogram: {
        aggregationTemporality: 1,
        dataPoints: [
          {
            startTimeUnixNano: nanosAt(ms - 1),
            timeUnixNano: nanosAt(ms),
            count: 2,
            sum: 2,
            explicitBounds,
            bucketCounts: [1, 1],
          },
        ],
      },
    });
    await take(rig, [at(NOW_MS - 3, [1])]);
    await take(rig, [at(NOW_MS - 2, [1])]);
    await take(rig, [at(NOW_MS - 1, [2])]);
    expect(rig.sinks.samples.of(`h_count{${TARGET}}`).map(({ v }) => v)).toEqual([2, 4, 2]);
    expect(rig.sinks.samples.of(`h_bucket{${TARGET},le="1"}`).map(({ v }) => v)).toEqual([1, 2]);
    expect(rig.sinks.samples.of(`h_bucket{${TARGET},le="2"}`).map(({ v }) => v)).toEqual([1]);
  });

  it('limits delta series, and drops silent ones to make room for new ones', async () => {
    const rig = ingestRig({ maxDeltaSeries: 2 });
    const delta = (route: string, ms: number): object =>
      counter([{ attributes: [attribute('r', route)], timeUnixNano: nanosAt(ms), asInt: 1 }], {
        aggregationTemporality: 1,
      });
    await take(rig, [delta('a', NOW_MS), delta('b', NOW_MS)]);
    expect((await take(rig, [delta('c', NOW_MS)])).rejected).toMatchObject([{ reason: 'series_limit', count: 1 }]);
    rig.clock.nowMs += 20 * 60_000;
    expect((await take(rig, [delta('c', rig.clock.nowMs)])).accepted).toBe(1);
  });

  it('empties its cache when the cache is full, and continues', async () => {
    const rig = ingestRig({ maxCachedSeries: 10 });
    for (let i = 0; i < 100; i += 1) {
      await take(rig, [counter([{ attributes: [attribute('r', String(i))], timeUnixNano: T, asInt: i }])]);
    }
    expect(Object.keys(rig.sinks.samples.last())).toHaveLength(100);
  });

  it('accepts any time in test mode', async () => {
    const rig = ingestRig({ times: { maxAheadMs: 0, anyTime: true } });
    expect((await take(rig, [counter([{ timeUnixNano: '0', asInt: 1 }])])).accepted).toBe(1);
  });

  it('reads exponential histograms and exemplars in JSON as in protobuf', async () => {
    const exponentialPoint = {
      timeUnixNano: T,
      count: '7',
      sum: 3,
      scale: 1,
      zeroCount: '1',
      zeroThreshold: 0.5,
      positive: { offset: -1, bucketCounts: ['1', '0', '2'] },
      negative: { bucketCounts: [4] },
      min: 1,
      max: 2,
    };
    const sum = counter([
      {
        timeUnixNano: T,
        asInt: '1',
        exemplars: [{ timeUnixNano: T, asInt: '9', filteredAttributes: [attribute('a', 'b')] }],
      },
    ]);
    const [proto, json] = [ingestRig(), ingestRig()];
    await take(proto, [exponential(exponentialPoint), sum]);
    await takeJson(json, [exponential(exponentialPoint), sum]);
    expect(json.sinks.samples.samples).toEqual(proto.sinks.samples.samples);
    expect(json.sinks.samples.exemplars).toEqual(proto.sinks.samples.exemplars);
    expect(proto.sinks.samples.exemplars).toMatchObject([
      { series: `http_requests_total{${TARGET}}`, exemplar: { value: 9 } },
    ]);
    const { h } = json.sinks.samples.of(`e_seconds{${TARGET}}`)[0];
    expect([h?.zeroThreshold, h?.negativeSpans, h?.negativeBuckets]).toEqual([0.5, [{ offset: 1, length: 1 }], [4]]);
  });

  it('reads lists that are not packed', async () => {
    // HistogramDataPoint { time = 3, count = 4, bucket_counts = 6 and explicit_bounds = 7, each value with its own tag }.
    const f64 = (tag: number, value: bigint): Buffer => {
      const bytes = Buffer.alloc(9, tag);
      bytes.writeBigUInt64LE(value, 1);
      return bytes;
    };
    const bound = Buffer.alloc(9, 0x39);
    bound.writeDoubleLE(2.5, 1);
    const point = Buffer.concat([f64(0x19, NOW_NANOS), f64(0x21, 3n), f64(0x31, 1n), f64(0x31, 2n), bound]);
    const field = (tag: number, ...parts: Buffer[]): Buffer => {
      const inner = Buffer.concat(parts);
      return Buffer.concat([Buffer.from([tag, inner.length]), inner]);
    };
    const histogram = field(0x4a, field(0x0a, point), Buffer.from([0x10, 2]));
    const bytes = field(0x0a, field(0x12, field(0x12, field(0x0a, Buffer.from('h')), histogram)));
    const rig = ingestRig();
    await rig.intake.metrics(decodeMetrics(bytes), 'otlp_http');
    expect(rig.sinks.samples.last()).toEqual({ h_count: 3, 'h_bucket{le="2.5"}': 1, 'h_bucket{le="+Inf"}': 3 });
  });

  it('grows its columns with their values, and keeps all columns equally long', async () => {
    const rig = ingestRig();
    const points = Array.from({ length: 500 }, (_, i) => ({
      attributes: [attribute('i', String(i))],
      startTimeUnixNano: nanosAt(NOW_MS - 1000 - i),
      timeUnixNano: T,
      asInt: String(i),
      flags: i % 100 === 7 ? 1 : 0,
    }));
    expect((await take(rig, [counter(points)])).accepted).toBe(500);
    for (let i = 0; i < 500; i += 1) {
      const stale = i % 100 === 7;
      const expected = { t: NOW_MS, v: stale ? NaN : i, stale, st: NOW_MS - 1000 - i, h: undefined };
      expect(rig.sinks.samples.of(`http_requests_total{i="${i}",${TARGET}}`)).toEqual([expected]);
    }
  });

  it('sends the metadata again after a failure', async () => {
    const rig = ingestRig();
    rig.sinks.samples.verdict = new Error('disk');
    await expect(take(rig, [KINDS[1]])).rejects.toThrow('disk');
    rig.sinks.samples.verdict = undefined;
    await take(rig, [KINDS[1]]);
    expect(rig.sinks.samples.metadata).toMatchObject([{ name: 'cpu_utilization_ratio' }]);
  });
});
