/**
 * All deadlines of the data path, kept by one sweep: a timer for each request would cost more than the whole look-up of
 * its route. A deadline is met at most one period late.
 */
import type { Clock } from '../../base/clock.ts';

export interface Timed {
  /** Monotonic ms; Infinity: none. May be changed at any time. */
  deadlineMs: number;
  onDeadline(nowMs: number): void;
}

const PERIOD_MS = 20;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timed = new Set<Timed>();
  #cancel: () => void;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#cancel = clock.after(PERIOD_MS, () => this.#sweep());
  }

  add(timed: Timed): void {
    this.#timed.add(timed);
  }

  delete(timed: Timed): void {
    this.#timed.delete(timed);
  }

  #sweep(): void {
    const now = this.#clock.monotonic();
    for (const timed of this.#timed) {
      if (timed.deadlineMs <= now) timed.onDeadline(now);
    }
    this.#cancel = this.#clock.after(PERIOD_MS, () => this.#sweep());
  }

  close(): void {
    this.#cancel();
    this.#timed.clear();
  }
}
