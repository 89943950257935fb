/**
 * One page of a search: the newest matches before a cursor, the same on repetition. Batches overlap in time, so a page is
 * complete only when no later batch can hold a newer match than the oldest of the page.
 */
import type { Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { comparePositions, type PlacedRecord } from '../store/recent/record-rows.ts';
import type { RecordBatch, RecordPosition, RecordSignal, RecordSource } from '../../model/record-source.ts';
import { scanMatches, type ScanOutcome, type ScanRequest } from './scan.ts';

export interface Page<S extends RecordSignal> extends ScanOutcome {
  /** Newest first. */
  readonly rows: readonly PlacedRecord<S>[];
  /** Where the next page begins; undefined after the last. */
  readonly next: RecordPosition | undefined;
}

/** @throws VitrineError `query_failed` */
export async function searchPage<S extends RecordSignal>(
  source: RecordSource,
  request: ScanRequest<S>,
  limit: number,
  clock: Clock,
): Promise<Page<S>> {
  const newest = new NewestRows<S>(limit + 1);
  const outcome = await scanMatches(
    source,
    request,
    clock,
    (batch, rows) => newest.take(batch, rows),
    (timeUnixNano) => newest.mayTake(timeUnixNano),
  );
  const reached = BigInt(Math.floor(outcome.reachedMs)) * 1_000_000n;
  // Rows older than the place where a limit ended the scan may have newer ones before them that were not read.
  const certain = outcome.complete
    ? newest.rows
    : newest.rows.filter(({ position }) => position.timeUnixNano >= reached);
  const rows = certain.slice(0, limit);
  let next: RecordPosition | undefined;
  if (certain.length > limit) next = rows[rows.length - 1].position;
  else if (!outcome.complete) next = { timeUnixNano: reached, sequence: 0 };
  return { ...outcome, rows, next };
}

/** The newest rows so far, newest first, at most `capacity`. */
class NewestRows<S extends RecordSignal> {
  readonly #capacity: number;
  rows: PlacedRecord<S>[] = [];

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  /** False when nothing at or before this time can be among the newest. */
  mayTake(timeUnixNano: bigint): boolean {
    return this.rows.length < this.#capacity || timeUnixNano >= this.rows[this.rows.length - 1].position.timeUnixNano;
  }

  take(batch: RecordBatch<S>, rows: Uint32Array): void {
    const least = this.rows.length < this.#capacity ? undefined : this.rows[this.rows.length - 1].position;
    const taken: PlacedRecord<S>[] = [];
    for (const row of rows.slice(-this.#capacity)) {
      const position = batch.positionOf(row);
      if (least === undefined || comparePositions(position, least) > 0)
        taken.push({ position, record: batch.record(row) });
    }
    if (taken.length === 0) return;
    this.rows = [...this.rows, ...taken]
      .sort((a, b) => comparePositions(b.position, a.position))
      .slice(0, this.#capacity);
  }
}

/** The cursor as clients send it back. */
export function cursorText({ timeUnixNano, sequence }: RecordPosition): string {
  return Buffer.from(`${timeUnixNano}.${sequence}`).toString('base64url');
}

/** @throws VitrineError `bad_request` */
export function cursorPosition(text: string): RecordPosition {
  const [, time, sequence] = /^(\d{1,20})\.(\d{1,16})$/.exec(Buffer.from(text, 'base64url').toString('latin1')) ?? [];
  if (time === undefined) {
    throw new VitrineError('bad_request', 'The cursor is not one that a search returned.', {
      hint: 'Send `next` of the previous answer unchanged, or leave it out for the first page.',
    });
  }
  return { timeUnixNano: BigInt(time), sequence: Number(sequence) };
}
