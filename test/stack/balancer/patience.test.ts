/** Slow is not broken: long answers, quiet streams, slow clients, hung upstreams, and a queue that does not stand. */
import { once } from 'node:events';
import { connect } from 'node:net';
import type { RequestListener, ServerResponse } from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { balancerSchema } from '../../../src/stack/balancer/config.ts';
import { ownAnswer } from '../../../src/stack/balancer/own-endpoints.ts';
import { Deadlines } from '../../../src/stack/balancer/timing/deadlines.ts';
import { WaitingRoom, type Waiter } from '../../../src/stack/balancer/exchange/waiting-room.ts';
import { makeRoute } from '../../../src/stack/balancer/routes/route.ts';
import { until } from '../../support/until.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { answering, GET, raw, Rig, settled, talk } from './rig.ts';

const STREAM = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n';
const QUICK_CHECKS = { interval: '400ms', down: 2, up: 1 };

describe('waiting', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  /** An upstream whose answers, and those to checks, can be held. */
  async function holding(): Promise<{ url: string; hung: boolean; held: [string, ServerResponse][] }> {
    const state = { url: '', hung: false, held: [] as [string, ServerResponse][] };
    const listener: RequestListener = (request, response) => {
      request.resume();
      if (request.url?.startsWith('/held') === true) state.held.push([request.method ?? '', response]);
      else if (!state.hung) response.end('ok');
    };
    state.url = (await rig.http(listener)).url;
    return state;
  }

  it('asks only one upstream, and only once, for a slow answer', async () => {
    const [a, b] = [await holding(), await holding()];
    const { port } = await rig.balancer({ upstreams: [a.url, b.url], health_check: QUICK_CHECKS });
    const client = talk(rig, port, 'GET /held HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => a.held.length + b.held.length === 1);
    // Longer than every former limit of a check or a hedge.
    const startMs = performance.now();
    await until(() => performance.now() - startMs > 1_500 || undefined);
    expect(a.held.length + b.held.length).toBe(1);
    for (const [, response] of [...a.held, ...b.held]) response.end('late');
    await until(() => client.text().endsWith('late'));
  });

  it('moves the safe requests of an upstream that the checks find hung, and no others', async () => {
    const [hung, good] = [await holding(), await holding()];
    const { url, balancer } = await rig.balancer({
      upstreams: [hung.url, good.url],
      policy: 'round_robin',
      health_check: QUICK_CHECKS,
    });
    const post = { method: 'POST', body: 'x' };
    const answers = ['/held', '/held', '/held', '/held'].map((path, at) =>
      fetch(`${url}${path}`, at < 2 ? {} : post).then((answer) => answer.text()),
    );
    await until(() => hung.held.length === 2 && good.held.length === 2);
    hung.hung = true;
    await until(() => good.held.length === 3);
    expect(good.held.map(([method]) => method).toSorted()).toEqual(['GET', 'GET', 'POST']);
    expect(balancer.health().components.server.upstreams_up).toBe(1);
    for (const [, response] of good.held) response.end('moved');
    for (const [method, response] of hung.held) response.end(method === 'POST' ? 'late' : 'lost');
    expect((await Promise.all(answers)).toSorted()).toEqual(['late', 'moved', 'moved', 'moved']);
  });

  it('tries all upstreams when the checks have taken out every one, and reports this', async () => {
    const upstream = await rig.http((request, response) => {
      response.statusCode = request.url === '/readyz' ? 503 : 200;
      response.end('ok');
    });
    const { url, balancer } = await rig.balancer({ upstreams: [upstream.url], health_check: QUICK_CHECKS });
    await until(() => balancer.health().components.server.upstreams_up === 0);
    for (let at = 0; at < 3; at += 1) expect((await fetch(url)).status).toBe(200);
    expect(balancer.health().components.server.reason).toBe(
      'Every upstream of 1 of 1 routes is out, so all of them are tried.',
    );
  });

  it('ends an answer that stops, but not an event stream', async () => {
    const limits = { timeouts: { idle: '150ms' } };
    const stream = await rig.tcp(answering(STREAM));
    const quiet = talk(rig, (await rig.balancer({ upstreams: [stream.url], ...limits })).port, GET);
    const stopping = await rig.tcp(answering('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf'));
    const cut = talk(rig, (await rig.balancer({ upstreams: [stopping.url], ...limits })).port, GET);
    await until(() => quiet.text().includes('data: 1'));
    await cut.ended;
    const startMs = performance.now();
    await until(() => performance.now() - startMs > 400 || undefined);
    for (const socket of stream.sockets) socket.write('data: 2\n\n');
    await until(() => quiet.text().includes('data: 2'));
  });

  it('does not count event streams as requests in flight', async () => {
    const upstream = await rig.http((request, response) => {
      if (request.url === '/stream')
        response.writeHead(200, { 'content-type': 'text/event-stream' }).write('data: 1\n\n');
      else response.end('ok');
    });
    const { port, url } = await rig.balancer({ upstreams: [upstream.url], queue: { max_inflight: 1 } });
    const stream = talk(rig, port, 'GET /stream HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => stream.text().includes('data: 1'));
    for (let at = 0; at < 3; at += 1) expect((await fetch(url)).status).toBe(200);
  });

  /** 64 MiB, which no socket buffer takes. */
  const long = (): Promise<{ url: string }> => {
    const body = Buffer.alloc(64 * 1024 * 1024, 'x');
    return rig.http((_request, response) => void response.end(body));
  };

  it('disconnects a client that does not read its answer', async () => {
    const { port, balancer } = await rig.balancer({
      upstreams: [(await long()).url],
      timeouts: { client_stall: '300ms' },
    });
    const client = connect(port, '127.0.0.1', () => client.write(GET));
    client.on('error', () => {});
    client.pause();
    await until(() => balancer.health().components.balancer.active_requests === 1);
    await until(() => balancer.health().components.balancer.active_requests === 0);
    client.destroy();
  });

  it('begins no other pipelined request while the client does not read', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    let asked = 0;
    const upstream = await rig.http((_request, response) => {
      asked += 1;
      response.end(body);
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const client = connect(port, '127.0.0.1', () => client.write(GET.repeat(8)));
    client.on('error', () => {});
    client.pause();
    await until(() => asked > 0);
    expect(await settled(() => asked)).toBeLessThanOrEqual(2);
    let got = 0;
    client.on('data', (bytes: Buffer) => (got += bytes.length));
    client.resume();
    await until(() => got > 8 * body.length, 20_000);
    expect(asked).toBe(8);
    client.destroy();
  });

  it('ends a drain only when the last answer was sent, however slowly it is read', async () => {
    const body = Buffer.alloc(8 * 1024 * 1024, 'x');
    const upstream = await rig.http((_request, response) => void response.end(body));
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url] });
    const client = connect(port, '127.0.0.1', () => client.write(GET));
    client.pause();
    await once(client, 'readable');
    const drained = balancer.drain();
    let got = 0;
    client.on('data', (bytes: Buffer) => (got += bytes.length));
    await Promise.all([drained, once(client, 'close')]);
    expect(got).toBeGreaterThan(body.length);
  });

  it('does not forward the session cookie of the page to upstreams', async () => {
    const cookies: (string | undefined)[] = [];
    const upstream = await rig.http((request, response) => {
      cookies.push(request.headers.cookie);
      response.end('ok');
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    for (const cookie of [
      'vitrine=s',
      'a=1; vitrine=s; b=2',
      'vitrine=s;a=1',
      ' vitrine =s',
      'vitrines=1; c=vitrine=2',
    ])
      await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nCookie: ${cookie}\r\n\r\n`);
    expect(cookies).toEqual([undefined, 'a=1; b=2', 'a=1', undefined, 'vitrines=1; c=vitrine=2']);
  });

  it('names upstreams in its health only to clients on this machine', () => {
    const component = { status: 'healthy' as const, uptime_seconds: 1 };
    const upstreams = [{ name: '10.0.0.7:80', up: true }];
    const facts = () => ({
      uptimeSeconds: 1,
      requests: 0,
      queueSize: 0,
      draining: false,
      cacheSizeBytes: 0,
      components: { balancer: component, server: { ...component, upstreams_up: 1, upstreams } },
    });
    expect(ownAnswer('/health', '', true, facts).body).toContain('10.0.0.7');
    const told = ownAnswer('/health', '', false, facts).body;
    expect(told).not.toContain('10.0.0.7');
    expect(told).toContain('"upstreams_up":1');
  });
});

describe('a queue', () => {
  const { routes, limits } = balancerSchema.parse({ upstreams: ['http://127.0.0.1:9'] });
  const pieces = { clock: movedClock(0), loosest: limits, passwords: undefined };
  const route = makeRoute(routes[0], [], pieces);
  const [admitted, expired]: string[][] = [[], []];
  const waiter = (name: string): Waiter => ({
    admitted: () => void admitted.push(name),
    expired: () => void expired.push(name),
  });
  beforeEach(() => {
    admitted.length = 0;
    expired.length = 0;
  });

  it('serves a burst in order and refuses requests that waited for the whole deadline', async () => {
    const clock = movedClock(0);
    const room = new WaitingRoom(10, 1_000, new Deadlines(clock));
    for (const name of ['a', 'b', 'c']) room.enter(route, waiter(name), clock.monotonic());
    room.roomIn(route);
    await clock.advance(900);
    room.roomIn(route);
    await clock.advance(200);
    await until(() => expired.length === 1);
    expect([admitted, expired, room.size]).toEqual([['a', 'b'], ['c'], 0]);
  });

  it('while standing serves the newest and refuses others at once, until there is room and nobody waits', async () => {
    const clock = movedClock(0);
    const deadlines = new Deadlines(clock);
    const room = new WaitingRoom(100, 100, deadlines);
    const enter = (name: string): boolean => room.enter(route, waiter(name), clock.monotonic());
    for (let at = 0; at < 30; at += 1) {
      enter(`old ${at}`);
      await clock.advance(5);
      if (at % 2 === 1) room.roomIn(route);
    }
    // What came within the last 10 ms, of which one was served.
    expect(room.size).toBeLessThanOrEqual(2);
    admitted.length = 0;
    enter('first');
    enter('second');
    room.roomIn(route);
    expect(admitted).toEqual(['second']);
    await clock.advance(15);
    enter('third');
    expect(expired).toContain('first');
    expect(room.size).toBe(1);
    for (let at = 0; at < 2; at += 1) room.roomIn(route);
    // It stood a moment ago: 10 ms are enough to stand again.
    enter('soon');
    await clock.advance(10);
    for (const name of ['later', 'last']) enter(name);
    room.roomIn(route);
    expect(admitted).toEqual(['second', 'third', 'last']);
    for (let at = 0; at < 3; at += 1) room.roomIn(route);
    await clock.advance(200);
    enter('x');
    await clock.advance(15);
    enter('y');
    room.roomIn(route);
    expect(admitted.slice(3).filter((name) => name !== 'later' && name !== 'soon')).toEqual(['x']);
    room.leave(route, waiter('nobody'));
    expect(room.size).toBe(1);
    deadlines.close();
  });

  it('is bounded', () => {
    const clock = movedClock(0);
    const room = new WaitingRoom(1, 100, new Deadlines(clock));
    expect(room.enter(route, waiter('a'), 0)).toBe(true);
    expect(room.enter(route, waiter('b'), 0)).toBe(false);
  });
});
