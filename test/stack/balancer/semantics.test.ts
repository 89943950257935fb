/** Proxy semantics, case by case: fields that are forwarded, dropped and added, and answers that are refused. */
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../support/until.ts';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { cacheConfig } from '../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../src/stack/cache/open-response-cache.ts';
import { answering, GET, raw, Rig, talk } from './rig.ts';

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok';

describe('towards the upstream', () => {
  let rig: Rig;
  let seen: string[];
  beforeEach(() => {
    rig = new Rig();
    seen = [];
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  async function through(section: Record<string, unknown> = {}): Promise<number> {
    const upstream = await rig.tcp((socket) => {
      socket.on('data', (bytes) => {
        seen.push(bytes.toString('latin1'));
        socket.write(OK);
      });
    });
    return (await rig.balancer({ upstreams: [upstream.url], ...section })).port;
  }

  it('drops hop-by-hop fields, fields that Connection lists, and aliases', async () => {
    const port = await through();
    const fields =
      'Connection: close, X-Mine\r\nX-Mine: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: x\r\nTE: gzip;q=0.5, trailers\r\nUpgrade: h2c\r\nX_Forwarded_For: 6.6.6.6\r\nx_forwarded_proto: https\r\nContent_Length: 5\r\nmy_own: kept\r\nX-Pass: kept\r\n';
    await raw(port, `GET /p HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
    const head = seen.join('');
    for (const gone of [
      /x-mine/i,
      /keep-alive/i,
      /proxy-connection/i,
      /gzip/i,
      /upgrade/i,
      /x_forwarded/i,
      /content_length/i,
      /^connection/im,
    ]) {
      expect(head).not.toMatch(gone);
    }
    expect(head).toContain('X-Pass: kept');
    expect(head).toContain('TE: trailers\r\n');
    expect(head).toContain('my_own: kept');
  });

  it('does not let a client forge its address', async () => {
    const port = await through();
    const forged =
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Host: evil\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Port: 1\r\nX-Real-IP: 6.6.6.6\r\nForwarded: for=6.6.6.6\r\n';
    await raw(port, `GET / HTTP/1.1\r\nHost: shop:81\r\nConnection: close\r\n${forged}\r\n`);
    const head = seen.join('');
    expect(head).not.toMatch(/6\.6\.6\.6|evil|https/);
    expect(head).toContain('X-Forwarded-For: 127.0.0.1\r\n');
    expect(head).toContain('Forwarded: for=127.0.0.1;host="shop:81";proto=http\r\n');
    expect(head).toContain('X-Forwarded-Host: shop:81\r\n');
    expect(head).toContain('Via: 1.1 vitrine\r\n');
    expect(head).toMatch(/X-Request-Id: [0-9a-f]{32}\r\n/);
  });

  it.each([
    'Connection: close, X-Forwarded-For, X-Forwarded-Host, X-Forwarded-Proto, Forwarded, Via, X-Request-Id, Host',
    'Connection: close\r\nConnection: x-forwarded-for\r\nConnection: HOST',
    'Connection: close\r\nX_Forwarded_For: 6.6.6.6\r\nX_Real_IP: 6.6.6.6\r\nx-Forwarded_Host: evil',
    `Connection: close\r\n${'Forwarded: for=6.6.6.6;host=evil\r\n'.repeat(50)}X: 1`,
    'Connection: close\r\nX-Forwarded-For:\r\nX-Forwarded-Host:\r\nForwarded:',
  ])('does not let a client remove or duplicate the fields that state its origin: %s', async (fields) => {
    const port = await through();
    expect((await raw(port, `GET / HTTP/1.1\r\nHost: shop\r\n${fields}\r\n\r\n`)).status).toBe(200);
    const head = seen.join('');
    expect(head).not.toMatch(/6\.6\.6\.6|evil/);
    for (const line of [
      'Host: shop',
      'X-Forwarded-For: 127.0.0.1',
      'Forwarded: for=127.0.0.1;host="shop";proto=http',
      'X-Forwarded-Host: shop',
      'X-Forwarded-Proto: http',
      'Via: 1.1 vitrine',
    ]) {
      expect(head).toContain(`\r\n${line}\r\n`);
      expect(head.toLowerCase().split(`\r\n${line.split(':')[0].toLowerCase()}:`)).toHaveLength(2);
    }
    expect(head).toMatch(/\r\nX-Request-Id: [0-9a-f]{32}\r\n/);
  });

  it('keeps the fields of a trusted proxy and adds its own hop', async () => {
    const port = await through({ trusted_proxies: ['127.0.0.0/8'] });
    const fields =
      'X-Forwarded-For: 6.6.6.6\r\nX-Forwarded-Proto: https\r\nForwarded: for=6.6.6.6\r\nVia: 1.1 front\r\n';
    await raw(port, `GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${fields}\r\n`);
    const head = seen.join('');
    expect(head).toContain('X-Forwarded-For: 6.6.6.6, 127.0.0.1\r\n');
    expect(head).toContain('X-Forwarded-Proto: https\r\n');
    expect(head.match(/^X-Forwarded-Proto/gm)).toHaveLength(1);
    expect(head).toContain('Forwarded: for=6.6.6.6\r\n');
    expect(head).toContain('Forwarded: for=127.0.0.1\r\n');
    expect(head).toContain('Via: 1.1 front, 1.1 vitrine\r\n');
  });

  it('keeps a valid request id and replaces any other', async () => {
    const port = await through();
    await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: abc-12345\r\nConnection: close\r\n\r\n');
    await raw(port, 'GET / HTTP/1.1\r\nHost: a\r\nX-Request-Id: <script>\r\nConnection: close\r\n\r\n');
    expect(seen[0]).toContain('X-Request-Id: abc-12345\r\n');
    expect(seen[1]).not.toContain('script');
  });

  it('turns the absolute form into the origin form', async () => {
    const port = await through();
    await raw(port, 'GET http://a/x?y HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    await raw(port, 'OPTIONS * HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n');
    expect(seen[0]).toMatch(/^GET \/x\?y HTTP\/1\.1\r\nHost: a\r\n/);
    expect(seen[1]).toMatch(/^OPTIONS \* HTTP\/1\.1\r\n/);
  });

  it('answers Expect: 100-continue itself and forwards the body', async () => {
    const port = await through();
    const answer = await raw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\nab',
    );
    expect(answer.text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
    expect(seen.join('')).not.toMatch(/expect/i);
  });

  it('sends one 100 when the upstream sends another', async () => {
    const upstream = await rig.tcp(answering(`HTTP/1.1 100 Continue\r\n\r\n${OK}`));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const { text } = await raw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nab',
      /ok$/,
    );
    expect(text).toMatch(/^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  });

  it('streams a long chunked body in its own chunks', async () => {
    let bytes = 0;
    let coding: string | undefined;
    const upstream = await rig.http((request, response) => {
      coding = request.headers['transfer-encoding'];
      request.on('data', (data: Buffer) => (bytes += data.length));
      request.on('end', () => response.end(String(bytes)));
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const parts = Array.from({ length: 40 }, () => `2000\r\n${'x'.repeat(8192)}\r\n`);
    const answer = await raw(port, [
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n',
      ...parts,
      '0\r\n\r\n',
    ]);
    expect(answer.text).toMatch(/327680$/);
    expect(coding).toBe('chunked');
  });

  it('refuses a chunked body that grows over the limit', async () => {
    const port = await through({ limits: { body: '1KiB' } });
    const answer = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n800\r\n${'x'.repeat(2048)}\r\n0\r\n\r\n`,
    );
    expect(answer.status).toBe(413);
    expect(answer.closed).toBe(true);
    expect(seen).toEqual([]);
  });
});

describe('towards the client', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const front = async (
    onConnection: Parameters<Rig['tcp']>[0],
    section: Record<string, unknown> = {},
  ): Promise<number> => {
    const upstream = await rig.tcp(onConnection);
    return (await rig.balancer({ upstreams: [upstream.url], ...section })).port;
  };

  it('forwards the answer without its hop-by-hop fields and adds Server-Timing', async () => {
    const port = await front(
      answering(
        'HTTP/1.1 200 Fine\r\nContent-Length: 2\r\nConnection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Pass: 1\r\nX-Pass: 2\r\n\r\nok',
      ),
    );
    const { text } = await raw(port, GET, /ok$/);
    expect(text).toMatch(/^HTTP\/1\.1 200 Fine\r\n/);
    expect(text).toContain('X-Pass: 1\r\nX-Pass: 2\r\n');
    expect(text).not.toMatch(/x-hop|keep-alive/i);
    expect(text).toContain('Via: 1.1 vitrine\r\n');
    expect(text).toMatch(/Server-Timing: queue;dur=0, connect;dur=[\d.]+, upstream;dur=[\d.]+\r\n/);
    expect(text).toMatch(/X-Request-Id: [0-9a-f]{32}\r\n/);
    expect(text).toMatch(/Date: /);
  });

  it.each(['content-length', 'CONTENT-LENGTH', 'Content-Length'])(
    'passes the length on in its own letters: %s',
    async (name) => {
      const port = await front(answering(`HTTP/1.1 200 OK\r\nx-a: 1\r\n${name}: 2\r\n\r\nok`));
      const { text } = await raw(port, GET, /ok$/);
      expect(text).toContain(`\r\n${name}: 2\r\n`);
    },
  );

  it.each([
    ['both framings', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nabc'],
    ['a length that is no number', 'HTTP/1.1 200 OK\r\nContent-Length: 2x\r\n\r\nab'],
    ['an unknown coding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
    ['two codings', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['chunked in HTTP/1.0', 'HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a bad chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n'],
    ['a negative chunk size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-1\r\n'],
    ['a chunk line with bare LF', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\nab\r\n0\r\n\r\n'],
    ['a chunk longer than its size', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n'],
    ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
    ['bare LF', 'HTTP/1.1 200 OK\nContent-Length: 0\n\n'],
    ['NUL in a field', 'HTTP/1.1 200 OK\r\nX: a\0\r\nContent-Length: 0\r\n\r\n'],
    ['a space before the colon', 'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n'],
    ['a field without colon', 'HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n'],
    ['another protocol', 'SSH-2.0-OpenSSH_9\r\n\r\n'],
    ['a status of two digits', 'HTTP/1.1 20 OK\r\n\r\n'],
    ['HTTP/2.0', 'HTTP/2.0 200 OK\r\n\r\n'],
    ['a head that is too long', `HTTP/1.1 200 OK\r\nX: ${'a'.repeat(70_000)}\r\n\r\n`],
    ['interim answers without end', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(100)],
    ['101 nobody asked for', 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n'],
    ['trailers without end', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n${'X: 1\r\n'.repeat(4000)}`],
    ['nothing', ''],
  ])('takes no answer with %s', async (_name, bytes) => {
    const port = await front(answering(bytes, 'end'));
    const { text } = await raw(port, GET, /\}\n$/);
    // Interim answers may have been forwarded before it.
    expect(text.replaceAll('HTTP/1.1 100 Continue\r\n\r\n', '')).toMatch(/^HTTP\/1\.1 502 .*problem\+json/s);
  });

  it.each([
    ['HEAD', 'HEAD', 'HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n', 200, /Content-Length: 999/],
    ['204', 'GET', 'HTTP/1.1 204 No Content\r\n\r\n', 204, /^(?!.*content-length)/is],
    ['304', 'GET', 'HTTP/1.1 304 Not Modified\r\nContent-Length: 12\r\nETag: "a"\r\n\r\n', 304, /ETag: "a"/],
  ])('knows that there is no body: %s', async (_name, method, bytes, status, pattern) => {
    const port = await front(answering(bytes));
    const answer = await raw(
      port,
      `${method} / HTTP/1.1\r\nHost: a\r\n\r\n${method} / HTTP/1.1\r\nHost: a\r\n\r\n`,
      /\r\n\r\nHTTP.*\r\n\r\n/s,
    );
    expect(answer.status).toBe(status);
    expect(answer.text.match(/HTTP\/1\.1 \d/g)).toHaveLength(2);
    expect(answer.text).toMatch(pattern);
  });

  it('forwards interim answers to clients of HTTP/1.1', async () => {
    const port = await front(
      answering(
        `HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nConnection: X-Hop\r\nX-Hop: 1\r\nLink: x\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n${OK}`,
      ),
    );
    const { text } = await raw(port, GET, /ok$/);
    expect(text).toMatch(
      /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP\/1\.1 102 Processing\r\n\r\nHTTP\/1\.1 200 OK\r\n/,
    );
    const old = await raw(port, 'GET / HTTP/1.0\r\nHost: a\r\n\r\n', /ok$/);
    expect(old.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
  });

  /** The text of an answer whose upstream sends the second part when the client has received the first. */
  async function inParts(
    request: string,
    first: string,
    second: (socket: Socket) => unknown,
    whole: RegExp,
    then?: 'closed',
  ): Promise<string> {
    const upstream = await rig.tcp((socket) => socket.on('data', () => socket.write(first)));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const client = talk(rig, port, request);
    await until(() => client.text().includes('o', client.text().indexOf('\r\n\r\n')));
    for (const socket of upstream.sockets) second(socket);
    await until(() => whole.test(client.text()));
    if (then === 'closed') await client.ended;
    return client.text();
  }

  it('reframes: one chunk becomes a length, several stay chunked, until-close becomes chunked', async () => {
    const atOnce = await front(
      answering('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\n\r\n'),
    );
    expect((await raw(atOnce, GET, /ok$/)).text).toMatch(/Content-Length: 2\r\n/);
    const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\no\r\n';
    const chunks = (socket: Socket): boolean => socket.write('1\r\nk\r\n0\r\n\r\n');
    expect(await inParts(GET, chunked, chunks, /0\r\n\r\n$/)).toMatch(
      /Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1\r\nk\r\n0\r\n\r\n$/s,
    );
    const untilClose = await inParts(GET, 'HTTP/1.1 200 OK\r\n\r\no', (socket) => socket.end('k'), /0\r\n\r\n$/);
    expect(untilClose).toMatch(/1\r\no\r\n1\r\nk\r\n0\r\n\r\n$/);
    await inParts('GET / HTTP/1.0\r\nHost: a\r\n\r\n', chunked, chunks, /\r\n\r\nok$/, 'closed');
  });

  it('keeps connections of HTTP/1.0 that ask for it, and closes others', async () => {
    const port = await front(answering(OK));
    const kept = await raw(port, 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', /ok$/);
    expect(kept.closed).toBe(false);
    expect(kept.text).toMatch(/Connection: keep-alive/);
    expect((await raw(port, 'GET / HTTP/1.0\r\n\r\n')).closed).toBe(true);
  });

  it('answers pipelined requests one after the other, in order', async () => {
    let open = 0;
    let most = 0;
    const upstream = await rig.http((request, response) => {
      open += 1;
      most = Math.max(most, open);
      // Long enough for another request to overtake if that were possible.
      setTimeout(() => {
        open -= 1;
        response.end(`<${request.url}>`);
      }, 10);
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const many = Array.from({ length: 20 }, (_, at) => `GET /${at} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const { text } = await raw(port, many, /<\/19>$/);
    expect([...text.matchAll(/<\/(\d+)>/g)].map(([, at]) => Number(at))).toEqual(
      Array.from({ length: 20 }, (_, at) => at),
    );
    expect(most).toBe(1);
  });

  it('answers pipelined requests of which some need no upstream', async () => {
    const upstream = await rig.http((request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(`<${request.url}>`);
    });
    const opened = openResponseCache(cacheConfig.parse({}), systemClock, silentLogger);
    rig.add(async () => opened?.[Symbol.asyncDispose]());
    const pieces = opened === undefined ? {} : { responseCache: opened.cache };
    const { port } = await rig.balancer({ upstreams: [upstream.url] }, pieces);
    // The first ones are answered while the rest of the same read is still being parsed.
    const targets = [
      '/-/livez',
      '/-/livez',
      '/kept',
      '/kept',
      '/-/livez',
      '/kept',
      '/new',
      '/-/livez',
      '/kept',
      '/last',
    ];
    const many = targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: a\r\n\r\n`).join('');
    const { text } = await raw(port, many, /<\/last>$/, 20_000);
    expect(text.match(/HTTP\/1\.1 200/g)).toHaveLength(targets.length);
    expect([...text.matchAll(/<(\/\w+)>/g)].map(([, target]) => target)).toEqual(
      targets.filter((target) => target !== '/-/livez'),
    );
  });

  it('serves thousands of requests of one connection over few connections to the upstream', async () => {
    const upstream = await rig.tcp(answering(OK));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const socket = connect(port, '127.0.0.1');
    let answers = 0;
    socket.on('data', () => {
      answers += 1;
      socket.write(GET);
    });
    socket.write(GET);
    await until(() => answers >= 2_000, 20_000);
    expect(upstream.sockets.size).toBe(1);
    socket.destroy();
  });

  it('answers a client that has closed its writing side', async () => {
    let asked = false;
    const upstream = await rig.tcp((socket) => socket.on('data', () => (asked = true)));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const client = talk(rig, port, GET);
    client.socket.end();
    await once(client.socket, 'finish');
    await until(() => asked);
    for (const socket of upstream.sockets) socket.write(OK);
    await until(() => client.text().endsWith('ok'));
  });

  it('drops an upstream connection that sends bytes after its answer', async () => {
    const upstream = await rig.tcp(answering(`${OK}HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil`));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    for (let at = 0; at < 3; at += 1) expect((await raw(port, GET, /ok$/)).text).not.toContain('evil');
    await until(() => upstream.sockets.size === 0);
  });

  it('aborts the upstream when the client leaves', async () => {
    const upstream = await rig.tcp((socket) => socket.resume());
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url] });
    const socket = connect(port, '127.0.0.1', () => socket.write(GET));
    await until(() => upstream.sockets.size === 1);
    socket.resetAndDestroy();
    await until(() => upstream.sockets.size === 0);
    expect(balancer.health().components.balancer.active_requests).toBe(0);
  });

  it('routes by host and path', async () => {
    const named = async (name: string): Promise<string> =>
      (await rig.http((_request, response) => response.end(name))).url;
    const { port } = await rig.balancer({
      routes: [
        { path: '/api', upstreams: [await named('api')] },
        { path: '/api/v2/', upstreams: [await named('v2')] },
        { host: 'shop.example', upstreams: [await named('shop')] },
      ],
    });
    const to = async (host: string, path: string): Promise<string> =>
      (await raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`)).text;
    expect(await to('a', '/api/x')).toMatch(/api$/);
    expect(await to('a', '/api/v2/x')).toMatch(/v2$/);
    expect(await to('shop.example:8080', '/api/x')).toMatch(/shop$/);
    expect(await to('a', '/apix')).toMatch(/^HTTP\/1\.1 404/);
    for (const path of ['/api/../x', '/api/%2e%2e/x', '/api%2fx', '//api'])
      expect(await to('a', path)).toMatch(/^HTTP\/1\.1 400/);
  });

  it('answers its own health endpoints from its state', async () => {
    const gone = await rig.tcp(() => {});
    gone.server.close();
    const { port, url } = await rig.balancer({ upstreams: [gone.url], health_check: { interval: '50ms' } });
    expect((await fetch(`${url}/-/livez`)).status).toBe(200);
    const early = (await (await fetch(`${url}/-/health`)).json()) as { status: string };
    expect(early.status).not.toBe('healthy');
    await until(async () => (await fetch(`${url}/-/health`)).status === 503);
    expect((await fetch(`${url}/-/readyz`)).status).toBe(200);
    const body = (await (await fetch(`${url}/-/health`)).json()) as {
      status: string;
      components: Record<string, { status: string }>;
    };
    expect(body.status).toBe('unhealthy');
    expect(body.components.server.status).toBe('unhealthy');
    expect(body.components.balancer.status).toBe('healthy');
    const draft = await fetch(`${url}/-/health`, { headers: { accept: 'application/health+json' } });
    expect(draft.headers.get('content-type')).toBe('application/health+json');
    expect(((await draft.json()) as { status: string }).status).toBe('fail');
    expect((await raw(port, 'HEAD /-/livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')).text).toMatch(
      /\r\n\r\n$/,
    );
  });
});

describe('tunnels', () => {
  let rig: Rig;
  beforeEach(() => {
    rig = new Rig();
  });
  afterEach(() => rig[Symbol.asyncDispose]());

  const KEY = 'dGhlIHNhbXBsZSBub25jZQ==';
  const ACCEPT = createHash('sha1').update(`${KEY}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const ASK = `GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: ${KEY}\r\nSec-WebSocket-Version: 13\r\n\r\n`;

  const echo = (accept: string): ReturnType<Rig['tcp']> =>
    rig.tcp((socket) => {
      socket.once('data', () => {
        socket.write(
          `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
        );
        socket.on('data', (bytes) => socket.write(bytes));
      });
    });

  it('carries bytes both ways, including bytes sent before the handshake is complete', async () => {
    const { port } = await rig.balancer({ upstreams: [(await echo(ACCEPT)).url] });
    const { text } = await raw(port, [`${ASK}early`, 'late'], /late$/);
    expect(text).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/);
    expect(text).toMatch(/\r\n\r\nearlylate$/);
  });

  it('refuses an upgrade without a valid Sec-WebSocket-Accept', async () => {
    const { port } = await rig.balancer({ upstreams: [(await echo('wrong')).url] });
    expect((await raw(port, ASK)).status).toBe(502);
  });

  it('forwards a refusal of the upstream, and interim answers before it', async () => {
    const early = 'HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n';
    const upstream = await rig.tcp(answering(`${early}HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno`));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const answer = await raw(port, ASK);
    expect(answer.text.startsWith(`${early}HTTP/1.1 403 Forbidden\r\n`)).toBe(true);
    expect(answer.text).toMatch(/no$/);
    expect(answer.closed).toBe(true);
  });

  it('tries another upstream when one refuses connections, and answers 503 when all do', async () => {
    const gone = await rig.tcp(() => {});
    gone.server.close();
    const some = await rig.balancer({ upstreams: [gone.url, (await echo(ACCEPT)).url] });
    for (let at = 0; at < 2; at += 1) expect((await raw(some.port, ASK, /\r\n\r\n/)).status).toBe(101);
    const none = await rig.balancer({ upstreams: [gone.url] });
    expect((await raw(none.port, ASK)).status).toBe(503);
  });

  it('sends close 1001 to both sides when it is drained', async () => {
    const upstream = await echo(ACCEPT);
    const { port, balancer } = await rig.balancer({ upstreams: [upstream.url] });
    const client = talk(rig, port, ASK);
    await until(() => client.text().includes('\r\n\r\n'));
    await balancer.drain();
    await client.ended;
    expect(client.text()).toContain('\x88\x02\x03\xe9');
  });
});
