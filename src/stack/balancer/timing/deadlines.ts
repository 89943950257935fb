/**
 * All deadlines of the data path, kept by one sweep: a timer for each request would cost more than the whole look-up of
 * its route. A deadline is met at most one period late. Nothing wakes up while nothing has a deadline.
 */
import type { Clock } from '../../../base/clock.ts';

export interface Timed {
  /** Monotonic ms; Infinity: none. May be changed at any time. */
  deadlineMs: number;
  onDeadline(nowMs: number): void;
}

const PERIOD_MS = 20;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timed = new Set<Timed>();
  #cancel = (): void => {};
  #sweeping = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
    if (!this.#sweeping) this.#plan();
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed);
  }

  #plan(): void {
    this.#sweeping = true;
    this.#cancel = this.#clock.after(PERIOD_MS, () => this.#sweep());
  }

  /** A sweep goes on while there is something: to stop and begin one with each request would be a timer a request again. */
  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const timed of this.#timed) {
      if (timed.deadlineMs <= now) timed.onDeadline(now);
    }
    this.#sweeping = false;
    if (this.#timed.size > 0) this.#plan();
  }

  close(): void {
    this.#cancel();
    this.#timed.clear();
  }
}
