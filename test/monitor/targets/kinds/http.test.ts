import { gzipSync } from 'node:zlib';
import http from 'node:http';
import net from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { OutboundGuard } from '../../../../src/monitor/outbound/guard.ts';
import { check, closeServers, httpSpec, namesOf, NO_EXPECT, serve, serveHttp, valueOf } from '../rig.ts';

afterEach(closeServers);

const json = (body: unknown): Promise<number> =>
  serveHttp((_request, response) => {
    response.setHeader('content-type', 'application/json');
    response.setHeader('set-cookie', 'session=verysecret');
    response.end(JSON.stringify(body));
  });

describe('a request', () => {
  test('succeeds, with phases that add up to the duration', async () => {
    const port = await json({ ok: true });
    const result = await check(httpSpec(`http://127.0.0.1:${port}/a?token=abc`));
    expect(result).toMatchObject({ success: true, reason: '' });
    const sum = Object.values(result.phases).reduce((total, seconds) => total + seconds, 0);
    expect(sum).toBeCloseTo(result.durationSeconds, 9);
    expect(valueOf(result, 'probe_http_status_code')).toBe(200);
    expect(valueOf(result, 'probe_ip_addr_hash')).toBe(3_668_918_509);
    expect(result.evidence.sent).toBe(`GET http://127.0.0.1:${port}/a?token=%3Chidden%3E`);
  });

  test('carries a trace of this installation, and is marked', async () => {
    let seen: http.IncomingHttpHeaders = {};
    const port = await serveHttp((request, response) => {
      seen = request.headers;
      response.end();
    });
    const result = await check(httpSpec(`http://127.0.0.1:${port}/`));
    expect(result.traceId).toMatch(/^abcdef0123[0-9a-f]{22}$/);
    expect(seen['traceparent']).toMatch(new RegExp(`^00-${result.traceId}-[0-9a-f]{16}-01$`));
    expect(seen['baggage']).toBe('synthetic=true');
    expect(seen['user-agent']).toContain('synthetic');
  });

  test('follows redirects, without credentials to another host', async () => {
    let seen: http.IncomingHttpHeaders = {};
    const last = await serveHttp((request, response) => {
      seen = request.headers;
      response.end('there');
    });
    const first = await serveHttp((_request, response) => {
      response.writeHead(302, { location: `http://localhost:${last}/x` });
      response.end();
    });
    const spec = httpSpec(`http://127.0.0.1:${first}/`, { headers: { Authorization: 'Bearer s3cret', 'X-A': '1' } });
    const result = await check(spec);
    expect(valueOf(result, 'probe_http_redirects')).toBe(1);
    expect(result.success).toBe(true);
    expect(seen['authorization']).toBeUndefined();
    expect(seen['x-a']).toBe('1');
    expect(JSON.stringify(result.evidence)).not.toContain('s3cret');
    const stays = await check({ ...spec, followRedirects: false });
    expect(stays.reason).toBe('The status is 302, not 2xx.');
  });

  test('ends after ten redirects, and at a redirect to no URL', async () => {
    const port = await serveHttp((request, response) => {
      response.writeHead(302, { location: request.url === '/ftp' ? 'ftp://a/' : '/loop' });
      response.end();
    });
    expect((await check(httpSpec(`http://127.0.0.1:${port}/`))).reason).toBe('More than 10 redirects.');
    expect((await check(httpSpec(`http://127.0.0.1:${port}/ftp`))).reason).toBe('A redirect leads to no URL.');
  });

  test('sends a body and becomes GET after 303', async () => {
    const seen: string[] = [];
    const port = await serveHttp((request, response) => {
      seen.push(`${request.method} ${request.headers['content-length']}`);
      if (request.url === '/') response.writeHead(303, { location: '/done' });
      response.end();
    });
    await check(httpSpec(`http://127.0.0.1:${port}/`, { method: 'POST', body: 'abc' }));
    expect(seen[0]).toBe('POST 3');
    expect(seen[1]).toMatch(/^GET/);
  });
});

