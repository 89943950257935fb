/** OTLP/HTTP clause by clause, over a real socket: encodings, partial success, statuses, limits, hostile bodies. */
import { request as httpRequest } from 'node:http';
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { TracerProvider, BatchSpanProcessor } from '@opentelemetry/sdk-trace';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { ByteBudget } from '../../../src/monitor/ingest/request/byte-budget.ts';
import type { IngestRig, ListeningIngest } from '../../support/telemetry/ingest-bench.ts';
import { NOW_NANOS, ingestRig, ingestServer } from '../../support/telemetry/ingest-bench.ts';
import { decodeProto, encodeProto } from '../../support/telemetry/otlp-proto.ts';
import { raw } from '../../stack/balancer/rig.ts';

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const T = String(NOW_NANOS);

const span = (traceId = '5b8efff798038103d269b633813fc60c'): object => ({
  traceId,
  spanId: 'EEE19B7EC3C1B174',
  parentSpanId: 'eee19b7ec3c1b173',
  name: 'I am a server span',
  kind: 2,
  startTimeUnixNano: T,
  endTimeUnixNano: String(NOW_NANOS + 1_000_000n),
  attributes: [
    { key: '__proto__', value: { stringValue: 'plain' } },
    { key: 'big', value: { intValue: '9007199254740993' } },
    { key: 'list', value: { arrayValue: { values: [{ boolValue: true }, { doubleValue: 1.5 }] } } },
    { key: 'map', value: { kvlistValue: { values: [{ key: 'constructor', value: { intValue: 1 } }] } } },
  ],
  events: [{ timeUnixNano: T, name: 'event', attributes: [] }],
  links: [{ traceId: '0'.repeat(31) + '1', spanId: '0'.repeat(15) + '1' }],
  status: { code: 2, message: 'broken' },
  aFieldOfTomorrow: { deep: [1] },
});
const traces = (...spans: object[]): object => ({
  resourceSpans: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'my.service' } }] },
      scopeSpans: [{ scope: { name: 'my.library', version: '1.0.0' }, spans }],
    },
  ],
});
const bytesOf = (hex: string): Buffer => Buffer.from(hex, 'hex');
/** The same in protobuf, where ids are bytes. */
function protoTraces(...spans: object[]): Buffer {
  const withBytes = JSON.parse(JSON.stringify(traces(...spans))) as {
    resourceSpans: { scopeSpans: { spans: Record<string, unknown>[] }[] }[];
  };
  for (const item of withBytes.resourceSpans[0].scopeSpans[0].spans) {
    for (const id of ['traceId', 'spanId', 'parentSpanId']) item[id] = bytesOf(item[id] as string);
    for (const link of item.links as Record<string, unknown>[]) {
      for (const id of ['traceId', 'spanId']) link[id] = bytesOf(link[id] as string);
    }
  }
  return encodeProto('ExportTraces', withBytes);
}

const log = { timeUnixNano: T, severityNumber: 17, severityText: 'ERROR', body: { stringValue: 'no' }, eventName: 'e' };
const logs = { resourceLogs: [{ scopeLogs: [{ logRecords: [log, { body: { stringValue: 'timeless' } }] }] }] };

let rig: IngestRig;
let server: ListeningIngest;
beforeAll(async () => {
  rig = ingestRig();
  server = await ingestServer(rig.intake);
});
afterAll(() => server[Symbol.asyncDispose]());
beforeEach(() => {
  rig.sinks.spans.spans.length = 0;
  rig.sinks.logs.records.length = 0;
  rig.sinks.samples.verdict = undefined;
});

function post(path: string, body: Uint8Array | string, headers: Record<string, string>): Promise<Response> {
  return fetch(server.url + path, { method: 'POST', body: Buffer.from(body), headers });
}
const postJson = (path: string, body: unknown): Promise<Response> =>
  post(path, typeof body === 'string' ? body : JSON.stringify(body), { 'Content-Type': JSON_TYPE });
