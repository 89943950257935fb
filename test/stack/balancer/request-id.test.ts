/** A request id that is made here is the id of the request's trace, on every way that a request can take. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Frame } from '../../../src/model/frame.ts';
import type { SpanRecord } from '../../../src/model/records.ts';
import { startTelemetry, type Telemetry } from '../../../src/telemetry/sdk.ts';
import { raw, Rig } from './rig.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const TRACEPARENT = `traceparent: 00-${TRACE}-b7ad6b7169203331-01\r\n`;

let telemetry: Telemetry;
let rig: Rig;
let dir: string;
let frames: Frame[] = [];
beforeAll(async () => {
  dir = await mkdtemp(path.join(tmpdir(), 'request-id-'));
  const ids = { serviceName: 'balancer', instanceId: 'here' };
  telemetry = await startTelemetry({ ...ids, env: {}, logger: silentLogger, frames: {} });
  telemetry.frames?.connect((frame) => {
    frames.push(frame);
    telemetry.frames?.acknowledge(frame.sequence);
  });
});
afterAll(async () => {
  await telemetry.shutdown();
  await rm(dir, { recursive: true });
});
beforeEach(() => {
  frames = [];
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

async function asked(section: Record<string, unknown>, fields: string) {
  let forwarded: string | undefined;
  const upstream = await rig.http((request, response) => {
    forwarded = request.headers['x-request-id'] as string | undefined;
    response.end('ok');
  });
  const routes = [{ name: 'all', path: '/', upstreams: [upstream.url], ...section }];
  const { port } = await rig.balancer({ routes });
  const { text } = await raw(port, `GET /a HTTP/1.1\r\nHost: a\r\n${fields}Connection: close\r\n\r\n`);
  await telemetry.frames?.tick();
  const spans = frames.flatMap((frame) => frame.spans as readonly SpanRecord[]);
  const span = spans.find(({ kind }) => kind === 'server');
  return { id: /^x-request-id: (.*)\r$/im.exec(text)?.[1], forwarded, span, text };
}

it('is the trace’s id, for the client and for the upstream, and stands on no span a second time', async () => {
  const { id, forwarded, span } = await asked({}, '');
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(span?.traceId).toBe(id);
  expect(forwarded).toBe(id);
  expect(span?.attributes).not.toHaveProperty('request_id');
});

it('is the trace that the client began', async () => {
  const { id, span } = await asked({}, TRACEPARENT);
  expect(id).toBe(TRACE);
  expect(span?.traceId).toBe(TRACE);
});

it('stays the client’s own when it sent one', async () => {
  const { id, span } = await asked({}, 'X-Request-Id: order-4711\r\n');
  expect(id).toBe('order-4711');
  expect(span?.attributes['request_id']).toBe('order-4711');
});

it('is known to a gate that answers before there is a span', async () => {
  const { span, text } = await asked({ redirect: { to: '/moved?{request_id}', status: 302 } }, '');
  expect(span?.traceId).toMatch(/^[0-9a-f]{32}$/);
  expect(text).toContain(`/moved?${span?.traceId}\r\n`);
});

it('is known behind a gate that takes time', async () => {
  const file = path.join(dir, 'users');
  await writeFile(file, 'ann:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n');
  const { id, span } = await asked({ basic_auth: { file } }, `Authorization: Basic ${btoa('ann:password')}\r\n`);
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(span?.traceId).toBe(id);
});

it('is the trace of an upgrade, too', async () => {
  const { id, span } = await asked(
    {},
    'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n',
  );
  expect(id).toMatch(/^[0-9a-f]{32}$/);
  expect(span?.traceId).toBe(id);
});
