/** TLS on both sides, Unix sockets, and names that lead elsewhere, over real sockets. */
import { createHash } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer, request as httpsRequest, Agent } from 'node:https';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import { systemClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { cacheConfig } from '../../../../src/stack/cache/config.ts';
import { openResponseCache } from '../../../../src/stack/cache/open-response-cache.ts';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { until } from '../../../support/until.ts';
import { GET, raw, Rig } from '../rig.ts';
import { hasOpenssl, makeAuthority, type Authority } from './certificate-files.ts';

let rig: Rig;
let authority: Authority;
beforeEach(async () => {
  rig = new Rig();
  if (hasOpenssl) authority = await makeAuthority(rig);
});
afterEach(() => rig[Symbol.asyncDispose]());

interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
  readonly body: string;
  /** Subject of the certificate that was shown. */
  readonly subject: string;
}

function ask(port: number, name: string, options: { path?: string; agent?: Agent } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = httpsRequest(
      {
        host: '127.0.0.1',
        port,
        servername: name,
        headers: { Host: name },
        path: options.path ?? '/',
        ca: readFileSync(authority.caFile),
        agent: options.agent ?? false,
        checkServerIdentity: () => undefined,
      },
      (response) => {
        const subject = (response.socket as TLSSocket).getPeerCertificate().subject.CN;
        let body = '';
        response.on('data', (part: Buffer) => (body += part.toString()));
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body, subject }),
        );
      },
    );
    request.on('error', reject);
    request.end();
  });
}

const echo = () =>
  rig.http((request, response) => response.end(JSON.stringify({ headers: request.headers, url: request.url })));

