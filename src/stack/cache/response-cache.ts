/**
 * The HTTP response cache of the balancer (a shared cache, RFC 9111). For each request it decides whether a stored response
 * may answer it. For a missing key, one request fills the cache while the others wait. Unsafe requests remove the
 * responses that they made invalid. The cache never fails a request: when the store does not answer, requests are forwarded.
 */
import { context } from '@opentelemetry/api';
import { BoundedMap } from '../../base/bounded.ts';
import type { Clock } from '../../base/clock.ts';
import type { CacheLookup, CacheRequest, ResponseCache } from '../../model/response-cache.ts';
import { CACHE_NAME, ageMs, answerFrom, notCached } from './answers.ts';
import { headerObject } from './directives.ts';
import type { LookupResult } from './lookup-counts.ts';
import { LookupCounts } from './lookup-counts.ts';
import type { RequestRules } from './request-rules.ts';
import { bypassReason, primaryKey, requestRules, variantKey } from './request-rules.ts';
import type { Found, KeptResponse, ResponseEntries, VaryIndex } from './response-entries.ts';
import type { FillOutcome, FillRoom } from './response-fill.ts';
import { Fill, usableOnError } from './response-fill.ts';
import { FAILED } from './store.ts';

export interface ResponseCacheOptions {
  /** Value of `vitrine.cache.name`. */
  readonly name: string;
  readonly entries: ResponseEntries;
  readonly clock: Clock;
  readonly maxEntryBytes: number;
  /** Bytes of all responses that are being received. */
  readonly maxFillingBytes: number;
  /** Requests that may wait for one fill. Further requests are forwarded. */
  readonly maxWaiters: number;
  /** How long they wait before they are forwarded. */
  readonly waitMs: number;
}

export const RESPONSE_CACHE_DEFAULTS = { name: 'responses', maxWaiters: 1_000, waitMs: 5_000 } as const;

/** Keys whose last answer could not be stored. Requests for them do not wait for each other for a while. */
const UNCACHEABLE_KEYS = 10_000;
const UNCACHEABLE_MS = 10_000;
/** How many aborted fills one request waits for before it is forwarded. */
const MAX_WAITS = 3;

interface Match {
  readonly failed: boolean;
  readonly index?: VaryIndex | undefined;
  readonly kept?: KeptResponse | undefined;
  /** The key of a fill for this request. */
  readonly key: string;
}

/** A look-up, and the result to count when it differs from its kind: a request that no cache could answer is not a miss. */
interface Decision {
  readonly lookup: CacheLookup;
  readonly result?: LookupResult | undefined;
}

interface Ask {
  readonly request: CacheRequest;
  readonly rules: RequestRules;
  readonly primary: string;
  readonly waitsLeft: number;
  /** Added to the reason in Cache-Status. */
  readonly collapsed: boolean;
}

export class HttpResponseCache implements ResponseCache, Disposable {
  readonly #options: ResponseCacheOptions;
  readonly #room: FillRoom;
  readonly #fills = new Map<string, Fill>();
  readonly #uncacheable = new BoundedMap<string, number>(UNCACHEABLE_KEYS);
  readonly #counts: LookupCounts;

  constructor(options: ResponseCacheOptions) {
    const { entries, clock, maxEntryBytes, maxFillingBytes } = options;
    this.#options = options;
    this.#room = { entries, clock, maxEntryBytes, maxFillingBytes, fillingBytes: 0 };
    this.#counts = new LookupCounts(options.name, 'cache lookup', () => entries.figures());
  }

  get totals(): LookupCounts['totals'] {
    return this.#counts.totals;
  }

