/**
 * The fills that run now, by the key that they fill, and the keys whose last answer could not be stored. For those, requests
 * do not wait for each other, and the conditions of clients reach the upstream.
 */
import { BoundedMap } from '../../../base/bounded.ts';
import type { CacheRequest } from '../../../model/response-cache.ts';
import { coversKey, type PurgeMatch } from './purge-match.ts';
import type { FillOutcome, FillRoom, FillTask } from './fill-task.ts';
import { Fill } from './response-fill.ts';

const REFUSED_KEYS = 10_000;
/** How exactly the time of such an answer is known. */
const NOTED_MS = 1_000;
/** How long after such an answer requests for its key do not wait for each other. */
const NO_WAIT_MS = 10_000;
/** How long after such an answer the conditions of clients are forwarded, so that the upstream can answer 304. */
const CONDITIONAL_MS = 600_000;

export class Fills {
  readonly #room: FillRoom;
  /**
   * A slot is emptied when its fill ends. V8 keeps old tables of a `Map` that changes with each request (see `PlacedSet`), and
   * through them it must keep only empty slots.
   */
  readonly #running = new Map<string, { fill: Fill | undefined }>();
  /** When the last answer that could not be stored arrived. */
  readonly #refused = new BoundedMap<string, number>(REFUSED_KEYS);

  constructor(room: FillRoom) {
    this.#room = room;
  }

  get size(): number {
    return this.#running.size;
  }

  has(key: string): boolean {
    return this.#running.has(key);
  }

  get(key: string): Fill | undefined {
    return this.#running.get(key)?.fill;
  }

  open(
    { request, primary }: Pick<FillTask, 'request' | 'primary'>,
    key: string,
    what: Pick<FillTask, 'kept' | 'part' | 'unconditional'>,
  ): Fill {
    const onDone = (outcome: FillOutcome): void => {
      if (this.#running.get(key) === slot) this.#running.delete(key);
      slot.fill = undefined;
      if (outcome === 'refused') this.#refuse(key);
      else if (outcome === 'stored') this.#refused.delete(key);
    };
    const fill = new Fill(this.#room, { request, primary, onDone, ...what });
    const slot: { fill: Fill | undefined } = { fill };
    this.#running.set(key, slot);
    return fill;
  }

  #refuse(key: string): void {
    const nowMs = this.#room.clock.now();
    const sinceMs = this.#refused.get(key);
    // Setting it anew moves it in the map, which a key that is asked for all the time need not do for each request.
    if (sinceMs === undefined || Math.abs(nowMs - sinceMs) >= NOTED_MS) this.#refused.set(key, nowMs);
  }

  /** The responses of these keys are out of date. */
  cancelKeys(primaries: ReadonlySet<string>): void {
    for (const { fill } of this.#running.values()) if (fill !== undefined && primaries.has(fill.primary)) fill.cancel();
  }

  cancel(match: PurgeMatch): void {
    for (const { fill } of this.#running.values()) {
      if (fill === undefined) continue;
      if (match.kind === 'tag') fill.cancelTag(match.tag);
      else if (coversKey(match, fill.primary)) fill.cancel();
    }
  }

  /** Whether the last answer for the key could not be stored, a short time ago. */
  wereRefused(key: string): boolean {
    return this.#refusedWithin(key, NO_WAIT_MS);
  }

  /** A 304 cannot be stored, so the first request for a key asks for the whole response, whatever its client has. */
  hidesConditions(request: CacheRequest, key: string): boolean {
    const { headers } = request;
    if (!('if-none-match' in headers) && !('if-modified-since' in headers)) return false;
    return !isPersonal(request) && !this.#refusedWithin(key, CONDITIONAL_MS);
  }

  #refusedWithin(key: string, forMs: number): boolean {
    const sinceMs = this.#refused.get(key);
    return sinceMs !== undefined && this.#room.clock.now() < sinceMs + forMs;
  }
}

/** Whether the answer probably belongs to one user. */
export function isPersonal({ headers }: CacheRequest): boolean {
  return 'authorization' in headers || 'cookie' in headers;
}