describe.skipIf(!hasOpenssl)('TLS towards clients', () => {
  it('chooses the certificate by name, tells the upstream that the scheme is https, and adds HSTS', async () => {
    const upstream = await echo();
    const [one, two] = [
      await authority.issue('one', ['DNS:one.example']),
      await authority.issue('two', ['DNS:*.two.example']),
    ];
    const { balancer } = await rig.balancer({
      upstreams: [upstream.url],
      tls: { listen: '127.0.0.1:0', certificates: [one, two], hsts: { max_age: '30d', include_subdomains: true } },
    });
    const port = balancer.secureAddress?.port ?? 0;
    const answers = await Promise.all(
      ['one.example', 'a.two.example', 'a.b.two.example', 'ONE.example'].map((name) => ask(port, name)),
    );
    expect(answers.map(({ subject }) => subject)).toEqual(['one', 'two', 'one', 'one']);
    expect(answers[0].headers['strict-transport-security']).toBe('max-age=2592000; includeSubDomains');
    expect((JSON.parse(answers[0].body) as { headers: unknown }).headers).toMatchObject({
      'x-forwarded-proto': 'https',
      forwarded: expect.stringContaining('proto=https') as string,
    });
  });

  it('answers each next request of a connection, however soon it comes after an answer', async () => {
    const upstream = await rig.http((_request, response) => response.end('ok'));
    const { balancer } = await rig.balancer({
      upstreams: [upstream.url],
      tls: { listen: '127.0.0.1:0', certificates: [await authority.issue('one', ['DNS:a.example'])] },
    });
    const client = connectTls({ port: balancer.secureAddress?.port ?? 0, rejectUnauthorized: false });
    rig.add(() => void client.destroy());
    let text = '';
    client.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    const answers = (): number => text.split('HTTP/1.1 200').length - 1;
    // The answer to the first request is still in the socket when the second request is read.
    client.write('GET /-/livez HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(2) + GET);
    await until(() => answers() === 3);
    for (let at = 4; at < 100; at += 1) {
      client.write(GET);
      await until(() => answers() === at);
    }
  });

  it('uses new certificates without cutting connections, and keeps the old ones when new ones are invalid', async () => {
    const upstream = await echo();
    const leaf = await authority.issue('first', ['DNS:a.example']);
    const { balancer } = await rig.balancer({
      upstreams: [upstream.url],
      tls: { listen: '127.0.0.1:0', certificates: [leaf] },
    });
    const port = balancer.secureAddress?.port ?? 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 1, ca: readFileSync(authority.caFile) });
    rig.add(() => agent.destroy());
    const serial = async (own?: Agent) => {
      await ask(port, 'a.example', own ? { agent: own } : {});
      return new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port, servername: 'a.example', rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().serialNumber);
          socket.destroy();
        });
        socket.on('error', reject);
      });
    };
    const before = await serial(agent);
    const held = Object.values(agent.freeSockets)[0]?.[0];
    await authority.issue('first', ['DNS:a.example', 'DNS:b.example']);
    await until(async () => (await serial()) !== before);
    expect((await ask(port, 'a.example', { agent })).status).toBe(200);
    expect(Object.values(agent.freeSockets)[0]?.[0]).toBe(held);
    const good = await serial();
    writeFileSync(leaf.cert_file, 'not a certificate');
    const lines = await until(async () => ((await serial()) === good ? true : undefined));
    expect(lines).toBe(true);
  });

  it('gives a long kept answer to a slow client as it reads, and completely, also when the balancer drains', async () => {
    const body = 'x'.repeat(8_000_000);
    const upstream = await rig.http((_request, response) => {
      response.setHeader('Cache-Control', 'max-age=60');
      response.end(body);
    });
    const opened = openResponseCache(
      cacheConfig.parse({ responses: { max_entry: '16MiB' } }),
      systemClock,
      silentLogger,
    );
    rig.add(async () => opened?.[Symbol.asyncDispose]());
    const { balancer } = await rig.balancer(
      {
        upstreams: [upstream.url],
        tls: { listen: '127.0.0.1:0', certificates: [await authority.issue('slow', ['DNS:a.example'])] },
      },
      { responseCache: opened?.cache },
    );
    const port = balancer.secureAddress?.port ?? 0;
    expect((await ask(port, 'a.example')).body).toHaveLength(body.length);
    // The memory of what was encrypted for clients that do not read is outside the heap.
    const before = process.memoryUsage.rss();
    const slow = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const socket = connectTls({ port, servername: 'a.example', rejectUnauthorized: false });
        rig.add(() => void socket.destroy());
        await new Promise<void>((resolve) => void socket.once('secureConnect', resolve));
        socket.pause();
        socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n');
        return socket;
      }),
    );
    // A later request has been answered, so all of these have begun.
    expect((await ask(port, 'a.example')).headers['cache-status']).toMatch(/hit/);
    expect((process.memoryUsage.rss() - before) / 2 ** 20).toBeLessThan(160);
    const drained = balancer.drain();
    const received = slow.map(
      (socket) =>
        new Promise<number>((resolve) => {
          let bytes = 0;
          socket.on('data', (part: Buffer) => (bytes += part.length));
          socket.on('close', () => resolve(bytes));
          socket.resume();
        }),
    );
    for (const bytes of await Promise.all(received)) expect(bytes).toBeGreaterThan(body.length);
    await drained;
  });

  it('refuses old versions of TLS, and an invalid certificate at the start', async () => {
    const leaf = await authority.issue('a', ['DNS:a.example']);
    const other = await authority.issue('b', ['DNS:b.example']);
    const mixed = { cert_file: leaf.cert_file, key_file: other.key_file };
    await expect(
      rig.balancer({ upstreams: ['http://127.0.0.1:1'], tls: { listen: '127.0.0.1:0', certificates: [mixed] } }),
    ).rejects.toThrow(/the key belongs to another certificate/);
    const { balancer } = await rig.balancer({
      upstreams: ['http://127.0.0.1:1'],
      tls: { listen: '127.0.0.1:0', certificates: [leaf], min_version: 'TLSv1.3' },
    });
    const port = balancer.secureAddress?.port ?? 0;
    const old = await new Promise<string>((resolve) => {
      const socket = connectTls({ port, maxVersion: 'TLSv1.2', rejectUnauthorized: false }, () => resolve('connected'));
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''));
    });
    expect(old).toMatch(/PROTOCOL_VERSION|ECONNRESET/);
  });

  it('redirects plain requests to https, except own endpoints and those that a trusted proxy received by TLS', async () => {
    const upstream = await echo();
    const leaf = await authority.issue('a', ['DNS:a.example']);
    const section = { upstreams: [upstream.url], tls: { listen: '127.0.0.1:0', certificates: [leaf], redirect: true } };
    const { port } = await rig.balancer(section);
    const plain = await raw(port, 'GET /x?y HTTP/1.1\r\nHost: a.example:8080\r\n\r\n', /\r\n\r\n/);
    expect(plain.text).toMatch(/^HTTP\/1\.1 308 Permanent Redirect\r\nLocation: https:\/\/a\.example\/x\?y\r\n/);
    const proxied = 'GET / HTTP/1.1\r\nHost: a.example\r\nX-Forwarded-Proto: https\r\n\r\n';
    expect((await raw(port, proxied, /\r\n\r\n/)).status).toBe(308);
    const trusting = await rig.balancer({ ...section, trusted_proxies: ['127.0.0.1'] });
    expect((await raw(trusting.port, proxied, /\r\n\r\n/)).status).toBe(200);
  });

  it('carries a WebSocket', async () => {
    const upstream = await rig.http(() => {});
    upstream.server.on('upgrade', (request, socket) => {
      const accept = createHash('sha1')
        .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: ${accept}\r\n\r\n`,
      );
      socket.on('data', (bytes: Buffer) => socket.write(bytes));
    });
    const leaf = await authority.issue('a', ['DNS:a.example']);
    const { balancer } = await rig.balancer({
      upstreams: [upstream.url],
      tls: { listen: '127.0.0.1:0', certificates: [leaf] },
    });
    const socket = connectTls({ port: balancer.secureAddress?.port ?? 0, rejectUnauthorized: false });
    rig.add(() => void socket.destroy());
    let text = '';
    socket.on('data', (bytes: Buffer) => (text += bytes.toString('latin1')));
    socket.write(
      'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    await until(() => text.includes('101 Switching'));
    const frame = Buffer.from([0x81, 0x85, 1, 2, 3, 4, 0x69, 0x67, 0x6f, 0x68, 0x6e]);
    socket.write(frame);
    await until(() => text.includes(frame.toString('latin1')));
  });
});

describe.skipIf(!hasOpenssl)('upstreams', () => {
  const secureUpstream = async (names: readonly string[]) => {
    const leaf = await authority.issue('inner', names);
    const seen: string[] = [];
    const server = createHttpsServer(
      { cert: readFileSync(leaf.cert_file), key: readFileSync(leaf.key_file) },
      (request, response) => {
        seen.push(String((request.socket as TLSSocket & { servername?: string }).servername));
        request.pipe(response);
      },
    );
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    rig.add(() => {
      server.close();
      server.closeAllConnections();
    });
    return { port: (server.address() as { port: number }).port, seen };
  };
  const get = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

  it('over https are verified by name and authority, and are asked under the configured name', async () => {
    const { port: inner, seen } = await secureUpstream(['DNS:inner.example']);
    const url = `https://127.0.0.1:${inner}`;
    const balancerFor = (one: Record<string, unknown>) => rig.balancer({ routes: [{ upstreams: [{ url, ...one }] }] });
    const status = async (one: Record<string, unknown>) => {
      const { port } = await balancerFor(one);
      return (await raw(port, get, /\r\n\r\n/)).status;
    };
    expect(await status({ server_name: 'inner.example', ca_file: authority.caFile })).toBe(200);
    expect(seen).toEqual(['inner.example']);
    expect(await status({ server_name: 'other.example', ca_file: authority.caFile })).toBe(502);
    expect(await status({ server_name: 'inner.example' })).toBe(502);
    expect(await status({ verify: false })).toBe(200);
    expect(seen).toHaveLength(2);
    await expect(balancerFor({ ca_file: '/nowhere.pem' })).rejects.toThrow(
      /authorities of \/nowhere\.pem cannot be read/,
    );
    const { port } = await balancerFor({ server_name: 'inner.example', ca_file: authority.caFile });
    const body = 'x'.repeat(300_000);
    const big = await raw(
      port,
      `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      undefined,
      10_000,
    );
    expect(big.text.length - big.text.indexOf('\r\n\r\n') - 4).toBeGreaterThanOrEqual(body.length);
  });

  it('are reached on a Unix socket', async () => {
    const file = path.join(tmpdir(), `upstream-${process.pid}.sock`);
    const server = createHttpServer((request, response) => response.end(`unix ${request.url}`));
    await new Promise<void>((resolve) => server.listen(file, resolve));
    rig.add(() => {
      server.close();
      server.closeAllConnections();
    });
    const { port } = await rig.balancer({ upstreams: [`unix:${file}`] });
    expect((await raw(port, 'GET /a HTTP/1.1\r\nHost: a\r\n\r\n', /unix \/a/)).status).toBe(200);
  });

  it('follow changes of DNS after the TTL, without failed requests, even when the DNS server becomes silent', async () => {
    const port = await new Promise<number>((resolve) => {
      const probe = createHttpServer().listen(0, '127.0.0.1', () => {
        const bound = (probe.address() as { port: number }).port;
        probe.close(() => resolve(bound));
      });
    });
    const serve = async (host: string) => {
      const server = createHttpServer((_request, response) => response.end(host));
      await new Promise<void>((resolve) => server.listen(port, host, resolve));
      rig.add(() => {
        server.close();
        server.closeAllConnections();
      });
    };
    await serve('127.0.0.2');
    await serve('127.0.0.3');
    let address = '127.0.0.2';
    let silent = false;
    let asked = 0;
    const dns = createSocket('udp4', (query, from) => {
      asked += 1;
      if (silent) return;
      dns.send(dnsAnswer(query, address), from.port, from.address);
    });
    await new Promise<void>((resolve) => dns.bind(0, '127.0.0.1', resolve));
    rig.add(() => void dns.close());
    const { port: own } = await rig.balancer({
      upstreams: [`http://app.test:${port}`],
      name_servers: [`127.0.0.1:${dns.address().port}`],
    });
    const answer = async () => {
      const { text, status } = await raw(own, get, /127\.0\.0\.\d$/);
      return status === 200 ? text.slice(-9) : String(status);
    };
    await until(async () => (await answer()) === '127.0.0.2');
    address = '127.0.0.3';
    const seen = new Set<string>();
    await until(async () => {
      const now = await answer();
      seen.add(now);
      return now === '127.0.0.3';
    });
    for (const one of seen) expect(['127.0.0.2', '127.0.0.3']).toContain(one);
    silent = true;
    const before = asked;
    await until(() => asked > before);
    expect(await answer()).toBe('127.0.0.3');
  });
});

/** One A record with a TTL of a second; nothing for other kinds. */
function dnsAnswer(query: Buffer, address: string): Buffer {
  const end = query.indexOf(0, 12) + 5;
  const isA = query.readUInt16BE(end - 4) === 1;
  const head = Buffer.from(query.subarray(0, end));
  head.writeUInt16BE(0x8180, 2);
  head.writeUInt16BE(isA ? 1 : 0, 6);
  head.writeUInt32BE(0, 8);
  const record = Buffer.from([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, ...address.split('.').map(Number)]);
  return isA ? Buffer.concat([head, record]) : head;
}