  lookup(request: CacheRequest): CacheLookup | Promise<CacheLookup> {
    const startMs = this.#options.clock.monotonic();
    const reason = bypassReason(request);
    if (reason !== undefined) {
      return this.#seen({ lookup: { kind: 'bypass', cacheStatus: `${CACHE_NAME}; ${reason}` } }, startMs);
    }
    const ask = {
      request,
      rules: requestRules(request),
      primary: primaryKey(request),
      waitsLeft: MAX_WAITS,
      collapsed: false,
    };
    const found = this.#ask(ask);
    return found instanceof Promise
      ? found.then((decision) => this.#seen(decision, startMs))
      : this.#seen(found, startMs);
  }

  invalidate(request: CacheRequest, status: number, headers: readonly string[]): void {
    if (status < 200 || status >= 400) return;
    const { location, 'content-location': contentLocation } = headerObject(headers);
    const base = `${request.scheme}://${request.host}`;
    const keys = new Set([primaryKey(request)]);
    for (const reference of [location, contentLocation]) {
      const url = reference === undefined ? null : URL.parse(reference, base + request.target);
      // A response must not invalidate the responses of another origin (section 4.4).
      if (url?.protocol === `${request.scheme}:` && url.host === request.host) {
        keys.add(primaryKey({ ...request, target: url.pathname + url.search }));
      }
    }
    for (const key of keys) this.#options.entries.delete(key);
    for (const fill of this.#fills.values()) if (keys.has(fill.primary)) fill.cancel();
  }

  [Symbol.dispose](): void {
    this.#counts.end();
  }

  #ask(ask: Ask): Decision | Promise<Decision> {
    const found = this.#find(ask);
    return found instanceof Promise ? found.then((match) => this.#decide(ask, match)) : this.#decide(ask, found);
  }

  #find({ primary, request }: Ask): Match | Promise<Match> {
    const { entries } = this.#options;
    const found = entries.get(primary);
    const select = (first: Found): Match | Promise<Match> => {
      if (typeof first !== 'object' || first.kind === 'response') return matchOf(primary, first);
      const key = variantKey(primary, first.id, first.fields, request);
      const variant = entries.get(key);
      if (variant instanceof Promise) return variant.then((second) => matchOf(key, second, first));
      return matchOf(key, variant, first);
    };
    return found instanceof Promise ? found.then(select) : select(found);
  }

  #decide(ask: Ask, match: Match): Decision | Promise<Decision> {
    const { request, rules, collapsed } = ask;
    if (match.failed) return { lookup: { kind: 'error', cacheStatus: `${CACHE_NAME}; fwd=bypass; detail=store` } };
    const nowMs = this.#options.clock.now();
    const kept = usableFor(match.kept, request);
    if (kept !== undefined && !rules.noCache) {
      const how = collapsed ? 'fwd=uri-miss; collapsed' : 'hit';
      const state = stateOf(kept, rules, nowMs);
      if (state === 'fresh') return { lookup: { kind: 'hit', response: answerFrom(kept, request, nowMs, how) } };
      if (state === 'allowed') return { lookup: { kind: 'stale', response: answerFrom(kept, request, nowMs, 'hit') } };
      if (state === 'refresh') {
        const refresh = this.#fills.has(match.key) ? undefined : this.#fill(ask, match, kept);
        return { lookup: { kind: 'stale', response: answerFrom(kept, request, nowMs, 'hit'), refresh } };
      }
    }
    if (rules.onlyIfCached) return { lookup: { kind: 'hit', response: notCached() } };
    return this.#forward(ask, match, kept);
  }

