/**
 * A circuit breaker: after some failures in a row it says no at once, and lets one trial through every so often, so that
 * a dead store costs a request nothing after the first few. Pure but for the clock.
 */
import type { Clock } from '../../base/clock.ts';

export class Breaker {
  readonly #clock: Clock;
  readonly #failuresToOpen: number;
  readonly #openMs: number;
  #failures = 0;
  #retryAtMs = 0;

  constructor(clock: Clock, failuresToOpen: number, openMs: number) {
    this.#clock = clock;
    this.#failuresToOpen = failuresToOpen;
    this.#openMs = openMs;
  }

  get open(): boolean {
    return this.#failures >= this.#failuresToOpen;
  }

  /** Whether to try now. While open, true once per period: the trial. */
  allows(): boolean {
    if (!this.open) return true;
    const now = this.#clock.monotonic();
    if (now < this.#retryAtMs) return false;
    this.#retryAtMs = now + this.#openMs;
    return true;
  }

  succeeded(): void {
    this.#failures = 0;
  }

  failed(): void {
    this.#failures += 1;
    if (this.open) this.#retryAtMs = this.#clock.monotonic() + this.#openMs;
  }
}
