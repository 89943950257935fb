/**
 * A filter over a source of records: asks the source for the batches that can match, and hands over the rows that do, newest
 * batch first. A search ends when the caller has enough, or at its limit of time or bytes; it then says how far it came.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { Clock } from '../../base/clock.ts';
import type { RecordBatch, RecordPosition, RecordSignal, RecordSource } from '../../model/record-source.ts';
import { ALWAYS, compileFilter, readColumns, type RowTest } from './evaluate.ts';
import type { Filter } from './filter.ts';
import { needsOf } from './plan.ts';

export interface ScanLimits {
  readonly timeMs: number;
  readonly bytes: number;
}

/** For one search. A search that meets a limit is continued with its cursor. */
export const SCAN_LIMITS: ScanLimits = { timeMs: 10_000, bytes: 2 * 1024 ** 3 };
const SLICE_MS = 8;

export interface ScanRequest<S extends RecordSignal> {
  readonly signal: S;
  readonly filter: Filter;
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  readonly before?: RecordPosition | undefined;
  readonly limits?: ScanLimits | undefined;
  /** Aborted when the client leaves. */
  readonly signalled?: AbortSignal | undefined;
}

export interface Scanned {
  readonly records: number;
  readonly bytes: number;
}

export interface ScanOutcome {
  /** False when a limit ended the scan before its range was covered. */
  readonly complete: boolean;
  /** All matches at or after this time were handed over. */
  readonly reachedMs: number;
  readonly scanned: Scanned;
  /** Records of the range that were lost with damaged batches. */
  readonly lost: number;
}

/**
 * Takes the matching rows of one batch, oldest first, and does not change them. `full` says that the caller takes no more
 * batches: when there are more, the scan has met a limit, as it has with those of time and bytes. A visitor that works for long on a batch is a generator:
 * others may get the thread where it yields.
 */
export type BatchVisitor<S extends RecordSignal> = (
  batch: RecordBatch<S>,
  rows: Uint32Array,
) => 'full' | void | Generator<undefined, void>;

/** `isNeeded` may end the scan before a batch is tested: later batches hold nothing newer than `newestUnixNano`. */
export async function scanMatches<S extends RecordSignal>(
  source: RecordSource,
  request: ScanRequest<S>,
  clock: Clock,
  visit: BatchVisitor<S>,
  isNeeded: (newestUnixNano: bigint) => boolean = () => true,
): Promise<ScanOutcome> {
  const { signal, filter, before, limits = SCAN_LIMITS, signalled } = request;
  const needs = needsOf(filter);
  const fromMs = Math.max(request.fromMs, Math.floor(needs.fromMs));
  const toMs = Math.min(request.toMs, Math.floor(needs.toMs) + 1);
  const tests = compileFilter(filter);
  const { services, ids, words } = needs;
  const run = source.scan({ signal, fromMs, toMs, services, ids, words, before, abort: signalled });
  const budget = new ScanBudget(
    limits,
    clock,
    before === undefined ? Infinity : Number(before.timeUnixNano / 1_000_000n),
  );
  const turns = new ScanTurns(clock);
  let ended: 'limit' | 'enough' | undefined;
  let full = false;
  if (fromMs < toMs) {
    for await (const batch of run) {
      if (!isNeeded(batch.newestUnixNano)) ended = 'enough';
      else if (budget.isSpent(batch.newestUnixNano, run.progress.bytes) || full) ended = 'limit';
      else {
        turns.begin();
        await turns.walk(readColumns(filter, batch));
        const visited = visit(batch, await matchingRows(batch, tests(batch), turns));
        if (typeof visited === 'object') await turns.walk(visited);
        full = visited === 'full';
      }
      if (ended !== undefined) break;
    }
  }
  const { records, bytes, lostRecords } = run.progress;
  const complete = ended === 'enough' || (ended === undefined && signalled?.aborted !== true);
  const reachedMs = complete ? request.fromMs : Math.max(budget.reachedMs, request.fromMs);
  return { complete, reachedMs, scanned: { records, bytes }, lost: lostRecords };
}

/** Ends a scan at its limits, but not before it came further than where it began: a search that goes on must get ahead. */
class ScanBudget {
  readonly #clock: Clock;
  readonly #bytes: number;
  readonly #endMs: number;
  readonly #beginMs: number;
  /** Batches come with their newest rows falling: everything at or after this time has come. */
  reachedMs = Infinity;

  constructor({ timeMs, bytes }: ScanLimits, clock: Clock, beginMs: number) {
    this.#clock = clock;
    this.#bytes = bytes;
    this.#endMs = clock.monotonic() + timeMs;
    this.#beginMs = beginMs;
  }

  isSpent(newestUnixNano: bigint, bytes: number): boolean {
    const first = this.reachedMs === Infinity;
    this.reachedMs = Number(newestUnixNano / 1_000_000n) + 1;
    if (first) return false;
    return (this.#clock.monotonic() > this.#endMs || bytes > this.#bytes) && this.reachedMs < this.#beginMs;
  }
}

/** Gives the thread to others when the work on one batch takes longer than a slice. The source does so between batches. */
class ScanTurns {
  readonly #clock: Clock;
  #endMs = Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  begin(): void {
    this.#endMs = this.#clock.monotonic() + SLICE_MS;
  }

  get over(): boolean {
    return this.#clock.monotonic() >= this.#endMs;
  }

  async pause(): Promise<void> {
    await nextTurn();
    this.begin();
  }

  async walk(steps: Iterable<undefined>): Promise<void> {
    for (const _ of steps) if (this.over) await this.pause();
  }
}

/** A row is tested within some microseconds. */
const ROWS_A_LOOK = 256;

/** 0, 1, 2, …: the rows of batches that match as a whole. Batches have tens of thousands of rows at most. */
let everyRow = new Uint32Array();

function rowsUpTo(end: number): Uint32Array {
  if (everyRow.length < end) everyRow = Uint32Array.from({ length: end }, (_, row) => row);
  return everyRow;
}

async function matchingRows(batch: RecordBatch, test: RowTest, turns: ScanTurns): Promise<Uint32Array> {
  const { begin, end } = batch;
  if (test === ALWAYS) return rowsUpTo(end).subarray(begin, end);
  const rows = new Uint32Array(end - begin);
  let count = 0;
  for (let row = begin; row < end; row += 1) {
    if (test(row)) rows[count++] = row;
    if (row % ROWS_A_LOOK === 0 && turns.over) await turns.pause();
  }
  return rows.subarray(0, count);
}
