import type { Clock } from '../../src/base/clock.ts';

/** Time that moves when told to. A callback is done when everything it started has set its next timer. */
export class FastClock implements Clock {
  readonly #beginMs: number;
  #nowMs: number;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  /** `beginMs` is the origin of the monotonic time. */
  constructor(nowMs: number, beginMs = nowMs) {
    this.#beginMs = beginMs;
    this.#nowMs = nowMs;
  }

  now(): number {
    return this.#nowMs;
  }

  monotonic(): number {
    return this.#nowMs - this.#beginMs;
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#nowMs + delayMs, run };
    this.#timers.add(timer);
    return () => void this.#timers.delete(timer);
  }

  /** Time passes and nothing runs, as in a process that stands still; what is due runs with the next `moveTo`. */
  jumpTo(ms: number): void {
    this.#nowMs = ms;
  }

  async moveTo(ms: number): Promise<void> {
    for (;;) {
      let due: { readonly at: number; readonly run: () => void } | undefined;
      for (const timer of this.#timers) if (timer.at <= ms && (due === undefined || timer.at < due.at)) due = timer;
      if (due === undefined) break;
      const before = this.#timers.size;
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.at);
      due.run();
      while (this.#timers.size < before) await new Promise((resolve) => setImmediate(resolve));
    }
    this.#nowMs = ms;
  }
}
