import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { DEMO_PASSWORD, OPENING_BALANCE } from '../../src/sample/demo-data.ts';
import { mayDrill } from '../../src/sample/drills.ts';
import { hashPassword, verifyPassword } from '../../src/sample/passwords.ts';
import type { PaymentsOptions, PaymentsService } from '../../src/sample/service.ts';
import { startPayments } from '../../src/sample/service.ts';
import { checkToken, openSigningKey, signToken } from '../../src/sample/tokens.ts';
import { until } from '../support/until.ts';
import { recordTelemetry } from '../support/telemetry/recorded-telemetry.ts';
import { recordingLogger } from '../support/recording-logger.ts';
import { NO_REDIS, startRedis } from '../support/programs/redis-server.ts';

const telemetry = recordTelemetry();
const logger = recordingLogger();
const dataDir = mkdtempSync(path.join(tmpdir(), 'vitrine-payments-'));
const DRILL_TOKEN = 'drill-me';
const common: PaymentsOptions = {
  host: '127.0.0.1',
  port: 0,
  dataDir,
  cacheUrl: 'memory://',
  drillToken: undefined,
  telemetry: 'own',
  clock: systemClock,
  logger,
  timeouts: { drainNoticeMs: 10 },
};
let one: PaymentsService;
let two: PaymentsService;
let token = '';

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
}
async function call(
  service: PaymentsService,
  method: string,
  target: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${service.port}${target}`, {
    method,
    headers: { ...(body === undefined ? {} : { 'Content-Type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return {
    status: response.status,
    headers: response.headers,
    body: text.startsWith('{') ? (JSON.parse(text) as Record<string, unknown>) : {},
  };
}
const bearer = (value = token) => ({ Authorization: `Bearer ${value}` });
let keys = 0;
const pay = (body: unknown, key = `key-${(keys += 1)}`, service = one) =>
  call(service, 'POST', '/api/transfers', body, { ...bearer(), 'Idempotency-Key': key });

beforeAll(async () => {
  [one, two] = await Promise.all([startPayments(common), startPayments({ ...common, drillToken: DRILL_TOKEN })]);
  const session = await call(one, 'POST', '/api/sessions', { user: 'user-001', password: DEMO_PASSWORD });
  token = String(session.body.token);
});
afterAll(async () => {
  await one[Symbol.asyncDispose]();
  await two[Symbol.asyncDispose]();
  rmSync(dataDir, { recursive: true });
});

describe('signing in', () => {
  it('gives a token that each instance knows, and a new one for a refresh', async () => {
    const session = await call(one, 'POST', '/api/sessions', { user: 'user-002', password: DEMO_PASSWORD });
    expect(session.status).toBe(201);
    expect(session.body).toMatchObject({ user: 'user-002', expires_in: 900 });
    const there = await call(two, 'GET', '/api/accounts/acc-002', undefined, bearer(String(session.body.token)));
    expect(there.status).toBe(200);
    const refreshed = await call(two, 'POST', '/api/sessions/refresh', { refresh_token: session.body.refresh_token });
    expect(refreshed.status).toBe(201);
    const wrongKind = await call(one, 'POST', '/api/sessions/refresh', { refresh_token: session.body.token });
    expect(wrongKind.status).toBe(401);
    const timed = (operation: string, outcome: string): Promise<number> =>
      telemetry.total('vitrine.server.auth.duration', {
        'vitrine.auth.operation': operation,
        'vitrine.auth.outcome': outcome,
      });
    expect(await timed('login', 'success')).toBe(2);
    expect([await timed('refresh', 'success'), await timed('refresh', 'refused')]).toEqual([1, 1]);
    expect(await timed('check', 'success')).toBeGreaterThan(0);
  });

  it.each([
    [{ user: 'user-001', password: 'wrong' }, 401],
    [{ user: 'nobody', password: DEMO_PASSWORD }, 401],
    [{ user: 'user-001' }, 400],
    [{ user: 'user-001', password: 'x', admin: true }, 400],
    [{ user: 'user-001', password: 'x'.repeat(129) }, 400],
    [[], 400],
  ])('refuses %j', async (body, status) => {
    expect((await call(one, 'POST', '/api/sessions', body)).status).toBe(status);
  });

  it('is needed, and cannot be forged', async () => {
    expect((await call(one, 'GET', '/api/accounts/acc-001')).headers.get('www-authenticate')).toContain('Bearer');
    for (const bad of ['x', `${token}x`, `x${token}`, `${token.split('.')[0]}.`, `${token}.${token}`]) {
      expect((await call(one, 'GET', '/api/accounts/acc-001', undefined, bearer(bad))).status).toBe(401);
    }
  });
});

describe('accounts', () => {
  it('are listed without balances, for any cache', async () => {
    const list = await call(one, 'GET', '/api/accounts');
    expect(list.headers.get('cache-control')).toBe('public, max-age=5');
    expect(list.body.accounts).toHaveLength(200);
    expect(JSON.stringify(list.body)).not.toContain('balance');
    const again = await call(one, 'GET', '/api/accounts', undefined, {
      'If-None-Match': list.headers.get('etag') ?? '',
    });
    expect(again.status).toBe(304);
  });

  it('show their balance and history to their owner only', async () => {
    expect((await call(one, 'GET', '/api/accounts/acc-001', undefined, bearer())).body).toMatchObject({
      id: 'acc-001',
      balance: OPENING_BALANCE,
    });
    expect((await call(one, 'GET', '/api/accounts/acc-003', undefined, bearer())).status).toBe(403);
    expect((await call(one, 'GET', '/api/accounts/nobody', undefined, bearer())).status).toBe(404);
    for (let i = 0; i < 3; i += 1) await pay({ from: 'acc-001', to: 'acc-050', amount: 1 });
    const page = await call(one, 'GET', '/api/accounts/acc-001/history?limit=2', undefined, bearer());
    expect(page.body.entries).toHaveLength(2);
    const rest = await call(
      one,
      'GET',
      `/api/accounts/acc-001/history?limit=2&before=${String(page.body.next)}`,
      undefined,
      bearer(),
    );
    expect(rest.body).toMatchObject({ next: null, entries: [{ amount: -1 }] });
    expect((await call(one, 'GET', '/api/accounts/acc-001/history?limit=0', undefined, bearer())).status).toBe(400);
  });
});

describe('a transfer', () => {
  it('is made once, whichever instance is asked', async () => {
    const body = { from: 'acc-001', to: 'acc-010', amount: 250 };
    const first = await pay(body, 'once');
    const second = await pay(body, 'once', two);
    expect([first.status, second.status]).toEqual([201, 200]);
    expect(second.body).toEqual(first.body);
    const read = await call(two, 'GET', String(first.headers.get('location')), undefined, bearer());
    expect(read.body).toEqual(first.body);
    const stranger = await call(one, 'POST', '/api/sessions', { user: 'user-099', password: DEMO_PASSWORD });
    const hidden = await call(
      one,
      'GET',
      String(first.headers.get('location')),
      undefined,
      bearer(String(stranger.body.token)),
    );
    expect(hidden.status).toBe(404);
    expect((await call(one, 'GET', '/api/ledger/check')).body).toMatchObject({ ok: true });
  });

  it.each([
    [{ from: 'acc-001', to: 'acc-002', amount: OPENING_BALANCE * 2 }, 422],
    [{ from: 'acc-002', to: 'acc-001', amount: 1 }, 403],
    [{ from: 'acc-001', to: 'nobody', amount: 1 }, 404],
    [{ from: 'acc-001', to: 'acc-001', amount: 1 }, 400],
    [{ from: 'acc-001', to: 'acc-002', amount: 0 }, 400],
    [{ from: 'acc-001', to: 'acc-002', amount: -5 }, 400],
    [{ from: 'acc-001', to: 'acc-002', amount: 1.5 }, 400],
    [{ from: 'acc-001', to: 'acc-002', amount: 2 ** 53 }, 400],
    [{ from: 'acc-001', to: 'acc-002', amount: '5' }, 400],
  ])('of %j is refused with %i', async (body, status) => {
    expect((await pay(body)).status).toBe(status);
  });

  it('needs a key', async () => {
    expect((await pay({ from: 'acc-001', to: 'acc-002', amount: 1 }, ' ')).status).toBe(400);
  });

  it('can be followed by its id through spans, log lines and counts', async () => {
    telemetry.reset();
    logger.lines.length = 0;
    const before = await telemetry.total('payments.transactions', { outcome: 'completed' });
    const made = await pay({ from: 'acc-001', to: 'acc-020', amount: 5 });
    const transactionId = String(made.body.id);
    expect(made.headers.get('x-transaction-id')).toBe(transactionId);
    await until(() => telemetry.spans().some(({ name }) => name === 'POST /api/transfers'));
    const marked = telemetry
      .spans()
      .filter(({ attributes }) => attributes['payments.transaction.id'] === transactionId);
    expect(marked.map(({ name }) => name).sort()).toEqual(['POST /api/transfers', 'transfer']);
    expect(new Set(telemetry.spans().map((span) => span.spanContext().traceId)).size).toBe(1);
    expect(telemetry.spans().some(({ name }) => name.startsWith('COMMIT'))).toBe(true);
    await until(() => logger.lines.some(({ message }) => message === 'request done'));
    for (const line of logger.lines)
      expect(line.fields).toMatchObject({ transaction_id: transactionId, request_id: expect.any(String) as string });
    expect(logger.lines.map(({ message }) => message)).toEqual(['transfer done', 'request done']);
    expect(await telemetry.total('payments.transactions', { outcome: 'completed' })).toBe(before + 1);
    expect(await telemetry.total('payments.transaction.duration', { kind: 'transfer' })).toBeGreaterThan(0);
  });
});

describe('a drill', () => {
  const drill = (kind: string, duration: string, service = two, authorization = DRILL_TOKEN) =>
    call(service, 'POST', '/internal/drill', { kind, for: duration }, bearer(authorization));

  it('needs the parent’s token, and its path is not there without one', async () => {
    expect((await drill('errors', '1s', one)).status).toBe(404);
    expect((await drill('errors', '1s', two, 'wrong')).status).toBe(403);
    expect((await drill('errors', '1h')).status).toBe(400);
    expect((await drill('meteor', '1s')).status).toBe(400);
    expect(() => mayDrill('192.0.2.7', `Bearer ${DRILL_TOKEN}`, DRILL_TOKEN)).toThrow(/started this one/);
    expect(() => mayDrill('::ffff:127.0.0.1', `Bearer ${DRILL_TOKEN}`, DRILL_TOKEN)).not.toThrow();
  });

  it('fails requests and ends by itself', async () => {
    await drill('errors', '300ms');
    await until(async () => (await call(two, 'GET', '/api/accounts')).status === 500);
    expect((await call(one, 'GET', '/api/accounts')).status).toBe(200);
    await until(() =>
      logger.lines.some(({ message, fields }) => message === 'drill ended' && fields.drill === 'errors'),
    );
    for (let i = 0; i < 10; i += 1) expect((await call(two, 'GET', '/api/accounts')).status).toBe(200);
    expect(
      await telemetry.total('http.server.request.duration', { 'http.route': '/api/accounts', 'error.type': '500' }),
    ).toBeGreaterThan(0);
  });

  it('delays requests, slows the database, blocks the loop', async () => {
    const timed = async (target: string): Promise<number> => {
      const start = performance.now();
      await call(two, 'GET', target, undefined, bearer());
      return performance.now() - start;
    };
    await drill('latency', '250ms');
    expect(await timed('/api/accounts')).toBeGreaterThan(150);
    await until(() =>
      logger.lines.some(({ message, fields }) => message === 'drill ended' && fields.drill === 'latency'),
    );
    await drill('slow-database', '200ms');
    expect(await timed('/api/accounts/acc-001')).toBeGreaterThan(100);
    await until(() =>
      logger.lines.some(({ message, fields }) => message === 'drill ended' && fields.drill === 'slow-database'),
    );
    const start = performance.now();
    await drill('block-loop', '100ms');
    expect(performance.now() - start).toBeGreaterThan(250);
  });

  it('takes the cache away without failing anybody', async () => {
    await drill('cache-outage', '300ms');
    expect((await call(two, 'GET', '/api/accounts/acc-001', undefined, bearer())).status).toBe(200);
    const health = await call(two, 'GET', '/health');
    expect(health.body).toMatchObject({ status: 'degraded', components: { cache: { status: 'degraded' } } });
    expect(
      await telemetry.total('vitrine.cache.lookups', {
        'vitrine.cache.name': 'accounts',
        'vitrine.cache.result': 'error',
      }),
    ).toBeGreaterThan(0);
    await until(async () => (await call(two, 'GET', '/health')).body.status === 'healthy');
    await until(async () => {
      await call(two, 'GET', '/api/accounts');
      return (
        (await telemetry.total('vitrine.cache.lookups', {
          'vitrine.cache.name': 'accounts',
          'vitrine.cache.result': 'hit',
        })) > 0
      );
    });
  });
});

describe('what it stands on', () => {
  it('is one key for all, which only the owner can read', () => {
    const file = path.join(dataDir, 'signing.key');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(openSigningKey(file)).toEqual(openSigningKey(file));
    writeFileSync(path.join(dataDir, 'short.key'), 'x');
    expect(() => openSigningKey(path.join(dataDir, 'short.key'))).toThrow(/1 bytes/);
    expect(() => openSigningKey(path.join(dataDir, 'no', 'such.key'))).toThrow(/cannot be used/);
  });

  it('is tokens that expire, and passwords that are not stored', async () => {
    const key = Buffer.alloc(32, 1);
    const signed = signToken({ sub: 'a', kind: 'access', exp: 1_000 }, key);
    expect(checkToken(signed, 'access', key, 999).sub).toBe('a');
    expect(() => checkToken(signed, 'access', key, 1_000)).toThrow(/expired/);
    expect(() => checkToken(signed, 'access', Buffer.alloc(32, 2), 1)).toThrow(/did not issue the token/);
    const stored = await hashPassword('secret');
    expect(stored).not.toContain('secret');
    expect([
      await verifyPassword('secret', stored),
      await verifyPassword('Secret', stored),
      await verifyPassword('secret', 'plain'),
    ]).toEqual([true, false, false]);
  });

  it('is a data directory that can be used', async () => {
    writeFileSync(path.join(dataDir, 'file'), 'x');
    await expect(startPayments({ ...common, dataDir: path.join(dataDir, 'file') })).rejects.toMatchObject({
      code: 'data_dir_unusable',
    });
    await expect(startPayments({ ...common, port: one.port })).rejects.toMatchObject({ code: 'port_taken' });
  });
});

describe.skipIf(NO_REDIS !== undefined)('with Redis', () => {
  it('fails no request when Redis is killed in the middle', async () => {
    await using redis = await startRedis();
    await using service = await startPayments({ ...common, cacheUrl: redis.url });
    await until(async () => (await call(service, 'GET', '/health')).body.status === 'healthy');
    const statuses: number[] = [];
    const stop = new AbortController();
    const traffic = Promise.all(
      Array.from({ length: 8 }, async () => {
        while (!stop.signal.aborted) {
          statuses.push((await call(service, 'GET', '/api/accounts/acc-001', undefined, bearer())).status);
        }
      }),
    );
    await until(() => statuses.length > 100);
    await redis.kill();
    const atKill = statuses.length;
    await until(() => statuses.length > atKill + 200);
    stop.abort();
    await traffic;
    expect(statuses.every((status) => status === 200)).toBe(true);
    expect((await call(service, 'GET', '/health')).body).toMatchObject({ status: 'degraded' });
  });
});
