/** Prometheus remote write 1.0 and 2.0 over a real socket, against an independent encoder. */
import { compress } from 'snappyjs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import type { IngestRig, ListeningIngest } from '../../support/telemetry/ingest-bench.ts';
import { NOW_MS, ingestRig, ingestServer } from '../../support/telemetry/ingest-bench.ts';
import { encodeProto } from '../../support/telemetry/otlp-proto.ts';
import { decodeSnappy } from '../../support/telemetry/decoders.ts';

const V2 = 'application/x-protobuf;proto=io.prometheus.write.v2.Request';

let rig: IngestRig;
let server: ListeningIngest;
beforeAll(async () => {
  rig = ingestRig();
  server = await ingestServer(rig.intake);
});
afterAll(() => server[Symbol.asyncDispose]());

const postRaw = (body: Uint8Array, headers: Record<string, string> = {}): Promise<Response> =>
  fetch(`${server.url}/api/v1/write`, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'Content-Type': 'application/x-protobuf', 'Content-Encoding': 'snappy', ...headers },
  });
const post = (body: Uint8Array, headers?: Record<string, string>): Promise<Response> =>
  postRaw(compress(body), headers);

const label = (name: string, value: string): object => ({ name, value });
const series = (name: string, samples: readonly object[], more: object = {}): object => ({
  labels: [label('__name__', name), label('job', 'j')],
  samples,
  ...more,
});
const v1 = (...timeseries: object[]): Buffer => encodeProto('WriteV1', { timeseries });
const at = (value: number, timestamp = NOW_MS): object => ({ value, timestamp });

/** Rewrites the bytes of the marker value into Prometheus' stale NaN, which no JavaScript encoder is sure to keep. */
function withStale(bytes: Buffer, marker: number): Buffer {
  const found = Buffer.alloc(8);
  found.writeDoubleLE(marker);
  const at = bytes.indexOf(found);
  expect(at).toBeGreaterThan(0);
  Buffer.from('02000000 0000f07f'.replace(' ', ''), 'hex').copy(bytes, at);
  return bytes;
}

const NATIVE = {
  countInt: 6,
  sum: 10.5,
  schema: 0,
  zeroThreshold: 0.001,
  zeroCountInt: 1,
  positiveSpans: [
    { offset: 1, length: 2 },
    { offset: 3, length: 1 },
  ],
  positiveDeltas: [1, 2, -2],
  negativeSpans: [{ offset: -2, length: 1 }],
  negativeDeltas: [4],
  resetHint: 2,
  timestamp: NOW_MS,
};

