/**
 * The HTTP response cache of the balancer (a shared cache, RFC 9111). For each request it decides whether a stored response
 * may answer it. For a missing key, one request fills the cache while the others wait. Unsafe requests remove the
 * responses that they made invalid. The cache never fails a request: when the store does not answer, requests are forwarded.
 */
import { context } from '@opentelemetry/api';
import type { Clock } from '../../../base/clock.ts';
import type {
  CacheCare,
  CacheFigures,
  CacheFill,
  CacheLookup,
  CacheRequest,
  PurgeResult,
  PurgeTarget,
  ResponseCache,
} from '../../../model/response-cache.ts';
import { CACHE_NAME, answerFrom, notCached, partAnswers } from './answers.ts';
import { asideFor, missReason, type Ask, type Decision } from './asks.ts';
import { headerObject } from '../rules/directives.ts';
import { stateOf, usableOnError } from './kept-response.ts';
import type { LookupResult } from '../figures/lookup-counts.ts';
import { LookupCounts } from '../figures/lookup-counts.ts';
import { Fills, isPersonal } from './fills.ts';
import { purgeMatch } from './purge-match.ts';
import { PurgeLog } from './purge-log.ts';
import type { RequestRules } from '../rules/request-rules.ts';
import { storing } from '../rules/freshness.ts';
import { bypassReason, NO_RULES, primaryKey, requestRules } from '../rules/request-rules.ts';
import { findMatch, usableFor, type Match } from './matches.ts';
import type { KeptResponse, ResponseEntries } from './response-entries.ts';
import type { FillOutcome, FillRoom } from './fill-task.ts';
import { Fill } from './response-fill.ts';
import type { StoreFigures } from '../store/store.ts';
import { TopKeys } from '../figures/top-keys.ts';
import { postedResponse } from '../rules/posted.ts';

export interface ResponseCacheOptions {
  /** Value of the attribute `vitrine.cache.name`. */
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
  /** Targeted cache control fields (RFC 9213), in order of precedence. */
  readonly targets: readonly string[];
}

export const RESPONSE_CACHE_DEFAULTS = {
  name: 'responses',
  maxWaiters: 1_000,
  waitMs: 5_000,
  targets: ['cdn-cache-control'] as readonly string[],
} as const;

/** Keys counted for the lists of hot and most-missed keys. */
const COUNTED_KEYS = 500;
export class HttpResponseCache implements ResponseCache, CacheCare, Disposable {
  readonly #options: ResponseCacheOptions;
  readonly #room: FillRoom;
  readonly #fills: Fills;
  readonly #counts: LookupCounts;
  readonly #hot = new TopKeys(COUNTED_KEYS);
  readonly #missed = new TopKeys(COUNTED_KEYS);
  readonly #purges: PurgeLog;

  constructor(options: ResponseCacheOptions) {
    const { entries, clock, maxEntryBytes, maxFillingBytes, targets } = options;
    this.#options = options;
    const limits = { maxEntryBytes, maxFillingBytes };
    this.#room = { entries, clock, ...limits, targets, storing: storing(targets), fillingBytes: 0, tooLarge: 0 };
    this.#fills = new Fills(this.#room);
    this.#counts = new LookupCounts(options.name, 'cache lookup', () => this.#storeFigures());
    this.#purges = new PurgeLog(clock);
  }

  get totals(): LookupCounts['totals'] {
    return this.#counts.totals;
  }

