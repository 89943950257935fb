import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import type { Middleware } from 'koa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import type { Logger } from '../../../src/base/logger.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import type { Alert } from '../../../src/model/alert.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { SpanRecord } from '../../../src/model/records.ts';
import { fakeTraces } from '../../support/page/fake-stack.ts';
import { movedClock } from '../../support/moved-clock.ts';
import type { PageServer } from '../../support/page/page-server.ts';
import { startPageServer } from '../../support/page/page-server.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly bytes: Buffer;
  readonly json: Record<string, never>;
}

/** Sends a raw request, because fetch would normalise paths and refuse to set Host. */
function ask(
  port: number,
  target: string,
  options: { method?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request(
      { host: '127.0.0.1', port, path: target, method: options.method ?? 'GET', headers: options.headers ?? {} },
      (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          const bytes = Buffer.concat(chunks);
          let json: unknown;
          try {
            json = JSON.parse(bytes.toString());
          } catch {
            json = undefined;
          }
          resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes, json: json as never });
        });
      },
    );
    sent.on('error', reject);
    sent.end(options.body);
  });
}

const NOW = 1_800_000_000_000;
let pageDir = '';

beforeAll(async () => {
  pageDir = await mkdtemp(path.join(tmpdir(), 'vitrine-page-'));
  await mkdir(path.join(pageDir, 'assets'));
  await writeFile(path.join(pageDir, 'index.html'), '<!doctype html><title>page</title>');
  await writeFile(path.join(pageDir, 'assets', 'index-abcdef12.js'), `// ${'x'.repeat(4_000)}`);
  await writeFile(path.join(path.dirname(pageDir), 'vitrine-secret.txt'), 'secret');
  await symlink('/etc/hostname', path.join(pageDir, 'link.txt'));
});
afterAll(() => rm(pageDir, { recursive: true }));

const start = (options: Parameters<typeof startPageServer>[0] = {}): Promise<PageServer> =>
  startPageServer({ clock: movedClock(NOW), ...options, overrides: { pageDir, ...options.overrides } });

describe('health', () => {
  it('shows all details in its own form and in the draft form', async () => {
    await using server = await start();
    const own = await ask(server.port, '/health');
    expect(own.status).toBe(200);
    expect(own.json).toMatchObject({
      status: 'degraded',
      uptime: '2 days 4 hours',
      memory_usage_mb: 120,
      queue_size: 3,
    });
    const draft = await ask(server.port, '/health', { headers: { accept: 'application/health+json' } });
    expect(draft.headers['content-type']).toContain('application/health+json');
    expect(draft.json).toMatchObject({ status: 'warn', serviceId: 'vitrine' });
  });

  it('is 503 when unhealthy, and readyz is 503 when not ready', async () => {
    const health = () => ({
      status: 'unhealthy' as const,
      uptime: '1 second',
      uptime_seconds: 1,
      memory_usage_mb: 1,
      cache_size_mb: 0,
      queue_size: 0,
      components: { server: { status: 'unhealthy' as const, uptime_seconds: 0, reason: 'no live upstream' } },
    });
    await using server = await start({ overrides: { health, ready: () => false } });
    expect((await ask(server.port, '/health')).status).toBe(503);
    expect((await ask(server.port, '/readyz')).status).toBe(503);
    expect((await ask(server.port, '/-/ready')).status).toBe(503);
    for (const target of ['/livez', '/-/healthy'])
      expect((await ask(server.port, target)).bytes.toString()).toBe('alive\n');
    const draft = await ask(server.port, '/health', { headers: { accept: 'application/health+json' } });
    expect(JSON.stringify(draft.json)).toContain('no live upstream');
  });
});

