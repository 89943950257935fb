/** The runtime API, by calls and over its socket, and a reload under traffic. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { CareChange } from '../../../../src/model/care.ts';
import type { Balancer } from '../../../../src/stack/balancer/balancer.ts';
import { openControlSocket } from '../../../../src/stack/balancer/care/control-socket.ts';
import { balancerSchema } from '../../../../src/stack/balancer/config.ts';
import { cacheConfig } from '../../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../../src/stack/cache/open-response-cache.ts';
import { until } from '../../../support/until.ts';
import { answering, GET, raw, Rig } from '../rig.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const named = (name: string) => rig.http((_request, response) => response.end(name));
const who = 'a test';
const call = (balancer: Balancer, target: string, body?: unknown, method = body === undefined ? 'GET' : 'POST') =>
  balancer.care({ method, path: target, body, who });

interface Changed {
  readonly change: { readonly before: unknown; readonly undo: { readonly path: string; readonly body: unknown } };
}

async function answers(port: number, count: number): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for (let at = 0; at < count; at += 1) {
    const { text } = await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    const body = text.slice(text.indexOf('\r\n\r\n') + 4);
    counts.set(body, (counts.get(body) ?? 0) + 1);
  }
  return counts;
}

describe('changes by hand', () => {
  it('an upstream is drained, even in panic mode, and put back into use', async () => {
    const [one, two] = [await named('one'), await named('two')];
    const { balancer, port } = await rig.balancer({
      policy: 'round_robin',
      upstreams: [one.url, two.url],
      ejection: { slow_start: '0s' },
    });
    const id = encodeURIComponent(`127.0.0.1:${one.port}`);
    const drained = await call(balancer, `/api/balancer/upstreams/${id}/drain`, {});
    expect(drained.status).toBe(200);
    // It is missing on purpose, so nothing is degraded.
    expect(balancer.health().components['server']).toMatchObject({ status: 'healthy', upstreams_up: 1 });
    expect(await answers(port, 6)).toEqual(new Map([['two', 6]]));
    const other = encodeURIComponent(`127.0.0.1:${two.port}`);
    const both = await call(balancer, `/api/balancer/upstreams/${other}/drain`, {});
    // Nobody may ask a drained one, so this is no panic.
    expect(balancer.health().components['server']?.reason).toBe('2 of 2 upstreams take no traffic.');
    const again = (both.body as Changed).change.undo;
    await call(balancer, again.path, again.body);
    two.server.close();
    two.server.closeAllConnections();
    expect((await raw(port, GET, /\r\n\r\n/)).status).toBe(503);
    const { undo } = (drained.body as Changed).change;
    expect((await call(balancer, undo.path, undo.body)).status).toBe(200);
    await until(async () => (await answers(port, 1)).has('one'));
  });

  it('a weight and maintenance are changed, and each change is recorded with its author and its undo', async () => {
    const [one, two] = [await named('one'), await named('two')];
    const { balancer, port } = await rig.balancer({
      routes: [{ name: 'shop', policy: 'round_robin', upstreams: [one.url, two.url] }],
    });
    const heavy = `/api/balancer/upstreams/${encodeURIComponent(`127.0.0.1:${one.port}`)}/weight`;
    const weighed = await call(balancer, heavy, { weight: 50 });
    expect((await answers(port, 60)).get('one')).toBeGreaterThan(45);
    expect((weighed.body as Changed).change).toMatchObject({
      before: 1,
      after: 50,
      who,
      undo: { body: { weight: 1 } },
    });
    expect((await call(balancer, heavy, { weight: 0 })).status).toBe(400);
    expect((await call(balancer, '/api/balancer/routes/shop/maintenance', { enabled: true })).status).toBe(200);
    expect((await raw(port, GET, /\r\n\r\n/)).status).toBe(503);
    await call(balancer, '/api/balancer/routes/shop/maintenance', { enabled: false });
    expect((await raw(port, GET, /\r\n\r\n/)).status).toBe(200);
    const { body } = await call(balancer, '/api/balancer');
    expect(body).toMatchObject({
      routes: [{ name: 'shop', maintenance: false, upstreams: [{ weight: 50, drained: false }, { weight: 1 }] }],
      changes: [
        { id: 3, action: 'maintenance', target: 'shop', before: true, after: false },
        { id: 2, action: 'maintenance', before: false, after: true },
        { id: 1, action: 'weight' },
      ],
    });
    for (let at = 0; at < 300; at += 1) await call(balancer, heavy, { weight: 2 });
    expect(((await call(balancer, '/api/balancer')).body as { changes: unknown[] }).changes).toHaveLength(200);
  });

  it('an invalid call is answered with the reason and the names that exist', async () => {
    const { balancer } = await rig.balancer({ routes: [{ name: 'shop', upstreams: ['http://127.0.0.1:1'] }] });
    const wrong = [
      ['/api/balancer/upstreams/x/drain', {}, 404, /There are 127\.0\.0\.1:1/],
      ['/api/balancer/routes/x/maintenance', {}, 404, /There are shop/],
      ['/api/balancer/routes/shop/maintenance', { enabled: 'yes' }, 400, /true or false/],
      ['/api/balancer/upstreams/127.0.0.1%3A1/explode', {}, 404, /explode/],
      ['/api/balancer/upstreams/%zz/drain', {}, 400, /UTF-8/],
      ['/api/cache/purge', { url: 'x' }, 404, /No responses/],
      ['/api/other', {}, 404, /There is no POST/],
    ] as const;
    for (const [target, body, status, text] of wrong) {
      const reply = await call(balancer, target, body);
      expect([target, reply.status]).toEqual([target, status]);
      expect(JSON.stringify(reply.body)).toMatch(text);
    }
  });

  it('PURGE removes a URL when the address of the socket is listed, and otherwise reaches the upstream', async () => {
    await using opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    if (opened === undefined) throw new Error('the response cache is enabled by default');
    const seen: string[] = [];
    const upstream = await rig.http((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      const fields = { 'Cache-Control': 'max-age=60', 'X-Method': request.method ?? '' };
      response.writeHead(request.method === 'PURGE' ? 405 : 200, fields).end('x');
    });
    const pieces = { responseCache: opened.cache, cacheCare: opened.care };
    const section = { upstreams: [upstream.url], trusted_proxies: ['127.0.0.1'] };
    const start = (purgeAllow: readonly string[]) => rig.balancer(section, { ...pieces, purgeAllow });
    const [listed, other] = [await start(['10.0.0.0/8', '127.0.0.0/8']), await start(['10.0.0.0/8'])];
    const ask = (port: number, method: string, target: string, fields = '') =>
      raw(port, `${method} ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);
    const both = async (port: number): Promise<boolean> => /; hit/.test((await ask(port, 'GET', '/a?b')).text);
    await both(listed.port);
    expect(await both(listed.port)).toBe(true);
    const purged = await ask(listed.port, 'PURGE', '/a?b');
    expect([purged.status, purged.text]).toEqual([200, expect.stringContaining('{"purged":1}')]);
    expect(await both(listed.port)).toBe(false);
    expect((await ask(listed.port, 'PURGE', '/none')).text).toContain('{"purged":0}');
    expect((await ask(listed.port, 'PURGE', '*')).status).toBe(400);
    const { changes } = (await call(listed.balancer, '/api/balancer')).body as { changes: CareChange[] };
    expect(changes.map(({ who, target }) => [who, target])).toContainEqual([
      'PURGE from 127.0.0.1',
      'url http://a/a?b',
    ]);
    expect(seen).toEqual(['GET /a?b', 'GET /a?b']);
    // A forwarding field does not make an address listed.
    const passed = await ask(other.port, 'PURGE', '/a?b', 'X-Forwarded-For: 10.1.1.1\r\n');
    expect([passed.status, seen.at(-1)]).toEqual([405, 'PURGE /a?b']);
    expect(await both(other.port)).toBe(true);
  });

  it('the cache is shown, purged by URL, prefix or tag, and a purge is undone', async () => {
    const config = cacheConfig.parse({});
    await using opened = openResponseCache(config, systemClock, silentLogger);
    if (opened === undefined) throw new Error('the response cache is enabled by default');
    let asked = 0;
    const upstream = await rig.http((_request, response) => {
      asked += 1;
      response.writeHead(200, { 'Cache-Control': 'max-age=60', 'Cache-Tag': 'news' }).end('x');
    });
    const pieces = { responseCache: opened.cache, cacheCare: opened.care };
    const { balancer } = await rig.balancer({ upstreams: [upstream.url] }, pieces);
    const get = async (): Promise<void> => void (await fetch(`http://127.0.0.1:${balancer.address.port}/a`)).text();
    const url = `http://127.0.0.1:${balancer.address.port}/a`;
    const entries = async (): Promise<unknown> =>
      ((await call(balancer, '/api/cache')).body as { entries: number }).entries;
    await get();
    await until(async () => (await entries()) === 1);
    const purged = (await call(balancer, '/api/cache/purge', { url })).body as { purged: number; change: CareChange };
    expect(purged).toMatchObject({ purged: 1, change: { action: 'purge', target: `url ${url}` } });
    expect(await entries()).toBe(0);
    const { undo } = purged.change;
    expect((await call(balancer, undo?.path ?? '', undo?.body)).body).toMatchObject({ restored: 1 });
    expect(await entries()).toBe(1);
    await get();
    expect(asked).toBe(1);
    expect((await call(balancer, undo?.path ?? '', { id: 'x' })).status).toBe(404);
    for (const body of [{}, { url: 'a', tag: 'b' }, { url: 1 }])
      expect((await call(balancer, '/api/cache/purge', body)).status).toBe(400);
  });
});

describe('the control socket', () => {
  const ask = (
    socketPath: string,
    target: string,
    method: string,
    body?: string,
  ): Promise<{ status: number; body: unknown }> =>
    new Promise((resolve, reject) => {
      const request = httpRequest({ socketPath, path: target, method, agent: false }, (response: IncomingMessage) => {
        let text = '';
        response.on('data', (part: Buffer) => (text += part.toString()));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) as unknown }));
      });
      request.on('error', reject);
      request.end(body);
    });

  it('is accessible only to its owner, is replaced after a kill, and is never taken from a listening process', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'control-'));
    rig.add(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'control.sock');
    const one = await named('one');
    const { balancer } = await rig.balancer({ routes: [{ name: 'shop', upstreams: [one.url] }] });
    const close = await openControlSocket(file, (one_) => balancer.care(one_));
    rig.add(close);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const done = await ask(file, '/api/balancer/routes/shop/maintenance', 'POST', '{"enabled":true}');
    expect(done).toMatchObject({
      status: 200,
      body: { change: { who: `control socket (uid ${process.getuid?.()})` } },
    });
    expect(await ask(file, '/api/balancer', 'GET')).toMatchObject({
      status: 200,
      body: { routes: [{ maintenance: true }] },
    });
    expect((await ask(file, '/api/balancer', 'POST', '{')).status).toBe(400);
    expect((await ask(file, '/api/balancer', 'POST', `"${'x'.repeat(70_000)}"`)).status).toBe(413);
    await expect(openControlSocket(file, (one_) => balancer.care(one_))).rejects.toThrow(/is in use/);
    close();
    rig.add(await openControlSocket(file, (one_) => balancer.care(one_)));
    expect((await ask(file, '/api/balancer', 'GET')).status).toBe(200);
  });
});

describe('a reload', () => {
  const base = { listen: '127.0.0.1:0', health_check: { interval: '0s' }, drain: { announce: '0s' } };

  it('loses no request and no WebSocket under traffic with keep-alive', async () => {
    const [one, two] = [await named('one'), await named('two')];
    for (const { server } of [one, two]) {
      server.on('upgrade', (request, socket) => {
        const accept = createHash('sha1')
          .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
          .digest('base64');
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        socket.on('data', (bytes: Buffer) => socket.write(bytes));
        socket.on('error', () => {});
      });
    }
    const section = (upstreams: readonly string[], more: Record<string, unknown> = {}) =>
      balancerSchema.parse({ ...base, routes: [{ name: 'shop', upstreams, ...more }] });
    const { balancer, port } = await rig.balancer({ ...base, routes: [{ name: 'shop', upstreams: [one.url] }] });
    const agent = new Agent({ keepAlive: true, maxSockets: 8 });
    rig.add(() => agent.destroy());
    const ask = (own: Agent | false): Promise<string> =>
      new Promise((resolve) => {
        const request = httpRequest({ port, agent: own }, (response) => {
          let text = String(response.statusCode);
          response.on('data', (part: Buffer) => (text += ` ${part.toString()}`));
          response.on('end', () => resolve(text));
        });
        request.on('error', (error) => resolve(error.message));
        request.end();
      });
    const tunnel = connect(port);
    rig.add(() => void tunnel.destroy());
    let echoed = '';
    let cut = false;
    tunnel.on('data', (bytes: Buffer) => (echoed += bytes.toString('latin1')));
    tunnel.on('close', () => (cut = true));
    tunnel.write(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await until(() => echoed.includes('101 '));
    const results: string[] = [];
    let reloads = 0;
    const variants = [
      section([two.url]),
      section([one.url, two.url], { response_headers: { set: { 'X-New': '1' } } }),
      section([one.url], { rate_limit: { requests: 100_000 } }),
      section([two.url, one.url], { sticky: { cookie: 'a' } }),
    ];
    while (results.length < 600) {
      results.push(...(await Promise.all(Array.from({ length: 12 }, (_, at) => ask(at % 2 === 0 ? agent : false)))));
      balancer.reload(variants[reloads % variants.length]);
      reloads += 1;
    }
    expect(results.filter((text) => !/^200 (?:one|two)$/.test(text))).toEqual([]);
    expect(new Set(results).size).toBe(2);
    const frame = Buffer.from([0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e]);
    tunnel.write(frame);
    await until(() => echoed.includes(frame.toString('latin1')));
    expect(cut).toBe(false);
  });

  it('keeps counts and hand-made changes, and keeps the old configuration when the new one is invalid', async () => {
    const one = await named('one');
    const routes = [
      { name: 'shop', upstreams: [one.url, 'http://127.0.0.1:9'], rate_limit: { requests: 2, per: '1h' } },
    ];
    const { balancer, port } = await rig.balancer({ ...base, routes });
    await call(balancer, '/api/balancer/upstreams/127.0.0.1%3A9/drain', {});
    expect((await raw(port, GET, /one$/)).status).toBe(200);
    balancer.reload(balancerSchema.parse({ ...base, server_timing: false, routes }));
    const second = await raw(port, GET, /one$/);
    expect([second.status, second.text.includes('Server-Timing')]).toEqual([200, false]);
    expect((await raw(port, GET, /\r\n\r\n/)).status).toBe(429);
    expect((await call(balancer, '/api/balancer')).body).toMatchObject({
      routes: [{ upstreams: [{ drained: false }, { drained: true }] }],
    });
    expect(() =>
      balancer.reload(balancerSchema.parse({ ...base, queue: { max: 5 }, listen: '127.0.0.1:1', routes })),
    ).toThrow('Only a start can change balancer.listen, balancer.queue.');
    const bad = [{ ...routes[0], basic_auth: { file: '/nowhere' } }];
    expect(() => balancer.reload(balancerSchema.parse({ ...base, routes: bad }))).toThrow(/\/nowhere cannot be read/);
    expect((await raw(port, GET, /\r\n\r\n/)).status).toBe(429);
  });

  it('accepts larger heads when the limit is raised', async () => {
    const one = await rig.tcp(answering('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'));
    const { balancer, port } = await rig.balancer({ ...base, upstreams: [one.url] });
    const big = `GET / HTTP/1.1\r\nHost: a\r\nX-Big: ${'x'.repeat(20_000)}\r\nConnection: close\r\n\r\n`;
    expect((await raw(port, big)).status).toBe(431);
    balancer.reload(balancerSchema.parse({ ...base, upstreams: [one.url], limits: { header: '64KiB' } }));
    expect((await raw(port, big)).status).toBe(200);
  });
});
