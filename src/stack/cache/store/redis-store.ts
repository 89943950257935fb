/**
 * Keyv's storage contract over Redis or Valkey. The server may be slow, stopped or unreachable: every command has a time
 * limit, a circuit breaker skips a dead server after three failures, and the client reconnects in the background without
 * end. No method rejects. Failures are counted, and a failed read is `FAILED`, not a miss.
 */
import { createRequire } from 'node:module';
import type * as Redis from 'redis';
import { VitrineError } from '../../../base/errors.ts';
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { ComponentHealth } from '../../../model/health.ts';
import { Breaker } from './breaker.ts';
import type { CacheStore, Envelope, StoreFigures } from './store.ts';
import { ABSOLUTE_EXPIRY, FAILED, FAILED_ENVELOPE } from './store.ts';

export interface RedisStoreOptions {
  /** `redis://[user:password@]host[:port][/database]`, `rediss://…` for TLS. */
  readonly url: string;
  /** Keys are `namespace:key`; `clear` removes only those. */
  readonly namespace: string;
  readonly connectTimeoutMs: number;
  /** A command that takes longer is a failure. */
  readonly commandTimeoutMs: number;
  /** Failures in a row that open the circuit. */
  readonly failuresToOpen: number;
  /** Time between two trials while the circuit is open. */
  readonly openMs: number;
  readonly clock: Clock;
  readonly logger: Logger;
}

export const REDIS_DEFAULTS = {
  connectTimeoutMs: 1_000,
  commandTimeoutMs: 50,
  failuresToOpen: 3,
  openMs: 1_000,
} as const;

/** Longest pause between two attempts to connect. */
const MAX_RECONNECT_MS = 2_000;
/** Commands that may wait for an answer. Further ones fail at once, so a stopped server costs bounded memory. */
const MAX_WAITING = 1_000;
const SCAN_COUNT = 500;

type Client = ReturnType<typeof Redis.createClient>;
/** The same client, whose replies have bytes instead of texts. */
interface BytesClient {
  get(key: string): Promise<Buffer | null>;
}

let loaded: typeof Redis | undefined;
type Load = (name: string) => unknown;

/**
 * The client takes about 12 MB of memory and 15 MB on disk, so it is loaded only with the first Redis store, and it is an
 * optional peer. Throws VitrineError `package_missing`.
 */
export function loadRedis(load: Load = createRequire(import.meta.url)): typeof Redis {
  try {
    return load('redis') as typeof Redis;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code !== 'MODULE_NOT_FOUND') throw cause;
    throw new VitrineError(
      'package_missing',
      'cache.url names a Redis server, but the package "redis" is not installed.',
      {
        hint: 'npm install redis@6',
        cause,
      },
    );
  }
}

const redis = (): typeof Redis => (loaded ??= loadRedis());

export class RedisStore implements CacheStore {
  readonly kind = 'redis';
  readonly serializes = true;
  readonly capabilities = ABSOLUTE_EXPIRY;
  readonly #client: Client;
  readonly #bytes: BytesClient;
  readonly #options: RedisStoreOptions;
  readonly #breaker: Breaker;
  readonly #prefix: string;
  /** Gives up each command that waits for its answer. */
  readonly #waiting = new Set<() => void>();
  #readySinceMs: number | undefined;
  #failures = 0;
  #lastError = '';

