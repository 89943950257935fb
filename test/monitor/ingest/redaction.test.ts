/** A secret is replaced on every road of every signal before a sink sees it: in records, resources, labels and exemplars. */
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { metrics as api } from '@opentelemetry/api';
import { compress } from 'snappyjs';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listen } from '../../../src/app/process/http-port.ts';
import { redactionOf } from '../../../src/app/monitor/records/line-intake.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Frame, FrameMetric, FramePoint } from '../../../src/model/frame.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { Attributes, LogRecord, SpanRecord } from '../../../src/model/records.ts';
import { AttributeRedaction } from '../../../src/monitor/ingest/checks/attribute-redaction.ts';
import { IngestCounters } from '../../../src/monitor/ingest/checks/counters.ts';
import { guardedSinks } from '../../../src/monitor/ingest/checks/guarded-sinks.ts';
import { LabelRedaction } from '../../../src/monitor/ingest/checks/label-redaction.ts';
import { Redaction, REDACTED } from '../../../src/monitor/ingest/checks/redaction.ts';
import { SpanLimits } from '../../../src/monitor/ingest/checks/span-limits.ts';
import { ingestConfig } from '../../../src/monitor/ingest/config.ts';
import { FileLines } from '../../../src/monitor/ingest/lines/file-lines.ts';
import { LineReader } from '../../../src/monitor/ingest/lines/line-reader.ts';
import { OtlpGrpcServer } from '../../../src/monitor/ingest/otlp/grpc-server.ts';
import { ByteBudget } from '../../../src/monitor/ingest/request/byte-budget.ts';
import { FrameReceiver } from '../../../src/monitor/ingest/request/frames.ts';
import { spanOf } from '../../support/records/plain-records.ts';
import {
  ingestRig,
  ingestServer,
  NOW_MS,
  NOW_NANOS,
  type ListeningIngest,
} from '../../support/telemetry/ingest-bench.ts';
import { memorySinks, MemorySpanSink } from '../../support/telemetry/memory-sinks.ts';
import { encodeProto } from '../../support/telemetry/otlp-proto.ts';

const SECRET = 'sk_live_4711';
const HIDDEN = 'correct horse';
const T = String(NOW_NANOS);
const TRACE = 'ab'.repeat(16);
const SPAN = 'cd'.repeat(8);

const sinks = memorySinks();
// Rules of both places hold for all data.
const settings = ingestConfig.parse({
  redact: [{ pattern: 'sk_live_[0-9]+' }],
  logs: { redact: ['user.password'] },
});
const guarded = guardedSinks(sinks, redactionOf(settings), new IngestCounters(api.getMeter('test')));
const rig = ingestRig({ sinks: guarded });
let http: ListeningIngest;
let grpc: OtlpGrpcServer;
let dir = '';
beforeAll(async () => {
  http = await ingestServer(rig.intake);
  grpc = new OtlpGrpcServer({ intake: rig.intake, logger: silentLogger, budget: new ByteBudget(100_000_000) });
  await listen(grpc.server, { host: '127.0.0.1', port: 0 }, 'otlp_grpc');
  dir = await mkdtemp(path.join(tmpdir(), 'vitrine-redact-'));
});
afterAll(async () => {
  await http[Symbol.asyncDispose]();
  await grpc.close();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  sinks.logs.records.length = 0;
  sinks.spans.spans.length = 0;
  sinks.samples.exemplars.length = 0;
});

const text = (value: unknown): string =>
  JSON.stringify(value, (_, one: unknown) => (typeof one === 'bigint' ? String(one) : one));

async function post(to: string, type: string, body: string | Uint8Array, headers = {}): Promise<void> {
  const answer = await fetch(http.url + to, {
    method: 'POST',
    body: Buffer.from(body),
    headers: { 'Content-Type': type, ...headers },
  });
  expect(answer.ok, await answer.text()).toBe(true);
}

async function call(service: string, message: Uint8Array): Promise<void> {
  const session = connect(`http://127.0.0.1:${(grpc.server.address() as AddressInfo).port}`);
  const stream = session.request({
    ':method': 'POST',
    ':path': service,
    'content-type': 'application/grpc',
    te: 'trailers',
  });
  const head = Buffer.alloc(5);
  head.writeUInt32BE(message.length, 1);
  stream.resume().end(Buffer.concat([head, message]));
  await once(stream, 'close');
  session.close();
}

