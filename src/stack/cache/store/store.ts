/**
 * The storage of a cache: Keyv's storage contract with absolute expiry, and what operators need beside it (size, health, a
 * way to end). A read never rejects: a store that fails returns `FAILED`. Keyv turns both errors and misses into
 * undefined, so this is how they are distinguished.
 */
import type { ComponentHealth } from '../../../model/health.ts';

/** The form in which Keyv stores a value without serialization. */
export interface Envelope {
  readonly value: unknown;
  /** Milliseconds since the epoch; undefined = never. */
  readonly expires?: number | undefined;
}

/** The result of a failed read. It passes through Keyv as a value and is compared by identity. */
export const FAILED: unique symbol = Symbol('cache store failed');
export const FAILED_ENVELOPE: Envelope = Object.freeze({ value: FAILED });

/** See `CacheStore.capabilities`. */
export const ABSOLUTE_EXPIRY: object = { compatible: true, store: 'keyvStorage', methods: {}, expires: true };

export interface StoreFigures {
  /** Undefined when entries are not stored in this process. */
  readonly entries?: number;
  readonly sizeBytes?: number;
  /** Entries that were removed before they expired, by reason. */
  readonly evictions: Readonly<Record<string, number>>;
}

export interface CacheStore {
  readonly kind: 'memory' | 'redis';
  /** True when values must be text; false when they are stored and shared without a copy. */
  readonly serializes: boolean;
  /** Declares Keyv's v6 contract, by which `set` takes an absolute expiry. */
  readonly capabilities: object;
  get(key: string): unknown;
  set(key: string, value: unknown, expires?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  figures(): StoreFigures;
  health(): ComponentHealth;
  /** Closes all connections. */
  disconnect(): Promise<void>;
}
