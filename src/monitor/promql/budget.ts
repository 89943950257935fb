/**
 * What a running query may use: samples in memory, time, and the thread. The evaluator asks between series, so a query
 * gives the event loop back about every 8 ms and ends within that time when it is cancelled or late.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { queryFailed, TOO_MANY_SAMPLES } from './column.ts';

/** Four queries run at a time, and each may take its slice in one turn of the loop: 32 ms together. */
const SLICE_MS = 8;

export interface BudgetOptions {
  readonly clock: Clock;
  /** Samples held at one time: what selectors loaded plus the columns of unfinished nodes. */
  readonly maxSamples: number;
  /** Counted from the construction; includes waiting for a free place. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

export class Budget {
  readonly #options: BudgetOptions;
  readonly #deadline: number;
  #sliceEnd: number;
  #held = 0;
  #peak = 0;

  constructor(options: BudgetOptions) {
    this.#options = options;
    const now = options.clock.monotonic();
    this.#deadline = now + options.timeoutMs;
    this.#sliceEnd = now + SLICE_MS;
  }

  get held(): number {
    return this.#held;
  }

  /** The most samples held at one time so far. */
  get peak(): number {
    return this.#peak;
  }

  /** Counts samples before they are allocated. Throws `query_failed` when they would be too many. */
  take(samples: number): void {
    this.#held += samples;
    if (this.#held > this.#peak) this.#peak = this.#held;
    if (this.#held > this.#options.maxSamples) throw queryFailed(TOO_MANY_SAMPLES);
  }

  /** After a node is done only its result is held: `mark` is what was held before it began. */
  settle(mark: number, samples: number): void {
    this.#held = mark + samples;
  }

  /** True when the thread should be given back: then `await pause()`. */
  get due(): boolean {
    return this.#options.clock.monotonic() >= this.#sliceEnd;
  }

  /** Throws `query_canceled` or `query_timeout` when it is time to end. */
  check(): void {
    if (this.#options.signal?.aborted) {
      throw new VitrineError('query_canceled', 'query was canceled in query execution');
    }
    if (this.#options.clock.monotonic() >= this.#deadline) {
      throw new VitrineError('query_timeout', 'query timed out in query execution');
    }
  }

  async pause(): Promise<void> {
    this.check();
    await new Promise<void>((resolve) => {
      setImmediate(resolve);
    });
    this.#sliceEnd = this.#options.clock.monotonic() + SLICE_MS;
    this.check();
  }
}
