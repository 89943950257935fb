/** OTLP/gRPC over real HTTP/2: answers, trailers, compression, limits, tokens. */
import type { ClientHttp2Session, IncomingHttpHeaders } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:http2';
import { once } from 'node:events';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { listen } from '../../../src/app/process/http-port.ts';
import { ByteBudget } from '../../../src/monitor/ingest/request/byte-budget.ts';
import { OtlpGrpcServer } from '../../../src/monitor/ingest/otlp/grpc-server.ts';
import type { IngestRig } from '../../support/telemetry/ingest-bench.ts';
import { NOW_NANOS, ingestRig } from '../../support/telemetry/ingest-bench.ts';
import { decodeProto, encodeProto } from '../../support/telemetry/otlp-proto.ts';

const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';
const LOGS = '/opentelemetry.proto.collector.logs.v1.LogsService/Export';

async function portOf({ server }: OtlpGrpcServer): Promise<number> {
  await listen(server, { host: '127.0.0.1', port: 0 }, 'otlp_grpc');
  return (server.address() as AddressInfo).port;
}

let rig: IngestRig;
let server: OtlpGrpcServer;
const guardedBudget = new ByteBudget(4000);
let guarded: OtlpGrpcServer;
let session: ClientHttp2Session;
let guardedSession: ClientHttp2Session;
beforeAll(async () => {
  rig = ingestRig();
  const common = { intake: rig.intake, logger: silentLogger };
  server = new OtlpGrpcServer({ ...common, allowedHosts: ['otlp.example'], budget: new ByteBudget(100 * 1024 * 1024) });
  guarded = new OtlpGrpcServer({
    ...common,
    budget: guardedBudget,
    token: 'secret',
    limits: { maxCompressedBytes: 5000, maxDecompressedBytes: 10_000, maxRatio: 200 },
  });
  session = connect(`http://127.0.0.1:${await portOf(server)}`);
  guardedSession = connect(`http://127.0.0.1:${await portOf(guarded)}`);
});
afterAll(async () => {
  session.close();
  guardedSession.destroy();
  await Promise.all([server.close(), guarded[Symbol.asyncDispose]()]);
});

interface Reply {
  readonly http: number;
  readonly status: string | undefined;
  readonly message: string | undefined;
  readonly details: string | undefined;
  readonly body: Buffer;
}

function frame(message: Uint8Array, flag = 0): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flag;
  head.writeUInt32BE(message.length, 1);
  return Buffer.concat([head, message]);
}

async function call(
  path: string,
  body: Uint8Array,
  headers: Record<string, string> = {},
  on: ClientHttp2Session = session,
): Promise<Reply> {
  const stream = on.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
    ...headers,
  });
  let head: IncomingHttpHeaders = {};
  let trailers: IncomingHttpHeaders = {};
  stream.on('response', (received) => (head = received));
  stream.on('trailers', (received) => (trailers = received));
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  stream.end(body);
  await once(stream, 'close');
  const all = { ...head, ...trailers };
  return {
    http: Number(head[':status']),
    status: all['grpc-status'] as string | undefined,
    message: all['grpc-message'] as string | undefined,
    details: all['grpc-status-details-bin'] as string | undefined,
    body: Buffer.concat(chunks),
  };
}

const metrics = (timeUnixNano = String(NOW_NANOS)): Buffer =>
  encodeProto('ExportMetrics', {
    resourceMetrics: [
      { scopeMetrics: [{ metrics: [{ name: 'g', gauge: { dataPoints: [{ timeUnixNano, asDouble: 4 }] } }] }] },
    ],
  });

describe('a call', () => {
  it('is accepted and answered with an empty response', async () => {
    const reply = await call(METRICS, frame(metrics()));
    expect([reply.http, reply.status, reply.body.toString('hex')]).toEqual([200, '0', '0000000000']);
    expect(rig.sinks.samples.last()).toEqual({ g: 4 });
  });

  it('may be compressed', async () => {
    const body = encodeProto('ExportLogs', {
      resourceLogs: [{ scopeLogs: [{ logRecords: [{ body: { stringValue: 'zip' } }] }] }],
    });
    const reply = await call(LOGS, frame(gzipSync(body), 1), { 'grpc-encoding': 'gzip' });
    expect(reply.status).toBe('0');
    expect(rig.sinks.logs.records.map(({ body }) => body)).toEqual(['zip']);
  });

  it('states what was refused', async () => {
    const reply = await call(METRICS, frame(metrics('1')));
    expect(reply.status).toBe('0');
    expect(decodeProto('ExportResponse', reply.body.subarray(5))).toMatchObject({ partialSuccess: { rejected: '1' } });
  });
});