describe('what is expected', () => {
  const answer = { status: 'ok', accounts: [{ id: 'acc-001', sum: 12 }] };
  test.each([
    [{ statuses: ['200-204'] }, ''],
    [{ statuses: ['3xx', '404'] }, 'The status is 200, not 3xx or 404.'],
    [{ versions: ['HTTP/2.0'] }, 'The version is HTTP/1.1, not HTTP/2.0.'],
    [{ ssl: 'required' as const }, 'The last request was not made over TLS.'],
    [{ body: [{ pattern: 'acc-\\d+', must: true }] }, ''],
    [{ body: [{ pattern: 'nothing', must: true }] }, 'The body does not match nothing.'],
    [{ body: [{ pattern: 'acc', must: false }] }, 'The body matches acc.'],
    [
      { headers: [{ header: 'X-None', pattern: '.', must: true, allowMissing: false }] },
      'The header X-None is missing.',
    ],
    [{ headers: [{ header: 'X-None', pattern: '.', must: true, allowMissing: true }] }, ''],
    [
      { headers: [{ header: 'Content-Type', pattern: 'html', must: true, allowMissing: false }] },
      'The header Content-Type does not match html.',
    ],
    [
      { headers: [{ header: 'Content-Type', pattern: 'json', must: false, allowMissing: false }] },
      'The header Content-Type matches json.',
    ],
    [{ json: ['$.accounts[0].id == "acc-001"', '$.accounts[*].sum > 10', '$.status'] }, ''],
    [{ json: ['$.status == "down"'] }, '$.status == "down": the answer has "ok".'],
    [{ json: ['$.missing.deep'] }, '$.missing.deep: the answer has nothing at this path.'],
    [{ latencyMs: -1 }, /^The answer took \d+ ms, more than -1 ms\.$/],
  ])('%o', async (expected, reason) => {
    const port = await json(answer);
    const result = await check(httpSpec(`http://127.0.0.1:${port}/`, { expect: { ...NO_EXPECT, ...expected } }));
    if (typeof reason === 'string') expect(result.reason).toBe(reason);
    else expect(result.reason).toMatch(reason);
    expect(result.success).toBe(reason === '');
    expect(JSON.stringify(result.evidence)).not.toContain('verysecret');
  });

  test('a body that is no JSON, and one that is too long for it', async () => {
    const port = await serveHttp((_request, response) => void response.end('x'.repeat(5_000)));
    const expected = { ...NO_EXPECT, json: ['$.a'] };
    const url = `http://127.0.0.1:${port}/`;
    expect((await check(httpSpec(url, { expect: expected }))).reason).toBe('The body is not JSON.');
    const short = await check(httpSpec(url, { expect: expected, maxBodyBytes: 100 }));
    expect(short.reason).toBe('The body is too long to be read as JSON.');
    expect(valueOf(short, 'probe_http_uncompressed_body_length')).toBe(100);
  });

  test('compressed bodies are decoded when the check asks for them', async () => {
    const port = await serveHttp((_request, response) => {
      response.setHeader('content-encoding', 'gzip');
      response.end(gzipSync('a long text a long text a long text a long text'));
    });
    const expected = { ...NO_EXPECT, body: [{ pattern: 'long text', must: true }] };
    const spec = httpSpec(`http://127.0.0.1:${port}/`, { compression: 'gzip', expect: expected });
    expect((await check(spec)).success).toBe(true);
    expect((await check({ ...spec, compression: undefined })).success).toBe(false);
  });
});

describe('what fails', () => {
  test('refused, reset, cut off, silent, not HTTP', async () => {
    const refused = await check(httpSpec('http://127.0.0.1:1/'));
    expect(refused.reason).toBe('The connection was refused.');
    expect(valueOf(refused, 'probe_http_duration_seconds', { phase: 'processing' })).toBe(0);
    const reset = await serve(net.createServer((socket) => socket.once('data', () => socket.resetAndDestroy())));
    expect((await check(httpSpec(`http://127.0.0.1:${reset}/`))).reason).toBe('The connection was reset.');
    const cut = await serve(
      net.createServer((socket) =>
        socket.once('data', () => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nabc')),
      ),
    );
    const ended = await check(httpSpec(`http://127.0.0.1:${cut}/`));
    expect(ended.reason).toContain('The answer ended early');
    expect(valueOf(ended, 'probe_http_status_code')).toBe(200);
    const silent = await serve(net.createServer(() => {}));
    const late = await check(httpSpec(`http://127.0.0.1:${silent}/`), { timeoutMs: 50 });
    expect(late.reason).toBe('No answer within 50 ms.');
    const smtp = await serve(net.createServer((socket) => void socket.write('220 hello\r\n')));
    expect((await check(httpSpec(`http://127.0.0.1:${smtp}/`))).success).toBe(false);
  });

  test('a name without an address has only the phase of its resolution', async () => {
    const result = await check(httpSpec('http://nowhere.test/'));
    expect(result.reason).toBe('The name has no address.');
    const phases = result.series.filter(({ name }) => name === 'probe_http_duration_seconds');
    expect(phases.map(({ labels }) => labels?.['phase'])).toEqual(['resolve']);
    expect(valueOf(result, 'probe_ip_protocol')).toBe(0);
  });

  test('a name that resolves to the inside is refused for a target of the API, also behind a redirect', async () => {
    const port = await json({});
    const guard = new OutboundGuard({ allowPrivate: ['127.0.0.2'] });
    const names = namesOf({ 'inside.test': '127.0.0.1' });
    const denied = await check(httpSpec(`http://inside.test:${port}/`), { origin: 'api', guard, names });
    expect(denied.success).toBe(false);
    expect(denied.reason).toContain('loopback');
    const literal = await check(httpSpec(`http://0x7f000001:${port}/`), { origin: 'api', guard });
    expect(literal.reason).toContain('loopback');
    const metadata = await check(httpSpec('http://169.254.169.254/'));
    expect(metadata.reason).toContain('metadata');
    const redirects = http.createServer((_request, response) => {
      response.writeHead(302, { location: `http://127.0.0.1:${port}/` });
      response.end();
    });
    const outer = await serve(redirects);
    const allowed = new OutboundGuard({ allowPrivate: ['outer.test'] });
    const result = await check(httpSpec(`http://outer.test:${outer}/`), {
      origin: 'api',
      guard: allowed,
      names: namesOf({ 'outer.test': '127.0.0.1' }),
    });
    expect(result.reason).toContain('loopback');
  });
});

describe('through a proxy', () => {
  test('absolute form for http, CONNECT for https, and a refusal', async () => {
    const seen: string[] = [];
    const proxy = http.createServer((request, response) => {
      seen.push(`${request.method} ${request.url}`);
      response.end('by the proxy');
    });
    proxy.on('connect', (request, socket) => {
      seen.push(`CONNECT ${request.url}`);
      socket.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    });
    const port = await serve(proxy);
    const proxyUrl = `http://127.0.0.1:${port}`;
    expect((await check(httpSpec('http://far.test/a?b=1', { proxyUrl }))).success).toBe(true);
    const refused = await check(httpSpec('https://far.test/', { proxyUrl }));
    expect(refused.reason).toBe('The proxy refuses the connection with 403.');
    expect(seen).toEqual(['GET http://far.test/a?b=1', 'CONNECT far.test:443']);
  });
});
