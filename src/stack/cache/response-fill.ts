/**
 * One response that is being received for the cache, and the requests that wait for it. A body is stored only when it is
 * complete, within the limits, and was not invalidated meanwhile. The waiting requests continue as soon as it is known
 * that the response will not be stored.
 */
import type { Clock } from '../../base/clock.ts';
import { randomHex } from '../../base/random.ts';
import type { CacheFill, CacheRequest, CachedResponse } from '../../model/response-cache.ts';
import { ageMs, answerFrom, hasTag, updatedHeaders } from './answers.ts';
import { headerObject, seconds } from './directives.ts';
import type { Freshness } from './freshness.ts';
import { judge } from './freshness.ts';
import { requestRules, variantKey } from './request-rules.ts';
import type { Found, KeptResponse, ResponseEntries } from './response-entries.ts';

/** What waiting requests do next. stored: look up again. failed: a stale response may serve. aborted: one of them fills. refused: each is forwarded. */
export type FillOutcome = 'stored' | 'failed' | 'aborted' | 'refused';

/** The state that all fills of a cache share. */
export interface FillRoom {
  readonly entries: ResponseEntries;
  readonly clock: Clock;
  readonly maxEntryBytes: number;
  /** Limit for the bytes of all fills together. */
  readonly maxFillingBytes: number;
  fillingBytes: number;
}

export interface FillTask {
  readonly request: CacheRequest;
  readonly primary: string;
  /** The stored response to validate, if any. */
  readonly kept: KeptResponse | undefined;
  readonly onDone: (outcome: FillOutcome) => void;
}

/** How long a stale response with a validator is kept for validation. */
const VALIDATABLE_MS = 3_600_000;
const INDEX_MS = 7 * 86_400_000;
const NOT_KEPT = new Set([
  'content-length',
  'transfer-encoding',
  'connection',
  'keep-alive',
  'trailer',
  'upgrade',
  'age',
]);

interface Taking {
  readonly status: number;
  readonly headers: readonly string[];
  readonly freshness: Freshness;
  readonly declaredBytes: number | undefined;
  readonly chunks: Buffer[];
  size: number;
}

export class Fill implements CacheFill {
  readonly conditional: Readonly<Record<string, string>>;
  readonly #room: FillRoom;
  readonly #task: FillTask;
  readonly #sentMs: number;
  readonly #waiting = new Set<(outcome: FillOutcome) => void>();
  #taking: Taking | undefined;
  #storable: boolean | undefined;
  #onStorable: (storable: boolean) => void = () => {};
  #outcome: FillOutcome = 'aborted';
  #cancelled = false;
  #done = false;

  constructor(room: FillRoom, task: FillTask) {
    this.#room = room;
    this.#task = task;
    this.#sentMs = room.clock.now();
    this.conditional = conditionalFor(task);
  }

  get primary(): string {
    return this.#task.primary;
  }

  get waiters(): number {
    return this.#waiting.size;
  }

  /** Calls back once, with the outcome. Returns a function that cancels the call. */
  whenKnown(callback: (outcome: FillOutcome) => void): () => void {
    this.#waiting.add(callback);
    return () => this.#waiting.delete(callback);
  }

