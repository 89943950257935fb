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
  #closed = false;

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

  get nowMs(): number {
    return this.#clock.monotonic();
  }

  [Symbol.iterator](): IterableIterator<Timed> {
    return this.#timed.values();
  }

  #plan(): void {
    this.#sweeping = true;
    // Arrived bytes are read before the sweep: when this process was blocked, peers that answered meanwhile are not late.
    this.#cancel = this.#clock.after(PERIOD_MS, () => void setImmediate(() => this.#sweep()));
  }

  /** The sweep runs again while there is a deadline: starting it anew for each request would cost a timer per request. */
  #sweep(): void {
    if (this.#closed) return;
    const now = this.#clock.monotonic();
    for (const timed of this.#timed) {
      if (timed.deadlineMs <= now) timed.onDeadline(now);
    }
    this.#sweeping = false;
    if (this.#timed.size > 0) this.#plan();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    this.#timed.clear();
  }
}
