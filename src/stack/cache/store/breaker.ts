/**
 * A circuit breaker. After a number of failures in a row it opens: calls are refused at once, except for one trial per
 * period, which no request waits for. A dead store therefore costs requests no time after the first failures. Pure except for
 * the clock.
 */
import type { Clock } from '../../../base/clock.ts';

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
