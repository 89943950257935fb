/**
 * Limits the requests of each key per period, by the generic cell rate algorithm. It stores one number per key (the
 * theoretical arrival time, TAT). Requests are spread evenly, and `burst` of them may come at once. A limit by windows would
 * let twice as many requests through around the edge of two windows; a list of times would cost memory for each request.
 *
 * The number of keys is bounded. Above the limit, the least recently used key is forgotten and counted; that key then has a
 * fresh allowance. If new keys were refused instead, a client that fills the table would lock all other clients out.
 */
import type { Clock } from '../../../base/clock.ts';

export interface RateRules {
  readonly requests: number;
  readonly per: number;
  readonly burst?: number | undefined;
  readonly max_keys: number;
}

export interface RateVerdict {
  readonly allowed: boolean;
  /** Requests the key may make now. */
  readonly remaining: number;
  /** Seconds until the whole allowance is available again, rounded up. */
  readonly resetSeconds: number;
  /** Seconds until one more request is allowed, rounded up; 0 when one is allowed now. */
  readonly retrySeconds: number;
}

export class RateLimit {
  readonly rules: RateRules;
  readonly #intervalMs: number;
  readonly #toleranceMs: number;
  readonly #maxKeys: number;
  readonly #clock: Clock;
  /** TAT by key, the least recently used first. */
  readonly #tat = new Map<string, number>();
  /** `RateLimit-Policy` of draft-ietf-httpapi-ratelimit-headers-10, section 3. */
  readonly policy: string;
  /** Keys that were forgotten before their whole allowance was available again. */
  forgotten = 0;

  constructor(rules: RateRules, clock: Clock) {
    this.rules = rules;
    this.#intervalMs = rules.per / rules.requests;
    this.#toleranceMs = this.#intervalMs * ((rules.burst ?? rules.requests) - 1);
    this.#maxKeys = rules.max_keys;
    this.#clock = clock;
    this.policy = `"default";q=${rules.requests};w=${Math.ceil(rules.per / 1000)}`;
  }

  get keys(): number {
    return this.#tat.size;
  }

  take(key: string): RateVerdict {
    const now = this.#clock.monotonic();
    const before = this.#tat.get(key);
    const tat = before === undefined || before < now ? now : before;
    const waitMs = tat - this.#toleranceMs - now;
    // A sum of fractions of a millisecond is not exact.
    const allowed = waitMs <= 1e-6;
    const after = allowed ? tat + this.#intervalMs : tat;
    if (before !== undefined) this.#tat.delete(key);
    else if (this.#tat.size >= this.#maxKeys) this.#forget(now);
    this.#tat.set(key, after);
    const room = (now + this.#toleranceMs + this.#intervalMs - after) / this.#intervalMs;
    return {
      allowed,
      remaining: Math.max(0, Math.floor(room + 1e-6)),
      resetSeconds: Math.ceil((after - now) / 1000),
      retrySeconds: allowed ? 0 : Math.max(1, Math.ceil(waitMs / 1000)),
    };
  }

  #forget(now: number): void {
    const oldest = this.#tat.entries().next().value;
    if (oldest === undefined) return;
    this.#tat.delete(oldest[0]);
    if (oldest[1] > now) this.forgotten += 1;
  }
}

/** Lines for an answer: the rest of the allowance, and the policy. */
export function rateFields(limit: RateLimit, verdict: RateVerdict): string {
  const { remaining, resetSeconds, retrySeconds } = verdict;
  const retry = retrySeconds > 0 ? `Retry-After: ${retrySeconds}\r\n` : '';
  return `RateLimit: "default";r=${remaining};t=${resetSeconds}\r\nRateLimit-Policy: ${limit.policy}\r\n${retry}`;
}