describe('version 1', () => {
  it('keeps samples, exemplars, metadata and native histograms', async () => {
    const body = encodeProto('WriteV1', {
      timeseries: [
        series('up', [at(1, NOW_MS - 1000), at(Infinity)], {
          exemplars: [{ labels: [label('trace_id', 'a')], value: 2, timestamp: NOW_MS }],
        }),
        series('native', [], {
          histograms: [
            NATIVE,
            {
              ...NATIVE,
              countInt: undefined,
              countFloat: 1.5,
              positiveDeltas: [],
              negativeDeltas: [],
              negativeSpans: [],
              positiveCounts: [0.5, 0.5, 0.5],
              timestamp: NOW_MS + 1,
            },
          ],
        }),
        series('custom', [], {
          histograms: [
            {
              countFloat: 3,
              sum: 1,
              schema: -53,
              customValues: [1, 2],
              positiveSpans: [{ offset: 0, length: 3 }],
              positiveCounts: [1, 1, 1],
              timestamp: NOW_MS,
            },
          ],
        }),
      ],
      metadata: [{ type: 2, metricFamilyName: 'up', help: 'Is it?', unit: 'bool' }],
    });
    const response = await post(body);
    expect([response.status, await response.text()]).toEqual([204, '']);
    const { samples } = rig.sinks;
    expect(samples.of('up{job="j"}').map(({ t, v }) => [t, v])).toEqual([
      [NOW_MS - 1000, 1],
      [NOW_MS, Infinity],
    ]);
    expect(samples.exemplars).toMatchObject([{ series: 'up{job="j"}', exemplar: { value: 2, timestampMs: NOW_MS } }]);
    expect(samples.metadata).toEqual([{ name: 'up', type: 'gauge', help: 'Is it?', unit: 'bool' }]);
    const [integer, float] = samples.of('native{job="j"}');
    expect(integer.h).toEqual({
      schema: 0,
      count: 6,
      sum: 10.5,
      zeroThreshold: 0.001,
      zeroCount: 1,
      positiveSpans: NATIVE.positiveSpans,
      positiveBuckets: [1, 3, 1],
      negativeSpans: NATIVE.negativeSpans,
      negativeBuckets: [4],
      customValues: [],
      resetHint: 'not_reset',
    });
    expect([float.h?.count, float.h?.positiveBuckets]).toEqual([1.5, [0.5, 0.5, 0.5]]);
    expect(samples.of('custom{job="j"}')[0].h).toMatchObject({
      schema: -53,
      customValues: [1, 2],
      positiveBuckets: [1, 1, 1],
    });
  });

  it('puts floats and histograms of one series into order of time', async () => {
    const histograms = [-3, -1].map((offset) => ({ ...NATIVE, timestamp: NOW_MS + offset }));
    const body = v1(series('mixed', [at(1, NOW_MS - 4), at(2, NOW_MS - 2), at(3)], { histograms }));
    expect((await post(body)).status).toBe(204);
    expect(rig.sinks.samples.of('mixed{job="j"}').map(({ t, v, h }) => [t - NOW_MS, v, h?.count])).toEqual([
      [-4, 1, undefined],
      [-3, NaN, 6],
      [-2, 2, undefined],
      [-1, NaN, 6],
      [0, 3, undefined],
    ]);
  });

  it('recognises the stale marker by its bytes, in floats and histograms, and no other NaN', async () => {
    const body = withStale(
      withStale(
        v1(
          series('ends', [at(NaN, NOW_MS - 1), at(42.125)]),
          series('ending', [], { histograms: [{ ...NATIVE, sum: 77.625 }] }),
        ),
        42.125,
      ),
      77.625,
    );
    expect((await post(body)).status).toBe(204);
    expect(rig.sinks.samples.of('ends{job="j"}').map(({ v, stale }) => [v, stale])).toEqual([
      [NaN, false],
      [NaN, true],
    ]);
    expect(rig.sinks.samples.of('ending{job="j"}')).toMatchObject([{ stale: true, h: undefined }]);
  });

  it('resolves a series once', async () => {
    await post(v1(series('again', [at(1)])));
    const { resolved } = rig.sinks.samples;
    await post(v1(series('again', [at(2, NOW_MS + 1)])));
    expect(rig.sinks.samples.resolved).toBe(resolved);
    rig.sinks.samples.generation += 1;
    await post(v1(series('again', [at(3, NOW_MS + 2)])));
    expect(rig.sinks.samples.resolved).toBe(resolved + 1);
  });

  it('answers 400 with the reasons after keeping the rest', async () => {
    const body = v1(
      series('good', [at(1)]),
      series('future', [at(1, NOW_MS + 86_400_000)]),
      series('nanos', [at(1, NOW_MS * 1e6)]),
      { labels: [label('a', 'b')], samples: [at(1)] },
      { labels: [label('__name__', 'twice'), label('a', 'b'), label('a', 'c')], samples: [at(1)] },
      {
        labels: [label('__name__', 'wide'), ...Array.from({ length: 41 }, (_, i) => label(`l${i}`, 'v'))],
        samples: [at(1)],
      },
      series('bad', [], {
        histograms: [
          { ...NATIVE, schema: 9 },
          { ...NATIVE, positiveDeltas: [1] },
          { ...NATIVE, positiveDeltas: [1, -5, 9] },
        ],
      }),
    );
    const response = await post(body);
    expect(response.status).toBe(400);
    const text = await response.text();
    expect(text).toContain('2 refused (too_far_ahead)');
    expect(text).toContain('5 refused (invalid)');
    expect(text).toContain('1 refused (label_limit): "wide" has 42 labels'.replace('42', '41'));
    expect(rig.sinks.samples.of('good{job="j"}')).toHaveLength(1);
  });

  it('reports what the sink refused, and answers 503 when the request may be repeated', async () => {
    rig.sinks.samples.verdict = {
      accepted: 0,
      rejected: [{ reason: 'out_of_order', count: 1, message: 'older than the last' }],
    };
    const response = await post(v1(series('late', [at(1)])));
    expect([response.status, await response.text()]).toEqual([400, '1 refused (out_of_order): older than the last\n']);
    rig.sinks.samples.verdict = new VitrineError('storage_full', 'the disk is full');
    const full = await post(v1(series('late', [at(1)])));
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1']);
    rig.sinks.samples.verdict = undefined;
  });
});

