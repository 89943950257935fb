/**
 * Runs a few queries at a time. The others wait in a queue in order of arrival, and no longer than their own time limit.
 * Four are enough to keep one thread busy, and the limit also bounds the memory of all queries together.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';

interface Waiting {
  readonly enter: () => void;
}

export interface GateOptions {
  readonly clock: Clock;
  /** Queries that run at a time. */
  readonly concurrency: number;
  /** Queries that may wait; more are refused with `overloaded`. */
  readonly maxWaiting: number;
}

export class QueryGate {
  readonly #options: GateOptions;
  readonly #waiting = new Set<Waiting>();
  #running = 0;
  #refused = 0;

  constructor(options: GateOptions) {
    this.#options = options;
  }

  get running(): number {
    return this.#running;
  }

  get waiting(): number {
    return this.#waiting.size;
  }

  /** Queries refused because too many were waiting. */
  get refused(): number {
    return this.#refused;
  }

  /**
   * Runs `work` when there is room. Throws VitrineError `query_timeout` or `query_canceled` while in the queue, and
   * `overloaded` when the queue is full.
   */
  async run<T>(work: () => Promise<T>, timeoutMs: number, signal: AbortSignal | undefined): Promise<T> {
    if (signal?.aborted) throw canceled();
    if (this.#running >= this.#options.concurrency) await this.#wait(timeoutMs, signal);
    else this.#running += 1;
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #leave(): void {
    const [next] = this.#waiting;
    // The place passes directly to the next query, so that a new query cannot take it first.
    if (next === undefined) this.#running -= 1;
    else next.enter();
  }

  async #wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    if (this.#waiting.size >= this.#options.maxWaiting) {
      this.#refused += 1;
      throw new VitrineError('overloaded', 'too many queries are waiting');
    }
    await new Promise<void>((resolve, reject) => {
      const done = (then: () => void): void => {
        this.#waiting.delete(place);
        cancelTimer();
        signal?.removeEventListener('abort', onAbort);
        then();
      };
      const place: Waiting = { enter: () => done(resolve) };
      const onAbort = (): void => done(() => reject(canceled()));
      const cancelTimer = this.#options.clock.after(timeoutMs, () =>
        done(() => reject(new VitrineError('query_timeout', 'query timed out in query queue'))),
      );
      signal?.addEventListener('abort', onAbort, { once: true });
      this.#waiting.add(place);
    });
  }
}

function canceled(): VitrineError {
  return new VitrineError('query_canceled', 'query was canceled in query queue');
}
