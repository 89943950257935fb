import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connect } from 'node:net';
import { gunzipSync } from 'node:zlib';
import Koa from 'koa';
import { afterEach, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../../src/base/errors.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { QueryResult } from '../../../../src/model/ports.ts';
import { ResultSender } from '../../../../src/monitor/api/prometheus/result-sender.ts';
import { movedClock, type MovedClock } from '../../../support/moved-clock.ts';
import { until } from '../../../support/until.ts';

const POINTS = 600_000;
const COLUMN = Float64Array.from({ length: POINTS }, (_, k) => k * 1_000);
const result: QueryResult = {
  value: { kind: 'matrix', series: [{ labels: Labels.from({ a: 'b' }), t: COLUMN, v: COLUMN }] },
  warnings: [],
  infos: [],
};

let server: Server;
let clock: MovedClock;
let sender: ResultSender;

async function start(maxPoints: number): Promise<number> {
  clock = movedClock(0);
  sender = new ResultSender({ clock, maxPoints, timeoutMs: 60_000 });
  const app = new Koa();
  app.use(async (ctx) => {
    try {
      await sender.send(ctx, result);
    } catch (error) {
      ctx.status = error instanceof VitrineError ? 503 : 500;
      ctx.body = error instanceof VitrineError ? error.code : '';
    }
  });
  app.silent = true;
  const handle = app.callback();
  server = createServer((req, res) => void handle(req, res));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

const get = (port: number, headers: Record<string, string> = {}): Promise<{ status?: number; body: Buffer }> =>
  new Promise((resolve, reject) => {
    request({ port, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('end', () => resolve({ status: response.statusCode, body: Buffer.concat(chunks) }));
      response.on('error', reject);
    })
      .on('error', reject)
      .end();
  });

/** A client that sends a request and does not read the response; `ended` resolves when the connection ends. */
function deaf(port: number, encoding = 'identity'): { ended: Promise<void>; end(): void } {
  const socket = connect(port, '127.0.0.1');
  socket.pause();
  socket.write(`GET / HTTP/1.1\r\nHost: x\r\nAccept-Encoding: ${encoding}\r\n\r\n`);
  const ended = new Promise<void>((resolve) => {
    socket.once('error', () => resolve());
    socket.once('close', () => resolve());
  });
  return { ended, end: () => socket.destroy() };
}

describe('results being sent', () => {
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  it('arrive complete, plain and compressed, and are released', async () => {
    const port = await start(POINTS);
    const plain = await get(port);
    const packed = await get(port, { 'accept-encoding': 'gzip' });
    expect(JSON.parse(plain.body.toString())).toMatchObject({ status: 'success', data: { resultType: 'matrix' } });
    expect(gunzipSync(packed.body).equals(plain.body)).toBe(true);
    await until(
      () => sender.points === 0 || undefined,
      5_000,
      () => `${sender.points} points are still counted`,
    );
  });

  it.each(['identity', 'gzip'])('are limited; a client that disconnects frees its share (%s)', async (encoding) => {
    const port = await start(POINTS);
    const client = deaf(port, encoding);
    await until(
      () => sender.points === POINTS || undefined,
      5_000,
      () => 'nothing is being sent',
    );
    expect(await get(port)).toMatchObject({ status: 503, body: Buffer.from('overloaded') });
    client.end();
    await until(
      () => sender.points === 0 || undefined,
      5_000,
      () => `${sender.points} points are still counted`,
    );
    expect((await get(port)).status).toBe(200);
  });

  it('end when a client does not read them', async () => {
    const port = await start(POINTS);
    const client = deaf(port);
    await until(
      () => sender.points === POINTS || undefined,
      5_000,
      () => 'nothing is being sent',
    );
    await clock.advance(60_000);
    await until(
      () => sender.points === 0 || undefined,
      5_000,
      () => `${sender.points} points are still counted`,
    );
    expect((await get(port)).status).toBe(200);
    client.end();
    await client.ended;
  });
});