  #forward(ask: Ask, match: Match, kept: KeptResponse | undefined): Decision | Promise<Decision> {
    const { request, rules } = ask;
    const reason = rules.noCache ? 'request' : kept ? 'stale' : match.index ? 'vary-miss' : 'uri-miss';
    const cacheStatus = `${CACHE_NAME}; fwd=${reason}${ask.collapsed ? '; collapsed' : ''}`;
    // Neither a head alone nor a part can be stored as the whole response.
    if (request.method === 'HEAD' || 'range' in request.headers) {
      return { lookup: { kind: 'miss', cacheStatus }, result: 'bypass' };
    }
    const running = this.#fills.get(match.key);
    if (running === undefined) return { lookup: { kind: 'miss', cacheStatus, fill: this.#fill(ask, match, kept) } };
    if (ask.waitsLeft > 0 && this.#mayWait(ask, match, running, kept)) return this.#wait(ask, running, cacheStatus);
    const uncacheable = isPersonal(request) || this.#isUncacheable(match.key);
    return { lookup: { kind: 'miss', cacheStatus }, result: kept === undefined && uncacheable ? 'bypass' : 'miss' };
  }

  /** A request does not wait for an answer that probably belongs to another user, or could not be stored the last time. */
  #mayWait({ request, rules }: Ask, { key }: Match, running: Fill, kept: KeptResponse | undefined): boolean {
    if (rules.noCache || running.waiters >= this.#options.maxWaiters) return false;
    if (isPersonal(request) && kept === undefined) return false;
    return !this.#isUncacheable(key);
  }

  #isUncacheable(key: string): boolean {
    return (this.#uncacheable.get(key) ?? 0) > this.#options.clock.now();
  }

  async #wait(ask: Ask, running: Fill, cacheStatus: string): Promise<Decision> {
    const outcome = await new Promise<FillOutcome | 'late'>((resolve) => {
      const forget = running.whenKnown((known) => {
        cancel();
        resolve(known);
      });
      const cancel = this.#options.clock.after(this.#options.waitMs, () => {
        forget();
        resolve('late');
      });
    });
    const again = { ...ask, collapsed: true, waitsLeft: ask.waitsLeft - 1 };
    if (outcome === 'stored') return this.#ask({ ...again, waitsLeft: 0 });
    if (outcome === 'aborted') return this.#ask(again);
    if (outcome === 'failed') {
      const { kept } = await this.#find(ask);
      const nowMs = this.#options.clock.now();
      const usable = usableFor(kept, ask.request);
      if (usable !== undefined && usableOnError(usable, ask.request, nowMs)) {
        return { lookup: { kind: 'stale', response: answerFrom(usable, ask.request, nowMs, 'fwd=stale; collapsed') } };
      }
    }
    return { lookup: { kind: 'miss', cacheStatus }, result: outcome === 'refused' ? 'bypass' : 'miss' };
  }

  #fill({ request, primary }: Ask, { key }: Match, kept: KeptResponse | undefined): Fill {
    const onDone = (outcome: FillOutcome): void => {
      if (this.#fills.get(key) === fill) this.#fills.delete(key);
      if (outcome === 'refused') this.#uncacheable.set(key, this.#options.clock.now() + UNCACHEABLE_MS);
      else if (outcome === 'stored') this.#uncacheable.delete(key);
    };
    const fill: Fill = new Fill(this.#room, { request, primary, kept, onDone });
    this.#fills.set(key, fill);
    return fill;
  }

  /** Counts the look-up as soon as its result is known: for a miss with a fill, when the head of the answer has arrived. */
  #seen({ lookup, result }: Decision, startMs: number): CacheLookup {
    const endMs = this.#options.clock.monotonic();
    const here = context.active();
    const tell = (as: LookupResult): void => this.#counts.seen(as, startMs, endMs, here);
    if (lookup.kind === 'miss' && lookup.fill instanceof Fill) {
      lookup.fill.whenStorable((storable) => tell(storable ? 'miss' : 'bypass'));
    } else tell(result ?? lookup.kind);
    return lookup;
  }
}

/** Whether the answer probably belongs to one user. */
function isPersonal({ headers }: CacheRequest): boolean {
  return 'authorization' in headers || 'cookie' in headers;
}

function matchOf(key: string, found: Found, index?: VaryIndex): Match {
  const kept = typeof found === 'object' && found.kind === 'response' ? found : undefined;
  return { key, kept, index, failed: found === FAILED };
}

function usableFor(kept: KeptResponse | undefined, request: CacheRequest): KeptResponse | undefined {
  return kept !== undefined && 'authorization' in request.headers && !kept.freshness.forAuthorized ? undefined : kept;
}

/** allowed: stale, but the client accepts it (max-stale). refresh: stale, but the upstream allows it (stale-while-revalidate). */
function stateOf(kept: KeptResponse, rules: RequestRules, nowMs: number): 'fresh' | 'allowed' | 'refresh' | 'stale' {
  const { lifetimeMs, whileRevalidateMs, strict } = kept.freshness;
  const age = ageMs(kept, nowMs);
  if (age > rules.maxAgeMs) return 'stale';
  if (age + rules.minFreshMs < lifetimeMs) return 'fresh';
  if (strict || rules.minFreshMs > 0) return 'stale';
  if (age < lifetimeMs + rules.maxStaleMs) return 'allowed';
  return age < lifetimeMs + whileRevalidateMs ? 'refresh' : 'stale';
}
