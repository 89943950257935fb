/**
 * Keyv's storage contract over a least-recently-used list with a limit in bytes. Keyv's own Map never evicts and does not
 * know its size. Values are stored without a copy and shared between readers, so they are frozen when they are stored.
 */
import { LRUCache } from 'lru-cache';
import type { Clock } from '../../../base/clock.ts';
import type { ComponentHealth } from '../../../model/health.ts';
import type { CacheStore, Envelope, StoreFigures } from './store.ts';
import { ABSOLUTE_EXPIRY } from './store.ts';

export interface MemoryStoreOptions {
  readonly maxSizeBytes: number;
  /** A larger entry is not stored. At most `maxSizeBytes`. */
  readonly maxEntryBytes: number;
  readonly clock: Clock;
}

/** Memory of an entry beside its value: list links, map slot and envelope. Rounded up from heap measurements. */
const ENTRY_OVERHEAD_BYTES = 160;
/** Objects around bytes in memory of their own; measured 310 to 530 bytes a Buffer. */
const BYTES_OVERHEAD = 480;
/** The size of a value is the size of its first parts, at most this many. */
const MAX_WALK = 10_000;

export class MemoryStore implements CacheStore {
  readonly kind = 'memory';
  readonly serializes = false;
  readonly capabilities = ABSOLUTE_EXPIRY;
  readonly #entries: LRUCache<string, Envelope>;
  readonly #clock: Clock;
  readonly #maxEntryBytes: number;
  readonly #startMs: number;
  #evicted = 0;
  #tooLarge = 0;

  constructor({ maxSizeBytes, maxEntryBytes, clock }: MemoryStoreOptions) {
    this.#clock = clock;
    this.#maxEntryBytes = Math.min(maxEntryBytes, maxSizeBytes);
    this.#startMs = clock.monotonic();
    this.#entries = new LRUCache<string, Envelope>({
      maxSize: maxSizeBytes,
      dispose: (_value, _key, reason) => {
        if (reason === 'evict') this.#evicted += 1;
      },
    });
  }

  get(key: string): Envelope | undefined {
    const found = this.#entries.get(key);
    if (found?.expires !== undefined && found.expires <= this.#clock.now()) {
      this.#entries.delete(key);
      return undefined;
    }
    return found;
  }

  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    return this.#put(key, isEnvelope(value) ? value : { value, expires });
  }

  /** Like `set`, but synchronous and with a time to live. */
  setFor(key: string, value: unknown, ttlMs: number): boolean {
    return this.#put(key, { value, expires: this.#clock.now() + ttlMs });
  }

  #put(key: string, envelope: Envelope): boolean {
    const size = ENTRY_OVERHEAD_BYTES + key.length * 2 + sizeOf(envelope.value);
    if (size > this.#maxEntryBytes) {
      this.#tooLarge += 1;
      // The earlier value of this key is out of date.
      this.#entries.delete(key);
      return false;
    }
    deepFreeze(envelope.value);
    this.#entries.set(key, envelope, { size });
    return true;
  }

  async setMany(entries: readonly { key: string; value: unknown; expires?: number }[]): Promise<boolean[]> {
    return Promise.all(entries.map(({ key, value, expires }) => this.set(key, value, expires)));
  }

  async getMany(keys: readonly string[]): Promise<(Envelope | undefined)[]> {
    return keys.map((key) => this.get(key));
  }

  async has(key: string): Promise<boolean> {
    return this.get(key) !== undefined;
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return keys.map((key) => this.get(key) !== undefined);
  }

  async delete(key: string): Promise<boolean> {
    return this.#entries.delete(key);
  }

  async deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return keys.map((key) => this.#entries.delete(key));
  }

  async clear(): Promise<void> {
    this.#entries.clear();
  }

  async *iterator(): AsyncGenerator<[string, Envelope], void> {
    yield* this.entries();
  }

  /** All entries, the most recently used first, also expired ones. */
  entries(): Iterable<[string, Envelope]> {
    return this.#entries.entries();
  }

  async disconnect(): Promise<void> {}

  figures(): StoreFigures {
    return {
      entries: this.#entries.size,
      sizeBytes: this.#entries.calculatedSize,
      evictions: { size: this.#evicted, too_large: this.#tooLarge },
    };
  }

  health(): ComponentHealth {
    return {
      status: 'healthy',
      uptime_seconds: Math.floor((this.#clock.monotonic() - this.#startMs) / 1000),
      store: 'memory',
      entries: this.#entries.size,
      size_bytes: this.#entries.calculatedSize,
    };
  }
}

function isEnvelope(value: unknown): value is Envelope {
  return typeof value === 'object' && value !== null && 'value' in value && Object.keys(value).length <= 2;
}

/** Upper estimate of the heap a value holds: two bytes a character, eight a number, sixteen a field. */
export function sizeOf(value: unknown): number {
  let size = 0;
  const open: unknown[] = [value];
  for (let seen = 0; open.length > 0 && seen < MAX_WALK; seen += 1) {
    const part = open.pop();
    if (typeof part === 'string') size += 16 + part.length * 2;
    else if (ArrayBuffer.isView(part)) size += BYTES_OVERHEAD + part.byteLength;
    else if (typeof part === 'object' && part !== null) {
      const keys = Object.keys(part);
      size += 24 + keys.length * 16;
      open.push(...Object.values(part));
    } else size += 8;
  }
  return size;
}

function deepFreeze(value: unknown): void {
  // A view over bytes cannot be frozen: callers that store Buffers must not write to them afterwards.
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value) || Object.isFrozen(value)) return;
  Object.freeze(value);
  for (const part of Object.values(value)) deepFreeze(part);
}
