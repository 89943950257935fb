/**
 * Time as a parameter: code that waits or reads the time takes a Clock, so tests move time instead of sleeping.
 * `now()` is wall time for stamps; `monotonic()` never goes back and is the only source for durations.
 */

export interface Clock {
  /** Whole milliseconds since the epoch: they are keys and integers in files and protocols. */
  now(): number;
  /** Milliseconds from an arbitrary start; never decreases. */
  monotonic(): number;
  /** Calls back once after `delayMs`; the timer does not keep the process alive. Returns a function that cancels it. */
  after(delayMs: number, callback: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  after(delayMs, callback) {
    if (delayMs > LONGEST_TIMER_MS) return afterLong(delayMs, callback);
    const timer = setTimeout(callback, delayMs);
    timer.unref();
    return () => clearTimeout(timer);
  },
};

/** Node fires a timer at once when its delay is longer than this, 24.8 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1;

/** A delay of weeks, one timer after another. */
function afterLong(delayMs: number, callback: () => void): () => void {
  let cancel = systemClock.after(LONGEST_TIMER_MS, () => {
    cancel = systemClock.after(delayMs - LONGEST_TIMER_MS, callback);
  });
  return () => cancel();
}

/** A clock whose `now()` never goes back. */
export interface SteadyClock extends Clock {
  /** Milliseconds by which `now()` is ahead of the wall clock, because the wall clock was set back. */
  aheadMs(): number;
  /** Continues from `ms` when `ms` is later than `now()`: the last time of the process before this one. */
  notBefore(ms: number): void;
}

/** Share of real time by which a steady clock runs slower while it is ahead of the wall clock. */
const SLEW = 0.05;

/**
 * Wall time for records that must be in order. A step forward is followed at once. After a step back the clock runs on, 5 %
 * slower, until the wall clock has caught up (docs/adr/0024-clocks-that-are-set-back.md).
 */
export function steadyClock(base: Clock): SteadyClock {
  let lastMs = -Infinity;
  let lastMonotonic = base.monotonic();
  const now = (): number => {
    const monotonic = base.monotonic();
    const runOn = lastMs + (monotonic - lastMonotonic) * (1 - SLEW);
    lastMonotonic = monotonic;
    lastMs = Math.max(base.now(), runOn);
    return Math.floor(lastMs);
  };
  now();
  return {
    now,
    aheadMs: () => now() - base.now(),
    notBefore(ms) {
      lastMs = Math.max(now(), ms);
    },
    monotonic: () => base.monotonic(),
    after: (delayMs, callback) => base.after(delayMs, callback),
  };
}

/**
 * Milliseconds of the machine's monotonic clock, which all its processes share: the difference of two values is the time
 * between them even when another process took the first one.
 */
export function machineMonotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

/** Resolves after `delayMs`, or rejects with the signal's reason. */
export function wait(clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const onAbort = (): void => {
      cancel();
      reject(signal?.reason as Error);
    };
    const cancel = clock.after(delayMs, () => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    });
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}

/**
 * Calls `tick` at multiples of `periodMs` of the wall clock, plus `offsetMs` (aligned, so that restarts keep the same instants),
 * never twice at once. An error of a tick is passed to `onError`, and the ticks continue. Returns a function that stops them.
 */
export function every(
  clock: Clock,
  periodMs: number,
  tick: (nowMs: number) => void | Promise<void>,
  onError: (error: unknown) => void,
  offsetMs = 0,
): () => void {
  let stopped = false;
  let lastAt: number | undefined;
  let cancel = (): void => {};
  const before = (nowMs: number): number => Math.floor((nowMs - offsetMs) / periodMs) * periodMs + offsetMs;
  const schedule = (): void => {
    if (stopped) return;
    const now = clock.now();
    let next = before(now) + periodMs;
    // A timer may fire a little before its instant, and with a slowed clock it always does: that instant counts as done.
    if (next === lastAt) next += periodMs;
    cancel = clock.after(next - now, () => void run(next));
  };
  const run = async (planned: number): Promise<void> => {
    // After a step of the clock, or a long wait for the thread, the planned instant is long past or far in the future.
    const now = clock.now();
    const at = Math.abs(now - planned) < periodMs ? planned : before(now);
    lastAt = at;
    try {
      await tick(at);
    } catch (error) {
      onError(error);
    }
    schedule();
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}

/** The most of the thread's time that long tasks may take together over a longer time. */
export interface ThreadShare {
  /** Of the time that passes, 0 to 1. */
  readonly share: number;
  /** Time that they may take at once after a rest. */
  readonly burstMs: number;
}

/**
 * Lets long tasks share the thread, however many there are: together they hold it for `sliceMs`, then other work runs.
 * A task checks `due` now and then, and when it is true, it awaits `next()`; tasks continue in the order of these calls.
 * With a `ThreadShare` the slices are also set apart once they have taken more than that.
 */
export class Turns {
  readonly #clock: Clock;
  readonly #sliceMs: number;
  readonly #limit: ThreadShare | undefined;
  readonly #waiting: (() => void)[] = [];
  #endsMs = -Infinity;
  #scheduled = false;
  /** The present slice, until the end of its turn of the event loop: what was charged of it, and when a task was last heard of. */
  #open = false;
  #chargedMs = 0;
  #heardMs = 0;
  /** What remains of the burst, at `#countedMs`. */
  #leftMs: number;
  #countedMs: number;

  constructor(clock: Clock, sliceMs: number, limit?: ThreadShare) {
    this.#clock = clock;
    this.#sliceMs = sliceMs;
    this.#limit = limit;
    this.#leftMs = limit?.burstMs ?? 0;
    this.#countedMs = clock.monotonic();
  }

  /** True when the task must yield the thread. */
  get due(): boolean {
    return this.#now() >= this.#endsMs;
  }

  /** Resolves in a later turn of the event loop, one task in each turn. */
  next(): Promise<void> {
    this.#now();
    return new Promise((resolve) => {
      this.#waiting.push(resolve);
      this.#schedule();
    });
  }

  #now(): number {
    const nowMs = this.#clock.monotonic();
    if (this.#open) this.#heardMs = nowMs;
    return nowMs;
  }

  #schedule(): void {
    if (this.#scheduled || this.#waiting.length === 0) return;
    this.#scheduled = true;
    const restMs = this.#restMs();
    if (restMs === 0) setImmediate(() => this.#begin());
    else this.#clock.after(restMs, () => this.#rested());
  }

  #rested(): void {
    this.#scheduled = false;
    this.#schedule();
  }

  #begin(): void {
    this.#scheduled = false;
    this.#open = true;
    this.#chargedMs = this.#now();
    this.#endsMs = this.#chargedMs + this.#sliceMs;
    this.#waiting.shift()?.();
    setImmediate(() => {
      this.#open = false;
      this.#schedule();
    });
  }

  /** Charges the slice that ended. The time until the next one may begin; 0 when it may begin now. */
  #restMs(): number {
    if (this.#limit === undefined) return 0;
    const { share, burstMs } = this.#limit;
    const nowMs = this.#clock.monotonic();
    const tookMs = this.#heardMs - this.#chargedMs;
    this.#chargedMs = this.#heardMs;
    this.#leftMs = Math.min(burstMs, this.#leftMs - tookMs + (nowMs - this.#countedMs) * share);
    this.#countedMs = nowMs;
    return this.#leftMs > 0 ? 0 : Math.ceil(-this.#leftMs / share) + 1;
  }
}
