/**
 * Detects that V8's heap is nearly at its limit. Near the limit V8 collects without end and then aborts the process, so
 * telemetry is refused before that: senders repeat it, and queries and rules keep working.
 */
import { getHeapStatistics } from 'node:v8';
import type { Clock } from '../../../base/clock.ts';
import type { VitrineError } from '../../../base/errors.ts';
import { overloaded } from './byte-budget.ts';

const REFUSE_SHARE = 0.85;
/** Reading heap statistics takes some microseconds, and they change slowly. */
const LOOK_EVERY_MS = 100;

export interface HeapSize {
  readonly used_heap_size: number;
  readonly heap_size_limit: number;
}

export class HeapPressure {
  readonly #clock: Clock;
  readonly #size: () => HeapSize;
  #lookedMs = -Infinity;
  #high = false;

  constructor(clock: Clock, size: () => HeapSize = getHeapStatistics) {
    this.#clock = clock;
    this.#size = size;
  }

  get isHigh(): boolean {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#lookedMs < LOOK_EVERY_MS) return this.#high;
    this.#lookedMs = nowMs;
    const { used_heap_size, heap_size_limit } = this.#size();
    this.#high = used_heap_size > heap_size_limit * REFUSE_SHARE;
    return this.#high;
  }

  /** Throws VitrineError `overloaded` while the heap is nearly full. */
  check(): void {
    if (this.isHigh) throw this.refusal();
  }

  refusal(): VitrineError {
    return overloaded('memory is nearly full: too much is');
  }
}