const postProto = (path: string, body: Uint8Array, more: Record<string, string> = {}): Promise<Response> =>
  post(path, body, { 'Content-Type': PROTOBUF, ...more });

async function statusOf(response: Response): Promise<{ code: number; message: string }> {
  const bytes = Buffer.from(await response.arrayBuffer());
  const body =
    response.headers.get('content-type') === PROTOBUF ? decodeProto('RpcStatus', bytes) : JSON.parse(bytes.toString());
  return body as { code: number; message: string };
}

describe('success', () => {
  it.each([
    ['JSON', JSON_TYPE, () => Buffer.from(JSON.stringify(traces(span())))],
    ['protobuf', PROTOBUF, () => protoTraces(span())],
  ])('accepts spans in %s and answers with an empty response in the same encoding', async (_name, type, body) => {
    const response = await post('/v1/traces', body(), { 'Content-Type': type });
    expect([response.status, response.headers.get('content-type')]).toEqual([200, type]);
    expect(await response.text()).toBe(type === JSON_TYPE ? '{}' : '');
    const [record] = rig.sinks.spans.spans;
    expect(
      JSON.parse(JSON.stringify(record, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))),
    ).toEqual({
      traceId: '5b8efff798038103d269b633813fc60c',
      spanId: 'eee19b7ec3c1b174',
      parentSpanId: 'eee19b7ec3c1b173',
      name: 'I am a server span',
      kind: 'server',
      startUnixNano: T,
      endUnixNano: String(NOW_NANOS + 1_000_000n),
      status: 'error',
      statusMessage: 'broken',
      attributes: JSON.parse(
        '{"__proto__":"plain","big":"9007199254740993","list":[true,1.5],"map":{"constructor":1}}',
      ) as object,
      events: [{ name: 'event', timeUnixNano: T, attributes: {} }],
      links: [{ traceId: '0'.repeat(31) + '1', spanId: '0'.repeat(15) + '1', attributes: {} }],
      resource: { attributes: { 'service.name': 'my.service' } },
      scope: { name: 'my.library', version: '1.0.0' },
    });
    expect(record.attributes.big).toBe(9007199254740993n);
  });

  it.each([
    ['JSON', () => postJson('/v1/logs', logs)],
    ['protobuf', () => postProto('/v1/logs', encodeProto('ExportLogs', logs))],
  ])('accepts log records in %s; those without a time get the present time', async (_name, send) => {
    expect((await send()).status).toBe(200);
    expect(
      rig.sinks.logs.records.map(({ body, severityNumber, timeUnixNano, observedUnixNano, attributes }) => [
        body,
        severityNumber,
        timeUnixNano,
        observedUnixNano,
        attributes['event.name'],
      ]),
    ).toEqual([
      ['no', 17, NOW_NANOS, NOW_NANOS, 'e'],
      ['timeless', 0, NOW_NANOS, NOW_NANOS, undefined],
    ]);
  });

  it.each(['/v1/metrics', '/v1/traces', '/v1/logs', '/api/v1/otlp/v1/metrics'])('takes nothing at %s', async (path) => {
    expect((await postJson(path, {})).status).toBe(200);
    expect((await postProto(path, Buffer.alloc(0))).status).toBe(200);
  });

  it.each([
    ['gzip', gzipSync],
    ['deflate', deflateSync],
    ['zstd', zstdCompressSync],
    ['GZIP', gzipSync],
    ['identity', (body: Buffer) => body],
  ])('takes a body in %s', async (coding, compress) => {
    expect((await postProto('/v1/traces', compress(protoTraces(span())), { 'Content-Encoding': coding })).status).toBe(
      200,
    );
    expect(rig.sinks.spans.spans).toHaveLength(1);
  });

  it('accepts the exports of the SDK', async () => {
    const exporter = new OTLPTraceExporter({ url: `${server.url}/v1/traces` });
    const provider = new TracerProvider({ spanProcessors: [new BatchSpanProcessor({ exporter })] });
    rig.clock.nowMs = Date.now();
    provider
      .getTracer('t')
      .startSpan('from the SDK', { attributes: { n: 1, list: ['a', 'b'] } })
      .end();
    await provider.forceFlush();
    await provider.shutdown();
    expect(rig.sinks.spans.spans.map(({ name, attributes }) => [name, { ...attributes }])).toEqual([
      ['from the SDK', { n: 1, list: ['a', 'b'] }],
    ]);
  });
});

