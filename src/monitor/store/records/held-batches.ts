/**
 * Which batches one run of retention leaves, because they are of the time around an alert. Together they take a bounded room
 * beyond what retention would leave: above it the oldest recordings are released. Batches are held whole: one covers an hour
 * at most, and to cut it would cost more than the rest of it takes.
 */
import type { Recording, RecordingBook } from '../../../model/record-source.ts';
import type { BatchEntry } from './disk/record-file.ts';

export class HeldBatches {
  readonly #book: RecordingBook | undefined;
  readonly #maxBytes: number;
  readonly #nowMs: number;
  /** Oldest first. */
  #recordings: readonly Recording[];
  /** Batches that were left because of a recording; their numbers are unique in the store. */
  #left = new Map<number, BatchEntry>();
  #leftBytes = 0;

  constructor(book: RecordingBook | undefined, maxBytes: number, nowMs: number) {
    this.#book = book;
    this.#maxBytes = maxBytes;
    this.#nowMs = nowMs;
    this.#recordings = book?.held() ?? [];
  }

  /** Whether a batch that would be deleted stays. */
  holds(entry: BatchEntry): boolean {
    if (!this.#covers(entry)) return false;
    if (!this.#left.has(entry.id)) this.#leftBytes += entry.sizeBytes;
    this.#left.set(entry.id, entry);
    while (this.#leftBytes > this.#maxBytes) {
      const [oldest, ...newer] = this.#recordings;
      if (oldest === undefined) break;
      this.#book?.release(oldest, this.#nowMs);
      this.#recordings = newer;
      this.#left = new Map([...this.#left].filter(([, one]) => this.#covers(one)));
      this.#leftBytes = [...this.#left.values()].reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    }
    return this.#left.has(entry.id);
  }

  #covers({ firstMs, lastMs }: BatchEntry): boolean {
    return this.#recordings.some(({ fromMs, toMs }) => firstMs <= toMs && lastMs >= fromMs);
  }
}
