/** The balancer's response cache over the store that the settings name, with its part of `/health`. */
import type { Clock } from '../base/clock.ts';
import type { Logger } from '../base/logger.ts';
import type { Scope } from '../base/scope.ts';
import type { ComponentHealth } from '../model/health.ts';
import type { ResponseCache } from '../model/response-cache.ts';
import type { CacheConfig } from '../stack/cache/config.ts';
import { openStore } from '../stack/cache/open-store.ts';
import { RedisStore } from '../stack/cache/redis-store.ts';
import { HttpResponseCache, RESPONSE_CACHE_DEFAULTS } from '../stack/cache/response-cache.ts';
import { MemoryEntries, RedisEntries } from '../stack/cache/response-entries.ts';

export interface BalancerCache {
  readonly responseCache: ResponseCache;
  readonly cacheHealth: () => { readonly component: ComponentHealth; readonly sizeBytes: number };
}

/** Undefined when responses are not to be kept. */
export function openResponseCache(
  config: CacheConfig,
  clock: Clock,
  logger: Logger,
  scope: Scope,
): BalancerCache | undefined {
  const { enabled, max_size, max_entry } = config.responses;
  if (!enabled) return undefined;
  const store = openStore({
    url: config.url,
    namespace: 'responses',
    maxSizeBytes: max_size,
    maxEntryBytes: max_entry,
    clock,
    logger,
  });
  const entries = store instanceof RedisStore ? new RedisEntries(store, clock) : new MemoryEntries(max_size, clock);
  const cache = new HttpResponseCache({
    ...RESPONSE_CACHE_DEFAULTS,
    entries,
    clock,
    maxEntryBytes: max_entry,
    maxFillingBytes: max_size,
  });
  scope.add('response cache', async () => {
    cache[Symbol.dispose]();
    await store.disconnect();
  });
  return {
    responseCache: cache,
    cacheHealth: () => {
      const { entries: kept, sizeBytes = 0, evictions } = entries.figures();
      return { component: { ...store.health(), entries: kept, size_bytes: sizeBytes, evictions }, sizeBytes };
    },
  };
}