describe('partial success', () => {
  it('counts one invalid item of a thousand and keeps the others', async () => {
    const spans = Array.from({ length: 1000 }, (_, i) => span(i === 500 ? '0'.repeat(32) : undefined));
    const response = await postJson('/v1/traces', traces(...spans));
    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedSpans: '1', errorMessage: expect.stringContaining('trace id') as string },
    });
    const proto = await postProto('/v1/traces', protoTraces(...spans));
    expect(decodeProto('ExportResponse', Buffer.from(await proto.arrayBuffer()))).toEqual({
      partialSuccess: { rejected: '1', errorMessage: expect.stringContaining('trace id') as string },
    });
    expect(rig.sinks.spans.spans).toHaveLength(1998);
  });

  it('is counted over all parts of a large request', async () => {
    const records = Array.from({ length: 12_000 }, (_, i) => (i % 5_000 === 1 ? { ...log, timeUnixNano: '1' } : log));
    const response = await postJson('/v1/logs', { resourceLogs: [{ scopeLogs: [{ logRecords: records }] }] });
    expect(await response.json()).toEqual({
      partialSuccess: { rejectedLogRecords: '3', errorMessage: expect.stringMatching(/^3 refused/) as string },
    });
    expect(rig.sinks.logs.records).toHaveLength(11_997);
    const dataPoints = Array.from({ length: 12_000 }, (_, i) => ({
      attributes: [{ key: 'large', value: { intValue: String(i) } }],
      timeUnixNano: T,
      asInt: String(i),
    }));
    const metric = { name: 'in.parts', gauge: { dataPoints } };
    expect((await postJson('/v1/metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] })).ok).toBe(
      true,
    );
    const values = rig.sinks.samples.labels.flatMap((labels, i) =>
      labels.name === 'in_parts' ? rig.sinks.samples.samples[i].map(({ v }) => v) : [],
    );
    expect(values.sort((a, b) => a - b)).toEqual(dataPoints.map((_, i) => i));
  });

  it('becomes 503 when nothing was kept because there was no room', async () => {
    rig.sinks.samples.verdict = { accepted: 0, rejected: [{ reason: 'queue_full', count: 1, message: 'full' }] };
    const metric = { name: 'g', gauge: { dataPoints: [{ timeUnixNano: T, asDouble: 1 }] } };
    const response = await postJson('/v1/metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1']);
    rig.sinks.samples.verdict = new VitrineError('storage_full', 'the disk is full');
    const full = await postJson('/v1/metrics', { resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] });
    expect([full.status, full.headers.get('retry-after')]).toEqual([503, '1']);
    expect(await statusOf(full)).toMatchObject({ code: 14, message: 'the disk is full' });
    expect(rig.counters.totals().get('rejected metrics storage_full')).toBe(1);
  });
});

