/** Each switch of a route, over real sockets: what the upstream sees, what the client sees. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until.ts';
import { raw, Rig, talk } from '../rig.ts';
import { balancerSchema } from '../../../../src/stack/balancer/config.ts';
import { ask, mirrorOn, sees, type Answer } from './mirror.ts';

/** Made by `openssl passwd -apr1`, `-5` and `-6`. */
const PASSWORD = 'päss word 123';
const APR1 = '$apr1$abcdefgh$hcjHlmdLgnTuWc7cuQgHj1';
const SHA256 = '$5$abcdefgh$.eiS3zIybTJEvJtKTi9k2EeNkBB5ff.jzFTNT5D8oU5';
const SHA512 = '$6$abcdefgh$x0vLp8aGM9WoqMyaT622/5EaCUEBCqwPoDG98PztHhk/eKXZyFX8JT7OJYCoyRUg7nX8HDNJvHfh3L7379QUQ/';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

const mirror = (name = 'one') => mirrorOn(rig, name);
const route = (upstream: { url: string }, switches: Record<string, unknown>) => ({
  routes: [{ upstreams: [upstream.url], ...switches }],
});

describe('matching', () => {
  it('chooses by host, wildcard host, path, method and field, and answers 404 when no route matches', async () => {
    const names = ['exact', 'wild', 'deep', 'post', 'beta', 'rest'] as const;
    const all = Object.fromEntries(await Promise.all(names.map(async (name) => [name, await mirror(name)] as const)));
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [all['rest'].url], path: '/app' },
        { upstreams: [all['post'].url], path: '/app', methods: ['POST'] },
        { upstreams: [all['beta'].url], path: '/app', match_headers: { 'x-version': 'beta-*' } },
        { upstreams: [all['deep'].url], path: '/app/deep' },
        { upstreams: [all['exact'].url], host: 'api.example.com' },
        { upstreams: [all['wild'].url], host: '*.example.com' },
      ],
    });
    const name = async (target: string, headers: Record<string, string> = {}, method = 'GET') => {
      const answer = await ask(port, target, headers, method);
      return answer.status === 404 ? 404 : sees(answer).name;
    };
    expect(await name('/app')).toBe('rest');
    expect(await name('/app', {}, 'POST')).toBe('post');
    expect(await name('/app/x', { 'X-Version': 'beta-7' })).toBe('beta');
    expect(await name('/app/x', { 'X-Version': 'alpha' })).toBe('rest');
    expect(await name('/app/deep/x', { 'X-Version': 'beta-7' })).toBe('deep');
    expect(await name('/app', { Host: 'API.example.com:8080' })).toBe('exact');
    expect(await name('/app', { Host: 'www.example.com' })).toBe('wild');
    expect(await name('/', { Host: 'a.b.example.com' })).toBe(404);
    expect(await name('/application')).toBe(404);
  });

  it('reads a path as the upstream does: encoded letters do not bypass a route', async () => {
    const [open, closed] = [await mirror('open'), await mirror('closed')];
    const { port } = await rig.balancer({
      routes: [{ upstreams: [open.url] }, { upstreams: [closed.url], path: '/admin', deny: ['127.0.0.0/8'] }],
    });
    for (const target of ['/admin', '/%61dmin/x', '/adm%69n', '/%41dmin/../admin', '//admin'])
      expect([target, (await ask(port, target)).status]).not.toEqual([target, 200]);
    expect((await ask(port, '/%41dmin')).status).toBe(200);
    expect(closed.seen).toHaveLength(0);
    // Some servers merge slashes, decode `%2F` or take a backslash for one.
    for (const target of ['/admin%2fx', '//admin//x', '/x/..%2fadmin', '/%2fadmin', '/admin%5cx', '/x/%2e%2e/admin'])
      expect([target, (await ask(port, target)).status]).toEqual([target, 400]);
    expect(closed.seen).toHaveLength(0);
  });

  it('forwards unusual slashes as they are where every reading leads to the same route', async () => {
    const [all, packages] = [await mirror('all'), await mirror('packages')];
    const { port } = await rig.balancer({
      routes: [{ upstreams: [all.url] }, { upstreams: [packages.url], path: '/npm', strip_prefix: true }],
    });
    for (const [target, name, url] of [
      ['/npm/@scope%2fname', 'packages', '/@scope%2fname'],
      ['/npm/fetch/https://example.com/a', 'packages', '/fetch/https://example.com/a'],
      ['/projects/group%2Fname?x=%2F', 'all', '/projects/group%2Fname?x=%2F'],
      ['/fetch/https://example.com//b', 'all', '/fetch/https://example.com//b'],
    ])
      expect(sees(await ask(port, target))).toMatchObject({ name, url });
    // Out of the prefix, or into it.
    for (const target of ['/npm/../x', '/npm/a/..%2f..%2fx', '/npm%2f..%2fx', '//npm/x', '/npm%2fx'])
      expect((await ask(port, target)).status, target).toBe(400);
  });
});

