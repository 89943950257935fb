/** Guarantees for clients while upstreams are killed, hang, send invalid answers or are slow. Real sockets and processes. */
import { Agent, request as httpRequest, type RequestListener } from 'node:http';
import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { setTimeout as time } from 'node:timers/promises';
import { until } from '../../support/until.ts';
import { answering, GET, raw, Rig, settled, talk, type Raw } from './rig.ts';

interface Outcome {
  readonly method: string;
  readonly id: string;
  readonly status: number;
  readonly ms: number;
}

/** One request over a keep-alive agent. Status 0: no answer. */
function ask(url: string, agent: Agent, method: string, id: string): Promise<Outcome> {
  const startMs = performance.now();
  return new Promise((resolve) => {
    const done = (status: number): void => resolve({ method, id, status, ms: performance.now() - startMs });
    const request = httpRequest(url, { method, agent, headers: { 'x-id': id } }, (response) => {
      response.resume();
      response.on('end', () => done(response.statusCode ?? 0));
      response.on('error', () => done(0));
    });
    request.on('error', () => done(0));
    request.end(method === 'POST' ? 'body' : undefined);
  });
}

/** `rate` requests a second for `seconds`, every fifth a POST. */
async function load(url: string, rate: number, seconds: number, methods: (at: number) => string): Promise<Outcome[]> {
  const agent = new Agent({ keepAlive: true });
  const all: Promise<Outcome>[] = [];
  const startMs = performance.now();
  while (performance.now() - startMs < seconds * 1000) {
    const due = ((performance.now() - startMs) / 1000) * rate;
    while (all.length < due) all.push(ask(url, agent, methods(all.length), String(all.length)));
    // Requests are due by time.
    await time(2);
  }
  const outcomes = await Promise.all(all);
  agent.destroy();
  return outcomes;
}

