/** A wrapper around Keyv that adds spans, counters and one load per missing key. A store that fails never fails a caller. */
import { context } from '@opentelemetry/api';
import { Keyv } from 'keyv';
import type { Clock } from '../../base/clock.ts';
import type { ComponentHealth } from '../../model/health.ts';
import { LookupCounts } from './figures/lookup-counts.ts';
import type { LookupResult } from './figures/lookup-counts.ts';
import { MemoryStore } from './store/memory-store.ts';
import type { CacheStore } from './store/store.ts';
import { FAILED } from './store/store.ts';

export interface CacheOptions {
  /** Value of `vitrine.cache.name`. */
  readonly name: string;
  readonly store: CacheStore;
  /** Used when `set` and `getOrLoad` are given none; 0 = for ever. */
  readonly ttlMs: number;
  readonly clock: Clock;
}

/** Loads that may run at the same time; a load beyond that number is not shared. */
const MAX_SHARED_LOADS = 10_000;
/** JSON both ways: Keyv's own serializer walks objects in JavaScript and revives on every read. */
const JSON_TEXT = {
  stringify: (value: unknown): string => JSON.stringify(value),
  parse: (text: string): never => JSON.parse(text) as never,
};

export class Cache<V> implements AsyncDisposable {
  readonly name: string;
  readonly #keyv: Keyv;
  readonly #store: CacheStore;
  readonly #memory: MemoryStore | undefined;
  readonly #clock: Clock;
  readonly #ttlMs: number;
  readonly #loading = new Map<string, Promise<V>>();
  readonly #counts: LookupCounts;

  constructor({ name, store, ttlMs, clock }: CacheOptions) {
    this.name = name;
    this.#store = store;
    this.#memory = store instanceof MemoryStore ? store : undefined;
    this.#clock = clock;
    this.#ttlMs = ttlMs;
    this.#keyv = new Keyv({
      store,
      serialization: store.serializes ? JSON_TEXT : false,
      // The stores remove expired entries themselves.
      checkExpired: false,
    });
    // Keyv throws without a listener. Our stores report their own failures, so this is a value that cannot be serialized.
    this.#keyv.on('error', () => this.#counts.failed());
    this.#counts = new LookupCounts(name, 'cache get', () => store.figures());
  }

  /** The value, frozen when the store is in memory; undefined on a miss and when the store failed. Never rejects. */
  async get(key: string): Promise<V | undefined> {
    const startMs = this.#clock.monotonic();
    // Memory is read directly, not through Keyv: Keyv's six awaits cost more than the rest of the look-up.
    const found: unknown = this.#memory ? this.#memory.get(key)?.value : await this.#keyv.get(key);
    if (found === FAILED) return this.#seen('error', startMs);
    this.#seen(found === undefined ? 'miss' : 'hit', startMs);
    return found as V | undefined;
  }

  /** False when it was not kept: too large, undefined, or the store failed. Never rejects. */
  async set(key: string, value: V, ttlMs: number = this.#ttlMs): Promise<boolean> {
    if (value === undefined) return false;
    return this.#keyv.set(key, value, ttlMs > 0 ? ttlMs : undefined);
  }

  /** Also prevents a load that runs now from being stored. */
  async delete(key: string): Promise<boolean> {
    this.#loading.delete(key);
    return this.#keyv.delete(key);
  }

  async clear(): Promise<void> {
    this.#loading.clear();
    await this.#store.clear();
  }

  /**
   * The stored value, or the result of `load`, which all callers that miss the key meanwhile share. Rejects only when `load`
   * does. Errors and undefined are not stored.
   */
  async getOrLoad(key: string, load: () => Promise<V>, ttlMs: number = this.#ttlMs): Promise<V> {
    const found = await this.get(key);
    if (found !== undefined) return found;
    const running = this.#loading.get(key);
    if (running !== undefined) return running;
    if (this.#loading.size >= MAX_SHARED_LOADS) return load();
    const loading = this.#load(key, load, ttlMs, () => this.#loading.get(key) === loading);
    this.#loading.set(key, loading);
    return loading;
  }

  async #load(key: string, load: () => Promise<V>, ttlMs: number, isCurrent: () => boolean): Promise<V> {
    try {
      const value = await load();
      if (isCurrent()) await this.set(key, value, ttlMs);
      return value;
    } finally {
      if (isCurrent()) this.#loading.delete(key);
    }
  }

  #seen(result: LookupResult, startMs: number): undefined {
    this.#counts.seen(result, startMs, this.#clock.monotonic(), context.active());
  }

  health(): ComponentHealth {
    const { hit, miss, error } = this.#counts.totals;
    const asked = hit + miss;
    return {
      ...this.#store.health(),
      hits: hit,
      misses: miss,
      errors: error,
      hit_ratio: asked === 0 ? null : hit / asked,
    };
  }

  get totals(): Readonly<Record<LookupResult, number>> {
    return this.#counts.totals;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#counts.end();
    await this.#store.disconnect();
  }
}