  constructor(options: RedisStoreOptions) {
    this.#options = options;
    this.#prefix = `${options.namespace}:`;
    this.#breaker = new Breaker(options.clock, options.failuresToOpen, options.openMs);
    this.#client = redis().createClient({
      url: options.url,
      disableOfflineQueue: true,
      commandsQueueMaxLength: MAX_WAITING,
      socket: {
        connectTimeout: options.connectTimeoutMs,
        reconnectStrategy: (retries) => Math.min(MAX_RECONNECT_MS, 50 * 2 ** Math.min(retries, 10)),
      },
    });
    this.#bytes = this.#client.withTypeMapping({ [redis().RESP_TYPES.BLOB_STRING]: Buffer });
    this.#client.on('ready', () => this.#came());
    this.#client.on('error', (error: unknown) => this.#went(error));
    // The client tries to connect until it succeeds; each failed attempt is an 'error' event.
    this.#client.connect().catch((error: unknown) => this.#went(error));
  }

  /** The text that was set, undefined for a miss, `FAILED_ENVELOPE` when the store could not be asked. */
  async get(key: string): Promise<string | Envelope | undefined> {
    const found = await this.#run(() => this.#client.get(this.#prefix + key));
    return found === FAILED ? FAILED_ENVELOPE : (found ?? undefined);
  }

  /** Like `get`, for bytes. */
  async getBytes(key: string): Promise<Buffer | undefined | typeof FAILED> {
    return (await this.#run(() => this.#bytes.get(this.#prefix + key))) ?? undefined;
  }

  async set(key: string, value: unknown, expires?: number): Promise<boolean> {
    if (typeof value !== 'string' && !Buffer.isBuffer(value)) return false;
    const ttlMs = expires === undefined ? undefined : Math.ceil(expires - this.#options.clock.now());
    if (ttlMs !== undefined && ttlMs <= 0) return this.delete(key);
    const full = this.#prefix + key;
    const expiration = ttlMs === undefined ? {} : { expiration: { type: 'PX', value: ttlMs } as const };
    return (await this.#run(() => this.#client.set(full, value, expiration))) === 'OK';
  }

  async setMany(entries: readonly { key: string; value: unknown; expires?: number }[]): Promise<boolean[]> {
    return Promise.all(entries.map(({ key, value, expires }) => this.set(key, value, expires)));
  }

  async getMany(keys: readonly string[]): Promise<(string | Envelope | undefined)[]> {
    return Promise.all(keys.map((key) => this.get(key)));
  }

  async has(key: string): Promise<boolean> {
    return (await this.#run(() => this.#client.exists(this.#prefix + key))) === 1;
  }

  async hasMany(keys: readonly string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.has(key)));
  }

  async delete(key: string): Promise<boolean> {
    return (await this.#run(() => this.#client.unlink(this.#prefix + key))) === 1;
  }

  async deleteMany(keys: readonly string[]): Promise<boolean[]> {
    return Promise.all(keys.map((key) => this.delete(key)));
  }

  /** Uses SCAN and UNLINK in small steps. KEYS would block a shared server, FLUSHDB would delete the data of others. */
  async clear(): Promise<void> {
    await this.deleteMatching('*', () => true);
  }

  /**
   * Deletes the keys that match the glob `pattern` and `covers`, in steps as `clear`. Returns how many; undefined when the
   * store failed before the end.
   */
  async deleteMatching(pattern: string, covers: (key: string) => boolean): Promise<number | undefined> {
    const MATCH = escapeGlob(this.#prefix) + pattern;
    let cursor = '0';
    let count = 0;
    do {
      const at = cursor;
      const page = await this.#run(() => this.#client.scan(at, { MATCH, COUNT: SCAN_COUNT }));
      if (page === FAILED) return undefined;
      const keys = page.keys.filter((key) => covers(key.slice(this.#prefix.length)));
      const deleted = keys.length === 0 ? 0 : await this.#run(() => this.#client.unlink(keys));
      if (deleted === FAILED) return undefined;
      count += deleted;
      cursor = page.cursor;
    } while (cursor !== '0');
    return count;
  }

  /** Adds `member` to each of the sets and extends their lifetime to `ttlMs`. */
  async addToSets(sets: readonly string[], member: string, ttlMs: number): Promise<void> {
    await Promise.all(
      sets.flatMap((set) => [
        this.#run(() => this.#client.sAdd(this.#prefix + set, member)),
        this.#run(() => this.#client.pExpire(this.#prefix + set, ttlMs)),
      ]),
    );
  }

  /**
   * Deletes the keys that belong to the members of a set, and the set. Returns the number of deleted keys; undefined when
   * the store failed.
   */
  async deleteMembers(set: string, keysOf: (member: string) => readonly string[]): Promise<number | undefined> {
    const full = this.#prefix + set;
    let count = 0;
    for (;;) {
      // SPOP takes members in bounded steps, and no member that is added meanwhile is lost.
      const members = await this.#run(() => this.#client.sPopCount(full, SCAN_COUNT));
      if (members === FAILED) return undefined;
      if (members.length === 0) return count;
      const keys = members.flatMap(keysOf).map((key) => this.#prefix + key);
      const deleted = await this.#run(() => this.#client.unlink(keys));
      if (deleted === FAILED) return undefined;
      count += deleted;
    }
  }

  async disconnect(): Promise<void> {
    this.#client.removeAllListeners('error').on('error', () => {});
    this.#client.destroy();
  }

  figures(): StoreFigures {
    return { evictions: {} };
  }

  get failures(): number {
    return this.#failures;
  }

  health(): ComponentHealth {
    const { clock } = this.#options;
    const up = this.#readySinceMs !== undefined && !this.#breaker.open;
    return {
      status: up ? 'healthy' : 'degraded',
      uptime_seconds:
        this.#readySinceMs === undefined ? 0 : Math.floor((clock.monotonic() - this.#readySinceMs) / 1000),
      store: 'redis',
      failures: this.#failures,
      ...(up ? {} : { reason: `The cache store does not answer${this.#lastError && `: ${this.#lastError}`}.` }),
    };
  }

  #came(): void {
    this.#readySinceMs = this.#options.clock.monotonic();
    this.#breaker.succeeded();
    this.#options.logger.info({ store: 'redis' }, 'cache store connected');
  }

  #went(error: unknown): void {
    const before = this.#lastError;
    this.#lastError = error instanceof Error ? error.message : String(error);
    const wasUp = this.#readySinceMs !== undefined;
    if (!this.#client.isReady) this.#readySinceMs = undefined;
    // One log line for each change of state, not one for each attempt.
    if (wasUp || before !== this.#lastError) {
      this.#options.logger.warn({ store: 'redis', reason: this.#lastError }, 'cache store failed');
    }
  }

  async #run<T>(command: () => Promise<T>): Promise<T | typeof FAILED> {
    if (this.#client.isReady && !this.#breaker.open) return this.#timed(command);
    this.#failures += 1;
    // No request waits for the trial of a server that was given up.
    if (this.#client.isReady && this.#breaker.allows()) void this.#timed(() => this.#client.ping());
    return FAILED;
  }

  /** Nobody waits longer for a server that is given up. Not in this turn, in which other answers may still be read. */
  #giveUpAll(): void {
    setImmediate(() => {
      if (this.#breaker.open) for (const giveUp of this.#waiting) giveUp();
    });
  }

  async #timed<T>(command: () => Promise<T>): Promise<T | typeof FAILED> {
    const { clock, commandTimeoutMs } = this.#options;
    const { promise: late, reject } = Promise.withResolvers<never>();
    const giveUp = (): void => reject(new Error(`no answer within ${commandTimeoutMs} ms`));
    // When this process was busy, the answer may wait in the socket, which Node reads between timers and immediates.
    const cancel = clock.after(commandTimeoutMs, () => void setImmediate(giveUp));
    this.#waiting.add(giveUp);
    try {
      const result = await Promise.race([command(), late]);
      this.#breaker.succeeded();
      return result;
    } catch (error) {
      this.#failures += 1;
      const wasOpen = this.#breaker.open;
      this.#breaker.failed();
      if (!wasOpen && this.#breaker.open) this.#giveUpAll();
      this.#went(error);
      return FAILED;
    } finally {
      cancel();
      this.#waiting.delete(giveUp);
    }
  }
}

/** `text` as a glob pattern of Redis that matches exactly it. */
export function escapeGlob(text: string): string {
  return text.replaceAll(/[\\*?[\]^-]/g, String.raw`\$&`);
}
