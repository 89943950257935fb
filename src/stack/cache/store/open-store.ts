/** Creates the store that a URL names: `memory://`, `redis://…` or `rediss://…`. */
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { MemoryStore } from './memory-store.ts';
import { REDIS_DEFAULTS, RedisStore } from './redis-store.ts';

export interface StoreOptions {
  readonly url: string;
  /** Prefix that separates several caches in one Redis. */
  readonly namespace: string;
  /** Memory only: bytes of all entries. */
  readonly maxSizeBytes: number;
  /** Memory only: bytes of one entry. */
  readonly maxEntryBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Returns at once; a Redis store connects in the background. Throws VitrineError `config_invalid` for any other scheme. */
export function openStore(options: StoreOptions): MemoryStore | RedisStore {
  const { url, namespace, maxSizeBytes, maxEntryBytes, clock, logger } = options;
  if (url === 'memory://' || url === 'memory:') return new MemoryStore({ maxSizeBytes, maxEntryBytes, clock });
  if (/^rediss?:\/\//.test(url) && URL.canParse(url)) {
    return new RedisStore({ ...REDIS_DEFAULTS, url, namespace, clock, logger });
  }
  // The message does not contain the URL, because a URL may contain a password.
  throw new VitrineError('config_invalid', `The cache URL has the scheme ${JSON.stringify(url.split(':')[0])}.`, {
    hint: 'Use memory://, redis://host:port or rediss://host:port.',
  });
}