describe('the forwarded request', () => {
  it('has prefixes removed and added, is rewritten, and keeps its query', async () => {
    const upstream = await mirror();
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [upstream.url], path: '/api', strip_prefix: true, add_prefix: '/v2' },
        { upstreams: [upstream.url], path: '/shop', strip_prefix: '/shop/eu' },
        { upstreams: [upstream.url], path: '/old', rewrite: { pattern: '^/old/(\\d+)/(.*)$', to: '/new/$2/$1' } },
      ],
    });
    const url = async (target: string) => sees(await ask(port, target)).url;
    expect(await url('/api/users?id=1&x=/api')).toBe('/v2/users?id=1&x=/api');
    expect(await url('/api')).toBe('/v2/');
    expect(await url('/shop/eu/a')).toBe('/a');
    expect(await url('/shop/us/a')).toBe('/shop/us/a');
    expect(await url('/old/42/a/b?c')).toBe('/new/a/b/42?c');
    expect(await url('/old/x')).toBe('/old/x');
  });

  it('has fields set, added and removed, with variables, but not the fields that the balancer writes', async () => {
    const upstream = await mirror();
    const { port } = await rig.balancer(
      route(upstream, {
        request_headers: {
          set: {
            Host: 'inner.example',
            'X-Client': '{client}',
            'X-Where': '{method} {host}{uri}',
            'X-Plain': 'a {"b"}',
          },
          add: { 'X-Tag': 'two' },
          remove: ['X-Secret', 'cookie'],
        },
      }),
    );
    const { headers } = sees(
      await ask(port, '/a?b=1', {
        Host: 'outer.example:99',
        'X-Client': 'forged',
        'X-Tag': 'one',
        'x-secret': 's',
        Cookie: 'a=b',
      }),
    );
    expect(headers).toMatchObject({
      host: 'inner.example',
      'x-forwarded-host': 'outer.example:99',
      'x-client': '127.0.0.1',
      'x-where': 'GET outer.example/a?b=1',
      'x-plain': 'a {"b"}',
      'x-tag': 'one, two',
    });
    expect(headers).not.toHaveProperty('x-secret');
    expect(headers).not.toHaveProperty('cookie');
  });
});

