/**
 * All deadlines of the data path, checked by one periodic sweep: a timer per request would cost more than the look-up of
 * its route. A deadline fires at most one period late. No timer runs while nothing has a deadline.
 *
 * They are held in an array where each knows its place, and not in a `Set`. V8 gives a `Set` a new table after every few
 * deletions, and each old table points to its next: one table that has reached the old generation keeps all later ones
 * from being collected as young, and with them every request that was in progress at the change of a table. Half of all
 * requests then lived until the next full collection, which cost a third of the CPU.
 */
import type { Clock } from '../../../base/clock.ts';

export interface Timed {
  /** Monotonic ms; Infinity: none. May be changed at any time. */
  deadlineMs: number;
  /** Its place among all deadlines, which only `Deadlines` changes; -1: it has none. */
  deadlinePlace: number;
  onDeadline(nowMs: number): void;
}

const PERIOD_MS = 20;

export class Deadlines {
  readonly #clock: Clock;
  readonly #timed: Timed[] = [];
  #cancel = (): void => {};
  #sweeping = false;
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(timed: Timed): void {
    if (timed.deadlinePlace < 0) {
      timed.deadlinePlace = this.#timed.length;
      this.#timed.push(timed);
    }
    if (!this.#sweeping) this.#plan();
  }

  delete(timed: Timed): void {
    const at = timed.deadlinePlace;
    if (at < 0) return;
    timed.deadlinePlace = -1;
    const last = this.#timed.pop();
    if (last === undefined || last === timed) return;
    this.#timed[at] = last;
    last.deadlinePlace = at;
  }

  get nowMs(): number {
    return this.#clock.monotonic();
  }

  /** All that have a deadline now. */
  all(): readonly Timed[] {
    return [...this.#timed];
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
    // Backwards: when one is taken out, the last takes its place, and that one was looked at already.
    for (let at = this.#timed.length - 1; at >= 0; at -= 1) {
      const timed = this.#timed.at(at);
      if (timed !== undefined && timed.deadlineMs <= now) timed.onDeadline(now);
    }
    this.#sweeping = false;
    if (this.#timed.length > 0) this.#plan();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
    for (const timed of this.#timed.splice(0)) timed.deadlinePlace = -1;
  }
}
