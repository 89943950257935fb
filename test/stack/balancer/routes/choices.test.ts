/** Switches by which a route differs from the others: times, tries, cache, clients and keys. */
import type { Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { cacheConfig } from '../../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../../src/stack/cache/open-response-cache.ts';
import { until } from '../../../support/until.ts';
import { answering, raw, Rig, talk } from '../rig.ts';
import { ask, mirrorOn, sees } from './mirror.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const mirror = (name = 'one') => mirrorOn(rig, name);
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`;
const silent = () => rig.tcp((socket) => void socket.resume());

describe('times of a route', () => {
  it('hedge: a silent upstream is passed over on the routes that ask for it, for safe requests only', async () => {
    const [good, hung] = [await mirror('good'), await silent()];
    const upstreams = [hung.url, { url: good.url, weight: 1 }];
    const { port } = await rig.balancer({
      policy: 'round_robin',
      routes: [
        { upstreams, path: '/quick', hedge: '20ms', retries: { budget: 1 } },
        { upstreams, path: '/patient' },
      ],
    });
    for (let at = 0; at < 4; at += 1) expect((await ask(port, '/quick')).status).toBe(200);
    expect(hung.sockets.size).toBeGreaterThan(0);
    const waiting = (method: string, target: string) =>
      talk(rig, port, `${method} ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`);
    for (const [method, target] of [
      ['POST', '/quick'],
      ['GET', '/patient'],
    ] as const) {
      const seen = good.seen.length;
      const both = [waiting(method, target), waiting(method, target)];
      await until(() => both.some((one) => one.text() !== ''));
      // One of two goes to each upstream; the one at the silent upstream stays there.
      expect(both.filter((one) => one.text() === '')).toHaveLength(1);
      expect(good.seen.length).toBe(seen + 1);
    }
  });

  it('idle: an answer that stops is cut after the time of its route', async () => {
    const half = await rig.tcp(answering('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf'));
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [half.url], path: '/short', timeouts: { idle: '50ms' } },
        { upstreams: [half.url], path: '/long' },
      ],
    });
    const long = talk(rig, port, get('/long'));
    const short = talk(rig, port, get('/short'));
    await short.ended;
    expect(short.text()).toMatch(/half$/);
    expect(long.socket.readableEnded).toBe(false);
  });

  it('total: all tries together end in time; connect: the handshake of TLS counts', async () => {
    const hung = await silent();
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [hung.url], path: '/total', timeouts: { total: '50ms' } },
        { upstreams: [hung.url.replace('http:', 'https:')], path: '/connect', timeouts: { connect: '50ms' } },
      ],
    });
    expect((await ask(port, '/total')).status).toBe(504);
    expect((await ask(port, '/connect')).status).toBe(503);
  });

  it('upstream_keep_alive: a route that keeps no connection opens one for each request', async () => {
    const sockets = new Set<Socket>();
    const { url, server } = await rig.http((_request, response) => response.end('ok'));
    server.on('connection', (socket) => sockets.add(socket));
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [url], path: '/once', timeouts: { upstream_keep_alive: '0s' } },
        { upstreams: [url], path: '/kept' },
      ],
    });
    for (let at = 0; at < 3; at += 1) await ask(port, '/once');
    expect(sockets.size).toBe(3);
    for (let at = 0; at < 3; at += 1) await ask(port, '/kept');
    expect(sockets.size).toBe(4);
  });
});

describe('tries of a route', () => {
  it('have a budget of their own: another route may still retry when one has used it up', async () => {
    const good = await mirror('good');
    let broken = 0;
    const bad = await rig.tcp((socket) =>
      socket.on('data', () => {
        broken += 1;
        socket.destroy();
      }),
    );
    const upstreams = [bad.url, good.url];
    const { port } = await rig.balancer({
      policy: 'round_robin',
      ejection: { failures: 0 },
      routes: [
        { upstreams, path: '/none', retries: { budget: 0, min: 0 } },
        { upstreams, path: '/some', retries: { budget: 0, min: 2 } },
        { upstreams, path: '/all', retries: { budget: 1, min: 0 } },
      ],
    });
    const failures = async (target: string) => {
      broken = 0;
      let failed = 0;
      for (let at = 0; at < 10; at += 1) if ((await ask(port, target)).status !== 200) failed += 1;
      return { failed, retried: broken - failed };
    };
    expect(await failures('/none')).toEqual({ failed: 5, retried: 0 });
    expect((await failures('/some')).retried).toBeGreaterThanOrEqual(2);
    expect((await failures('/all')).failed).toBe(0);
  });
});

describe('the cache of a route', () => {
  it('is off, has a lifetime for answers that state none, and is passed by on request', async () => {
    await using opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    if (opened === undefined) throw new Error('the response cache is enabled by default');
    let asked = 0;
    const { url } = await rig.http((request, response) => {
      asked += 1;
      if (request.url?.includes('fresh') === true) response.setHeader('Cache-Control', 'max-age=60');
      response.end(String(asked));
    });
    const { port } = await rig.balancer(
      {
        routes: [
          { upstreams: [url] },
          { upstreams: [url], path: '/off', cache: { enabled: false } },
          { upstreams: [url], path: '/ttl', cache: { default_ttl: '1m' } },
          {
            upstreams: [url],
            path: '/by',
            cache: { bypass: ['header:X-Preview', 'cookie:session', 'query:nocache'] },
          },
        ],
      },
      { responseCache: opened.cache },
    );
    const same = async (target: string, headers: Record<string, string> = {}) => {
      const first = await ask(port, target, headers);
      return first.body === (await ask(port, target, headers)).body;
    };
    expect(await same('/fresh')).toBe(true);
    expect(await same('/plain')).toBe(false);
    expect(await same('/off/fresh')).toBe(false);
    expect((await ask(port, '/off/fresh')).headers).not.toHaveProperty('cache-status');
    expect(await same('/ttl/plain')).toBe(true);
    expect(await same('/by/fresh')).toBe(true);
    for (const headers of [{ 'X-Preview': '1' }, { Cookie: 'a=b; session=7' }] as Record<string, string>[])
      expect(await same('/by/fresh', headers)).toBe(false);
    expect(await same('/by/fresh?nocache')).toBe(false);
    expect(await same('/by/fresh?x=nocache')).toBe(true);
  });

  it('selects by the fields that the upstream got, which the balancer or the route wrote', async () => {
    await using opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    let asked = 0;
    const { url } = await rig.http((request, response) => {
      asked += 1;
      const by = request.url?.slice(1) ?? '';
      response.setHeader('Cache-Control', 'max-age=60').setHeader('Vary', by);
      response.end(String(request.headers[by]));
    });
    const edits = { set: { 'X-Tenant': 'of {client}' }, remove: ['Accept-Language'] };
    const { port } = await rig.balancer(
      { trusted_proxies: ['127.0.0.1'], routes: [{ upstreams: [url], request_headers: edits }] },
      { responseCache: opened?.cache },
    );
    const from = async (client: string, by: string, more: Record<string, string> = {}) =>
      (await ask(port, `/${by}`, { 'X-Forwarded-For': client, 'X-Tenant': 'forged', ...more })).body;
    for (const client of ['10.0.0.1', '10.0.0.2', '10.0.0.1', '10.0.0.2'])
      expect(await from(client, 'x-tenant')).toBe(`of ${client}`);
    expect(asked).toBe(2);
    // The balancer adds the address of the proxy.
    for (const client of ['10.0.0.1', '10.0.0.2', '10.0.0.1'])
      expect(await from(client, 'x-forwarded-for')).toBe(`${client}, 127.0.0.1`);
    expect(asked).toBe(4);
    // One answer for all, because the upstream gets no such field from anybody.
    for (const language of ['de', 'en'])
      expect(await from('10.0.0.1', 'accept-language', { 'Accept-Language': language })).toBe('undefined');
    expect(asked).toBe(5);
  });

  it('gives no answer for one address to another', async () => {
    await using opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    const { url } = await rig.http((request, response) => {
      response.setHeader('Cache-Control', 'max-age=60').setHeader('Vary', 'X-Forwarded-For');
      response.end(String(request.headers['x-forwarded-for']));
    });
    const { port } = await rig.balancer({ upstreams: [url] }, { responseCache: opened?.cache });
    for (const address of ['127.0.0.1', '127.0.0.2', '127.0.0.1', '127.0.0.2'])
      expect((await ask(port, '/', { 'X-Forwarded-For': '10.0.0.9' }, 'GET', undefined, address)).body).toBe(address);
  });
});

describe('clients of a route', () => {
  it('stay at one upstream by their address, which a trusted proxy states', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((name) => mirror(name)));
    const { port } = await rig.balancer({
      trusted_proxies: ['127.0.0.1'],
      routes: [{ upstreams: all.map(({ url }) => url), sticky: { ip: true } }],
    });
    const found = new Set<string>();
    for (let at = 1; at <= 40; at += 1) {
      const headers = { 'X-Forwarded-For': `10.0.0.${at}` };
      const { name } = sees(await ask(port, `/${at}`, headers));
      expect(sees(await ask(port, '/other', headers)).name).toBe(name);
      found.add(name);
    }
    expect(found.size).toBe(3);
  });

  it('have a rate by address, IPv6 by its /64, or by a cookie, or share one; and a burst', async () => {
    const upstream = await mirror();
    const limit = (path: string, more: Record<string, unknown>) => ({
      upstreams: [upstream.url],
      path,
      rate_limit: { requests: 1, per: '1h', ...more },
    });
    const { port } = await rig.balancer({
      trusted_proxies: ['127.0.0.1'],
      routes: [
        limit('/client', {}),
        limit('/cookie', { by: 'cookie:user' }),
        limit('/route', { by: 'route' }),
        limit('/burst', { burst: 3 }),
      ],
    });
    const from = async (target: string, address: string, cookie = '') =>
      (await ask(port, target, { 'X-Forwarded-For': address, ...(cookie === '' ? {} : { Cookie: cookie }) })).status;
    expect([await from('/client', '10.0.0.1'), await from('/client', '10.0.0.1')]).toEqual([200, 429]);
    expect(await from('/client', '10.0.0.2')).toBe(200);
    expect(await from('/client', '2001:db8:0:1::1')).toBe(200);
    expect(await from('/client', '2001:db8:0:1:ffff::2')).toBe(429);
    expect(await from('/client', '2001:db8:0:2::1')).toBe(200);
    expect([await from('/cookie', '10.0.0.1', 'user=a'), await from('/cookie', '10.0.0.2', 'user=a')]).toEqual([
      200, 429,
    ]);
    expect(await from('/cookie', '10.0.0.2', 'user=b')).toBe(200);
    expect([await from('/route', '10.0.0.1'), await from('/route', '10.0.0.2')]).toEqual([200, 429]);
    const burst = [];
    for (let at = 0; at < 5; at += 1) burst.push(await from('/burst', '10.0.0.1'));
    expect(burst).toEqual([200, 200, 200, 429, 429]);
  });

  it('have a number of requests at a time by a field', async () => {
    const waiting: (() => void)[] = [];
    const { url } = await rig.http((_request, response) => void waiting.push(() => response.end('ok')));
    const { port } = await rig.balancer({
      routes: [{ upstreams: [url], concurrency: { max: 1, by: 'header:X-Tenant' } }],
    });
    const as = (tenant: string) => ask(port, '/', { 'X-Tenant': tenant });
    const [a, b] = [as('a'), as('b')];
    await until(() => waiting.length === 2);
    expect((await as('a')).status).toBe(429);
    for (const go of waiting) go();
    expect([(await a).status, (await b).status]).toEqual([200, 200]);
  });

  it('may send a body as slowly as their route allows', async () => {
    const upstream = await rig.http((request, response) => void request.resume().on('end', () => response.end('ok')));
    const { port } = await rig.balancer({
      limits: { min_rate: '1GiB' },
      routes: [
        { upstreams: [upstream.url], path: '/strict' },
        { upstreams: [upstream.url], path: '/lenient', limits: { min_rate: '0B' } },
      ],
    });
    const post = (target: string) => `POST ${target} HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nx`;
    const lenient = talk(rig, port, post('/lenient'));
    expect((await raw(port, post('/strict'), /\}\n?$/, 60_000)).status).toBe(408);
    expect(lenient.text()).toBe('');
  });
});
