import { context, trace } from '@opentelemetry/api';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { Breaker } from '../../../src/stack/cache/store/breaker.ts';
import { Cache } from '../../../src/stack/cache/cache.ts';
import { cacheConfig } from '../../../src/stack/cache/config.ts';
import { MemoryStore, sizeOf } from '../../../src/stack/cache/store/memory-store.ts';
import { openStore } from '../../../src/stack/cache/store/open-store.ts';
import { recordTelemetry } from '../../support/telemetry/recorded-telemetry.ts';

const telemetry = recordTelemetry();
let names = 0;

function memoryCache<V>(ttlMs = 0, maxSizeBytes = 1_000_000, maxEntryBytes = 100_000) {
  const store = new MemoryStore({ maxSizeBytes, maxEntryBytes, clock: systemClock });
  const name = `test-${(names += 1)}`;
  return { name, store, cache: new Cache<V>({ name, store, ttlMs, clock: systemClock }) };
}

afterEach(() => {
  vi.useRealTimers();
  telemetry.reset();
});

describe('the memory cache', () => {
  it('stores, deletes and clears', async () => {
    const { cache } = memoryCache<{ n: number }>();
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.set('a', { n: 1 })).toBe(true);
    expect(await cache.get('a')).toEqual({ n: 1 });
    expect(await cache.delete('a')).toBe(true);
    expect(await cache.get('a')).toBeUndefined();
    await cache.set('b', { n: 2 });
    await cache.clear();
    expect(await cache.get('b')).toBeUndefined();
  });

  it('shares frozen values', async () => {
    const { cache } = memoryCache<{ list: number[] }>();
    const value = { list: [1] };
    await cache.set('a', value);
    expect(await cache.get('a')).toBe(value);
    expect(() => value.list.push(2)).toThrow(TypeError);
  });

  it('accepts any key and any value', async () => {
    const { cache } = memoryCache<unknown>();
    for (const key of ['__proto__', 'constructor', 'a:b*', ' ']) {
      await cache.set(key, { key });
      expect(await cache.get(key)).toEqual({ key });
    }
    for (const value of [0, false, '', null, NaN, Buffer.from('x'), { value: 1, expires: 1 }]) {
      await cache.set('v', value);
      expect(await cache.get('v')).toEqual(value);
    }
    expect(await cache.set('v', undefined)).toBe(false);
  });

  it('lets entries expire', async () => {
    vi.useFakeTimers({ toFake: ['Date'] });
    const { cache, store } = memoryCache<string>(1_000);
    await cache.set('a', 'x');
    await cache.set('b', 'x', 5_000);
    vi.setSystemTime(Date.now() + 1_000);
    expect(await cache.get('a')).toBeUndefined();
    expect(await cache.get('b')).toBe('x');
    expect(store.figures().entries).toBe(1);
  });

  it('has a limit in bytes and counts the evicted entries', async () => {
    const { cache, store, name } = memoryCache<string>(0, 100_000, 50_000);
    for (let i = 0; i < 100; i += 1) await cache.set(`k${i}`, 'x'.repeat(1_000));
    const { entries = 0, sizeBytes = 0, evictions } = store.figures();
    expect(sizeBytes).toBeLessThanOrEqual(100_000);
    expect(entries + evictions.size).toBe(100);
    expect(await cache.get('k99')).toBeDefined();
    expect(await cache.set('k99', 'x'.repeat(30_000))).toBe(false);
    expect(await cache.get('k99')).toBeUndefined();
    expect(await telemetry.total('vitrine.cache.evictions', { 'vitrine.cache.name': name, reason: 'size' })).toBe(
      evictions.size,
    );
    expect(await telemetry.total('vitrine.cache.evictions', { reason: 'too_large' })).toBe(1);
    expect(await telemetry.total('vitrine.cache.entries', { 'vitrine.cache.name': name })).toBe(
      store.figures().entries,
    );
    expect(await telemetry.total('vitrine.cache.size', { 'vitrine.cache.name': name })).toBe(store.figures().sizeBytes);
  });

  it('never underestimates a size, and limits the time to estimate one', () => {
    expect(sizeOf('abcd')).toBeGreaterThanOrEqual(8);
    expect(sizeOf(Buffer.alloc(1000))).toBeGreaterThanOrEqual(1000);
    expect(sizeOf({ a: [1, 2, { b: 'x' }] })).toBeGreaterThan(60);
    const ring: Record<string, unknown> = {};
    ring.self = ring;
    expect(sizeOf(ring)).toBeGreaterThan(0);
  });

  it('implements the whole contract of Keyv', async () => {
    const { store } = memoryCache();
    expect(
      await store.setMany([
        { key: 'a', value: 'x' },
        { key: 'b', value: 'y', expires: 1 },
      ]),
    ).toEqual([true, true]);
    expect(await store.getMany(['a', 'b'])).toEqual([{ value: 'x', expires: undefined }, undefined]);
    expect([await store.has('a'), await store.has('b')]).toEqual([true, false]);
    expect(await store.hasMany(['a', 'c'])).toEqual([true, false]);
    const kept: string[] = [];
    for await (const [key] of store.iterator()) kept.push(key);
    expect(kept).toEqual(['a']);
    expect(await store.deleteMany(['a', 'c'])).toEqual([true, false]);
    expect(store.capabilities).toMatchObject({ expires: true });
  });
});