  lookup(request: CacheRequest): CacheLookup | Promise<CacheLookup> {
    const startMs = this.#options.clock.monotonic();
    const reason = bypassReason(request);
    if (reason !== undefined) {
      return this.#seen({ lookup: { kind: 'bypass', cacheStatus: `${CACHE_NAME}; ${reason}` } }, undefined, startMs);
    }
    const primary = primaryKey(request);
    const waitUntilMs = startMs + this.#options.waitMs;
    const found = this.#ask({
      request,
      rules: requestRules(request),
      primary,
      waitUntilMs,
      collapsed: false,
      failures: 0,
    });
    return found instanceof Promise
      ? found.then((decision) => this.#seen(decision, primary, startMs))
      : this.#seen(found, primary, startMs);
  }

  invalidate(request: CacheRequest, status: number, headers: readonly string[]): CacheFill | undefined {
    if (status < 200 || status >= 400) return undefined;
    const named = headerObject(headers);
    const base = `${request.scheme}://${request.host}`;
    const keys = new Set([primaryKey(request)]);
    for (const reference of [named.location, named['content-location']]) {
      const url = reference === undefined ? null : URL.parse(reference, base + request.target);
      // A response must not invalidate the responses of another origin (section 4.4).
      if (url?.protocol === `${request.scheme}:` && url.host === request.host) {
        keys.add(primaryKey({ ...request, target: url.pathname + url.search }));
      }
    }
    for (const key of keys) this.#options.entries.delete(key);
    this.#fills.cancelKeys(keys);
    const posted = postedResponse(request, status, named, this.#options.targets);
    if (posted === undefined) return undefined;
    const ask = { request: posted, primary: primaryKey(posted) };
    return this.#fills.open(ask, ask.primary, { kept: undefined, unconditional: false });
  }

  /** Includes the responses that were refused before they reached the store. */
  #storeFigures(): StoreFigures {
    const { evictions, ...figures } = this.#options.entries.figures();
    const { too_large = 0, ...others } = evictions;
    return { ...figures, evictions: { ...others, too_large: too_large + this.#room.tooLarge } };
  }

  figures(limit: number): CacheFigures {
    const { entries, sizeBytes } = this.#options.entries.figures();
    const { fillingBytes, tooLarge } = this.#room;
    return {
      lookups: { ...this.#counts.totals },
      entries,
      sizeBytes,
      filling: this.#fills.size,
      fillingBytes,
      tooLarge,
      hot: this.#hot.top(limit),
      missed: this.#missed.top(limit),
      countError: { hot: this.#hot.error, missed: this.#missed.error },
    };
  }

  async purge(target: PurgeTarget): Promise<PurgeResult> {
    const match = purgeMatch(target);
    // A response that was requested before the purge may be one that the purge must remove.
    this.#fills.cancel(match);
    const { count, entries } = await this.#options.entries.purge(match);
    return { purged: count, id: this.#purges.add(entries) };
  }

  undo(id: string): number | undefined {
    const entries = this.#purges.take(id);
    return entries && this.#options.entries.restore?.(entries);
  }

  [Symbol.dispose](): void {
    this.#counts.end();
  }

  #ask(ask: Ask): Decision | Promise<Decision> {
    const found = findMatch(this.#options.entries, ask);
    return found instanceof Promise ? found.then((match) => this.#decide(ask, match)) : this.#decide(ask, found);
  }

  #decide(ask: Ask, match: Match): Decision | Promise<Decision> {
    const { request, rules } = ask;
    if (match.failed) return { lookup: { kind: 'error', cacheStatus: `${CACHE_NAME}; fwd=bypass; detail=store` } };
    const kept = usableFor(match.kept, request);
    const part = usableFor(match.part, request);
    const usable = kept ?? (part !== undefined && partAnswers(part, request) ? part : undefined);
    const lookup = usable && !rules.noCache ? this.#reuse(ask, match.key, usable) : undefined;
    if (lookup !== undefined) return { lookup };
    if (rules.onlyIfCached) return { lookup: { kind: 'hit', response: notCached() } };
    return this.#forward(ask, { ...match, part }, kept);
  }

  /** Undefined when the stored response must be validated first. */
  #reuse(ask: Ask, key: string, kept: KeptResponse): CacheLookup | undefined {
    const { request, rules, collapsed } = ask;
    const nowMs = this.#options.clock.now();
    const state = stateOf(kept, rules, nowMs);
    if (state === 'stale') return undefined;
    const response = answerFrom(kept, request, nowMs, collapsed ? 'fwd=uri-miss; collapsed' : 'hit');
    if (state === 'fresh') return { kind: 'hit', response };
    // A part is not refreshed: the request for it would be for a range.
    if (state === 'allowed' || kept.part !== undefined || this.#fills.has(key)) return { kind: 'stale', response };
    return { kind: 'stale', response, refresh: this.#fills.open(ask, key, { kept, unconditional: false }) };
  }

  #forward(ask: Ask, match: Match, kept: KeptResponse | undefined): Decision | Promise<Decision> {
    const { request, rules } = ask;
    const reason = kept === undefined ? missReason(match) : this.#unusedReason(kept, rules);
    const cacheStatus = `${CACHE_NAME}; fwd=${reason}${ask.collapsed ? '; collapsed' : ''}`;
    const aside = asideFor(request, kept);
    if (aside === undefined) return { lookup: { kind: 'miss', cacheStatus }, result: 'bypass' };
    const key = match.key + aside;
    const running = this.#fills.get(key);
    if (running === undefined) {
      const unconditional = kept === undefined && aside === '' && this.#fills.hidesConditions(request, key);
      const fill = this.#fills.open(ask, key, { kept, unconditional, part: match.part });
      return { lookup: { kind: 'miss', cacheStatus, fill } };
    }
    if (aside === '' && this.#mayWait(ask, match, running, kept)) return this.#wait(ask, running, cacheStatus);
    const uncacheable = isPersonal(request) || this.#fills.wereRefused(match.key);
    return { lookup: { kind: 'miss', cacheStatus }, result: kept === undefined && uncacheable ? 'bypass' : 'miss' };
  }

  /** Why a stored response was not used (RFC 9211 section 2.2): the request does not allow it, or it is stale by itself. */
  #unusedReason(kept: KeptResponse, rules: RequestRules): 'request' | 'stale' {
    return rules.noCache || stateOf(kept, NO_RULES, this.#options.clock.now()) === 'fresh' ? 'request' : 'stale';
  }

  /**
   * A request does not wait for an answer that probably belongs to another user, or that could not be stored the last time.
   */
  #mayWait(ask: Ask, { key }: Match, running: Fill, kept: KeptResponse | undefined): boolean {
    const { request, rules, waitUntilMs, collapsed } = ask;
    if (rules.noCache || running.waiters >= this.#options.maxWaiters) return false;
    if (waitUntilMs <= this.#options.clock.monotonic()) return false;
    if (isPersonal(request) && kept === undefined) return false;
    // When each request must validate the response itself, there is no reason to wait.
    if (kept !== undefined && (collapsed || kept.freshness.lifetimeMs === 0)) return false;
    return !this.#fills.wereRefused(key);
  }

  async #wait(ask: Ask, running: Fill, cacheStatus: string): Promise<Decision> {
    const { clock } = this.#options;
    const [outcome, place] = await new Promise<[FillOutcome | 'late', number]>((resolve) => {
      const forget = running.whenKnown((known, at) => {
        cancel();
        resolve([known, at]);
      });
      const cancel = clock.after(ask.waitUntilMs - clock.monotonic(), () => {
        forget();
        resolve(['late', 0]);
      });
    });
    const again = { ...ask, collapsed: true, failures: ask.failures + (outcome === 'failed' ? 1 : 0) };
    if (outcome === 'stored' || outcome === 'aborted') return this.#ask(again);
    if (outcome === 'failed') {
      const { kept } = await findMatch(this.#options.entries, ask);
      const nowMs = clock.now();
      const usable = usableFor(kept, ask.request);
      if (usable !== undefined && usableOnError(usable, ask.request, nowMs, running.unreachable)) {
        return { lookup: { kind: 'stale', response: answerFrom(usable, ask.request, nowMs, 'fwd=stale; collapsed') } };
      }
      // All of the waiting requests at once would be too much for an upstream in trouble, and one after the other would keep
      // them waiting: one is sent next, and after each further failure twice as many.
      if (place === 0 || place >= 2 ** ask.failures) return this.#ask(again);
    }
    return { lookup: { kind: 'miss', cacheStatus }, result: outcome === 'refused' ? 'bypass' : 'miss' };
  }

  /** Counts the look-up as soon as its result is known: for a miss with a fill, when the head of the answer has arrived. */
  #seen({ lookup, result }: Decision, primary: string | undefined, startMs: number): CacheLookup {
    const endMs = this.#options.clock.monotonic();
    const here = context.active();
    const tell = (as: LookupResult): void => {
      this.#counts.seen(as, startMs, endMs, here);
      if (primary === undefined) return;
      if (as === 'hit' || as === 'stale') this.#hot.add(primary);
      else if (as === 'miss') this.#missed.add(primary);
    };
    if (lookup.kind === 'miss' && lookup.fill instanceof Fill) {
      lookup.fill.whenStorable((storable) => tell(storable ? 'miss' : 'bypass'));
    } else tell(result ?? lookup.kind);
    return lookup;
  }
}