const said = `key ${SECRET} was refused`;
const attributes = [
  { key: 'note', value: { arrayValue: { values: [{ stringValue: said }] } } },
  { key: 'user', value: { kvlistValue: { values: [{ key: 'password', value: { stringValue: HIDDEN } }] } } },
];
const resource = { attributes: [{ key: 'deployment', value: { stringValue: said } }, ...attributes] };
const scope = { name: 'lib', version: said };
const logs = (ids: (hex: string) => unknown): object => ({
  resourceLogs: [
    {
      resource,
      scopeLogs: [
        {
          scope,
          logRecords: [
            { timeUnixNano: T, traceId: ids(TRACE), severityText: said, body: { stringValue: said }, attributes },
          ],
        },
      ],
    },
  ],
});
const spans = (ids: (hex: string) => unknown): object => ({
  resourceSpans: [
    {
      resource,
      scopeSpans: [
        {
          scope,
          spans: [
            {
              traceId: ids(TRACE),
              spanId: ids(SPAN),
              name: `GET /${SECRET}`,
              startTimeUnixNano: T,
              endTimeUnixNano: T,
              attributes,
              events: [
                {
                  timeUnixNano: T,
                  name: 'exception',
                  attributes: [{ key: 'exception.message', value: { stringValue: said } }],
                },
                { timeUnixNano: T, name: said, attributes },
              ],
              links: [{ traceId: ids(TRACE), spanId: ids(SPAN), attributes }],
              status: { code: 2, message: said },
            },
          ],
        },
      ],
    },
  ],
});
const metrics = (name: string): object => ({
  resourceMetrics: [
    {
      resource: { attributes: [{ key: 'service.name', value: { stringValue: 'shop' } }, ...resource.attributes] },
      scopeMetrics: [
        {
          metrics: [
            {
              name,
              sum: {
                aggregationTemporality: 2,
                isMonotonic: true,
                dataPoints: [
                  {
                    timeUnixNano: T,
                    asDouble: 1,
                    attributes: [...attributes, { key: 'user.password', value: { stringValue: HIDDEN } }],
                    exemplars: [{ timeUnixNano: T, asDouble: 1, filteredAttributes: attributes }],
                  },
                ],
              },
            },
          ],
        },
      ],
    },
  ],
});
const asBytes = (hex: string): Buffer => Buffer.from(hex, 'hex');
const asText = (hex: string): string => hex;
const line = { time: NOW_MS, msg: said, user: { password: HIDDEN }, list: [said] };
const grpcOf = (signal: string): string =>
  `/opentelemetry.proto.collector.${signal.toLowerCase()}.v1.${signal}Service/Export`;

const PROTOBUF = 'application/x-protobuf';
const JSON_TYPE = 'application/json';
const ROADS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ['JSON lines', () => post('/api/logs', 'application/x-ndjson', JSON.stringify(line))],
  ['logfmt', () => post('/api/logs', 'application/logfmt', `msg="${said}" user.password="${HIDDEN}"`)],
  ['plain text', () => post('/api/logs', 'text/plain', said)],
  ['OTLP/JSON logs', () => post('/v1/logs', JSON_TYPE, JSON.stringify(logs(asText)))],
  ['OTLP/protobuf logs', () => post('/v1/logs', PROTOBUF, encodeProto('ExportLogs', logs(asBytes)))],
  ['OTLP/gRPC logs', () => call(grpcOf('Logs'), encodeProto('ExportLogs', logs(asBytes)))],
  ['OTLP/JSON spans', () => post('/v1/traces', JSON_TYPE, JSON.stringify(spans(asText)))],
  ['OTLP/protobuf spans', () => post('/v1/traces', PROTOBUF, encodeProto('ExportTraces', spans(asBytes)))],
  ['OTLP/gRPC spans', () => call(grpcOf('Trace'), encodeProto('ExportTraces', spans(asBytes)))],
  ['OTLP/JSON metrics', () => post('/v1/metrics', JSON_TYPE, JSON.stringify(metrics('by_json')))],
  ['OTLP/protobuf metrics', () => post('/v1/metrics', PROTOBUF, encodeProto('ExportMetrics', metrics('by_protobuf')))],
  ['OTLP/gRPC metrics', () => call(grpcOf('Metrics'), encodeProto('ExportMetrics', metrics('by_grpc')))],
  [
    'remote write',
    () => {
      const labels = Object.entries({ __name__: 'pushed', note: said, user_password: HIDDEN });
      const pairs = labels.map(([name, value]) => ({ name, value }));
      const samples = [{ value: 1, timestamp: NOW_MS }];
      const exemplars = [{ labels: [{ name: 'note', value: said }], value: 1, timestamp: NOW_MS }];
      const body = encodeProto('WriteV1', { timeseries: [{ labels: pairs, samples, exemplars }] });
      return post('/api/v1/write', PROTOBUF, compress(body), { 'Content-Encoding': 'snappy' });
    },
  ],
  [
    'OpenMetrics',
    () => {
      const labels = `{note="${said}",user_password="${HIDDEN}"}`;
      const body = `# TYPE c counter\nc_total${labels} 1 ${NOW_MS / 1_000} # {note="${said}"} 1\n# EOF\n`;
      return post('/api/v1/import/openmetrics', 'application/openmetrics-text; version=1.0.0', body);
    },
  ],
  [
    'a file',
    async () => {
      await writeFile(path.join(dir, 'app.log'), `${JSON.stringify(line)}\n`);
      const sources = [{ path: path.join(dir, '*.log'), format: 'auto' as const }];
      const parts = { reader: new LineReader(), intake: rig.intake, clock: systemClock, onTrouble: () => {} };
      await using files = new FileLines({ ...parts, sources, positions: path.join(dir, 'positions.json') });
      await files.start();
    },
  ],
  [
    'frames',
    () => {
      const plain = { name: '', version: '' };
      const bag = { note: said, user: { password: HIDDEN } };
      const log = {
        timeUnixNano: NOW_NANOS,
        observedUnixNano: NOW_NANOS,
        severityNumber: 9,
        severityText: '',
        body: said,
      };
      const point = { attributes: bag, startMs: NOW_MS, endMs: NOW_MS, value: 1 };
      const frame: Frame = {
        kind: 'frame',
        sequence: 1,
        timeMs: NOW_MS,
        resource: bag,
        metrics: [{ name: 'm', unit: '', description: '', kind: 'gauge', monotonic: false, points: [point] }],
        spans: [spanOf({ trace: 1, span: 1, startMs: NOW_MS, durationMs: 1, name: said, attributes: bag })],
        logs: [{ ...log, attributes: bag, traceId: '', spanId: '', scope: plain }],
        skippedFrames: 0,
        droppedSpans: 0,
        droppedLogs: 0,
      };
      return new FrameReceiver(rig.intake).receive(frame);
    },
  ],
];