describe('refusals', () => {
  it.each([
    ['application/json; charset=utf-8', 200],
    ['text/plain', 415],
    ['', 415],
  ])('Content-Type %s is %d', async (type, status) => {
    expect((await post('/v1/traces', '{}', { 'Content-Type': type })).status).toBe(status);
  });

  it.each(['br', 'gzip, gzip', 'constructor', 'x'])('Content-Encoding %s is 415', async (coding) => {
    expect((await postProto('/v1/traces', Buffer.alloc(4), { 'Content-Encoding': coding })).status).toBe(415);
  });

  it('only POST is allowed', async () => {
    const response = await fetch(`${server.url}/v1/traces`);
    expect([response.status, response.headers.get('allow')]).toEqual([405, 'POST']);
    expect((await fetch(`${server.url}/api/logs`)).status).toBe(404);
    const elsewhere = await fetch(`${server.url}/elsewhere`);
    expect([elsewhere.status, await elsewhere.json()]).toMatchObject([404, { code: 'not_found' }]);
  });

  const nested = (depth: number): string => `${'{"arrayValue":{"values":['.repeat(depth)}{}${']}}'.repeat(depth)}`;
  const body = (value: string): string => `{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"body":${value}}]}]}]}`;
  it.each([
    ['no JSON', '{'],
    ['an array', '[]'],
    ['a hundred thousand brackets', '['.repeat(100_000)],
    ['a comment', '{} // x'],
    ['NaN', '{"resourceLogs":NaN}'],
    ['a deep value', body(nested(100))],
    ['a string for a list', '{"resourceLogs":"x"}'],
    ['a base64 id', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"traceId":"W47/95gDgQPSabYzgT/GDA=="}]}]}]}'],
    [
      'an enum by name',
      '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"severityNumber":"SEVERITY_NUMBER_ERROR"}]}]}]}',
    ],
    ['an infinite integer', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":1e400}]}]}]}'],
    ['a fraction of a nanosecond', '{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"timeUnixNano":"1.5"}]}]}]}'],
  ])('%s in JSON is 400 with a Status', async (_name, text) => {
    const response = await postJson('/v1/logs', text);
    expect([response.status, response.headers.get('content-type')]).toEqual([400, JSON_TYPE]);
    expect(await statusOf(response)).toMatchObject({
      code: 3,
      message: expect.stringContaining('malformed') as string,
    });
  });

  it('bytes that are not UTF-8 are 400', async () => {
    expect((await post('/v1/logs', Buffer.from([0x7b, 0xff, 0x7d]), { 'Content-Type': JSON_TYPE })).status).toBe(400);
  });

  it('skips a byte order mark, keeps lone surrogates and uses the last of equal keys', async () => {
    expect((await postJson('/v1/logs', `\ufeff${body('{"stringValue":"a","stringValue":"\\ud800"}')}`)).status).toBe(
      200,
    );
    expect(rig.sinks.logs.records[0].body).toBe('\ud800');
  });

  const deepProto = (depth: number): Buffer => {
    // AnyValue { array_value = 5 { values = 1 } } wrapped `depth` times, then into LogRecord.body.
    let value: Buffer = Buffer.alloc(0);
    const wrap = (tag: number, inner: Buffer): Buffer => {
      const head = [tag];
      let length = inner.length;
      for (; length > 0x7f; length >>>= 7) head.push((length & 0x7f) | 0x80);
      return Buffer.concat([Buffer.from([...head, length]), inner]);
    };
    for (let i = 0; i < depth; i += 1) value = wrap(0x2a, wrap(0x0a, value));
    return [0x2a, 0x12, 0x12, 0x0a].reduce<Buffer>((inner, tag) => wrap(tag, inner), value);
  };
  it.each([
    ['a declared length of 2 GB', Buffer.from([0x0a, 0xff, 0xff, 0xff, 0xff, 0x07])],
    ['a truncated varint', Buffer.from([0x0a, 0x80])],
    ['an endless varint', Buffer.alloc(64, 0xff)],
    ['field number 0', Buffer.from([0x02, 0x00])],
    ['a wrong wire type', Buffer.from([0x08, 0x01])],
    ['wire type 7', Buffer.from([0x7f, 0x01])],
    ['a group that never ends', Buffer.alloc(10_000, 0x7b)],
    ['a depth of 10,000', deepProto(10_000)],
    ['text that is not UTF-8', Buffer.from([0x0a, 6, 0x12, 4, 0x0a, 2, 0x0a, 0xff])],
    ['a message longer than its field', Buffer.from([0x0a, 3, 0x12, 5, 0x0a, 0, 0, 0])],
  ])('%s in protobuf is 400 with a Status', async (_name, bytes) => {
    const response = await postProto('/v1/logs', bytes);
    expect([response.status, response.headers.get('content-type')]).toEqual([400, PROTOBUF]);
    expect(await statusOf(response)).toMatchObject({ code: 3 });
  });

  it('ignores unknown fields of every wire type, groups too', async () => {
    const unknown = Buffer.from([
      0x78, 1, 0x79, 1, 2, 3, 4, 5, 6, 7, 8, 0x7a, 1, 0, 0x7d, 1, 2, 3, 4, 0x7b, 0x78, 1, 0x7c,
    ]);
    const bytes = Buffer.concat([unknown, encodeProto('ExportLogs', logs), unknown]);
    expect((await postProto('/v1/logs', bytes)).status).toBe(200);
    expect(rig.sinks.logs.records).toHaveLength(2);
  });
});

