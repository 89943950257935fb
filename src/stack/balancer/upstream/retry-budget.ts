/**
 * Retries as a share of requests, so that they cannot multiply an outage (Finagle's retry budget, Envoy's `retry_budget`).
 * The budget is a bucket: each request adds `ratio`, each second adds `minPerSecond`, and each retry takes one.
 */
import type { Clock } from '../../../base/clock.ts';

/** Earned retries expire: the bucket holds no more than ten seconds of requests. */
const WINDOW_MS = 10_000;

export class RetryBudget {
  readonly #ratio: number;
  readonly #minPerSecond: number;
  readonly #clock: Clock;
  #earned = 0;
  #reserve: number;
  #atMs: number;

  constructor(ratio: number, minPerSecond: number, clock: Clock) {
    this.#ratio = ratio;
    this.#minPerSecond = minPerSecond;
    this.#clock = clock;
    this.#reserve = minPerSecond;
    this.#atMs = clock.monotonic();
  }

  request(): void {
    // The bucket is aged at each request, not at the next retry: each earned share is as old as its request.
    this.#age();
    this.#earned += this.#ratio;
  }

  /** Takes one retry, if there is one. */
  take(): boolean {
    this.#age();
    // Five times 0.2 is slightly less than 1 in floating point.
    if (this.#earned > 0.999_999) this.#earned = Math.max(0, this.#earned - 1);
    else if (this.#reserve >= 1) this.#reserve -= 1;
    else return false;
    return true;
  }

  #age(): void {
    const now = this.#clock.monotonic();
    const passed = now - this.#atMs;
    this.#atMs = now;
    this.#reserve = Math.min(this.#minPerSecond, this.#reserve + (passed * this.#minPerSecond) / 1000);
    this.#earned *= Math.max(0, 1 - passed / WINDOW_MS);
  }
}
