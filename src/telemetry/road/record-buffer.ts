/**
 * Where every ended span and every log record waits for the next frame, sampled or not. Adding is a push; what a full
 * buffer cannot take is counted. The records stay the SDK's objects until a frame is made.
 */
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

export class RecordBuffer<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #dropped = 0;
  /** Called each time it has become half full: whoever empties it on a rhythm may do so earlier. */
  onHalfFull: (() => void) | undefined;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#items.length;
  }

  add(item: T): void {
    if (this.#items.length >= this.#capacity) {
      this.#dropped += 1;
      return;
    }
    this.#items.push(item);
    if (this.#items.length === this.#capacity >> 1) this.onHalfFull?.();
  }

  /** Everything since the last call, oldest first, and how many found no room. */
  drain(): { readonly items: readonly T[]; readonly dropped: number } {
    const drained = { items: this.#items, dropped: this.#dropped };
    this.#items = [];
    this.#dropped = 0;
    return drained;
  }
}

/** Sees record-only spans too, which batch processors leave out. */
export class RingSpanProcessor implements SpanProcessor {
  readonly buffer: RecordBuffer<ReadableSpan>;

  constructor(capacity: number) {
    this.buffer = new RecordBuffer(capacity);
  }

  onStart(): void {}

  onEnd(span: ReadableSpan): void {
    this.buffer.add(span);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}

export class RingLogProcessor implements LogRecordProcessor {
  readonly buffer: RecordBuffer<ReadableLogRecord>;

  constructor(capacity: number) {
    this.buffer = new RecordBuffer(capacity);
  }

  onEmit(record: ReadableLogRecord): void {
    this.buffer.add(record);
  }

  forceFlush(): Promise<void> {
    return Promise.resolve();
  }

  shutdown(): Promise<void> {
    return Promise.resolve();
  }
}