describe('the answer', () => {
  it('has fields set, added and removed, even when the balancer itself answers', async () => {
    const upstream = await mirror();
    const edits = {
      set: { 'Cache-Control': 'no-store', 'X-Frame-Options': 'DENY' },
      add: { Vary: 'X-A' },
      remove: ['x-powered-by'],
    };
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [upstream.url], response_headers: edits },
        { upstreams: ['http://127.0.0.1:1'], path: '/gone', response_headers: edits },
      ],
    });
    const good = await ask(port, '/');
    expect(good.headers).toMatchObject({ 'cache-control': 'no-store', 'x-frame-options': 'DENY', vary: 'X-A' });
    expect(good.headers).not.toHaveProperty('x-powered-by');
    const bad = await ask(port, '/gone');
    expect([bad.status, bad.headers['x-frame-options']]).toEqual([503, 'DENY']);
  });

  it('is a redirect with parts of the request in its target', async () => {
    const { port } = await rig.balancer({
      routes: [
        { path: '/', redirect: 'https://{host}{uri}' },
        { path: '/moved', redirect: { to: '/new?{query}', status: 302 } },
        { host: 'slash.example', redirect: '{path}/' },
      ],
    });
    // Not to the host `evil.example`.
    const slashed = await ask(port, '//evil.example', { Host: 'slash.example' });
    expect([slashed.status, slashed.headers['location']]).toEqual([308, '/evil.example/']);
    for (const to of ['javascript:alert(1)', 'new', 'ftp://x/{path}'])
      expect(() => balancerSchema.parse({ routes: [{ redirect: to }] }), to).toThrow(/http or https/);
    const whole = await ask(port, '/a/b?c=d', { Host: 'x.example:8080' });
    expect([whole.status, whole.headers['location']]).toEqual([308, 'https://x.example/a/b?c=d']);
    const moved = await ask(port, '/moved?q=1', {}, 'POST', 'body');
    expect([moved.status, moved.headers['location']]).toEqual([302, '/new?q=1']);
  });

  it('reports maintenance, except to the addresses that are let in', async () => {
    const upstream = await mirror();
    const { port } = await rig.balancer({
      routes: [
        { upstreams: [upstream.url], maintenance: { body: '<h1>Back soon</h1>', retry_after: '90s' } },
        { upstreams: [upstream.url], path: '/in', maintenance: { allow: ['127.0.0.1'] } },
        { upstreams: [upstream.url], path: '/plain', maintenance: true },
        { upstreams: [upstream.url], path: '/off', maintenance: false },
      ],
    });
    const out = await ask(port, '/');
    expect([out.status, out.headers['retry-after'], out.headers['content-type'], out.body]).toEqual([
      503,
      '90',
      'text/html; charset=utf-8',
      '<h1>Back soon</h1>',
    ]);
    expect(JSON.parse((await ask(port, '/plain')).body)).toMatchObject({ code: 'maintenance', status: 503 });
    expect((await ask(port, '/in')).status).toBe(200);
    expect((await ask(port, '/off')).status).toBe(200);
  });
});

