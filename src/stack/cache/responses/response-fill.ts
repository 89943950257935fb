/**
 * One response that is being received for the cache, and the requests that wait for it. A body is stored only when it is
 * complete, within the limits, and was not invalidated meanwhile. The waiting requests continue as soon as it is known
 * that the response will not be stored.
 */
import { randomHex } from '../../../base/random.ts';
import type { CacheFill, CachedResponse } from '../../../model/response-cache.ts';
import { ownBytes } from '../../../model/own-bytes.ts';
import { answerFrom, CACHE_NAME } from './answers.ts';
import type { FillOutcome, FillRoom, FillTask, WhenKnown } from './fill-task.ts';
import { contentRange, type BodyPart } from '../rules/byte-range.ts';
import { headerObject, seconds } from '../rules/directives.ts';
import { judge, type Arrival, type Freshness } from '../rules/freshness.ts';
import { joined, keptFrom, PASSED, usableOnError, usefulMs } from './kept-response.ts';
import { variantKey } from '../rules/request-rules.ts';
import { PART, type Found, type KeptResponse } from './response-entries.ts';
import { storedFields, withDate, without } from '../rules/stored-fields.ts';
import { tagsOf } from '../rules/tags.ts';
import { updatedBy304, updatedByHead } from './updated-response.ts';
import { clientHas, conditionalFor } from './validators.ts';

const INDEX_MS = 7 * 86_400_000;
/** An answer with one of these statuses says nothing about the next answer, which may be quite different. */
const PASSING: ReadonlySet<number> = new Set([304, 408, 425, 429]);

interface Taking {
  readonly status: number;
  readonly headers: readonly string[];
  readonly freshness: Freshness;
  readonly declaredBytes: number | undefined;
  readonly part: BodyPart | undefined;
  readonly tags: readonly string[];
  readonly chunks: Buffer[];
  size: number;
}

export class Fill implements CacheFill {
  readonly conditional: CacheFill['conditional'];
  readonly validates: boolean;
  /** The upstream gave no answer. */
  unreachable = false;
  readonly #room: FillRoom;
  readonly #task: FillTask;
  readonly #sentMs: number;
  #waiting: Set<WhenKnown> | undefined;
  #taking: Taking | undefined;
  #storable: boolean | undefined;
  #onStorable: (storable: boolean) => void = () => {};
  #outcome: FillOutcome = 'aborted';
  #cancelledTags: Set<string> | undefined;
  #cancelled = false;
  #done = false;

  constructor(room: FillRoom, task: FillTask) {
    this.#room = room;
    this.#task = task;
    this.#sentMs = room.clock.now();
    this.conditional = conditionalFor(task.kept, task.unconditional);
    this.validates = task.kept?.etag !== undefined || task.kept?.lastModified !== undefined;
  }

  get primary(): string {
    return this.#task.primary;
  }

  get waiters(): number {
    return this.#waiting?.size ?? 0;
  }