describe('figures', () => {
  it('are the current ones, and null without traffic', async () => {
    await using busy = await start();
    await using empty = await start({ kind: 'empty' });
    const now = await ask(busy.port, '/api/metrics');
    expect(now.json).toMatchObject({ window_seconds: 60, queue_size: 3, balancer: { requests: 7200 } });
    expect((await ask(empty.port, '/api/metrics')).json).toMatchObject({ balancer: null, cache: null });
  });

  it('include the health matrix, worst first', async () => {
    await using server = await start();
    const { services } = (await ask(server.port, '/api/services')).json as unknown as {
      services: { service: string; state: string; reason: string; strip: string[] }[];
    };
    expect(services[0]).toMatchObject({ service: 'bank-api', state: 'unhealthy' });
    expect(services.find(({ service }) => service === 'payments')?.reason).toContain('SlowResponses');
    expect(services.at(-1)?.state).toBe('healthy');
    expect(services[0].strip).toHaveLength(15);
    expect(services[0].strip).toContain('no_data');
  });

  it('cover the last hour in minutes, with null for gaps', async () => {
    await using server = await start();
    const answer = await ask(server.port, '/api/timeseries?service=payments&metric=latency_p95');
    expect(answer.json).toMatchObject({
      unit: 'seconds',
      window_seconds: 3_600,
      bucket_seconds: 60,
      service: 'payments',
    });
    const { series } = answer.json as unknown as { series: { points: [number, number | null][] }[] };
    expect(series[0].points).toHaveLength(60);
    expect(series[0].points.at(-1)?.[0]).toBe(NOW);
    expect(series[0].points.some(([, value]) => value === null)).toBe(true);
  });

  it.each([
    'metric=__proto__',
    'bucket=7',
    'window=1m&bucket=1h',
    'window=1y&bucket=1s',
    `service=${'x'.repeat(2_000)}`,
  ])('refuse %s', async (query) => {
    await using server = await start();
    const answer = await ask(server.port, `/api/timeseries?${query}`);
    expect(answer.status).toBe(400);
    expect(answer.json).toMatchObject({ code: 'bad_request' });
  });

  it('keep a service name inside its quotes', async () => {
    const asked: string[] = [];
    await using plain = await start();
    await using server = await start({
      overrides: {
        querier: {
          range: (expr: string) => {
            asked.push(expr);
            return Promise.resolve({ value: { kind: 'matrix', series: [] }, warnings: [], infos: [] });
          },
        } as never,
      },
    });
    await ask(server.port, `/api/timeseries?service=${encodeURIComponent('"} or up{x="\\\n')}`);
    expect(asked[0]).toContain('job="\\"} or up{x=\\"\\\\\\n"');
    expect(plain.port).toBeGreaterThan(0);
  });
});