describe('sizes and times of a route', () => {
  it('may be larger or smaller than those of the section', async () => {
    const upstream = await mirror();
    const { port } = await rig.balancer({
      limits: { body: '1KiB', target: '1KiB' },
      routes: [
        { upstreams: [upstream.url] },
        { upstreams: [upstream.url], path: '/up', limits: { body: '8KiB', target: '4KiB' } },
        { upstreams: [upstream.url], path: '/tiny', limits: { body: '10B', fields: 6, header: '1KiB' } },
      ],
    });
    const post = async (target: string, bytes: number, headers: Record<string, string> = {}) =>
      (await ask(port, target, headers, 'POST', 'x'.repeat(bytes))).status;
    expect(await post('/', 1024)).toBe(200);
    expect(await post('/', 1025)).toBe(413);
    expect(await post('/up', 8000)).toBe(200);
    expect(await post('/up', 9000)).toBe(413);
    expect(await post('/tiny', 11)).toBe(413);
    expect(await post('/tiny', 10)).toBe(200);
    expect((await ask(port, `/${'a'.repeat(2000)}`)).status).toBe(414);
    expect((await ask(port, `/up/${'a'.repeat(2000)}`)).status).toBe(200);
    expect((await ask(port, '/tiny', { 'X-Big': 'x'.repeat(1000) })).status).toBe(431);
    const many = Object.fromEntries(Array.from({ length: 7 }, (_, at) => [`X-${at}`, 'y']));
    expect((await ask(port, '/tiny', many)).status).toBe(431);
    const big = await raw(
      port,
      `POST /tiny HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n14\r\n${'x'.repeat(20)}\r\n0\r\n\r\n`,
    );
    expect(big.status).toBe(413);
    expect(upstream.seen.filter(({ url }) => url.startsWith('/tiny'))).toHaveLength(1);
  });

  it('let one route wait longer for the first byte than another', async () => {
    const silent = await rig.tcp(() => {});
    const { port } = await rig.balancer({
      retries: { max: 0 },
      routes: [
        { upstreams: [silent.url], path: '/short', timeouts: { first_byte: '100ms' } },
        { upstreams: [silent.url], path: '/long', timeouts: { first_byte: '20s', total: '20s' } },
      ],
    });
    const long = talk(rig, port, 'GET /long HTTP/1.1\r\nHost: a\r\n\r\n');
    expect((await ask(port, '/short')).status).toBe(504);
    expect(long.text()).toBe('');
  });

  it('allow retries on one route and not on another', async () => {
    const good = await mirror('good');
    const gone = await rig.tcp((socket) => socket.destroy());
    const { port } = await rig.balancer({
      policy: 'round_robin',
      ejection: { failures: 0 },
      retries: { budget: 1 },
      routes: [
        { upstreams: [gone.url, good.url], path: '/again' },
        { upstreams: [gone.url, good.url], path: '/once', retries: { max: 0 } },
      ],
    });
    const statuses = async (target: string) => {
      const all: number[] = [];
      for (let at = 0; at < 6; at += 1) all.push((await ask(port, target)).status);
      return new Set(all);
    };
    expect(await statuses('/again')).toEqual(new Set([200]));
    expect(await statuses('/once')).toEqual(new Set([200, 502]));
  });
});

