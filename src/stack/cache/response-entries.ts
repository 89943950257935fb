/**
 * Stores responses under their key. Responses that vary are stored under a key that includes the selecting fields. In
 * memory, entries are limited in bytes and read synchronously; in Redis, an entry is a JSON head followed by the body.
 */
import type { Clock } from '../../base/clock.ts';
import type { Freshness } from './freshness.ts';
import { MemoryStore } from './memory-store.ts';
import type { RedisStore } from './redis-store.ts';
import type { StoreFigures } from './store.ts';
import { FAILED } from './store.ts';

export interface KeptResponse {
  readonly kind: 'response';
  readonly status: number;
  /** Flat list without framing, connection and Age fields. */
  readonly headers: readonly string[];
  readonly body: Buffer;
  readonly etag: string | undefined;
  readonly lastModified: string | undefined;
  readonly freshness: Freshness;
}

/** The request fields that select among the responses of a key. */
export interface VaryIndex {
  readonly kind: 'vary';
  readonly id: string;
  readonly fields: readonly string[];
}

export type Kept = KeptResponse | VaryIndex;
export type Found = Kept | undefined | typeof FAILED;

export interface ResponseEntries {
  /** Synchronous from memory; a promise from another store. Never rejects. */
  get(key: string): Found | Promise<Found>;
  /** `keepMs` is how long the entry can be useful. */
  set(key: string, kept: Kept, keepMs: number): void;
  delete(key: string): void;
  figures(): StoreFigures;
}

export class MemoryEntries implements ResponseEntries {
  readonly #store: MemoryStore;

  constructor(maxSizeBytes: number, clock: Clock) {
    this.#store = new MemoryStore({ maxSizeBytes, maxEntryBytes: maxSizeBytes, clock });
  }

  get(key: string): Found {
    return this.#store.get(key)?.value as Kept | undefined;
  }

  set(key: string, kept: Kept, keepMs: number): void {
    this.#store.setFor(key, kept, keepMs);
  }

  delete(key: string): void {
    void this.#store.delete(key);
  }

  figures(): StoreFigures {
    return this.#store.figures();
  }
}

export class RedisEntries implements ResponseEntries {
  readonly #store: RedisStore;
  readonly #clock: Clock;

  constructor(store: RedisStore, clock: Clock) {
    this.#store = store;
    this.#clock = clock;
  }

  async get(key: string): Promise<Found> {
    const bytes = await this.#store.getBytes(key);
    return Buffer.isBuffer(bytes) ? decodeKept(bytes) : bytes;
  }

  set(key: string, kept: Kept, keepMs: number): void {
    void this.#store.set(key, encodeKept(kept), this.#clock.now() + keepMs);
  }

  delete(key: string): void {
    void this.#store.delete(key);
  }

  figures(): StoreFigures {
    return this.#store.figures();
  }
}

const FORMAT = 1;

export function encodeKept(kept: Kept): Buffer {
  const body = kept.kind === 'response' ? kept.body : Buffer.alloc(0);
  const head = Buffer.from(JSON.stringify({ ...kept, body: undefined }));
  const prefix = Buffer.alloc(5);
  prefix.writeUInt8(FORMAT, 0);
  prefix.writeUInt32BE(head.length, 1);
  return Buffer.concat([prefix, head, body]);
}

/** Undefined for bytes of another version or damaged bytes. This is a miss, and the next response replaces them. */
export function decodeKept(bytes: Buffer): Kept | undefined {
  if (bytes.length < 5 || bytes.readUInt8(0) !== FORMAT) return undefined;
  const bodyAt = 5 + bytes.readUInt32BE(1);
  if (bodyAt > bytes.length) return undefined;
  try {
    const head = JSON.parse(bytes.toString('utf8', 5, bodyAt)) as Omit<KeptResponse, 'body'> | VaryIndex;
    return head.kind === 'vary' ? head : { ...head, body: bytes.subarray(bodyAt) };
  } catch {
    // Bytes that are not JSON count as a missing entry.
    return undefined;
  }
}
