/**
 * The queue in which requests wait while every upstream of their route is at its limit. Requests of a burst are served in
 * order. A queue that has not been empty for the whole `deadline` is no burst ("a standing queue"): from then on the newest
 * request is served first, and requests that have waited for 10 ms are refused at once, until the queue is empty again. So
 * an overloaded balancer gives fast answers to as many clients as possible, instead of late answers to all (controlled delay
 * with an adaptive LIFO, "Fail at Scale", ACM Queue 2015).
 */
import type { Deadlines, Timed } from '../timing/deadlines.ts';
import type { Route } from '../routes/route.ts';

export interface Waiter {
  /** An upstream may have room now. */
  admitted(): void;
  /** The request has waited for the longest allowed time. */
  expired(): void;
}

/** How long a request may wait in a standing queue. */
const STANDING_WAIT_MS = 10;

interface Place {
  readonly waiter: Waiter;
  readonly sinceMs: number;
}

/** The queue of one route, oldest first. */
class Queue implements Timed {
  readonly #deadlineMs: number;
  readonly #dropped: (count: number) => void;
  #places: Place[] = [];
  /** From this time on the queue counts as standing, unless it is empty before. */
  #standsAtMs = Infinity;
  #stands = false;
  /** When the queue was last standing. An overload has short gaps, and the wait must not begin anew after each. */
  #stoodMs = -Infinity;
  deadlineMs = Infinity;
  deadlinePlace = -1;

  constructor(deadlineMs: number, dropped: (count: number) => void) {
    this.#deadlineMs = deadlineMs;
    this.#dropped = dropped;
  }

  get empty(): boolean {
    return this.#places.length === 0;
  }

  get stands(): boolean {
    return this.#stands;
  }

  push(waiter: Waiter, nowMs: number): void {
    if (this.#places.length === 0 && !this.#stands) {
      const again = nowMs - this.#stoodMs < this.#deadlineMs;
      this.#standsAtMs = nowMs + (again ? STANDING_WAIT_MS : this.#deadlineMs);
    }
    this.#places.push({ waiter, sinceMs: nowMs });
    this.refuseLate(nowMs);
  }

  /** Returns the next request to serve. When there is room and nobody waits, a standing queue ends. */
  take(nowMs: number): Waiter | undefined {
    this.refuseLate(nowMs);
    if (this.#places.length === 0 && this.#stands) {
      this.#stands = false;
      this.#stoodMs = nowMs;
    }
    const place = this.#stands ? this.#places.pop() : this.#places.shift();
    this.#plan();
    return place?.waiter;
  }

  /** Requests that leave are mostly the newest. */
  remove(waiter: Waiter): boolean {
    const at = this.#places.findLastIndex((place) => place.waiter === waiter);
    if (at < 0) return false;
    this.#places.splice(at, 1);
    this.#plan();
    return true;
  }

  /** In a standing queue the newest request may stay, so that an upstream with few requests a second is not left idle. */
  #limitMs(at: number): number {
    return this.#stands && at < this.#places.length - 1 ? STANDING_WAIT_MS : this.#deadlineMs;
  }

  #plan(): void {
    this.deadlineMs =
      this.#places.length === 0
        ? Infinity
        : Math.min(this.#places[0].sinceMs + this.#limitMs(0), this.#stands ? Infinity : this.#standsAtMs);
  }

  refuseLate(nowMs: number): void {
    if (this.#places.length > 0 && nowMs >= this.#standsAtMs) this.#stands = true;
    let count = 0;
    while (count < this.#places.length && nowMs - this.#places[count].sinceMs >= this.#limitMs(count)) count += 1;
    const late = this.#places.splice(0, count);
    this.#plan();
    this.#dropped(late.length);
    for (const { waiter } of late) waiter.expired();
  }

  onDeadline(nowMs: number): void {
    this.refuseLate(nowMs);
  }
}

export class WaitingRoom {
  readonly #max: number;
  readonly #deadlineMs: number;
  readonly #deadlines: Deadlines;
  readonly #queues = new Map<Route, Queue>();
  size = 0;

  constructor(max: number, deadlineMs: number, deadlines: Deadlines) {
    this.#max = deadlineMs > 0 ? max : 0;
    this.#deadlineMs = deadlineMs;
    this.#deadlines = deadlines;
  }

  /** Returns false when the queue is full. */
  enter(route: Route, waiter: Waiter, nowMs: number): boolean {
    if (this.#max === 0) return false;
    const queue = this.#queueOf(route);
    queue.refuseLate(nowMs);
    if (this.size >= this.#max) return false;
    if (queue.empty) this.#deadlines.add(queue);
    queue.push(waiter, nowMs);
    this.size += 1;
    return true;
  }

  #queueOf(route: Route): Queue {
    let queue = this.#queues.get(route);
    if (queue === undefined) {
      queue = new Queue(this.#deadlineMs, (count) => (this.size -= count));
      this.#queues.set(route, queue);
    }
    return queue;
  }

  leave(route: Route, waiter: Waiter): void {
    const queue = this.#queues.get(route);
    if (queue?.remove(waiter) !== true) return;
    this.size -= 1;
    if (queue.empty) this.#deadlines.delete(queue);
  }

  /** An upstream of the route has finished a request. */
  roomIn(route: Route): void {
    if (this.#queues.size === 0) return;
    const queue = this.#queues.get(route);
    if (queue === undefined || (queue.empty && !queue.stands)) return;
    const next = queue.take(this.#deadlines.nowMs);
    if (queue.empty) this.#deadlines.delete(queue);
    if (next === undefined) return;
    this.size -= 1;
    next.admitted();
  }
}