describe('a secret', () => {
  it.each(ROADS)('does not come through by %s', async (_road, send) => {
    const known = sinks.samples.labels.length;
    await send();
    const { exemplars } = sinks.samples;
    const labels = sinks.samples.labels.slice(known).map((one) => [...one]);
    const stored = text([sinks.logs.records, sinks.spans.spans, labels, exemplars]);
    expect(stored).toContain(REDACTED);
    expect(stored).not.toContain(SECRET);
    expect(stored).not.toContain(HIDDEN);
    if (exemplars.length > 0) expect(text(exemplars.map(({ exemplar }) => [...exemplar.labels]))).toContain(REDACTED);
  });

  it('is replaced in every part of a span, and the rest of it stays', async () => {
    await post('/v1/traces', JSON_TYPE, JSON.stringify(spans(asText)));
    const [span] = sinks.spans.spans;
    const safe = `key ${REDACTED} was refused`;
    const bag = { note: [safe], user: { password: REDACTED } };
    expect(span).toMatchObject({
      traceId: TRACE,
      name: `GET /${REDACTED}`,
      status: 'error',
      statusMessage: safe,
      attributes: bag,
      resource: { attributes: { deployment: safe, ...bag } },
      scope: { name: 'lib', version: safe },
      links: [{ traceId: TRACE, attributes: bag }],
    } satisfies Partial<Record<keyof SpanRecord, unknown>>);
    expect(span.events.map((event) => [event.name, { ...event.attributes }])).toEqual([
      ['exception', { 'exception.message': safe }],
      [safe, bag],
    ]);
  });

  it('is replaced in every part of a line', async () => {
    await post('/v1/logs', JSON_TYPE, JSON.stringify(logs(asText)));
    const safe = `key ${REDACTED} was refused`;
    expect(sinks.logs.records[0]).toMatchObject({
      severityText: safe,
      body: safe,
      traceId: TRACE,
      scope: { version: safe },
      resource: { attributes: { deployment: safe } },
    } satisfies Partial<Record<keyof LogRecord, unknown>>);
  });

  it('in a label makes one series of two; names and bounds stay', async () => {
    const body = ['a', 'b'].map((value) => `h{le="1",by="${value}"} 1 ${NOW_MS}\n`).join('');
    const only = memorySinks();
    const all = ingestRig({ sinks: guardedSinks(only, new Redaction([{ field: '*' }]), rig.counters) });
    await using server = await ingestServer(all.intake);
    const headers = { 'Content-Type': 'text/plain; version=0.0.4' };
    await fetch(`${server.url}/api/v1/import/openmetrics`, { method: 'POST', headers, body });
    expect(only.samples.labels.map((labels) => Object.fromEntries(labels))).toEqual([
      { __name__: 'h', by: REDACTED, le: '1' },
    ]);
  });
});