describe('records', () => {
  it('finds traces by filters and reads one with its log lines', async () => {
    await using server = await start();
    const all = (await ask(server.port, '/api/traces?limit=5')).json as unknown as {
      traces: { traceId: string }[];
      more: boolean;
    };
    expect(all.traces).toHaveLength(5);
    expect(all.more).toBe(true);
    const found = (await ask(server.port, '/api/traces?attribute=transaction_id=T-42&errors=true&min_duration_ms=900'))
      .json as unknown as {
      traces: { traceId: string }[];
      more: boolean;
    };
    expect(found).toMatchObject({ more: false, traces: [{ traceId: fakeTraces(NOW)[0].id, durationMs: 912 }] });
    const trace = (await ask(server.port, `/api/traces/${found.traces[0].traceId}`)).json as unknown as {
      spans: { startOffsetMs: number; startUnixNano: string }[];
      logs: { timeMs: number; severity: string }[];
      durationMs: number;
    };
    expect(trace.durationMs).toBeCloseTo(912, 3);
    expect(trace.spans.map(({ startOffsetMs }) => startOffsetMs)).toEqual(
      trace.spans.map(({ startOffsetMs }) => startOffsetMs).toSorted((a, b) => a - b),
    );
    expect(trace.spans[0].startUnixNano).toMatch(/^\d{19}$/);
    expect(trace.logs.map(({ severity }) => severity)).toContain('error');
  });

  it('reports a missing trace and an invalid id', async () => {
    await using server = await start();
    const idsOf = async (path: string): Promise<string[]> => {
      const { traces } = (await ask(server.port, path)).json as unknown as { traces: { traceId: string }[] };
      return traces.map(({ traceId }) => traceId);
    };
    const { id } = fakeTraces(NOW)[0];
    expect(await idsOf(`/api/traces?id=${id}`)).toEqual([id]);
    expect(await idsOf('/api/traces?id=T-42')).toEqual([id]);
    expect(await idsOf('/api/traces?id=nobody')).toEqual([]);
    const slowest = (await ask(server.port, `/api/traces?sort=duration&limit=3&to=${NOW - 11_000}`))
      .json as unknown as {
      more: boolean;
      traces: { durationMs: number }[];
    };
    const durations = slowest.traces.map(({ durationMs }) => durationMs);
    expect(durations).toEqual(durations.toSorted((a, b) => b - a));
    const older = fakeTraces(NOW).filter(({ startMs }) => startMs <= NOW - 11_000);
    expect(durations[0]).toBeCloseTo(Math.max(...older.map(({ scale }) => scale * 912)), 2);
    expect(slowest.more).toBe(true);
    expect(await idsOf('/api/traces?sort=spread&limit=6')).toHaveLength(6);
    expect((await ask(server.port, '/api/traces?sort=size')).status).toBe(400);
    expect((await ask(server.port, '/api/traces/abc')).status).toBe(404);
    expect((await ask(server.port, '/api/traces/XYZ')).status).toBe(400);
    for (const query of ['limit=0', 'limit=x', 'attribute=a', 'from=-1', 'min_duration_ms=1e9']) {
      expect((await ask(server.port, `/api/traces?${query}`)).status).toBe(400);
    }
  });

  it('writes big integers, prototype keys and broken times as data', async () => {
    const attributes = JSON.parse('{"__proto__":"own","list":[1]}') as SpanRecord['attributes'];
    const span: SpanRecord = {
      traceId: 'a1',
      spanId: 'b',
      parentSpanId: '',
      name: 'x',
      kind: 'server',
      startUnixNano: 2_000_000n,
      endUnixNano: 1_000_000n,
      status: 'unset',
      statusMessage: '',
      attributes: { ...attributes, big: 2n ** 63n, nested: { n: 1n } },
      events: [{ name: 'e', timeUnixNano: 3_000_000n, attributes: {} }],
      links: [],
      resource: { attributes: {} },
      scope: { name: '', version: '' },
    };
    await using server = await start({
      overrides: { spans: { find: () => [], trace: () => [span] }, logs: { search: () => [] } },
    });
    const { spans } = (await ask(server.port, '/api/traces/a1')).json as unknown as {
      spans: Record<string, unknown>[];
    };
    expect(spans[0]).toMatchObject({ durationMs: 0, service: 'unknown_service', events: [{ offsetMs: 1 }] });
    expect(spans[0].attributes).toMatchObject({ big: '9223372036854775808', nested: { n: '1' }, list: [1] });
  });

  it('searches logs by level, service and text', async () => {
    await using server = await start();
    const { logs } = (await ask(server.port, '/api/logs?level=error&service=payments&q=ETIMEDOUT&limit=3'))
      .json as unknown as {
      logs: { severity: string; service: string }[];
    };
    expect(logs).toHaveLength(3);
    expect(logs.every(({ severity, service }) => severity === 'error' && service === 'payments')).toBe(true);
    expect((await ask(server.port, '/api/logs?level=loud')).status).toBe(400);
  });

  it('lists alerts worst first with a stable fingerprint', async () => {
    const alert = (name: string, over: Partial<Alert> = {}): Alert => ({
      labels: Labels.from({ alertname: name, severity: 'critical' }),
      annotations: {},
      state: 'firing',
      activeAtMs: NOW,
      value: Number.NaN,
      reason: 'r',
      ...over,
    });
    const alerts = [alert('a', { resolvedAtMs: NOW }), alert('b', { state: 'pending' }), alert('c')];
    await using server = await start({ overrides: { alerts: () => alerts } });
    const first = (await ask(server.port, '/api/alerts')).json as unknown as {
      alerts: { name: string; fingerprint: string }[];
    };
    expect(first.alerts.map(({ name }) => name)).toEqual(['c', 'b', 'a']);
    expect(first.alerts[0]).toMatchObject({
      value: null,
      severity: 'critical',
      fingerprint: expect.stringMatching(/^[0-9a-f]{16}$/) as string,
    });
  });
});

