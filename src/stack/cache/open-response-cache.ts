/** Creates the response cache that the configuration section `cache` describes, with its store and its health. */
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';
import type { ComponentHealth } from '../../model/health.ts';
import type { CacheCare, ResponseCache } from '../../model/response-cache.ts';
import type { CacheConfig } from './config.ts';
import { REDIS_DEFAULTS, RedisStore } from './store/redis-store.ts';
import { HttpResponseCache, RESPONSE_CACHE_DEFAULTS } from './responses/response-cache.ts';
import { RedisEntries } from './responses/redis-entries.ts';
import { MemoryEntries } from './responses/response-entries.ts';

export interface OpenResponseCache extends AsyncDisposable {
  readonly cache: ResponseCache;
  /** For operators: figures and purges. */
  readonly care: CacheCare;
  /** Includes the figures of look-ups: hits, misses, errors and the hit ratio. */
  health(): ComponentHealth;
  /** Bytes of stored responses in this process; 0 when they are in Redis. */
  sizeBytes(): number;
}

/** Undefined when the response cache is disabled. Returns at once: a Redis store connects in the background. */
export function openResponseCache(config: CacheConfig, clock: Clock, logger: Logger): OpenResponseCache | undefined {
  const { enabled, max_size: maxSizeBytes, max_entry, targeted: targets } = config.responses;
  if (!enabled) return undefined;
  const startMs = clock.monotonic();
  const store = config.url.startsWith('redis')
    ? new RedisStore({ ...REDIS_DEFAULTS, url: config.url, namespace: 'vitrine:responses', clock, logger })
    : undefined;
  const entries = store === undefined ? new MemoryEntries(maxSizeBytes, clock) : new RedisEntries(store, clock);
  const maxEntryBytes = Math.min(max_entry, maxSizeBytes);
  // Responses that are being received may take as much memory again as the stored ones.
  const limits = { maxEntryBytes, maxFillingBytes: maxSizeBytes, targets };
  const cache = new HttpResponseCache({ ...RESPONSE_CACHE_DEFAULTS, ...limits, entries, clock });
  const memoryHealth = (): ComponentHealth => ({
    status: 'healthy',
    uptime_seconds: Math.floor((clock.monotonic() - startMs) / 1000),
    store: 'memory',
  });
  return {
    cache,
    care: cache,
    health() {
      const { hit, miss, stale, error } = cache.totals;
      const asked = hit + miss + stale;
      const { entries: held = null, sizeBytes: size_bytes = null } = entries.figures();
      const ratio = asked === 0 ? null : (hit + stale) / asked;
      const figures = { hits: hit + stale, misses: miss, errors: error, hit_ratio: ratio, entries: held, size_bytes };
      return { ...(store?.health() ?? memoryHealth()), ...figures };
    },
    sizeBytes: () => entries.figures().sizeBytes ?? 0,
    async [Symbol.asyncDispose]() {
      cache[Symbol.dispose]();
      await store?.disconnect();
    },
  };
}
