import { createServer } from 'node:net';
import { once } from 'node:events';
import { createClient } from 'redis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { Cache } from '../../../src/stack/cache/cache.ts';
import { REDIS_DEFAULTS, RedisStore } from '../../../src/stack/cache/store/redis-store.ts';
import { openStore } from '../../../src/stack/cache/store/open-store.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { until } from '../../support/until.ts';
import { recordTelemetry } from '../../support/telemetry/recorded-telemetry.ts';
import { recordingLogger } from '../../support/recording-logger.ts';
import type { RedisServer } from '../../support/programs/redis-server.ts';
import { NO_REDIS, startRedis } from '../../support/programs/redis-server.ts';

recordTelemetry();

/** Longer than the default, so that a busy machine is not mistaken for a dead server. */
const COMMAND_MS = 300;

const storeAt = (url: string, namespace: string, logger = recordingLogger()) =>
  new RedisStore({
    ...REDIS_DEFAULTS,
    commandTimeoutMs: COMMAND_MS,
    openMs: 100,
    url,
    namespace,
    clock: systemClock,
    logger,
  });
const isUp = (store: RedisStore) => () => store.health().status === 'healthy';

describe.skipIf(NO_REDIS !== undefined)('the Redis cache', () => {
  let redis: RedisServer;
  beforeAll(async () => {
    redis = await startRedis();
  });
  afterAll(() => redis.kill());

  it('stores JSON with the expiry of Redis', async () => {
    const store = storeAt(redis.url, 'json');
    await using cache = new Cache<unknown>({ name: 'json', store, ttlMs: 0, clock: systemClock });
    await until(isUp(store));
    await cache.set('a', { n: [1, 'x', null] }, 60_000);
    expect(await cache.get('a')).toEqual({ n: [1, 'x', null] });
    expect(await cache.get('none')).toBeUndefined();
    const raw = createClient({ url: redis.url });
    await raw.connect();
    expect(await raw.pTTL('json:a')).toBeGreaterThan(50_000);
    raw.destroy();
    expect(await cache.delete('a')).toBe(true);
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('short', 1, 20);
    await until(async () => (await cache.get('short')) === undefined);
    expect(cache.totals.error).toBe(0);
  });

  it('stores bytes, and implements the whole contract of Keyv', async () => {
    const store = storeAt(redis.url, 'bytes');
    await until(isUp(store));
    const bytes = Buffer.from([0, 255, 13, 10, 128]);
    await store.set('b', bytes);
    expect(await store.getBytes('b')).toEqual(bytes);
    expect(await store.getBytes('none')).toBeUndefined();
    expect(await store.set('n', 5)).toBe(false);
    expect(
      await store.setMany([
        { key: 'x', value: '1' },
        { key: 'y', value: '2', expires: 1 },
      ]),
    ).toEqual([true, false]);
    expect(await store.getMany(['x', 'y'])).toEqual(['1', undefined]);
    expect(await store.hasMany(['x', 'y'])).toEqual([true, false]);
    expect(await store.deleteMany(['x', 'y'])).toEqual([true, false]);
    await store.disconnect();
  });

  it('clears only its own namespace, whatever the name contains', async () => {
    const [mine, other] = [storeAt(redis.url, 'a*'), storeAt(redis.url, 'ab')];
    await until(isUp(mine));
    await until(isUp(other));
    for (let i = 0; i < 1_200; i += 1) await mine.set(`k${i}`, 'x');
    await other.set('k', 'y');
    await mine.clear();
    expect(await mine.has('k1')).toBe(false);
    expect(await other.get('k')).toBe('y');
    await mine.disconnect();
    await other.disconnect();
  });

  it('is not treated as slow because this process was busy', async () => {
    await using redis = await startRedis();
    const options = { ...REDIS_DEFAULTS, commandTimeoutMs: 20, url: redis.url, namespace: 'busy' };
    const store = new RedisStore({ ...options, clock: systemClock, logger: silentLogger });
    await until(() => store.health().status === 'healthy');
    await store.set('a', '1');
    const before = store.failures;
    const found = store.get('a');
    await new Promise((resolve) => setImmediate(resolve));
    const end = performance.now() + 200;
    while (performance.now() < end);
    expect(await found).toBe('1');
    expect(store.failures).toBe(before);
    await store.disconnect();
  });

  it('makes nobody wait for a server that it has given up, also not for the trial of it', async () => {
    await using own = await startRedis();
    const clock = movedClock(0);
    const store = new RedisStore({
      ...REDIS_DEFAULTS,
      url: own.url,
      namespace: 'x',
      clock,
      logger: recordingLogger(),
    });
    await until(isUp(store));
    own.signal('SIGSTOP');
    const first = Promise.all([store.get('1'), store.get('2'), store.get('3')]);
    await clock.advance(REDIS_DEFAULTS.commandTimeoutMs / 2);
    const later = Promise.all([store.get('4'), store.get('5')]);
    await clock.advance(REDIS_DEFAULTS.commandTimeoutMs / 2);
    const failed = await store.get('while open');
    // Time stands still from here: what waits for the server waits for ever.
    expect(await first).toEqual([failed, failed, failed]);
    expect(await later).toEqual([failed, failed]);
    await clock.advance(REDIS_DEFAULTS.openMs);
    expect(await store.get('when the trial is due')).toEqual(failed);
    expect(store.health().status).toBe('degraded');
    own.signal('SIGCONT');
    await until(isUp(store));
    expect(await store.get('none')).toBeUndefined();
    await store.disconnect();
  });

  it('fails no request when the server is stopped, killed and restarted', async () => {
    const own = await startRedis();
    const logger = recordingLogger();
    const store = storeAt(own.url, 'kill', logger);
    await using cache = new Cache<string>({ name: 'kill', store, ttlMs: 0, clock: systemClock });
    await until(isUp(store));
    await cache.set('k', 'kept');

    own.signal('SIGSTOP');
    const beginMs = performance.now();
    for (let i = 0; i < 3; i += 1) expect(await cache.get('k')).toBeUndefined();
    expect(performance.now() - beginMs).toBeGreaterThanOrEqual(3 * (COMMAND_MS - 10));
    expect(cache.health()).toMatchObject({ status: 'degraded' });
    expect(cache.totals).toMatchObject({ error: 3, miss: 0 });
    own.signal('SIGCONT');
    await until(async () => (await cache.get('k')) === 'kept');

    let failed = 0;
    let asked = 0;
    const stop = new AbortController();
    const traffic = (async () => {
      while (!stop.signal.aborted) {
        asked += 1;
        await cache.getOrLoad(`t${asked % 50}`, async () => 'loaded').catch(() => (failed += 1));
        if (asked % 20 === 0) await new Promise((resolve) => setImmediate(resolve));
      }
    })();
    await until(() => asked > 100);
    await own.kill();
    const atKill = asked;
    await until(() => asked > atKill + 1_000 && store.health().status === 'degraded');
    const again = await startRedis(own.port);
    await until(isUp(store));
    stop.abort();
    await traffic;
    await again.kill();
    expect(failed).toBe(0);
    expect(cache.totals.error).toBeGreaterThan(1_000);
    expect(store.failures).toBeGreaterThan(1_000);
    // A change of state is logged; an attempt is not.
    expect(logger.lines.length).toBeLessThan(40);
  });
});