it.each([
  ['{"token":1,"list":[{"id":2,"token":{"a":1}}]}', '{"token":"[REDACTED]","list":[{"id":2,"token":"[REDACTED]"}]}'],
  ['{"id":1}', '{"id":1}'],
  ['{not JSON token', '{not JSON token'],
  ['[1,2]', '[1,2]'],
  ['['.repeat(2_000) + ']'.repeat(2_000), `${'['.repeat(65)}"${REDACTED}"${']'.repeat(65)}`],
])('fields inside the label %s are found', (value, safe) => {
  const { samples } = memorySinks();
  const sink = new LabelRedaction(samples, new Redaction([{ field: 'user.*token' }]));
  expect(sink.resolve(Labels.from({ __name__: 'm', user: value }))).toBe(1);
  expect(sink.generation).toBe(samples.generation);
  expect(samples.labels[0].get('user')).toBe(safe);
});

it('rules by name mean the status message as `status.message`, in any case', async () => {
  const sink = new MemorySpanSink();
  const limits = new SpanLimits({
    sink,
    redaction: new Redaction([{ field: 'Status.Message' }, { field: '*.TOKEN' }]),
  });
  const span = spanOf({ trace: 1, span: 1, startMs: NOW_MS, durationMs: 1, attributes: { a: { token: 7 }, token: 1 } });
  await limits.append([{ ...span, statusMessage: 'x' }]);
  expect(sink.spans[0]).toMatchObject({ statusMessage: REDACTED, attributes: { a: { token: REDACTED }, token: 1 } });
});

describe('metrics that are shown without a way through the store', () => {
  const point = (attributes: Attributes, value: FramePoint['value']): FramePoint => ({
    attributes,
    startMs: 0,
    endMs: 1,
    value,
  });
  const metric = (kind: FrameMetric['kind'], points: readonly FramePoint[]): FrameMetric => ({
    name: 'm',
    unit: '1',
    description: '',
    kind,
    monotonic: true,
    points,
  });
  const histogram = (count: number, bounds = [1]): FramePoint['value'] => ({
    kind: 'histogram',
    bounds,
    counts: [count, 1],
    sum: count,
    count: count + 1,
  });
  const redaction = new AttributeRedaction(new Redaction([{ pattern: 'sk_live_[0-9]+' }, { field: 'user.*' }]));

  it('have no secret, and points that only a secret told apart are one', () => {
    const [sum, gauge, buckets, other] = redaction.metrics([
      metric('sum', [point({ 'user.id': 'a', n: 1 }, 2), point({ n: 1, 'user.id': 'b' }, 3), point({ n: 2 }, 4)]),
      metric('gauge', [point({ route: '/sk_live_1' }, 2), point({ route: '/sk_live_2' }, 3)]),
      metric('histogram', [point({ 'user.id': 7 }, histogram(2)), point({ 'user.id': 8 }, histogram(3))]),
      metric('histogram', [point({ 'user.id': 7 }, histogram(2)), point({ 'user.id': 8 }, histogram(3, [2]))]),
    ]);
    expect(sum.points).toMatchObject([
      { attributes: { 'user.id': REDACTED, n: 1 }, value: 5 },
      { attributes: { n: 2 }, value: 4 },
    ]);
    expect(gauge.points).toMatchObject([{ attributes: { route: `/${REDACTED}` }, value: 2 }]);
    expect(buckets.points).toMatchObject([{ value: { counts: [5, 2], sum: 5, count: 7 } }]);
    expect(other.points).toMatchObject([{ value: { counts: [2, 1], sum: 2 } }]);
  });

  it('are searched in lists and maps, and are the same objects when nothing is hidden', () => {
    const open = { a: ['x', 1, null], b: { c: true }, n: 5 };
    expect(redaction.attributes(open)).toBe(open);
    const found = redaction.attributes({ a: ['sk_live_1'], user: { id: 5, more: 6 }, b: { c: 'sk_live_22' }, n: null });
    expect({ ...found }).toEqual({
      a: [REDACTED],
      user: { id: REDACTED, more: REDACTED },
      b: { c: REDACTED },
      n: null,
    });
    const metrics = [metric('gauge', [point(open, 1)])];
    expect(redaction.metrics(metrics)[0]).toBe(metrics[0]);
    const none = new AttributeRedaction(Redaction.none);
    expect(none.attributes(open)).toBe(open);
    expect(none.metrics(metrics)).toBe(metrics);
  });
});
