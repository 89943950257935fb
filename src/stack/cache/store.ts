/**
 * What a cache stands on: Keyv's storage contract with absolute expiry, and what Keyv does not ask for but an operator does
 * (size, health, an end). A store never rejects a read: one that fails answers `FAILED`, so that an error can be told
 * from a miss behind Keyv, which turns both into undefined.
 */
import type { ComponentHealth } from '../../model/health.ts';

/** What Keyv keeps for a value when nothing serializes it. */
export interface Envelope {
  readonly value: unknown;
  /** Milliseconds since the epoch; undefined = never. */
  readonly expires?: number | undefined;
}

/** The answer of a store that could not look: goes through Keyv as a value. Compared by identity. */
export const FAILED: unique symbol = Symbol('cache store failed');
export const FAILED_ENVELOPE: Envelope = Object.freeze({ value: FAILED });

/** See `CacheStore.capabilities`. */
export const ABSOLUTE_EXPIRY: object = { compatible: true, store: 'keyvStorage', methods: {}, expires: true };

export interface StoreFigures {
  /** Undefined when they are not held in this process. */
  readonly entries?: number;
  readonly sizeBytes?: number;
  /** Entries that left before their time, by reason. */
  readonly evictions: Readonly<Record<string, number>>;
}

export interface CacheStore {
  readonly kind: 'memory' | 'redis';
  /** True when values must be text; false when they are kept, and shared, as they are. */
  readonly serializes: boolean;
  /** Declares Keyv's v6 contract, by which `set` takes an absolute expiry. */
  readonly capabilities: object;
  get(key: string): unknown;
  set(key: string, value: unknown, expires?: number): Promise<boolean>;
  delete(key: string): Promise<boolean>;
  clear(): Promise<void>;
  figures(): StoreFigures;
  health(): ComponentHealth;
  /** Ends connections. */
  disconnect(): Promise<void>;
}
