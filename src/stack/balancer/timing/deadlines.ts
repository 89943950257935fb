/**
 * All deadlines of the data path, checked by one periodic sweep: a timer per request would cost more than the look-up of
 * its route. A deadline fires at most one period late. No timer runs while nothing has a deadline.
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

  /** The sweep continues while there is a deadline: starting it anew for each request would be a timer per request again. */
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