describe('a Redis that is unreachable from the start', () => {
  it('costs no time and is reported', async () => {
    const store = openStore({
      url: 'redis://127.0.0.1:1',
      namespace: 'n',
      maxSizeBytes: 1,
      maxEntryBytes: 1,
      clock: systemClock,
      logger: silentLogger,
    });
    await using cache = new Cache<string>({ name: 'never', store, ttlMs: 1_000, clock: systemClock });
    expect(await cache.getOrLoad('k', async () => 'x')).toBe('x');
    expect(await cache.set('k', 'x')).toBe(false);
    expect(await cache.delete('k')).toBe(false);
    await cache.clear();
    expect(cache.totals.error).toBe(1);
    expect(cache.health()).toMatchObject({ status: 'degraded', uptime_seconds: 0 });
    expect(cache.health().reason).toMatch(/does not answer/);
  });

  it('or that only accepts connections, delays neither start nor end', async () => {
    const mute = createServer(() => {}).listen(0, '127.0.0.1');
    await once(mute, 'listening');
    const address = mute.address();
    const port = typeof address === 'object' && address ? address.port : 0;
    const store = storeAt(`redis://127.0.0.1:${port}`, 'n');
    expect(await store.get('k')).toMatchObject({ value: expect.any(Symbol) as symbol });
    await store.disconnect();
    mute.close();
  });
});