describe('a look-up', () => {
  it('records a count, a duration and, inside a trace, a span', async () => {
    const { cache, name } = memoryCache<number>();
    await cache.set('a', 1);
    await cache.get('a');
    expect(telemetry.spans()).toHaveLength(0);
    const parent = trace.getTracer('test').startSpan('parent');
    await context.with(trace.setSpan(context.active(), parent), async () => {
      await cache.get('a');
      await cache.get('b');
    });
    expect(telemetry.spans().map((span) => [span.name, span.attributes['vitrine.cache.result']])).toEqual([
      ['cache get', 'hit'],
      ['cache get', 'miss'],
    ]);
    expect(telemetry.spans()[0].parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    const hits = { 'vitrine.cache.name': name, 'vitrine.cache.result': 'hit' };
    expect(await telemetry.total('vitrine.cache.lookups', hits)).toBe(2);
    expect(await telemetry.total('vitrine.cache.lookup.duration', hits)).toBe(2);
    expect(await telemetry.total('vitrine.cache.lookups', { ...hits, 'vitrine.cache.result': 'miss' })).toBe(1);
    expect(cache.health()).toMatchObject({ status: 'healthy', hits: 2, misses: 1, hit_ratio: 2 / 3 });
    await cache[Symbol.asyncDispose]();
    await cache.get('a');
    expect(await telemetry.total('vitrine.cache.lookups', hits)).toBe(2);
  });
});

describe('getOrLoad', () => {
  it('loads once for all callers that wait', async () => {
    const { cache } = memoryCache<number>();
    let loads = 0;
    let release = (): void => {};
    const gate = new Promise<void>((resolve) => (release = resolve));
    const load = async (): Promise<number> => {
      loads += 1;
      await gate;
      return 7;
    };
    const asked = Array.from({ length: 200 }, () => cache.getOrLoad('k', load));
    release();
    expect(await Promise.all(asked)).toEqual(Array.from({ length: 200 }, () => 7));
    expect(loads).toBe(1);
    expect(await cache.getOrLoad('k', load)).toBe(7);
    expect(loads).toBe(1);
  });

  it('does not store errors', async () => {
    const { cache } = memoryCache<number>();
    await expect(cache.getOrLoad('k', () => Promise.reject(new Error('down')))).rejects.toThrow('down');
    expect(await cache.getOrLoad('k', async () => 1)).toBe(1);
  });

  it('does not store a value that was deleted during its load', async () => {
    const { cache } = memoryCache<number>();
    let release = (): void => {};
    let started = (): void => {};
    const running = new Promise<void>((resolve) => (started = resolve));
    const loading = cache.getOrLoad('k', () => {
      started();
      return new Promise((resolve) => (release = () => resolve(5)));
    });
    await running;
    await cache.delete('k');
    release();
    expect(await loading).toBe(5);
    expect(await cache.get('k')).toBeUndefined();
  });
});

describe('the breaker', () => {
  it('opens after consecutive failures, tries once per period, and closes on success', () => {
    let now = 0;
    const breaker = new Breaker({ ...systemClock, monotonic: () => now }, 3, 1_000);
    breaker.failed();
    breaker.failed();
    breaker.succeeded();
    breaker.failed();
    breaker.failed();
    expect(breaker.allows()).toBe(true);
    breaker.failed();
    expect([breaker.open, breaker.allows()]).toEqual([true, false]);
    now = 1_000;
    expect([breaker.allows(), breaker.allows()]).toEqual([true, false]);
    breaker.failed();
    now = 1_999;
    expect(breaker.allows()).toBe(false);
    now = 2_000;
    expect(breaker.allows()).toBe(true);
    breaker.succeeded();
    expect([breaker.open, breaker.allows()]).toEqual([false, true]);
  });
});

describe('the configuration', () => {
  it('has complete defaults in bytes and milliseconds', () => {
    expect(cacheConfig.parse({})).toEqual({
      url: 'memory://',
      max_size: 64 * 1024 ** 2,
      purge: { allow: [] },
      ttl: 60_000,
      responses: {
        enabled: true,
        max_size: 64 * 1024 ** 2,
        max_entry: 4 * 1024 ** 2,
        targeted: ['cdn-cache-control'],
      },
    });
  });
  it.each([
    [{ url: 'file:///x' }],
    [{ max_size: '64' }],
    [{ max_size: '0B' }],
    [{ ttl: '5' }],
    [{ responses: { max: '1MiB' } }],
    [{ maxsize: '1MiB' }],
  ])('refuses %j', (section) => expect(cacheConfig.safeParse(section).success).toBe(false));

  it('selects the store', () => {
    const common = { namespace: 'n', maxSizeBytes: 1, maxEntryBytes: 1, clock: systemClock, logger: silentLogger };
    expect(openStore({ url: 'memory://', ...common }).kind).toBe('memory');
    expect(() => openStore({ url: 'http://secret@x', ...common })).toThrow(/scheme "http"/);
  });
});
