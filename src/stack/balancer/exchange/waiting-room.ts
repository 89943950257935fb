/**
 * Where requests wait while every upstream of their route works on as much as it may: first come, first served, so many
 * and so long, and no more. A short queue takes up a burst; a long one only makes every answer late.
 */
import type { Deadlines, Timed } from '../timing/deadlines.ts';
import type { Route } from '../routes/route.ts';

export interface Waiter {
  /** An upstream may have room now. */
  admitted(): void;
  /** The request waited for the whole deadline. */
  expired(): void;
}

class Place implements Timed {
  readonly waiter: Waiter;
  readonly #leave: (waiter: Waiter) => void;
  deadlineMs: number;

  constructor(waiter: Waiter, deadlineMs: number, leave: (waiter: Waiter) => void) {
    this.waiter = waiter;
    this.deadlineMs = deadlineMs;
    this.#leave = leave;
  }

  onDeadline(): void {
    this.#leave(this.waiter);
    this.waiter.expired();
  }
}

export class WaitingRoom {
  readonly #max: number;
  readonly #deadlineMs: number;
  readonly #deadlines: Deadlines;
  readonly #queues = new Map<Route, Map<Waiter, Place>>();
  size = 0;

  constructor(max: number, deadlineMs: number, deadlines: Deadlines) {
    this.#max = deadlineMs > 0 ? max : 0;
    this.#deadlineMs = deadlineMs;
    this.#deadlines = deadlines;
  }

  /** Returns false when it is full. */
  enter(route: Route, waiter: Waiter, nowMs: number): boolean {
    if (this.size >= this.#max) return false;
    let queue = this.#queues.get(route);
    if (queue === undefined) this.#queues.set(route, (queue = new Map()));
    const place = new Place(waiter, nowMs + this.#deadlineMs, (gone) => this.leave(route, gone));
    queue.set(waiter, place);
    this.#deadlines.add(place);
    this.size += 1;
    return true;
  }

  leave(route: Route, waiter: Waiter): void {
    const queue = this.#queues.get(route);
    const place = queue?.get(waiter);
    if (queue === undefined || place === undefined) return;
    queue.delete(waiter);
    this.#deadlines.delete(place);
    this.size -= 1;
  }

  /** An upstream of the route has finished something. */
  roomIn(route: Route): void {
    if (this.size === 0) return;
    const first = this.#queues.get(route)?.keys().next().value;
    if (first === undefined) return;
    this.leave(route, first);
    first.admitted();
  }
}
