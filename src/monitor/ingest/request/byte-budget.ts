/**
 * Bounds the bytes of requests that are being read and worked on at once. Who finds no room is told to come back
 * (VitrineError `overloaded`, `Retry-After`): senders keep and repeat, so pushing back costs less than memory.
 */
import { VitrineError } from '../../../base/errors.ts';

export const RETRY_AFTER_SECONDS = 1;

export class ByteBudget {
  readonly #limitBytes: number;
  #usedBytes = 0;

  constructor(limitBytes: number) {
    this.#limitBytes = limitBytes;
  }

  get usedBytes(): number {
    return this.#usedBytes;
  }

  lease(): ByteLease {
    return new ByteLease((bytes) => {
      if (bytes > 0 && this.#usedBytes + bytes > this.#limitBytes) {
        throw new VitrineError('overloaded', `more than ${this.#limitBytes} bytes are being taken in already`, {
          hint: 'Send again later; nothing of this request was kept.',
          headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
        });
      }
      this.#usedBytes += bytes;
    });
  }
}

/** The share of the budget that one request holds; `release` returns it, once. */
export class ByteLease {
  readonly #change: (bytes: number) => void;
  #heldBytes = 0;

  constructor(change: (bytes: number) => void) {
    this.#change = change;
  }

  take(bytes: number): void {
    this.#change(bytes);
    this.#heldBytes += bytes;
  }

  release(): void {
    this.#change(-this.#heldBytes);
    this.#heldBytes = 0;
  }
}
