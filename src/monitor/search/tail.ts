/**
 * Passes lines on to the store and, when they are in it, to those who follow them: what a search does not find that begins after
 * the following has begun, the follower gets. Lines that the store refuses are passed on too, without a place. A follower has a
 * bounded queue: when its client reads more slowly than lines come, the oldest waiting lines are dropped and counted, so no
 * client holds up intake or fills memory.
 */
import { BoundedQueue } from '../../base/bounded.ts';
import { VitrineError } from '../../base/errors.ts';
import type { AppendResult, LogSink } from '../../model/ports.ts';
import { batchOfRows, recordService, recordTime } from '../store/recent/record-rows.ts';
import type { RecordPosition } from '../../model/record-source.ts';
import type { LogRecord } from '../../model/records.ts';
import { compileFilter, type BatchTest } from './evaluate.ts';
import type { Filter } from './filter.ts';

const MAX_FOLLOWERS = 32;
const MAX_WAITING = 1_000;
const NOT_STORED: AppendResult = { accepted: 0, rejected: [] };

export interface FollowedRecord {
  readonly record: LogRecord;
  /** Undefined when the line was not stored. */
  readonly position: RecordPosition | undefined;
}

export interface Follower extends Disposable {
  /**
   * Lines since the last call, and the number that was dropped before them; waits until there are any. Throws VitrineError
   * `query_failed` when the filter could not be carried out on a line.
   */
  next(signal: AbortSignal): Promise<{ readonly lines: readonly FollowedRecord[]; readonly dropped: number }>;
}

export class Tail implements LogSink {
  readonly #sink: LogSink;
  readonly #followers = new Set<Queue>();

  constructor(sink: LogSink) {
    this.#sink = sink;
  }

  get followers(): number {
    return this.#followers.size;
  }

  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult> {
    const result = this.#sink.append(records);
    if (!(result instanceof Promise)) return this.#offer(records, result);
    return result.then(
      (stored) => this.#offer(records, stored),
      (error: unknown) => {
        this.#offer(records, NOT_STORED);
        throw error;
      },
    );
  }

  #offer(records: readonly LogRecord[], result: AppendResult): AppendResult {
    for (const follower of this.#followers) follower.offer(records, result.numberOf);
    return result;
  }

  /** @throws VitrineError `too_many_requests` */
  follow(filter: Filter): Follower {
    if (this.#followers.size >= MAX_FOLLOWERS) {
      throw new VitrineError('too_many_requests', `${MAX_FOLLOWERS} clients follow the lines already.`);
    }
    const queue = new Queue(compileFilter(filter), () => this.#followers.delete(queue));
    this.#followers.add(queue);
    return queue;
  }
}

class Queue implements Follower {
  readonly #test: BatchTest;
  readonly #leave: () => void;
  #waiting = new BoundedQueue<FollowedRecord>(MAX_WAITING);
  #wake: (() => void) | undefined;
  #failure: unknown;

  constructor(test: BatchTest, leave: () => void) {
    this.#test = test;
    this.#leave = leave;
  }

  /** Never throws: a filter that fails ends its own follower, not the intake. */
  offer(records: readonly LogRecord[], numberOf: AppendResult['numberOf']): void {
    try {
      for (const [at, record] of records.entries()) {
        const timeUnixNano = recordTime('logs', record);
        const sequence = numberOf?.(at);
        if (!this.#matches(record, { timeUnixNano, sequence: sequence ?? 0 })) continue;
        this.#waiting.push({ record, position: sequence === undefined ? undefined : { timeUnixNano, sequence } });
      }
    } catch (error) {
      this.#failure = error;
      this.#leave();
    }
    if (this.#waiting.size > 0 || this.#failure !== undefined) this.#wake?.();
  }

  #matches(record: LogRecord, position: RecordPosition): boolean {
    return this.#test(batchOfRows('logs', recordService('logs', record), [{ position, record }]))(0);
  }

  async next(signal: AbortSignal): Promise<{ lines: readonly FollowedRecord[]; dropped: number }> {
    if (this.#waiting.size === 0 && this.#failure === undefined && !signal.aborted) await this.#woken(signal);
    if (this.#failure !== undefined) throw this.#failure;
    const taken = this.#waiting;
    this.#waiting = new BoundedQueue(MAX_WAITING);
    return { lines: [...taken], dropped: taken.dropped };
  }

  async #woken(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    signal.addEventListener('abort', this.#wake, { once: true });
    await promise;
    signal.removeEventListener('abort', this.#wake);
    this.#wake = undefined;
  }

  [Symbol.dispose](): void {
    this.#leave();
    this.#wake?.();
  }
}
