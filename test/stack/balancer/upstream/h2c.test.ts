/** Upstreams that speak HTTP/2 without TLS: what they see, what the client sees, and what happens when they fail. */
import { createServer, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { AddressInfo, Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until.ts';
import { raw, Rig, settled, talk } from '../rig.ts';
import { ask } from '../routes/mirror.ts';

let rig: Rig;
beforeEach(() => {
  rig = new Rig();
});
afterEach(() => rig[Symbol.asyncDispose]());

interface H2Upstream {
  readonly url: string;
  readonly server: Http2Server;
  /** Connections that were opened, closed ones included. */
  readonly sockets: Set<Socket>;
  readonly seen: IncomingHttpHeaders[];
}

async function h2(
  onStream: (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => void,
  settings: Record<string, number> = {},
): Promise<H2Upstream> {
  const [seen, sockets] = [[] as IncomingHttpHeaders[], new Set<Socket>()];
  const server = createServer({ settings });
  server.on('connection', (socket: Socket) => sockets.add(socket));
  server.on('sessionError', () => {});
  server.on('stream', (stream, headers) => {
    stream.on('error', () => {});
    seen.push(headers);
    onStream(stream, headers);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  rig.add(() => {
    server.close();
    for (const socket of sockets) socket.destroy();
  });
  return { url: `h2c://127.0.0.1:${(server.address() as AddressInfo).port}`, server, sockets, seen };
}

const ok = (stream: ServerHttp2Stream, body = 'ok'): void => {
  stream.respond({ ':status': 200, 'content-length': body.length });
  stream.end(body);
};
const UPGRADE =
  'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n';
const get = (target: string) => `GET ${target} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`;

describe('an exchange over h2c', () => {
  it('translates the fields of request and answer, and shares one connection', async () => {
    const upstream = await h2((stream) => {
      stream.additionalHeaders({ ':status': 103, link: '</a.css>' });
      stream.respond({ ':status': 201, 'set-cookie': ['a=1', 'b=2'], 'x-own': 'yes' });
      stream.end('made');
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const { text } = await raw(
      port,
      'GET /a?b=c HTTP/1.1\r\nHost: shop.example:81\r\nCookie: x=1\r\nCookie: y=2\r\nX-A: 1\r\nX-A: 2\r\nTE: trailers\r\nConnection: close\r\n\r\n',
    );
    expect(text).toMatch(/^HTTP\/1\.1 103 \r\nlink: <\/a\.css>\r\n/i);
    expect(text).toMatch(/\r\n\r\nHTTP\/1\.1 201 \r\n/);
    expect(text).toMatch(/set-cookie: a=1\r\nset-cookie: b=2\r\nx-own: yes\r\n/);
    expect(text).toMatch(/made/);
    expect(upstream.seen[0]).toMatchObject({
      ':method': 'GET',
      ':path': '/a?b=c',
      ':authority': 'shop.example:81',
      cookie: 'x=1; y=2',
      'x-a': '1, 2',
      te: 'trailers',
      'x-forwarded-for': '127.0.0.1',
      via: '1.1 vitrine',
    });
    expect(upstream.seen[0]).not.toHaveProperty('host');
    await raw(port, 'GET /odd HTTP/1.1\r\nHost: a\r\nConstructor: 1\r\n__proto__: 2\r\nConnection: close\r\n\r\n');
    expect(upstream.seen[1]).toMatchObject({ constructor: '1' });
    const many = await Promise.all(Array.from({ length: 20 }, () => ask(port, '/')));
    expect(many.map(({ status }) => status)).toEqual(many.map(() => 201));
    expect(upstream.sockets.size).toBe(1);
  });

  it('sends bodies with and without a length, and gives trailers and bodiless answers as they are', async () => {
    const upstream = await h2((stream, headers) => {
      const parts: Buffer[] = [];
      stream.on('data', (part: Buffer) => parts.push(part));
      stream.on('end', () => {
        if (headers[':path'] === '/none') {
          stream.respond({ ':status': 204 }, { endStream: true });
          return;
        }
        stream.respond({ ':status': 200, trailer: 'x-sum' }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'x-sum': '9' }));
        stream.end(`${headers['content-length'] ?? 'open'} ${Buffer.concat(parts).toString()}`);
      });
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    expect((await ask(port, '/', {}, 'POST', 'with length')).body).toBe('11 with length');
    const chunked = await raw(
      port,
      'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\nhello\r\n3\r\n yo\r\n0\r\n\r\n',
    );
    expect(chunked.text).toMatch(/hello yo\r\n0\r\nx-sum: 9\r\n\r\n$/);
    const none = await raw(port, get('/none'));
    expect([none.status, none.text.endsWith('\r\n\r\n')]).toEqual([204, true]);
    const big = 'x'.repeat(3_000_000);
    expect((await ask(port, '/', {}, 'PUT', big)).body.length).toBe(big.length + 8);
  });

  it('forwards the trailers of a request, whether its body was complete in time or not', async () => {
    const upstream = await h2((stream) => {
      let trailers: IncomingHttpHeaders = {};
      stream.on('trailers', (fields) => (trailers = fields));
      stream.resume().on('end', () => ok(stream, JSON.stringify(trailers)));
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const head = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n';
    const end = '0\r\nX-Sum: 42\r\nHost: evil\r\nX-Sum: 43\r\n\r\n';
    for (const body of [
      '',
      '5\r\nhello\r\n',
      `10000\r\n${'x'.repeat(0x10000)}\r\n`,
      `30000\r\n${'x'.repeat(0x30000)}\r\n`,
    ])
      expect((await raw(port, head + body + end)).text, String(body.length)).toMatch(/\{"x-sum":"42, 43"\}$/);
    expect((await raw(port, `${head}5\r\nhello\r\n0\r\n\r\n`)).text).toMatch(/\{\}$/);
    const late = talk(rig, port, `${head}5\r\nhello\r\n`);
    await until(() => upstream.seen.length === 6);
    late.socket.write(end);
    await until(() => late.text().endsWith('{"x-sum":"42, 43"}'));
  });

  it('opens further connections beyond the streams that the upstream allows, and closes idle ones', async () => {
    const waiting: ServerHttp2Stream[] = [];
    const upstream = await h2((stream) => void waiting.push(stream), { maxConcurrentStreams: 2 });
    const { port } = await rig.balancer({ upstreams: [upstream.url], timeouts: { upstream_keep_alive: '50ms' } });
    const first = ask(port, '/');
    await until(() => waiting.length === 1);
    const others = Array.from({ length: 4 }, () => ask(port, '/'));
    await until(() => waiting.length === 5);
    expect(upstream.sockets.size).toBe(3);
    for (const stream of waiting) ok(stream);
    expect((await Promise.all([first, ...others])).map(({ status }) => status)).toEqual([200, 200, 200, 200, 200]);
    await until(() => [...upstream.sockets].every(({ destroyed }) => destroyed));
  });

  it('holds the upstream back while the client does not read', async () => {
    let sent = 0;
    const upstream = await h2((stream) => {
      stream.respond({ ':status': 200 });
      const block = Buffer.alloc(64 * 1024, 'x');
      const pump = (): void => {
        while (sent < 100_000_000 && !stream.destroyed) {
          sent += block.length;
          if (!stream.write(block)) break;
        }
        stream.once('drain', pump);
      };
      pump();
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const slow = talk(rig, port, get('/'));
    await until(() => slow.text() !== '');
    slow.socket.pause();
    expect(await settled(() => sent)).toBeLessThan(40_000_000);
  });
});

describe('an h2c upstream that fails', () => {
  it('is refused, or is not HTTP/2, or breaks off: the client learns it', async () => {
    const plain = await rig.tcp((socket) => void socket.end('HTTP/1.1 400 Bad Request\r\n\r\n'));
    const upstream = await h2((stream, { ':path': target }) => {
      if (target === '/reset') stream.close(2);
      else if (target === '/die') stream.session?.socket.destroy();
      else if (target === '/trailer') {
        stream.respond({ ':status': 200 }, { waitForTrailers: true });
        stream.on('wantTrailers', () => stream.sendTrailers({ 'content-length': '3' }));
        stream.end('half');
      } else {
        stream.respond({ ':status': 200, ...(target === '/short' ? { 'content-length': '9' } : {}) });
        stream.write('half', () => {
          if (target === '/short') stream.end();
          else stream.session?.destroy();
        });
      }
    });
    const { port } = await rig.balancer({
      ejection: { failures: 0 },
      routes: [
        { upstreams: [upstream.url] },
        { upstreams: ['h2c://127.0.0.1:1'], path: '/gone' },
        { upstreams: [plain.url.replace('http', 'h2c')], path: '/plain' },
      ],
    });
    expect((await raw(port, get('/gone'))).status).toBe(503);
    expect((await raw(port, get('/plain'))).status).toBe(502);
    expect((await raw(port, get('/reset'))).status).toBe(502);
    expect((await raw(port, get('/die'))).status).toBe(502);
    for (const target of ['/short', '/cut', '/trailer']) {
      const cut = await raw(port, get(target), undefined, 20_000);
      expect([target, cut.closed, /200 [^]*\r\n0\r\n\r\n$/.test(cut.text), cut.text.includes('ok')]).toEqual([
        target,
        true,
        false,
        false,
      ]);
    }
  });

  it('refuses a stream or goes away: the request is sent again', async () => {
    let refused = 0;
    const upstream = await h2((stream) => {
      refused += 1;
      if (refused === 1) stream.close(7);
      else ok(stream);
    });
    const { port } = await rig.balancer({ upstreams: [upstream.url], ejection: { failures: 0 } });
    expect((await raw(port, get('/'))).status).toBe(200);
    expect(refused).toBe(2);
    for (const socket of upstream.sockets) socket.destroy();
    expect((await raw(port, get('/'))).status).toBe(200);
  });

  it('is checked over h2c, and an upgrade is not sent to it', async () => {
    let status = 200;
    const upstream = await h2((stream) => stream.respond({ ':status': status }, { endStream: true }));
    const { port } = await rig.balancer({
      upstreams: [upstream.url],
      health_check: { interval: '20ms', path: '/ready', up: 1, down: 1 },
    });
    const health = async () => (await raw(port, get('/-/health'))).text;
    await until(() => upstream.seen.some((one) => one[':path'] === '/ready'));
    status = 503;
    await until(async () => (await health()).includes('"status":"unhealthy"'));
    status = 200;
    await until(async () => (await health()).includes('"status":"healthy"'));
    const upgrade = await raw(port, UPGRADE);
    expect(upgrade.status).toBe(502);
    expect(upgrade.text).toContain('Every upstream of the route is h2c, which carries no WebSocket.');
  });

  it('is passed over by an upgrade when another upstream of its route takes it', async () => {
    const upstream = await h2((stream) => ok(stream));
    const plain = await rig.tcp((socket) => void socket.on('data', () => socket.write('HTTP/1.1 403 Own\r\n\r\n')));
    const { port } = await rig.balancer({ upstreams: [upstream.url, plain.url], policy: 'round_robin' });
    for (let at = 0; at < 4; at += 1)
      expect((await raw(port, UPGRADE, /403 Own/)).text, String(at)).toContain('HTTP/1.1 403 Own');
    expect(upstream.seen).toHaveLength(0);
  });

  it('is cancelled when its client leaves', async () => {
    let closed = 0;
    const upstream = await h2((stream) => void stream.on('close', () => (closed += 1)));
    const { port } = await rig.balancer({ upstreams: [upstream.url] });
    const client = talk(rig, port, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n');
    await until(() => upstream.seen.length === 1);
    client.socket.destroy();
    await until(() => closed === 1);
  });
});
