/**
 * So many requests in so long for each key, by the generic cell rate algorithm: one number a key (the theoretical arrival
 * time, TAT) says all, requests are spread evenly and `burst` of them may come at once. A limit by windows would let twice
 * as many through around the edge of two windows; a list of times would cost memory for each request.
 *
 * Keys are bounded: past the limit the key unused for longest is forgotten, which gives that key a fresh allowance, and is
 * counted. Refusing new keys instead would let whoever fills the table lock everybody else out.
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
  /** Seconds until its whole allowance is back, rounded up. */
  readonly resetSeconds: number;
  /** Seconds until one more is allowed, rounded up; 0 when one is. */
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
  /** Keys that had to leave before their allowance was whole again. */
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
    // Sums of fractions of a millisecond are not exact.
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

/** Lines for an answer: what is left of the allowance, and the allowance. */
export function rateFields(limit: RateLimit, verdict: RateVerdict): string {
  const { remaining, resetSeconds, retrySeconds } = verdict;
  const retry = retrySeconds > 0 ? `Retry-After: ${retrySeconds}\r\n` : '';
  return `RateLimit: "default";r=${remaining};t=${resetSeconds}\r\nRateLimit-Policy: ${limit.policy}\r\n${retry}`;
}