  /** Calls back once. Returns a function that cancels the callback. */
  whenKnown(callback: WhenKnown): () => void {
    const waiting = (this.#waiting ??= new Set());
    waiting.add(callback);
    return () => waiting.delete(callback);
  }

  /**
   * Calls back once it is known whether the answer may be stored, so that a look-up for an answer that no cache could store
   * is not counted as a miss. An answer that never arrived, or was invalidated, counts as one that might have been stored.
   */
  whenStorable(callback: (storable: boolean) => void): void {
    if (this.#storable === undefined) this.#onStorable = callback;
    else callback(this.#storable);
  }

  /** The response is out of date before it arrives: it will not be stored. */
  cancel(): void {
    this.#cancelled = true;
    this.#drop();
  }

  /** Like `cancel`, if the response turns out to have the tag. */
  cancelTag(tag: string): void {
    (this.#cancelledTags ??= new Set()).add(tag);
    if (this.#taking?.tags.includes(tag)) this.cancel();
  }

  mayStore(lines: string): boolean {
    return this.#task.request.method === 'HEAD' || this.#room.storing.test(lines);
  }

  head(status: number, headers: readonly string[]): boolean {
    const { request, kept } = this.#task;
    // Without a lifetime and a validator; most answers of services are of this kind.
    if (headers.length === 0 && request.method !== 'HEAD') {
      this.#refuse(status, kept);
      return false;
    }
    const fields = withDate(headers, this.#room.clock.now());
    if (request.method === 'HEAD') {
      this.#updateFromHead(status, fields);
      return false;
    }
    const taking = this.#begun(status, fields);
    if (taking === undefined) this.#refuse(status, kept);
    else this.#tellStorable(true);
    this.#taking = taking;
    return taking !== undefined;
  }

  /** Undefined when the response is not stored. */
  #begun(status: number, fields: readonly string[]): Taking | undefined {
    const named = headerObject(fields);
    const part = status === 206 ? contentRange(named['content-range']) : undefined;
    const tags = tagsOf(named);
    if (tags?.some((tag) => this.#cancelledTags?.has(tag))) this.#cancelled = true;
    if (this.#cancelled || tags === undefined || (status === 206 && part === undefined)) return undefined;
    const freshness = judge(this.#arrival(status, fields));
    if (freshness === undefined) return undefined;
    const length = named['content-length'];
    const declaredBytes = part ? part.last + 1 - part.first : length === undefined ? undefined : seconds(length);
    if ((declaredBytes ?? 0) > this.#room.maxEntryBytes) {
      this.#room.tooLarge += 1;
      return undefined;
    }
    const stored = storedFields(part === undefined ? fields : without(fields, 'content-range'));
    return { status, headers: stored, freshness, declaredBytes, part, tags, chunks: [], size: 0 };
  }

  /** A 200 to HEAD updates the stored response to GET if it is about the same representation, else removes it. */
  #updateFromHead(status: number, fields: readonly string[]): void {
    const { kept } = this.#task;
    const updated = kept && updatedByHead(kept, this.#arrival(status, fields));
    if (updated === undefined) this.#refuse(status, kept);
    else this.#storeAfterIndex(updated);
  }

  #arrival(status: number, fields: readonly string[]): Arrival {
    const { clock, targets } = this.#room;
    return { request: this.#task.request, status, fields, sentMs: this.#sentMs, nowMs: clock.now(), targets };
  }

  #refuse(status: number, kept: KeptResponse | undefined): void {
    const passing = status >= 500 || PASSING.has(status);
    // The upstream now has another response, which may not be stored, so the stored one is out of date.
    if (kept !== undefined && !passing) this.#room.entries.delete(this.primary);
    this.#tellStorable(this.#cancelled || passing);
    this.#settle(this.#cancelled ? 'aborted' : passing ? 'failed' : 'refused');
  }

  unchanged(status: number, headers: readonly string[]): CachedResponse | undefined {
    const { request, unconditional } = this.#task;
    if (!unconditional || status !== 200) return undefined;
    const nowMs = this.#room.clock.now();
    const taking = this.#taking;
    const freshness = taking?.freshness ?? { ...PASSED, bornMs: nowMs };
    const kept = keptFrom(status, storedFields(withDate(headers, nowMs)), freshness, Buffer.alloc(0));
    if (!clientHas(kept, request, nowMs)) return undefined;
    const { headers: fields } = answerFrom(kept, request, nowMs, 'hit');
    const cacheStatus = `${CACHE_NAME}; fwd=uri-miss; fwd-status=200${taking ? '; stored' : ''}`;
    // An answer that is only forwarded gets no Age from this cache.
    return { status: 304, headers: taking ? fields : fields.slice(0, -2), body: kept.body, cacheStatus };
  }

  chunk(bytes: Buffer): boolean {
    const taking = this.#taking;
    if (taking === undefined) return false;
    const room = this.#room;
    taking.size += bytes.length;
    room.fillingBytes += bytes.length;
    if (taking.size > room.maxEntryBytes || room.fillingBytes > room.maxFillingBytes) {
      room.tooLarge += 1;
      this.#drop();
      this.#settle('refused');
      return false;
    }
    taking.chunks.push(bytes);
    return true;
  }

  end(): void {
    const taking = this.#taking;
    if (taking === undefined) return this.#settle(this.#outcome === 'aborted' ? 'refused' : this.#outcome);
    const whole = taking.declaredBytes === undefined || taking.declaredBytes === taking.size;
    const body = ownBytes(taking.chunks, taking.size);
    this.#drop();
    if (!whole) return this.#settle('aborted');
    const { status, headers, freshness, part, tags } = taking;
    const kept = { ...keptFrom(status, headers, freshness, body), tags, part };
    this.#storeAfterIndex(part === undefined ? kept : joined(kept, this.#task.part, this.#room.maxEntryBytes));
  }

  abort(): void {
    this.#drop();
    this.#settle(this.#outcome);
  }

  validated(headers: readonly string[]): CachedResponse | undefined {
    const { request, kept } = this.#task;
    if (kept === undefined || this.#cancelled) return undefined;
    const nowMs = this.#room.clock.now();
    const current = updatedBy304(kept, this.#arrival(304, withDate(headers, nowMs)));
    if (current.freshness === undefined) this.#room.entries.delete(this.primary);
    else this.#storeAfterIndex({ ...current, freshness: current.freshness });
    const usable = { ...current, freshness: current.freshness ?? kept.freshness };
    return answerFrom(usable, request, nowMs, 'fwd=stale; fwd-status=304');
  }

  failed(status: number | undefined): CachedResponse | undefined {
    this.#outcome = 'failed';
    this.unreachable = status === undefined;
    const { request, kept } = this.#task;
    const nowMs = this.#room.clock.now();
    if (kept === undefined || !usableOnError(kept, request, nowMs, status === undefined)) return undefined;
    const how = status === undefined ? 'fwd=stale; detail=unreachable' : `fwd=stale; fwd-status=${status}`;
    return answerFrom(kept, request, nowMs, how);
  }

  #storeAfterIndex(kept: KeptResponse): void {
    const known = this.#room.entries.get(this.primary);
    if (known instanceof Promise) void known.then((index) => this.#store(kept, index));
    else this.#store(kept, known);
  }

  #store(kept: KeptResponse, known: Found): void {
    const { entries, clock } = this.#room;
    if (!this.#cancelled) {
      const fields = kept.freshness.vary;
      let key = this.primary;
      if (fields.length > 0) {
        const same = typeof known === 'object' && known.kind === 'vary' && known.fields.join() === fields.join();
        const id = same ? known.id : randomHex(6);
        // Stored again even when it is the same: if the index were evicted before its responses, they could not be found.
        entries.set(key, { kind: 'vary', id, fields }, INDEX_MS);
        key = variantKey(key, id, fields, this.#task.request);
      }
      entries.set(kept.part === undefined ? key : key + PART, kept, usefulMs(kept, clock.now()));
      if (kept.tags.length > 0) entries.tag?.(this.primary, kept.tags);
    }
    this.#outcome = this.#cancelled ? 'aborted' : 'stored';
    this.#settle(this.#outcome);
  }

  #drop(): void {
    this.#room.fillingBytes -= this.#taking?.size ?? 0;
    this.#taking = undefined;
  }

  #tellStorable(storable: boolean): void {
    if (this.#storable !== undefined) return;
    this.#storable = storable;
    this.#onStorable(storable);
  }

  #settle(outcome: FillOutcome): void {
    if (this.#done) return;
    this.#done = true;
    this.#tellStorable(true);
    this.#task.onDone(outcome);
    let place = 0;
    for (const callback of this.#waiting ?? []) {
      callback(outcome, place);
      place += 1;
    }
    this.#waiting = undefined;
  }
}