describe('version 2', () => {
  const symbols = ['', '__name__', 'v2_total', 'job', 'j', 'Help.', 'trace_id', 'abc'];
  const request = (more: object = {}): Buffer =>
    encodeProto('WriteV2', {
      symbols,
      timeseries: [
        {
          labelsRefs: [1, 2, 3, 4],
          samples: [{ value: 5, timestamp: NOW_MS, startTimestamp: NOW_MS - 9000 }],
          histograms: [{ ...NATIVE, timestamp: NOW_MS + 1, startTimestamp: NOW_MS - 8000 }],
          exemplars: [{ labelsRefs: [6, 7], value: 1, timestamp: NOW_MS }],
          metadata: { type: 1, helpRef: 5 },
          ...more,
        },
      ],
    });

  it('keeps everything, start times too, and counts what it wrote', async () => {
    const response = await post(request(), { 'Content-Type': V2, 'X-Prometheus-Remote-Write-Version': '2.0.0' });
    expect(response.status).toBe(204);
    const written = ['Samples', 'Histograms', 'Exemplars'].map((kind) =>
      response.headers.get(`X-Prometheus-Remote-Write-${kind}-Written`),
    );
    expect(written).toEqual(['1', '1', '1']);
    expect(rig.sinks.samples.of('v2_total{job="j"}').map(({ t, st, h }) => [t, st, h?.count])).toEqual([
      [NOW_MS, NOW_MS - 9000, undefined],
      [NOW_MS + 1, NOW_MS - 8000, 6],
    ]);
    expect(rig.sinks.samples.metadata.at(-1)).toEqual({ name: 'v2_total', type: 'counter', help: 'Help.', unit: '' });
  });

  it.each([
    ['an odd number of references', request({ labelsRefs: [1, 2, 3] })],
    ['a reference beyond the symbols', request({ labelsRefs: [1, 99] })],
    ['a first symbol that is not empty', encodeProto('WriteV2', { symbols: ['x'], timeseries: [] })],
  ])('refuses %s', async (_name, body) => {
    expect((await post(body, { 'Content-Type': V2 })).status).toBe(400);
  });

  it('does not multiply a long symbol', async () => {
    const long = encodeProto('WriteV2', {
      symbols: ['', 'x'.repeat(1_000_000)],
      timeseries: [{ labelsRefs: Array.from({ length: 100_000 }, () => 1), samples: [at(1)] }],
    });
    expect((await post(long, { 'Content-Type': V2 })).status).toBe(400);
  });
});

describe('the envelope', () => {
  it.each([
    ['application/json', 'snappy', 415],
    ['application/x-protobuf;proto=other.Message', 'snappy', 415],
    ['application/x-protobuf', 'gzip', 415],
    ['application/x-protobuf; proto=prometheus.WriteRequest', 'snappy', 204],
    ['application/x-protobuf; charset=x; proto = "prometheus.WriteRequest" ', 'snappy', 204],
    ['application/x-protobuf; proto="', 'snappy', 415],
  ])('%s in %s is %d', async (type, encoding, status) => {
    const response = await post(v1(series('up', [at(1)])), { 'Content-Type': type, 'Content-Encoding': encoding });
    expect(response.status).toBe(status);
  });

  it('of thousands of spaces is read at once', async () => {
    const type = `application/x-protobuf; proto=${' '.repeat(8_000)}a"b`;
    expect((await post(v1(series('up', [at(1)])), { 'Content-Type': type })).status).toBe(415);
  });

  it.each([
    ['a declared 2 GB', Buffer.from([0xff, 0xff, 0xff, 0xff, 0x07, 0]), 413],
    ['a length it cannot hold', Buffer.from([0x80, 0x80, 0x40, 0]), 400],
    ['no length', Buffer.alloc(0), 400],
    ['bytes that are no snappy', Buffer.from('hello'), 400],
    ['a literal of negative length', Buffer.from([4, 0xfc, 0xff, 0xff, 0xff, 0xff]), 400],
    ['a copy from before the beginning', Buffer.from([8, 0x01, 0x09]), 400],
    ['less than it declares', Buffer.from([8, 0, 1]), 400],
    ['more than it declares', Buffer.from([1, 4, 1, 2]), 400],
  ])('%s is refused', async (_name, bytes, status) => {
    expect((await postRaw(bytes)).status).toBe(status);
  });

  it('decodes the output of an independent compressor', () => {
    for (const size of [0, 1, 59, 60, 61, 255, 256, 65_535, 65_536, 200_000]) {
      for (const input of [
        Buffer.alloc(size, 'ab'),
        Buffer.from(Array.from({ length: size }, (_, i) => (i * i) % 251)),
      ]) {
        expect(decodeSnappy(compress(input), 1e6).equals(input)).toBe(true);
      }
    }
  });
});