  /**
   * Calls back once it is known whether the answer may be stored, so that a look-up for an answer that no cache could store
   * is not counted as a miss. An answer that never arrived, or was invalidated, counts as one that might have been stored.
   */
  whenStorable(callback: (storable: boolean) => void): void {
    if (this.#storable === undefined) this.#onStorable = callback;
    else callback(this.#storable);
  }

  /** The response is out of date before it arrived: it will not be stored. */
  cancel(): void {
    this.#cancelled = true;
    this.#drop();
  }

  head(status: number, headers: readonly string[]): boolean {
    const { entries, clock, maxEntryBytes } = this.#room;
    const { request, primary, kept } = this.#task;
    const nowMs = clock.now();
    const dated = withDate(headers, nowMs);
    const freshness = this.#cancelled ? undefined : judge(request, status, dated, this.#sentMs, nowMs);
    const length = freshness && headerObject(headers)['content-length'];
    const declaredBytes = length === undefined ? undefined : seconds(length);
    if (freshness === undefined || (declaredBytes ?? 0) > maxEntryBytes) {
      // The upstream now has another response, which may not be stored, so the stored one is out of date.
      if (kept !== undefined && status < 500 && status !== 304) entries.delete(primary);
      this.#tellStorable(this.#cancelled);
      this.#settle('refused');
      return false;
    }
    this.#tellStorable(true);
    this.#taking = { status, headers: storedFields(dated), freshness, declaredBytes, chunks: [], size: 0 };
    return true;
  }

  chunk(bytes: Buffer): boolean {
    const taking = this.#taking;
    if (taking === undefined) return false;
    const room = this.#room;
    taking.size += bytes.length;
    room.fillingBytes += bytes.length;
    if (taking.size > room.maxEntryBytes || room.fillingBytes > room.maxFillingBytes) {
      this.#drop();
      this.#settle('refused');
      return false;
    }
    taking.chunks.push(bytes);
    return true;
  }

  end(): void {
    const taking = this.#taking;
    const { request } = this.#task;
    if (taking === undefined) return this.#settle(this.#outcome === 'aborted' ? 'refused' : this.#outcome);
    const whole = taking.declaredBytes === undefined || taking.declaredBytes === taking.size;
    const kept = keptFrom(taking, Buffer.concat(taking.chunks, taking.size));
    this.#drop();
    if (!whole) return this.#settle('aborted');
    const known = this.#room.entries.get(this.primary);
    if (known instanceof Promise) void known.then((index) => this.#store(request, kept, index));
    else this.#store(request, kept, known);
  }

  abort(): void {
    this.#drop();
    this.#settle(this.#outcome);
  }

  validated(headers: readonly string[]): CachedResponse | undefined {
    const { request, kept, primary } = this.#task;
    if (kept === undefined || this.#cancelled) return undefined;
    const nowMs = this.#room.clock.now();
    const etag = headerObject(headers).etag;
    if (etag !== undefined && (kept.etag === undefined || !hasTag(etag, kept.etag))) {
      this.#room.entries.delete(primary);
      return undefined;
    }
    const merged = updatedHeaders(kept.headers, withDate(headers, nowMs));
    const freshness = judge(request, kept.status, merged, this.#sentMs, nowMs);
    const fields = headerObject(merged);
    const current: KeptResponse = {
      ...kept,
      headers: storedFields(merged),
      etag: fields.etag,
      lastModified: fields['last-modified'],
      freshness: freshness ?? kept.freshness,
    };
    if (freshness === undefined) this.#room.entries.delete(primary);
    else {
      const known = this.#room.entries.get(primary);
      if (known instanceof Promise) void known.then((index) => this.#store(request, current, index));
      else this.#store(request, current, known);
      this.#outcome = 'stored';
    }
    return answerFrom(current, request, nowMs, 'fwd=stale; fwd-status=304');
  }

  failed(status: number | undefined): CachedResponse | undefined {
    this.#outcome = 'failed';
    const { request, kept } = this.#task;
    const nowMs = this.#room.clock.now();
    if (kept === undefined || !usableOnError(kept, request, nowMs)) return undefined;
    const how = status === undefined ? 'fwd=stale; detail=unreachable' : `fwd=stale; fwd-status=${status}`;
    return answerFrom(kept, request, nowMs, how);
  }

  #store(request: CacheRequest, kept: KeptResponse, known: Found): void {
    const { entries, clock } = this.#room;
    if (!this.#cancelled) {
      const fields = kept.freshness.vary;
      let key = this.primary;
      if (fields.length > 0) {
        const same = typeof known === 'object' && known.kind === 'vary' && known.fields.join() === fields.join();
        const id = same ? known.id : randomHex(6);
        // Stored again even when it is the same: if the index were evicted before its responses, they could not be found.
        entries.set(key, { kind: 'vary', id, fields }, INDEX_MS);
        key = variantKey(key, id, fields, request);
      }
      entries.set(key, kept, usefulMs(kept, clock.now()));
    }
    this.#settle(this.#cancelled ? 'aborted' : 'stored');
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
    for (const callback of this.#waiting) callback(outcome);
    this.#waiting.clear();
  }
}

/** stale-if-error of the response or the request (RFC 5861 section 4), unless the response forbids any stale use. */
export function usableOnError(kept: KeptResponse, request: CacheRequest, nowMs: number): boolean {
  const { lifetimeMs, ifErrorMs, strict } = kept.freshness;
  const allowedMs = Math.max(ifErrorMs, requestRules(request).ifErrorMs);
  return !strict && allowedMs > 0 && ageMs(kept, nowMs) < lifetimeMs + allowedMs;
}

/** If-None-Match takes precedence over If-Modified-Since, so a stored Last-Modified is not sent beside a client's If-None-Match. */
function conditionalFor({ kept, request }: FillTask): Readonly<Record<string, string>> {
  if (kept?.etag !== undefined) return { 'if-none-match': kept.etag };
  if (kept?.lastModified !== undefined && !('if-none-match' in request.headers)) {
    return { 'if-modified-since': kept.lastModified };
  }
  return {};
}

function keptFrom({ status, headers, freshness }: Taking, body: Buffer): KeptResponse {
  const fields = headerObject(headers);
  return {
    kind: 'response',
    status,
    headers,
    body,
    etag: fields.etag,
    lastModified: fields['last-modified'],
    freshness,
  };
}

function usefulMs(kept: KeptResponse, nowMs: number): number {
  const { lifetimeMs, whileRevalidateMs, ifErrorMs } = kept.freshness;
  const validatableMs = kept.etag !== undefined || kept.lastModified !== undefined ? VALIDATABLE_MS : 0;
  return Math.max(1, lifetimeMs - ageMs(kept, nowMs) + Math.max(whileRevalidateMs, ifErrorMs, validatableMs));
}

/** RFC 9110 section 6.6.1: a recipient adds a missing Date. */
function withDate(headers: readonly string[], nowMs: number): readonly string[] {
  for (let at = 0; at < headers.length; at += 2) if (headers[at].toLowerCase() === 'date') return headers;
  return [...headers, 'Date', new Date(nowMs).toUTCString()];
}

function storedFields(flat: readonly string[]): string[] {
  const fields: string[] = [];
  for (let i = 0; i < flat.length; i += 2) if (!NOT_KEPT.has(flat[i].toLowerCase())) fields.push(flat[i], flat[i + 1]);
  return fields;
}
