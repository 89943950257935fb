/**
 * Holds every ended span and every log record, sampled or not, until the next frame. Adding a record is a push; a full buffer
 * drops and counts it. The records stay the SDK's objects until a frame is made.
 */
import type { LogRecordProcessor, ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan, SpanProcessor } from '@opentelemetry/sdk-trace';

export class RecordBuffer<T> {
  readonly #capacity: number;
  #items: T[] = [];
  #dropped = 0;
  /** Called each time the buffer becomes half full, so that it can be emptied before the next interval. */
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

  /** All records since the last call, oldest first, and the number of dropped ones. */
  drain(): { readonly items: readonly T[]; readonly dropped: number } {
    const drained = { items: this.#items, dropped: this.#dropped };
    this.#items = [];
    this.#dropped = 0;
    return drained;
  }
}

/** Also gets record-only spans, which batch processors leave out. */
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