describe('access to a route', () => {
  it('depends on the client’s address, which only a trusted proxy may state', async () => {
    const upstream = await mirror();
    const guarded = { allow: ['10.0.0.0/8', '2001:db8::/32'], deny: ['10.9.0.0/16'] };
    const { port } = await rig.balancer({ ...route(upstream, guarded), trusted_proxies: ['127.0.0.1', '10.1.1.1'] });
    const from = async (chain: string) => (await ask(port, '/', { 'X-Forwarded-For': chain })).status;
    expect(await from('10.2.3.4')).toBe(200);
    expect(await from('10.9.3.4')).toBe(403);
    expect(await from('192.0.2.1')).toBe(403);
    expect(await from('2001:db8::7')).toBe(200);
    // The nearest address that is no trusted proxy counts, not what the client wrote before it.
    expect(await from('10.2.3.4, 192.0.2.1, 10.1.1.1')).toBe(403);
    expect(await from('192.0.2.1, 10.2.3.4, 10.1.1.1')).toBe(200);
    expect(await from('junk')).toBe(403);
    const strict = await rig.balancer(route(upstream, guarded));
    expect((await ask(strict.port, '/', { 'X-Forwarded-For': '10.2.3.4' })).status).toBe(403);
  });

  it('depends on user and password, and the password file is read again when it changes', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'htpasswd-'));
    rig.add(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'users');
    writeFileSync(
      file,
      `# users\nana:${APR1}\nben:${SHA512}\ncleo:${SHA256}\n` +
        'dora:$2y$04$3aX4y0.n5hS6iHRKNJnereA1GCMTkYnJhZAZkLmsWqbzyOwp8gA.O\n',
    );
    const upstream = await mirror();
    const { port } = await rig.balancer(route(upstream, { basic_auth: { file, realm: 'shop' } }));
    const as = (user: string, password: string) =>
      ask(port, '/', { Authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` });
    const asked = await ask(port, '/');
    expect([asked.status, asked.headers['www-authenticate']]).toEqual([401, 'Basic realm="shop", charset="UTF-8"']);
    for (const user of ['ana', 'ben', 'cleo', 'ana'])
      expect([user, (await as(user, PASSWORD)).status]).toEqual([user, 200]);
    expect((await as('dora', 'secret')).status).toBe(200);
    for (const [user, password] of [
      ['ana', 'x'],
      ['nobody', PASSWORD],
      ['', ''],
    ] as const)
      expect((await as(user, password)).status).toBe(401);
    expect(upstream.seen).toHaveLength(5);
    writeFileSync(file, `eve:${APR1}\n`);
    await until(async () => (await as('eve', PASSWORD)).status === 200);
    expect((await as('ana', PASSWORD)).status).toBe(401);
    writeFileSync(file, 'broken');
    expect((await as('eve', PASSWORD)).status).toBe(200);
  });

  it('requires the password for an upgrade too', async () => {
    const directory = mkdtempSync(path.join(tmpdir(), 'htpasswd-'));
    rig.add(() => rmSync(directory, { recursive: true }));
    const file = path.join(directory, 'users');
    writeFileSync(file, 'ana:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n');
    const upstream = await mirror();
    const { port } = await rig.balancer(route(upstream, { basic_auth: { file } }));
    const upgrade = `GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n`;
    const refused = await raw(port, `${upgrade}\r\n`);
    expect(refused.status).toBe(401);
    expect(upstream.seen).toHaveLength(0);
    const authorization = `Basic ${Buffer.from('ana:password').toString('base64')}`;
    expect((await raw(port, `${upgrade}Authorization: ${authorization}\r\n\r\n`, /\r\n\r\n/)).status).toBe(200);
  });
});

describe('the limits of a client', () => {
  it('count requests per period and are stated in RateLimit fields', async () => {
    const upstream = await mirror();
    const { port } = await rig.balancer({
      ...route(upstream, { rate_limit: { requests: 3, per: '1h', by: 'header:X-Api-Key' } }),
    });
    const by = (key: string) => ask(port, '/', { 'X-Api-Key': key });
    const first = await by('a');
    expect(first.headers).toMatchObject({
      ratelimit: '"default";r=2;t=1200',
      'ratelimit-policy': '"default";q=3;w=3600',
    });
    expect([(await by('a')).status, (await by('a')).status]).toEqual([200, 200]);
    const over = await by('a');
    expect(over.status).toBe(429);
    expect(over.headers).toMatchObject({ ratelimit: '"default";r=0;t=3600', 'retry-after': '1200' });
    expect(JSON.parse(over.body)).toMatchObject({ code: 'too_many_requests' });
    expect((await by('b')).status).toBe(200);
    expect(upstream.seen).toHaveLength(4);
  });

  it('count concurrent requests, and the end of a request makes room for another', async () => {
    const waiting: (() => void)[] = [];
    const slow = await rig.http((_request, response) => void waiting.push(() => response.end('ok')));
    const { port } = await rig.balancer(route(slow, { concurrency: 2 }));
    const [one, two] = [ask(port, '/'), ask(port, '/')];
    await until(() => waiting.length === 2);
    const over = await ask(port, '/');
    expect([over.status, over.headers['retry-after']]).toEqual([429, '1']);
    for (const go of waiting) go();
    expect([(await one).status, (await two).status]).toEqual([200, 200]);
    const three = ask(port, '/');
    await until(() => waiting.length === 3);
    waiting[2]();
    expect((await three).status).toBe(200);
  });

  it('make room when a client leaves', async () => {
    const waiting: (() => void)[] = [];
    const slow = await rig.http((_request, response) => void waiting.push(() => response.end('ok')));
    const { port } = await rig.balancer(route(slow, { concurrency: { max: 1, by: 'route' } }));
    const gone = talk(rig, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => waiting.length === 1);
    gone.socket.destroy();
    const next = (): Promise<Answer> => ask(port, '/');
    await until(async () => {
      const answer = next();
      const status = await Promise.race([
        answer.then((one) => one.status),
        until(() => waiting.length === 2).then(() => 0),
      ]);
      return status === 0;
    });
  });
});

describe('the chosen upstream', () => {
  const names = async (port: number, count: number, headers: () => Record<string, string> = () => ({})) => {
    const counts = new Map<string, number>();
    for (let at = 0; at < count; at += 1) {
      const { name } = sees(await ask(port, '/', headers()));
      counts.set(name, (counts.get(name) ?? 0) + 1);
    }
    return counts;
  };

  it.each(['weighted', 'two_choices', 'least_inflight', 'round_robin'])('uses weights with %s', async (policy) => {
    const [heavy, light] = [await mirror('heavy'), await mirror('light')];
    const { port } = await rig.balancer({
      routes: [
        {
          policy,
          upstreams: [
            { url: heavy.url, weight: 9 },
            { url: light.url, weight: 1 },
          ],
        },
      ],
    });
    const counts = await names(port, 200);
    expect(counts.get('heavy') ?? 0).toBeGreaterThan(150);
    if (policy !== 'two_choices' && policy !== 'least_inflight') expect(counts.get('light') ?? 0).toBeGreaterThan(2);
  });

  it('is a backup only while no other upstream is available', async () => {
    const backup = await mirror('backup');
    const main = await mirror('main');
    const { port } = await rig.balancer({
      health_check: { interval: '50ms', path: '/', up: 1, down: 1 },
      ejection: { slow_start: '0s' },
      routes: [{ upstreams: [{ url: backup.url, backup: true }, main.url, 'http://127.0.0.1:1'] }],
    });
    await until(async () => (await names(port, 4)).get('main') === 4);
    const dead = await rig.balancer({
      routes: [{ upstreams: ['http://127.0.0.1:1', { url: backup.url, backup: true }] }],
    });
    expect(await names(dead.port, 6)).toEqual(new Map([['backup', 6]]));
  });

  it('stays the same for a cookie, which cannot be forged, until the upstream is gone', async () => {
    const all = [await mirror('a'), await mirror('b'), await mirror('c')];
    const { port } = await rig.balancer({
      policy: 'round_robin',
      routes: [{ upstreams: all.map(({ url }) => url), sticky: { cookie: 'vt', secret: 'a secret of balancers' } }],
    });
    const first = await ask(port, '/');
    const set = String(first.headers['set-cookie']);
    expect(set).toMatch(/^vt=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax$/);
    const cookie = set.split(';')[0];
    expect(await names(port, 9, () => ({ Cookie: `x=y; ${cookie}` }))).toEqual(new Map([[sees(first).name, 9]]));
    expect((await ask(port, '/', { Cookie: cookie })).headers).not.toHaveProperty('set-cookie');
    const forged = await ask(port, '/', { Cookie: `vt=${Buffer.from(all[0].url).toString('base64url')}` });
    expect(forged.headers).toHaveProperty('set-cookie');
  });

  it('stays the same for a field or a path, and only the keys of a removed upstream move', async () => {
    const all = await Promise.all(['a', 'b', 'c', 'd'].map((name) => mirror(name)));
    const urls = all.map(({ url }) => url);
    const { port } = await rig.balancer({ routes: [{ upstreams: urls, sticky: { header: 'X-User' } }] });
    const fewer = await rig.balancer({ routes: [{ upstreams: urls.slice(0, 3), sticky: { header: 'X-User' } }] });
    const found = new Map<string, string>();
    for (let at = 0; at < 60; at += 1) {
      const headers = { 'X-User': `user-${at}` };
      const name = sees(await ask(port, '/', headers)).name;
      expect(sees(await ask(port, '/', headers)).name).toBe(name);
      found.set(headers['X-User'], name);
      if (name !== 'd') expect(sees(await ask(fewer.port, '/', headers)).name).toBe(name);
    }
    expect(new Set(found.values()).size).toBe(4);
    const hashed = await rig.balancer({ routes: [{ upstreams: urls, policy: 'consistent_hash' }] });
    const of = async (target: string) => sees(await ask(hashed.port, target)).name;
    for (const target of ['/x', '/y', '/z']) expect(await of(target)).toBe(await of(`${target}?q`));
  });
});
