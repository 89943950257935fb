/**
 * Responses in Redis or Valkey, which several balancers share. An entry is a JSON head followed by the bytes of the body.
 * Tags are sets of primary keys. Commands of one turn of the event loop are sent in one write.
 */
import type { Clock } from '../../../base/clock.ts';
import { coversKey, primaryOf, type PurgeMatch } from './purge-match.ts';
import { escapeGlob, type RedisStore } from '../store/redis-store.ts';
import {
  PART,
  type Found,
  type Kept,
  type KeptResponse,
  type Purged,
  type ResponseEntries,
  type VaryIndex,
} from './response-entries.ts';
import type { StoreFigures } from '../store/store.ts';

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
    void this.#store.delete(key + PART);
  }

  /** One set for each tag, which is kept for as long as any response can be. */
  tag(primary: string, tags: readonly string[]): void {
    void this.#store.addToSets(tags.map(tagKey), primary, TAGS_MS);
  }

  async purge(match: PurgeMatch): Promise<Purged> {
    return { count: await this.#purged(match), entries: [] };
  }

  async #purged(match: PurgeMatch): Promise<number | undefined> {
    const store = this.#store;
    if (match.kind === 'tag') return store.deleteMembers(tagKey(match.tag), (primary) => [primary, primary + PART]);
    if (match.kind === 'prefix') {
      const { origin, path } = match;
      return store.deleteMatching(`${origin === undefined ? '*' : escapeGlob(origin)} ${escapeGlob(path)}*`, (key) =>
        coversKey(match, primaryOf(key)),
      );
    }
    return store.deleteMatching(`${escapeGlob(match.primary)}*`, (key) => coversKey(match, primaryOf(key)));
  }

  figures(): StoreFigures {
    return this.#store.figures();
  }
}

/** A tag has no space and a response key begins with a scheme, so the two cannot be confused. */
const tagKey = (tag: string): string => `tag:${tag}`;
const TAGS_MS = 7 * 86_400_000;

const FORMAT = 2;

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