describe('a refusal', () => {
  it.each([
    ['another method', '/opentelemetry.proto.collector.profiles.v1.ProfilesService/Export', frame(metrics()), {}, '12'],
    ['a prototype for a method', '/constructor', frame(metrics()), {}, '12'],
    ['malformed protobuf', METRICS, frame(Buffer.from([0x0a, 0xff])), {}, '3'],
    ['no message', METRICS, Buffer.alloc(0), {}, '3'],
    ['half a message', METRICS, frame(metrics()).subarray(0, 20), {}, '3'],
    ['two messages', METRICS, Buffer.concat([frame(metrics()), frame(metrics())]), {}, '3'],
    ['another compression', METRICS, frame(metrics(), 1), { 'grpc-encoding': 'snappy' }, '12'],
    ['bytes that are no gzip', METRICS, frame(metrics(), 1), { 'grpc-encoding': 'gzip' }, '3'],
    ['a bomb', METRICS, frame(gzipSync(Buffer.alloc(30_000_000)), 1), { 'grpc-encoding': 'gzip' }, '8'],
  ])('of %s', async (_name, path, body, headers, status) => {
    const reply = await call(path, body, headers);
    expect([reply.http, reply.status, reply.details]).toEqual([200, status, undefined]);
    expect(reply.message).toBeTruthy();
  });

  it('states when to try again', async () => {
    rig.sinks.samples.verdict = new VitrineError('storage_full', 'the disk is full: 100 % – sorry');
    const reply = await call(METRICS, frame(metrics()));
    rig.sinks.samples.verdict = undefined;
    expect([reply.status, reply.message]).toEqual(['14', 'the disk is full: 100 %25 %E2%80%93 sorry']);
    const status = decodeProto('RpcStatus', Buffer.from(reply.details ?? '', 'base64')) as {
      details: { typeUrl: string; value: string }[];
    };
    expect(status.details).toEqual([
      {
        typeUrl: 'type.googleapis.com/google.rpc.RetryInfo',
        value: Buffer.from([0x0a, 0x02, 0x08, 0x01]).toString('base64'),
      },
    ]);
  });

  it('of a request that is not gRPC has HTTP status 415', async () => {
    expect((await call(METRICS, Buffer.alloc(0), { 'content-type': 'application/json' })).http).toBe(415);
  });

  it('is sent for a missing token, for too many bytes at once, and for a message that is too large', async () => {
    const token = { authorization: 'Bearer secret' };
    expect((await call(METRICS, frame(metrics()), {}, guardedSession)).status).toBe('16');
    expect((await call(METRICS, frame(metrics()), token, guardedSession)).status).toBe('0');
    const held = guardedBudget.lease('127.0.0.1');
    held.take(1500);
    expect((await call(METRICS, frame(Buffer.alloc(1000)), token, guardedSession)).status).toBe('14');
    held.release();
    expect((await call(METRICS, frame(Buffer.alloc(3000)), token, guardedSession)).status).toBe('8');
    expect(rig.counters.totals().get('refused requests overloaded')).toBe(1);
    expect((await call(METRICS, frame(Buffer.alloc(6000)), token, guardedSession)).status).toMatch(/^(?:8|14)$/);
  });
});

describe('requests of other sites', () => {
  const METRICS = '/opentelemetry.proto.collector.metrics.v1.MetricsService/Export';

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ ':authority': 'evil.example:4317' }, 421],
    [{ ':authority': 'otlp.example:4317' }, 200],
    [{}, 200],
  ])('are refused: %o is answered %i', async (headers, status) => {
    expect((await call(METRICS, frame(new Uint8Array()), headers)).http).toBe(status);
  });
});
