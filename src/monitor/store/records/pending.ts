/**
 * Records that are in the write-ahead table and in no batch yet, by service. They are what a search sees of the last
 * minutes, and they are never changed: a search keeps the arrays that it began with.
 */
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import { MemoryBatch } from './memory-batch.ts';

/** What a record takes in memory, from the length of its text: objects take more than their text. */
const OBJECT_BYTES = 300;
const TEXT_SHARE = 1.5;

export const memoryBytesOf = (textLength: number): number => OBJECT_BYTES + textLength * TEXT_SHARE;

export interface PendingGroup<S extends RecordSignal> {
  readonly service: string;
  readonly records: RecordOf[S][];
  readonly sequences: number[];
  readonly sizes: number[];
  bytes: number;
  /** Monotonic time at which the oldest record came. */
  sinceMs: number;
  view: MemoryBatch<S> | undefined;
}

export interface Entering<S extends RecordSignal> {
  readonly service: string;
  readonly record: RecordOf[S];
  readonly sequence: number;
  readonly sizeBytes: number;
}

export class Pending<S extends RecordSignal> {
  readonly signal: S;
  readonly #groups = new Map<string, PendingGroup<S>>();
  #bytes = 0;
  #rows = 0;

  constructor(signal: S) {
    this.signal = signal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rows(): number {
    return this.#rows;
  }

  groups(): Iterable<PendingGroup<S>> {
    return this.#groups.values();
  }

  oldestMs(): number {
    let oldest = Infinity;
    for (const { sinceMs } of this.#groups.values()) oldest = Math.min(oldest, sinceMs);
    return oldest;
  }

  add({ service, record, sequence, sizeBytes }: Entering<S>, nowMs: number): void {
    let group = this.#groups.get(service);
    if (group === undefined) {
      group = { service, records: [], sequences: [], sizes: [], bytes: 0, sinceMs: nowMs, view: undefined };
      this.#groups.set(service, group);
    }
    group.records.push(record);
    group.sequences.push(sequence);
    group.sizes.push(sizeBytes);
    group.sinceMs = Math.min(group.sinceMs, nowMs);
    group.bytes += sizeBytes;
    group.view = undefined;
    this.#bytes += sizeBytes;
    this.#rows += 1;
  }

  /** Takes a group out; the caller puts back what stays. */
  take(service: string): PendingGroup<S> | undefined {
    const group = this.#groups.get(service);
    if (group === undefined) return undefined;
    this.#groups.delete(service);
    this.#bytes -= group.bytes;
    this.#rows -= group.records.length;
    return group;
  }

  /** The records of all services, each service as one batch. */
  views(services: readonly string[] | undefined): MemoryBatch<S>[] {
    const views: MemoryBatch<S>[] = [];
    for (const group of this.#groups.values()) {
      if (services === undefined || services.includes(group.service)) views.push(viewOf(this.signal, group));
    }
    return views;
  }
}

export type PendingSignals = { readonly [S in RecordSignal]: Pending<S> };

function viewOf<S extends RecordSignal>(signal: S, group: PendingGroup<S>): MemoryBatch<S> {
  group.view ??= new MemoryBatch(signal, group.service, group.records, group.sequences);
  return group.view;
}