describe('answers', () => {
  it('answers routes that are not implemented with 501, and unknown paths with 404, as problems', async () => {
    await using server = await start({ overrides: { routes: [] } });
    for (const [method, target] of [
      ['POST', '/api/alerts'],
      ['DELETE', '/api/alerts/x'],
      ['GET', '/api/targets'],
      ['GET', '/api/reports'],
      ['GET', '/metrics'],
    ]) {
      const answer = await ask(server.port, target, { method });
      expect([target, answer.status]).toEqual([target, 501]);
      expect(answer.json).toMatchObject({ code: 'not_in_this_version' });
    }
    const lost = await ask(server.port, '/nowhere');
    expect(lost.status).toBe(404);
    expect(lost.headers['content-type']).toContain('application/problem+json');
    expect(lost.json).toMatchObject({ code: 'not_found', instance: lost.headers['x-request-id'] });
  });

  it('answers HEAD without a body and other methods with 405 and Allow', async () => {
    await using server = await start();
    const head = await ask(server.port, '/api/metrics', { method: 'HEAD' });
    expect([head.status, head.bytes.length]).toEqual([200, 0]);
    const wrong = await ask(server.port, '/api/metrics', { method: 'DELETE' });
    expect([wrong.status, wrong.headers.allow]).toEqual([405, 'GET, HEAD']);
    expect((await ask(server.port, '/health', { method: 'TRACE' })).status).toBe(405);
  });

  it('hides internal failures and logs them under the request id', async () => {
    const lines: Record<string, unknown>[] = [];
    const logger: Logger = { ...silentLogger, error: (fields) => lines.push({ ...fields }), child: () => logger };
    const boom = (): never => {
      throw new Error('/secret/path');
    };
    await using server = await start({ overrides: { logger, alerts: boom } });
    const answer = await ask(server.port, '/api/alerts');
    expect(answer.status).toBe(500);
    expect(answer.bytes.toString()).not.toContain('secret');
    expect(lines[0].requestId).toBe(answer.headers['x-request-id']);
  });

  it('keeps a response that a middleware wrote, and passes other requests on', async () => {
    const raw: Middleware = async (ctx, next) => {
      if (ctx.path !== '/api/logs' || ctx.method !== 'POST') {
        await next();
        return;
      }
      ctx.respond = false;
      ctx.res.writeHead(200, { 'content-type': 'application/json' }).end('{"accepted":1}');
    };
    await using server = await start({ overrides: { ingestMiddlewares: [raw] } });
    expect((await ask(server.port, '/api/logs', { method: 'POST' })).json).toEqual({ accepted: 1 });
    expect((await ask(server.port, '/api/logs?limit=1')).status).toBe(200);
    expect((await ask(server.port, '/metrics')).status).toBe(501);
  });

  it('reports the errors of a querier', async () => {
    const fail = () => Promise.reject(new VitrineError('query_timeout', 'too slow'));
    await using server = await start({ overrides: { querier: { range: fail, instant: fail } as never } });
    expect((await ask(server.port, '/api/timeseries')).status).toBe(503);
  });

  it('puts the security headers on every response', async () => {
    await using server = await start();
    for (const target of [
      '/',
      '/api/metrics',
      '/nowhere',
      '/livez',
      '/assets/index-abcdef12.js',
      '/api/traces?limit=0',
    ]) {
      const { headers } = await ask(server.port, target);
      expect(headers['content-security-policy']).toContain("default-src 'none'");
      expect(headers['content-security-policy']).not.toContain('unsafe');
      expect(headers).toMatchObject({
        'x-content-type-options': 'nosniff',
        'referrer-policy': 'no-referrer',
        'cross-origin-opener-policy': 'same-origin',
        'cross-origin-resource-policy': 'same-origin',
      });
      expect(headers.server ?? headers['x-powered-by']).toBeUndefined();
    }
  });

  it('compresses JSON when the client accepts it', async () => {
    await using server = await start();
    const answer = await ask(server.port, '/api/services', { headers: { 'accept-encoding': 'gzip' } });
    expect(answer.headers['content-encoding']).toBe('gzip');
    expect(answer.headers['content-type']).toContain('application/json');
    expect(JSON.parse(gunzipSync(answer.bytes).toString())).toHaveProperty('services');
    const plain = await ask(server.port, '/api/services');
    expect([plain.headers['content-encoding'], plain.headers.vary]).toEqual([undefined, 'Accept-Encoding']);
  });
});

