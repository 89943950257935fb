import { once } from 'node:events';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { kindOf } from '../../../src/monitor/outbound/addresses.ts';
import { OutboundGuard, type Origin } from '../../../src/monitor/outbound/guard.ts';
import { send, type OutboundRequest } from '../../../src/monitor/outbound/request.ts';
import { DENIED_HOSTS, resolveAs, resolveBy } from '../../support/denied-hosts.ts';

/** Names of attackers that resolve to addresses inside. */
const INSIDE: Readonly<Record<string, string>> = {
  'localtest.example': '127.0.0.1',
  '10-0-0-1.ip.example': '10.0.0.1',
  'six.example': '::1',
  'mapped.example': '::ffff:192.168.1.1',
  localhost: '127.0.0.1',
};

let port: number;
let seen: { method: string; url: string; headers: http.IncomingHttpHeaders; body: string }[] = [];
const server = http.createServer((request, response) => {
  let body = '';
  request.on('data', (part: Buffer) => (body += part.toString()));
  request.on('end', () => {
    seen.push({ method: request.method ?? '', url: request.url ?? '', headers: request.headers, body });
    const to = new URL(request.url ?? '/', 'http://x').searchParams.get('to');
    const status = Number(new URL(request.url ?? '/', 'http://x').searchParams.get('status') ?? 302);
    if (to !== null) response.writeHead(status, { Location: to }).end();
    else if (request.url === '/large') response.end(Buffer.alloc(100_000, 'x'));
    else if (request.url !== '/silent') response.end('inside');
  });
});
beforeAll(async () => {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  ({ port } = server.address() as AddressInfo);
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const request = (url: string, more: Partial<OutboundRequest> = {}): OutboundRequest => ({
  url: new URL(url),
  method: 'GET',
  headers: {},
  origin: 'api',
  timeoutMs: 5_000,
  maxBodyBytes: 1_000,
  maxRedirects: 3,
  ...more,
});
const codeOf = async (guard: OutboundGuard, one: OutboundRequest): Promise<string> => {
  try {
    return `${(await send(guard, one)).status}`;
  } catch (error) {
    return String((error as { code?: unknown }).code);
  }
};

describe('the outbound guard', () => {
  it.each(DENIED_HOSTS)('refuses a URL made by API that leads inside: %s', async (host) => {
    expect(await codeOf(new OutboundGuard(), request(`http://${host}:${port}/`))).toBe('outbound_denied');
  });

  it.each(Object.entries(INSIDE))('refuses a name that resolves to an address inside: %s', async (host, address) => {
    const guard = new OutboundGuard({ resolve: resolveAs({ [host]: [address] }) });
    expect(await codeOf(guard, request(`http://${host}:${port}/`))).toBe('outbound_denied');
  });

  it('refuses a name when one of several addresses is inside', async () => {
    const guard = new OutboundGuard({ resolve: resolveAs({ 'both.example': ['93.184.216.34', '127.0.0.1'] }) });
    expect(await codeOf(guard, request(`http://both.example:${port}/`))).toBe('outbound_denied');
  });

  it('resolves once, so that a name cannot change between check and connection', async () => {
    let asked = 0;
    // An allowed address first; an attacker's server would answer with another one the second time.
    const resolve = resolveBy(() => (asked++ === 0 ? ['127.0.0.1'] : ['10.0.0.1']));
    const guard = new OutboundGuard({ allowPrivate: ['127.0.0.0/8'], resolve });
    expect((await send(guard, request(`http://rebind.example:${port}/`))).address).toBe('127.0.0.1');
    expect(asked).toBe(1);
  });

  it.each([301, 302, 303, 307, 308])('checks each redirect: %i', async (status) => {
    const guard = new OutboundGuard({
      allowPrivate: ['start.example'],
      resolve: resolveAs({ 'start.example': ['127.0.0.1'], 'localtest.example': ['127.0.0.1'] }),
    });
    for (const to of [
      `http://127.0.0.1:${port}/`,
      `http://localtest.example:${port}/`,
      'file:///etc/passwd',
      'gopher://x/',
    ]) {
      const url = `http://start.example:${port}/?status=${status}&to=${encodeURIComponent(to)}`;
      expect([to, await codeOf(guard, request(url))]).toEqual([to, 'outbound_denied']);
    }
  });

  it('refuses other schemes, credentials in the URL, and the ports of other services', () => {
    const guard = new OutboundGuard();
    for (const url of [
      'file:///etc/passwd',
      'gopher://a/',
      'ftp://a/',
      'http://a@b/',
      'http://93.184.216.34:25/',
      'http://93.184.216.34:6379/',
    ]) {
      expect(() => guard.checkUrl(new URL(url), 'api'), url).toThrow(
        expect.objectContaining({ code: 'outbound_denied' }),
      );
    }
  });

  it('lets the configuration file reach inside, but nobody a metadata service', async () => {
    const guard = new OutboundGuard({ allowPrivate: ['0.0.0.0/0', '::/0'] });
    expect(await codeOf(guard, request(`http://127.0.0.1:${port}/`, { origin: 'file' }))).toBe('200');
    for (const host of [
      '169.254.169.254',
      '[::ffff:169.254.169.254]',
      '[fd00:ec2::254]',
      '[64:ff9b::169.254.169.254]',
    ]) {
      for (const origin of ['file', 'api'] as Origin[]) {
        expect([host, await codeOf(guard, request(`http://${host}:${port}/`, { origin }))]).toEqual([
          host,
          'outbound_denied',
        ]);
      }
    }
  });

  it('lets the API reach what allow_private lists, by range, address or name', async () => {
    const resolve = resolveAs({ 'shop.internal': ['127.0.0.1'], 'other.internal': ['127.0.0.1'] });
    const byName = new OutboundGuard({ allowPrivate: ['Shop.Internal.'], resolve });
    expect(await codeOf(byName, request(`http://shop.internal:${port}/`))).toBe('200');
    expect(await codeOf(byName, request(`http://other.internal:${port}/`))).toBe('outbound_denied');
    expect(await codeOf(byName, request(`http://127.0.0.1:${port}/`))).toBe('outbound_denied');
    const byRange = new OutboundGuard({ allowPrivate: ['127.0.0.0/30'], resolve });
    expect(await codeOf(byRange, request(`http://127.0.0.1:${port}/`))).toBe('200');
    expect(await codeOf(byRange, request(`http://127.0.0.5:${port}/`))).toBe('outbound_denied');
    expect(await codeOf(new OutboundGuard({ allowPrivate: ['::1'] }), request(`http://[::1]:${port}/`))).toBe(
      'unreachable',
    );
  });

  it.each([
    '93.184.216.34',
    '8.8.8.8',
    '172.15.0.1',
    '172.32.0.1',
    '100.63.255.255',
    '2606:4700::1111',
    '2001:4860::8888',
  ])('takes a public address for public: %s', (address) => expect(kindOf(address)).toBe('public'));
});

describe('a request out of the monitor', () => {
  const guard = new OutboundGuard();
  const ask = (path: string, more: Partial<OutboundRequest> = {}): Promise<unknown> =>
    send(guard, request(`http://127.0.0.1:${port}${path}`, { origin: 'file', ...more }));

  it('bounds the body that it reads', async () => {
    expect(await ask('/large')).toMatchObject({ status: 200, truncated: true, body: { length: 1_000 } });
  });

  it('bounds the time', async () => {
    await expect(ask('/silent', { timeoutMs: 50 })).rejects.toMatchObject({ code: 'gateway_timeout' });
  });

  it('ends when it is cancelled', async () => {
    const controller = new AbortController();
    const answer = ask('/silent', { signal: controller.signal });
    controller.abort();
    await expect(answer).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('gives up a loop of redirects', async () => {
    const self = `/?to=${encodeURIComponent('/?to=/')}`;
    await expect(ask(self, { maxRedirects: 1 })).rejects.toMatchObject({ code: 'bad_gateway' });
  });

  it('turns a POST into a GET as browsers do, and keeps it after 307', async () => {
    seen = [];
    const post = { method: 'POST', body: 'b', headers: { 'Content-Type': 'text/plain', 'X-Own': '1' } };
    await ask('/?status=302&to=/a', post);
    await ask('/?status=307&to=/b', post);
    const [, got, , kept] = seen;
    expect(got).toMatchObject({ method: 'GET', url: '/a', body: '', headers: { 'x-own': '1' } });
    expect(got.headers['content-type']).toBeUndefined();
    expect(kept).toMatchObject({ method: 'POST', url: '/b', body: 'b', headers: { 'content-type': 'text/plain' } });
  });

  it('keeps secrets from the host that a redirect leads to', async () => {
    seen = [];
    const named = new OutboundGuard({ resolve: resolveAs({ 'other.example': ['127.0.0.1'] }) });
    const to = encodeURIComponent(`http://other.example:${port}/`);
    const headers = { Authorization: 'Bearer secret', cookie: 'a=b', 'X-Own': '1' };
    await send(named, request(`http://127.0.0.1:${port}/?to=${to}`, { origin: 'file', headers }));
    expect(seen[1].headers).toMatchObject({ 'x-own': '1' });
    expect(seen[1].headers).not.toHaveProperty('authorization');
    expect(seen[1].headers).not.toHaveProperty('cookie');
  });

  it('says what cannot be reached', async () => {
    await expect(send(guard, request('http://127.0.0.1:1/', { origin: 'file' }))).rejects.toMatchObject({
      code: 'unreachable',
      message: '127.0.0.1:1 cannot be reached: ECONNREFUSED',
    });
  });
});