describe('promises', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  it('loses no GET and repeats no POST when one of two upstreams is killed', async () => {
    const [a, b] = [await rig.child('a'), await rig.child('b')];
    const posts: string[] = [];
    for (const child of [a, b]) child.process.on('message', (message) => posts.push((message as { id: string }).id));
    const { url } = await rig.balancer({ upstreams: [a.url, b.url] });
    const killed = until(() => posts.length >= 40).then(() => a.process.kill('SIGKILL'));
    const outcomes = await load(url, 150, 4, (at) => (at % 5 === 0 ? 'POST' : 'GET'));
    await killed;
    const gets = outcomes.filter((one) => one.method === 'GET');
    expect(gets.length).toBeGreaterThan(400);
    expect(gets.filter((one) => one.status !== 200)).toEqual([]);
    const failedPosts = outcomes.filter((one) => one.method === 'POST' && one.status !== 200);
    expect(failedPosts.every((one) => one.status === 502 || one.status === 503)).toBe(true);
    expect(failedPosts.length).toBeLessThanOrEqual(3);
    expect(posts.length).toBe(new Set(posts).size);
  });

  it('finds a hung upstream by its checks: no GET fails, none is slow after 5 s', async () => {
    const good = await rig.child('good');
    const hung = await rig.tcp(() => {});
    const { url } = await rig.balancer({ upstreams: [good.url, hung.url], health_check: { interval: '1s' } });
    const outcomes = await load(url, 50, 7, () => 'GET');
    expect(outcomes.filter((one) => one.status !== 200)).toEqual([]);
    expect(outcomes.slice(250).filter((one) => one.ms > 1_000)).toEqual([]);
  });

  it('hedges also when the upstream became silent after it answered another request', async () => {
    let silent = -1;
    let spoke = false;
    const listener =
      (self: number): RequestListener =>
      (incoming, answer) => {
        if (incoming.url === '/held' && silent < 0) {
          silent = self;
          return;
        }
        spoke ||= silent === self;
        answer.end('ok');
      };
    const [one, two] = [await rig.http(listener(0)), await rig.http(listener(1))];
    const { url } = await rig.balancer({
      upstreams: [one.url, two.url],
      policy: 'round_robin',
      timeouts: { hedge: '300ms', first_byte: '1h', total: '1h' },
    });
    const held = fetch(`${url}/held`);
    await until(() => silent >= 0);
    for (let at = 0; at < 4; at += 1) expect((await fetch(`${url}/quick`)).status).toBe(200);
    expect(spoke).toBe(true);
    expect((await held).status).toBe(200);
  });

  it('stops using an upstream that announces its shutdown before it closes', async () => {
    const state = { draining: false, late: 0 };
    const listener =
      (ends: boolean): RequestListener =>
      (incoming, answer) => {
        incoming.resume();
        const over = ends && state.draining;
        if (over) answer.setHeader('Connection', 'close');
        if (over && incoming.url === '/readyz') answer.statusCode = 503;
        else if (over) state.late += 1;
        answer.end('ok');
      };
    const [ending, staying] = [await rig.http(listener(true)), await rig.http(listener(false))];
    const { url, balancer } = await rig.balancer({
      upstreams: [ending.url, staying.url],
      policy: 'round_robin',
      // Only the upstream's own announcement can cause another check.
      health_check: { interval: '1h' },
    });
    const post = async (): Promise<number> => (await fetch(url, { method: 'POST', body: 'x' })).status;
    for (let at = 0; at < 4; at += 1) expect(await post()).toBe(200);
    state.draining = true;
    for (let at = 0; at < 2; at += 1) expect(await post()).toBe(200);
    await until(() => balancer.health().components.server.upstreams_up === 1);
    const { late } = state;
    ending.server.close();
    for (let at = 0; at < 10; at += 1) expect(await post()).toBe(200);
    expect(late).toBeGreaterThan(0);
    expect(state.late).toBe(late);
  });

  it('never repeats a POST whose bytes were sent', async () => {
    let seen = 0;
    const breaking = (): Promise<{ url: string }> =>
      rig.tcp((socket) => {
        socket.on('data', () => {
          seen += 1;
          socket.destroy();
        });
      });
    const { port } = await rig.balancer({ upstreams: [(await breaking()).url, (await breaking()).url] });
    const answer = await raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab');
    expect(answer.status).toBe(502);
    expect(seen).toBe(1);
  });

  it('sends a POST to another upstream when its connection was refused', async () => {
    const gone = await rig.tcp(() => {});
    gone.server.close();
    const good = await rig.tcp(answering('HTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n'));
    const { port } = await rig.balancer({ upstreams: [gone.url, good.url], policy: 'round_robin' });
    for (let at = 0; at < 4; at += 1) {
      const answer = await raw(port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab');
      expect(answer.status).toBe(201);
    }
  });

  it('answers 503 at once when no upstream listens, and 200 as soon as one listens again', async () => {
    const place = await rig.tcp(() => {});
    place.server.close();
    const { port } = await rig.balancer({ upstreams: [place.url] });
    for (let at = 0; at < 5; at += 1) {
      const answer = await raw(port, GET, /\}\n$/);
      expect(answer.status).toBe(503);
      expect(answer.text).toMatch(/retry-after: 1/i);
      expect(answer.ms).toBeLessThan(500);
    }
    await rig.http((_request, response) => response.end('ok'), place.port);
    expect((await raw(port, GET, /ok$/)).status).toBe(200);
  });

  it('keeps retries within their budget', async () => {
    let tries = 0;
    const upstream = await rig.tcp((socket) => {
      socket.on('data', () => {
        tries += 1;
        socket.destroy();
      });
    });
    const second = await rig.tcp((socket) => {
      socket.on('data', () => {
        tries += 1;
        socket.destroy();
      });
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url, second.url], ejection: { failures: 0 } });
    for (let at = 0; at < 200; at += 1) expect((await raw(port, GET, /\}\n$/)).status).toBe(502);
    expect(tries).toBeGreaterThan(200);
    expect(tries).toBeLessThanOrEqual(200 * 1.2 + 3 * 4);
  });

  it.each([
    ['Content-Length', 'HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'],
    ['chunked', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n'],
    ['a chunk', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n40\r\nhalf'],
  ])('never ends a body that was cut short: %s', async (_name, bytes) => {
    for (const how of ['end', 'resetAndDestroy'] as const) {
      const upstream = await rig.tcp((socket) => socket.on('data', () => socket.write(bytes)));
      const { port } = await rig.balancer({ upstreams: [upstream.url] });
      const client = talk(rig, port, GET);
      await until(() => client.text().includes('half'));
      for (const socket of upstream.sockets) socket[how]();
      await client.ended;
      expect(client.text()).not.toMatch(/\r\n0\r\n\r\n$/);
    }
  });

  it('ends slow heads with 408', async () => {
    const { port } = await rig.balancer({ upstreams: ['http://127.0.0.1:9'], timeouts: { client_head: '500ms' } });
    const answer = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nX:', undefined, 8_000);
    expect(answer.status).toBe(408);
    expect(answer.closed).toBe(true);
    expect(answer.ms).toBeLessThan(4_000);
  });

  it('ends slow bodies with 408 and opens no upstream connection for them', async () => {
    const upstream = await rig.tcp(() => {});
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const client = talk(rig, port, 'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\n');
    // Slowness is what is sent.
    const drip = setInterval(() => client.socket.write('x'), 200);
    await until(() => client.text().includes('408'), 12_000);
    clearInterval(drip);
  });

  it('answers 503 when the queue is full or too slow', async () => {
    const upstream = await rig.tcp(() => {});
    const { port } = await rig.balancer({
      upstreams: [upstream.url],
      queue: { max: 1, deadline: '100ms', max_inflight: 1 },
    });
    const first = raw(port, GET, undefined, 1_500);
    await until(() => upstream.sockets.size === 1);
    const [second, third] = await Promise.all([raw(port, GET, /\}\n$/), raw(port, GET, /\}\n$/)]);
    expect([second.status, third.status]).toEqual([503, 503]);
    expect(second.text).toMatch(/retry-after/i);
    expect(Math.max(second.ms, third.ms)).toBeLessThan(1_000);
    await first;
  });

  it('admits waiting requests when an upstream has room', async () => {
    const free = Promise.withResolvers<void>();
    const upstream = await rig.http((_request, response) => void free.promise.then(() => response.end('ok')));
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url], queue: { max_inflight: 1 } });
    const asked = Promise.all(Array.from({ length: 10 }, () => raw(port, GET, /ok$/)));
    await until(() => balancer.health().queueSize === 9);
    free.resolve();
    const answers = await asked;
    expect(answers.map((one) => one.status)).toEqual(Array.from({ length: 10 }, () => 200));
    expect(balancer.health().queueSize).toBe(0);
  });

  it('answers every request that it has read when it is drained', async () => {
    const closed = Promise.withResolvers<void>();
    const upstream = await rig.http((_request, response) => void closed.promise.then(() => response.end('late')));
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url], drain: { announce: '200ms' } });
    const pending = raw(port, GET, undefined, 4_000);
    const idle = connect(port, '127.0.0.1');
    await until(() => balancer.health().components.balancer.active_requests === 1);
    const drained = balancer.drain();
    const readiness = (): Promise<Raw> => raw(port, 'GET /-/readyz HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await readiness()).status).toBe(503);
    // The port is closed after the announcement.
    await until(async () => (await readiness()).status === 0);
    closed.resolve();
    const answer = await pending;
    expect(answer.text).toMatch(/late$/);
    expect(answer.text).toMatch(/connection: close/i);
    await drained;
    expect((await raw(port, GET)).status).toBe(0);
    idle.destroy();
  });

  it('pauses an upstream while the client does not read', async () => {
    let sent = 0;
    const total = 64 * 1024 * 1024;
    const block = Buffer.alloc(64 * 1024, 'x');
    const upstream = await rig.http((_request, response) => {
      response.writeHead(200, { 'content-length': total });
      const more = (): void => {
        while (sent < total) {
          sent += block.length;
          if (!response.write(block)) {
            response.once('drain', more);
            return;
          }
        }
        response.end();
      };
      more();
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const socket = connect(port, '127.0.0.1');
    socket.write(GET);
    socket.pause();
    expect(await settled(() => sent)).toBeLessThan(24 * 1024 * 1024);
    let got = 0;
    socket.on('data', (bytes) => (got += bytes.length));
    socket.resume();
    await until(() => got > total, 20_000);
    socket.destroy();
  });

  it('pauses a client while the upstream does not read', async () => {
    const upstream = await rig.tcp((socket) => socket.pause());
    const { port } = await rig.balancer({
      upstreams: [upstream.url],
      limits: { body: '0B' },
      timeouts: { first_byte: '0s', total: '0s' },
    });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n');
    const block = `10000\r\n${'x'.repeat(65_536)}\r\n`;
    let sent = 0;
    while (sent < 1024 && socket.write(block)) sent += 1;
    const taken = await settled(() => {
      for (let at = 0; at < 64; at += 1) socket.write(block);
      return socket.bytesWritten - socket.writableLength;
    });
    expect(taken).toBeLessThan(24 * 1024 * 1024);
    socket.destroy();
  });
});