describe('the guard', () => {
  it.each([
    ['evil.example', 421],
    ['127.0.0.1.nip.io', 421],
    ['localhost.evil', 421],
    ['a@evil', 421],
    ['localhost', 200],
    ['LOCALHOST:1', 200],
    ['[::1]:4000', 200],
    ['monitor.example:4000', 200],
  ])('answers Host %s with %i', async (host, status) => {
    await using server = await start({ overrides: { allowedHosts: ['monitor.example'] } });
    expect((await ask(server.port, '/api/metrics', { headers: { host } })).status).toBe(status);
  });

  it.each([
    [{ origin: 'https://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ 'sec-fetch-site': 'cross-site' }, 403],
    [{ origin: 'ftp://localhost' }, 403],
    [{}, 501],
    [{ 'sec-fetch-site': 'same-origin' }, 501],
  ])('answers a write with the headers %o with %i', async (headers, status) => {
    await using server = await start();
    const answer = await ask(server.port, '/api/alerts', {
      method: 'POST',
      headers,
    });
    expect(answer.status).toBe(status);
  });

  const navigation = { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'navigate', 'sec-fetch-dest': 'document' };
  it.each([
    ['/api/metrics', { 'sec-fetch-site': 'cross-site' }, 403],
    ['/api/metrics', { 'sec-fetch-site': 'same-site' }, 403],
    ['/api/metrics', { origin: 'https://evil.example' }, 403],
    ['/api/metrics', navigation, 403],
    ['/API/metrics', navigation, 403],
    ['/api/v1/query?query=1', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors' }, 403],
    ['/metrics', navigation, 403],
    ['/federate', navigation, 403],
    ['/probe?target=x', navigation, 403],
    ['/', { ...navigation, 'sec-fetch-dest': 'iframe' }, 403],
    ['/', { 'sec-fetch-site': 'cross-site', 'sec-fetch-mode': 'no-cors', 'sec-fetch-dest': 'script' }, 403],
    ['/', navigation, 200],
    ['/traces', navigation, 200],
    ['/api/metrics', { 'sec-fetch-site': 'same-origin' }, 200],
    ['/api/metrics', { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' }, 200],
    ['/api/metrics', {}, 200],
  ])('answers GET %s with the headers %o with %i', async (target, headers, status) => {
    await using server = await start();
    expect((await ask(server.port, target, { headers })).status).toBe(status);
  });

  it('admits a write from our own page', async () => {
    await using server = await start();
    const headers = { origin: `http://localhost:${server.port}`, host: `localhost:${server.port}` };
    expect((await ask(server.port, '/api/alerts', { method: 'POST', headers })).status).toBe(501);
  });
});

describe('the token', () => {
  const TOKEN = 'correct-horse';

  it('is required everywhere except for the probes and the page', async () => {
    await using server = await start({ token: TOKEN });
    const paths = [
      '/api/metrics',
      '/api/traces',
      '/api/v1/query_range?query=up&start=1&end=2&step=1',
      '/metrics',
      '/api/session',
    ];
    for (const target of [...paths, '//api/metrics', '/api/./metrics', '/API/metrics', '/api/metrics/', '/nowhere']) {
      const answer = await ask(server.port, target);
      expect([target, answer.status]).toEqual([target, 401]);
      expect(answer.headers['www-authenticate']).toContain('Bearer');
    }
    for (const target of ['/livez', '/readyz', '/-/healthy', '/-/ready', '/']) {
      expect((await ask(server.port, target)).status).toBe(200);
    }
    expect((await ask(server.port, '/health')).json).toEqual({ status: 'degraded' });
    const headers = { authorization: `Bearer ${TOKEN}` };
    expect((await ask(server.port, '/api/metrics', { headers })).status).toBe(200);
    expect((await ask(server.port, '/api/metrics', { headers: { authorization: 'Bearer wrong' } })).status).toBe(401);
    expect((await ask(server.port, '/api/session', { headers })).json).toMatchObject({ token_needed: true });
  });

  it('is exchanged for a session that ends', async () => {
    const clock = movedClock(NOW);
    await using server = await start({ token: TOKEN, clock });
    const signIn = (token: string): Promise<Answer> =>
      ask(server.port, '/api/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ token }),
      });
    expect((await signIn('wrong')).status).toBe(401);
    const good = await signIn(TOKEN);
    expect(good.status).toBe(204);
    const [set] = good.headers['set-cookie'] as string[];
    expect(set).toMatch(/^vitrine=[0-9a-f]{32}; Path=\/; HttpOnly; SameSite=Strict/);
    const cookie = set.split(';')[0];
    const status = async (): Promise<number> =>
      (await ask(server.port, '/api/metrics', { headers: { cookie } })).status;
    expect(await status()).toBe(200);
    clock.jump(11 * 3_600_000);
    expect(await status()).toBe(200);
    clock.jump(13 * 3_600_000);
    expect(await status()).toBe(401);
    const again = ((await signIn(TOKEN)).headers['set-cookie'] as string[])[0].split(';')[0];
    const out = await ask(server.port, '/api/session', { method: 'DELETE', headers: { cookie: again } });
    expect(out.status).toBe(204);
    expect((await ask(server.port, '/api/metrics', { headers: { cookie: again } })).status).toBe(401);
  });

  it('allows ten attempts a minute', async () => {
    const clock = movedClock(NOW);
    await using server = await start({ token: TOKEN, clock });
    const guess = (): Promise<Answer> =>
      ask(server.port, '/api/session', {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: '{"token":"x"}',
      });
    for (let at = 0; at < 10; at += 1) expect((await guess()).status).toBe(401);
    const refused = await guess();
    expect([refused.status, refused.headers['retry-after']]).toEqual([429, '60']);
    clock.jump(60_000);
    expect((await guess()).status).toBe(401);
  });

  it('refuses bodies that are not a sign-in', async () => {
    await using server = await start({ token: TOKEN });
    const post = async (type: string, body: string): Promise<number> =>
      (await ask(server.port, '/api/session', { method: 'POST', headers: { 'content-type': type }, body })).status;
    expect(await post('text/plain', '{"token":"x"}')).toBe(415);
    expect(await post('application/json', '{')).toBe(400);
    expect(await post('application/json', '[]')).toBe(400);
    expect(await post('application/json', '{"token":1}')).toBe(400);
    expect(await post('application/json', `{"token":"${'x'.repeat(5_000)}"}`)).toBe(413);
  });
});

describe('the page', () => {
  it('is served compressed, with hashed files kept for ever', async () => {
    await using server = await start();
    const br = await ask(server.port, '/assets/index-abcdef12.js', { headers: { 'accept-encoding': 'br, gzip' } });
    expect(br.headers).toMatchObject({
      'content-encoding': 'br',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    expect(brotliDecompressSync(br.bytes).toString()).toContain('xxx');
    const gz = await ask(server.port, '/assets/index-abcdef12.js', { headers: { 'accept-encoding': 'gzip' } });
    expect(gunzipSync(gz.bytes).length).toBe(4_003);
    const plain = await ask(server.port, '/assets/index-abcdef12.js');
    expect(plain.bytes.length).toBe(4_003);
    const again = await ask(server.port, '/', {
      headers: { 'if-none-match': (await ask(server.port, '/')).headers.etag as string },
    });
    expect([again.status, again.bytes.length]).toEqual([304, 0]);
  });

  it('answers a person who asks for an unknown address, also before the sign-in, and never a program', async () => {
    const html = { accept: 'text/html,*/*' };
    await using server = await start();
    const unknown = await ask(server.port, '/no/such%20page', { headers: html });
    expect([unknown.status, unknown.headers['content-type']]).toEqual([404, 'text/html; charset=utf-8']);
    expect((await ask(server.port, '/no/such', { method: 'POST', headers: html })).bytes.toString()).not.toContain(
      '<title>',
    );
    for (const target of ['/api/nothing', '/v1/nothing', '/assets/old-chunk.js', '/-/nothing', '/favicon.ico']) {
      const answer = await ask(server.port, target, { headers: html });
      expect([answer.status, answer.bytes.includes('<title>')]).toEqual([404, false]);
    }
    expect((await ask(server.port, '/no/such')).bytes.toString()).not.toContain('<title>');
    await using closed = await start({ token: 'secret-token-of-this-server' });
    expect((await ask(closed.port, '/no/such', { headers: html })).status).toBe(404);
    expect((await ask(closed.port, '/no/such')).status).toBe(401);
    expect((await ask(closed.port, '/api/metrics', { headers: html })).status).toBe(401);
  });

  it('is the response at each of its own addresses', async () => {
    await using server = await start();
    for (const target of [
      '/',
      '/map',
      '/errors',
      '/errors/ab12',
      '/traces',
      '/traces/ab12',
      '/alerts',
      '/explore?q=up',
      '/services',
      '/traffic',
    ]) {
      const answer = await ask(server.port, target);
      expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8']);
    }
    expect((await ask(server.port, '/', { method: 'POST' })).status).toBe(404);
  });

  it.each([
    '/../vitrine-secret.txt',
    '/..%2fvitrine-secret.txt',
    '/%2e%2e/vitrine-secret.txt',
    '/assets/../../vitrine-secret.txt',
    '/assets/..%5c..%5cvitrine-secret.txt',
    '//etc/hostname',
    '/link.txt',
    '/index.html%00.js',
    '/....//vitrine-secret.txt',
  ])('has no file at %s', async (target) => {
    await using server = await start();
    const answer = await ask(server.port, target);
    expect(answer.status).toBe(404);
    expect(answer.bytes.toString()).not.toContain('secret\n');
  });

  it('is absent when it was not built', async () => {
    await using server = await start({ overrides: { pageDir: path.join(pageDir, 'none') } });
    expect((await ask(server.port, '/')).status).toBe(404);
  });
});
