/** No sender can hold what others need: by size, by slowness, by number. */
import { Readable } from 'node:stream';
import { connect, type Socket } from 'node:net';
import { connect as connectHttp2 } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { capConnections, connectionBound } from '../../../../src/app/process/connection-cap.ts';
import { pacedChunks } from '../../../../src/monitor/ingest/request/body-pace.ts';
import { ByteBudget } from '../../../../src/monitor/ingest/request/byte-budget.ts';
import { HeapPressure } from '../../../../src/monitor/ingest/request/heap-pressure.ts';
import { OtlpGrpcServer } from '../../../../src/monitor/ingest/otlp/grpc-server.ts';
import { createServer } from 'node:http';
import { ingestRig, ingestServer } from '../../../support/telemetry/ingest-bench.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { until } from '../../../support/until.ts';

describe('the budget of bytes', () => {
  it('keeps half for other senders, however much one sender uses', () => {
    const budget = new ByteBudget(1_000);
    const leases = Array.from({ length: 5 }, () => budget.lease('a'));
    for (const lease of leases) lease.take(100);
    expect(() => budget.lease('a').take(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
    budget.lease('b').take(500);
    expect(() => budget.lease('c').take(1)).toThrow(expect.objectContaining({ code: 'overloaded' }));
    for (const lease of leases) lease.release();
    budget.lease('a').take(500);
    expect(budget.usedBytes).toBe(1_000);
  });

  it('refuses permanently only a request that could never fit', () => {
    const budget = new ByteBudget(1_000);
    const lease = budget.lease('a');
    lease.take(400);
    expect(() => lease.take(101)).toThrow(expect.objectContaining({ code: 'payload_too_large' }));
  });
});

describe('a body', () => {
  /** Bytes a second until the pace or the source ends it; the clock moves second by second. */
  async function sendAt(perSecond: (second: number) => number, seconds: number): Promise<string> {
    const clock = movedClock(0);
    const source = new Readable({ read() {} });
    const outcomes: string[] = [];
    void (async () => {
      try {
        let total = 0;
        for await (const chunk of pacedChunks(source, clock)) total += chunk.length;
        outcomes.push(`${total}`);
      } catch (error) {
        outcomes.push((error as { code?: string }).code ?? String(error));
      }
    })();
    for (let second = 0; second < seconds && outcomes.length === 0; second += 1) {
      const bytes = perSecond(second);
      if (bytes > 0) source.push(Buffer.alloc(bytes));
      await clock.advance(1_000);
      await new Promise((resolve) => setImmediate(resolve));
    }
    source.push(null);
    return until(() => outcomes[0]);
  }

  it('of any constant rate may take a minute', async () => {
    expect(await sendAt(() => 300, 59)).toBe(`${300 * 59}`);
    expect(await sendAt(() => 100_000, 59)).toBe(`${100_000 * 59}`);
  });

  it('that stops, is sent very slowly, or becomes slow after a fast start, is ended', async () => {
    expect(await sendAt((second) => (second === 0 ? 10_000 : 0), 30)).toBe('request_timeout');
    expect(await sendAt(() => 10, 30)).toBe('request_timeout');
    expect(await sendAt((second) => (second === 0 ? 10_000_000 : 1_000), 30)).toBe('request_timeout');
  });
});

describe('a heap that is nearly full', () => {
  it('refuses telemetry with 503 until it has room again', async () => {
    const rig = ingestRig();
    const heap = { used_heap_size: 90, heap_size_limit: 100 };
    await using server = await ingestServer(rig.intake, { heap: new HeapPressure(movedClock(0), () => heap) });
    const send = async (): Promise<Response> =>
      fetch(`${server.url}/v1/traces`, {
        method: 'POST',
        body: '{}',
        headers: { 'Content-Type': 'application/json' },
      });
    const refused = await send();
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '1']);
    const clock = movedClock(0);
    const pressure = new HeapPressure(clock, () => heap);
    expect(pressure.isHigh).toBe(true);
    heap.used_heap_size = 50;
    expect(pressure.isHigh).toBe(true);
    clock.jump(100);
    expect(pressure.isHigh).toBe(false);
  });
});

describe('connections over the limit', () => {
  it('are answered with 503 and closed; others continue, and freed room is used again', async () => {
    const server = createServer((_request, response) => response.end('ok'));
    const count = capConnections(server, 4);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    const open = (): Promise<Socket> =>
      new Promise((resolve) => {
        const socket = connect(port, '127.0.0.1', () => resolve(socket));
      });
    const silent = [await open(), await open(), await open()];
    await until(() =>
      new Promise<number>((resolve) => server.getConnections((_e, n) => resolve(n))).then((n) => n === 3),
    );
    const ask = async (): Promise<string> => {
      const socket = await open();
      let text = '';
      let failed = '';
      socket.on('data', (bytes: Buffer) => (text += bytes.toString()));
      socket.on('error', (error) => (failed = error.message));
      socket.write('POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc');
      await new Promise((resolve) => socket.once('close', resolve));
      return failed || text.slice(0, 12);
    };
    expect(await ask()).toBe('HTTP/1.1 503');
    expect(count.refused).toBe(1);
    silent[0].destroy();
    await until(async () => (await ask()) === 'HTTP/1.1 200');
    for (const socket of silent) socket.destroy();
    server.close();
  });

  it('are limited by the number of file descriptors', () => {
    expect(connectionBound('Max open files            256                  4096                 files')).toBe(64);
    expect(connectionBound('Max open files            20000                20000                files')).toBe(4_096);
    expect(connectionBound('Max open files            16                   16                   files')).toBe(32);
    expect(connectionBound('')).toBe(4_096);
  });
});

/** An HTTP/2 frame (RFC 9113, section 4.1). */
function frame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

const PATH = '/opentelemetry.proto.collector.trace.v1.TraceService/Export';
/** POST, http, the path, content-type (RFC 7541: indexed fields, and literals without indexing). */
const HEADERS = Buffer.concat([
  Buffer.from([0x83, 0x86, 0x04, PATH.length]),
  Buffer.from(PATH),
  Buffer.from([0x01, 1, 0x61, 0x0f, 0x10, 16]),
  Buffer.from('application/grpc'),
]);

describe('OTLP/gRPC', () => {
  it('closes a connection that resets its requests, and serves the others', async () => {
    const rig = ingestRig();
    await using grpc = new OtlpGrpcServer({ intake: rig.intake, logger: silentLogger, budget: new ByteBudget(1e6) });
    await new Promise<void>((resolve) => grpc.server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(grpc.server.address() as AddressInfo).port}`;
    const hostile = connect((grpc.server.address() as AddressInfo).port, '127.0.0.1');
    hostile.on('error', () => {});
    hostile.resume();
    const closed = new Promise<void>((resolve) => hostile.once('close', () => resolve()));
    hostile.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
    hostile.write(frame(0x4, 0, 0, Buffer.alloc(0)));
    let made = 0;
    const storm = setInterval(() => {
      for (let i = 0; i < 20 && !hostile.destroyed; i += 1) {
        const id = 1 + 2 * made;
        // HEADERS that end the stream's head only, then RST_STREAM with CANCEL.
        hostile.write(Buffer.concat([frame(0x1, 0x4, id, HEADERS), frame(0x3, 0, id, Buffer.from([0, 0, 0, 8]))]));
        made += 1;
      }
    }, 5);
    await closed;
    clearInterval(storm);
    expect(made).toBeLessThan(1_000);
    const good = connectHttp2(url);
    await new Promise((resolve) => good.once('connect', resolve));
    good.destroy();
  });
});