describe('limits', () => {
  it.each([
    ['trailing garbage', Buffer.concat([gzipSync('{}'), Buffer.from('garbage')]), 400],
    ['truncated gzip', gzipSync('{}'.repeat(100)).subarray(0, 15), 400],
    ['no gzip at all', Buffer.from('{}'), 400],
    ['gzip in gzip', gzipSync(gzipSync('{}')), 400],
  ])('%s is refused', async (_name, bytes, status) => {
    const response = await post('/v1/logs', bytes, { 'Content-Type': JSON_TYPE, 'Content-Encoding': 'gzip' });
    expect(response.status).toBe(status);
  });

  it('refuses twenty decompression bombs at once with flat memory', async () => {
    const bomb = gzipSync(Buffer.alloc(256 * 1024 * 1024));
    const before = process.memoryUsage().rss;
    const sent = Array.from({ length: 20 }, () => postProto('/v1/traces', bomb, { 'Content-Encoding': 'gzip' }));
    const statuses = (await Promise.all(sent)).map(({ status }) => status);
    expect(new Set(statuses)).toEqual(new Set([413]));
    expect(process.memoryUsage().rss - before).toBeLessThan(150 * 1024 * 1024);
  });

  it('refuses a body over the limit, declared or not, and still answers', async () => {
    await using small = await ingestServer(rig.intake, {
      limits: { maxCompressedBytes: 1000, maxDecompressedBytes: 2000, maxRatio: 200 },
    });
    const send = (headers: Record<string, string>): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const outgoing = httpRequest({ port: small.port, path: '/v1/traces', method: 'POST', headers }, (response) => {
          response.resume();
          resolve(response.statusCode);
        });
        outgoing.on('error', reject);
        outgoing.end(Buffer.alloc(100_000));
      });
    expect(await send({ 'Content-Type': PROTOBUF, 'Content-Length': '100000' })).toBe(413);
    expect(await send({ 'Content-Type': PROTOBUF, 'Transfer-Encoding': 'chunked' })).toBe(413);
    const unpacked = await fetch(`${small.url}/v1/traces`, {
      method: 'POST',
      body: gzipSync(Buffer.alloc(3000)),
      headers: { 'Content-Type': PROTOBUF, 'Content-Encoding': 'gzip' },
    });
    expect(unpacked.status).toBe(413);
    const head = 'POST /v1/traces HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n';
    const unsent = await raw(small.port, `${head}Content-Length: 99999999999\r\n\r\n{`, undefined, 10_000);
    expect(unsent).toMatchObject({ status: 413, closed: true });
    expect(await statusOf(unpacked)).toMatchObject({ code: 8 });
  });

  it('answers 503 when too many bytes are in flight, and releases them afterwards', async () => {
    const budget = new ByteBudget(3000);
    const held = budget.lease('127.0.0.1');
    held.take(1200);
    const refusedBefore = rig.counters.totals().get('refused requests overloaded') ?? 0;
    await using tight = await ingestServer(rig.intake, { budget });
    const send = (size: number): Promise<Response> =>
      fetch(`${tight.url}/v1/traces`, {
        method: 'POST',
        body: Buffer.alloc(size, 0x7a),
        headers: { 'Content-Type': PROTOBUF },
      });
    const refused = await send(500);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    // More than one sender may ever use: sending again cannot help.
    const hopeless = await send(2000);
    expect([hopeless.status, hopeless.headers.get('retry-after')]).toEqual([413, null]);
    expect(budget.usedBytes).toBe(1200);
    held.release();
    expect(budget.usedBytes).toBe(0);
    expect(rig.counters.totals().get('refused requests overloaded')).toBe(refusedBefore + 1);
    expect((await send(500)).status).toBe(400);
  });

  it('requires the token when one is configured', async () => {
    await using guarded = await ingestServer(rig.intake, { token: 'secret' });
    const send = (authorization?: string): Promise<Response> =>
      fetch(`${guarded.url}/v1/traces`, {
        method: 'POST',
        body: '{}',
        headers: { 'Content-Type': JSON_TYPE, ...(authorization === undefined ? {} : { authorization }) },
      });
    expect((await send('Bearer secret')).status).toBe(200);
    for (const wrong of [undefined, 'Bearer secre', 'Bearer secret2', 'Basic secret']) {
      const response = await send(wrong);
      expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer']);
    }
  });

  it('lets a running request end', async () => {
    const second = await ingestServer(rig.intake);
    const { port } = second;
    const answered = new Promise<number | undefined>((resolve, reject) => {
      const headers = { 'Content-Type': JSON_TYPE, 'Content-Length': '2' };
      const outgoing = httpRequest({ port, path: '/v1/traces', method: 'POST', headers }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      outgoing.on('error', reject);
      outgoing.write('{', () => {
        void second[Symbol.asyncDispose]();
        outgoing.end('}');
      });
    });
    expect(await answered).toBe(200);
  });

  it('logs unexpected errors and does not show them to the sender', async () => {
    const lines: unknown[] = [];
    const logger = { ...silentLogger, error: (fields: unknown) => void lines.push(fields) };
    await using noisy = await ingestServer(rig.intake, { logger });
    rig.sinks.samples.verdict = new Error('secret detail');
    const metric = { name: 'g', gauge: { dataPoints: [{ timeUnixNano: T, asDouble: 1 }] } };
    const response = await fetch(`${noisy.url}/v1/metrics`, {
      method: 'POST',
      body: JSON.stringify({ resourceMetrics: [{ scopeMetrics: [{ metrics: [metric] }] }] }),
      headers: { 'Content-Type': JSON_TYPE },
    });
    expect([response.status, await statusOf(response)]).toMatchObject([
      500,
      { code: 13, message: 'An unexpected error was logged.' },
    ]);
    expect(lines).toHaveLength(1);
  });
});

describe('requests of other sites', () => {
  const post = (path: string, headers: Record<string, string>): Promise<number | undefined> =>
    new Promise((resolve, reject) => {
      const { port } = server;
      const type = { 'content-type': 'text/plain', ...headers };
      const request = httpRequest({ host: '127.0.0.1', port, path, method: 'POST', headers: type }, (response) => {
        response.resume();
        resolve(response.statusCode);
      });
      request.on('error', reject).end('# TYPE planted gauge\nplanted 42\n# EOF\n');
    });
  const IMPORT = '/api/v1/import/openmetrics';

  it.each([
    [IMPORT, { origin: 'https://evil.example', 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    [IMPORT, { 'sec-fetch-site': 'same-site' }, 403],
    [IMPORT, { origin: 'null' }, 403],
    ['/api/logs', { origin: 'http://localhost:4000' }, 403],
    ['/v1/logs', { 'sec-fetch-site': 'cross-site' }, 403],
    [IMPORT, { host: 'rebound.example:4318' }, 421],
    [IMPORT, { host: 'localhost:4318' }, 200],
    [IMPORT, {}, 200],
  ])('are refused: %s with %o is answered %i', async (path, headers, status) => {
    expect(await post(path, headers)).toBe(status);
  });
});
