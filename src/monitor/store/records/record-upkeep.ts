/**
 * The record store's periodic work: records become batches when memory is full, when they are an hour old, and when there
 * are many write-ahead rows; age and size are applied every minute. One piece of work runs at a time, in slices of some
 * milliseconds.
 */
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { every } from '../../../base/clock.ts';
import { RECORD_SIGNALS, type RecordSignal } from '../../../model/record-source.ts';
import { isDiskTrouble } from '../disk/database.ts';
import { databaseBytes } from '../disk/day-files.ts';
import type { WriteGate } from '../disk/write-gate.ts';
import { copyDatabase } from '../upkeep/backup.ts';
import type { RecordFiles } from './disk/record-files.ts';
import { RECORD_JOURNAL_FILE, type RecordJournal } from './disk/record-journal.ts';
import type { RecordStoreOptions } from './options.ts';
import { WAIT_MS, type FlushMode, type RecordFlush } from './record-flush.ts';
import { applyRecordRetention } from './record-retention.ts';
import type { PendingSignals } from './pending.ts';

const UPKEEP_MS = 5_000;
const RETENTION_EVERY_MS = 60_000;
const WAL_BYTES_MAX = 64 * 1024 * 1024;
/** A flush that could write nothing is not tried again before this. */
const AGAIN_MS = 1_000;

export interface RecordUpkeepParts {
  readonly options: RecordStoreOptions;
  readonly journal: RecordJournal;
  readonly files: RecordFiles;
  readonly gate: WriteGate;
  readonly flush: RecordFlush;
  readonly pending: PendingSignals;
  readonly closing: AbortSignal;
}

export class RecordUpkeep {
  readonly #parts: RecordUpkeepParts;
  readonly #stop: () => void;
  /** The end of the work that runs or waits. */
  #tail: Promise<unknown> = Promise.resolve();
  readonly #relieving = new Set<RecordSignal>();
  readonly #triedMs = new Map<RecordSignal, number>();
  #lastRetentionMs = -Infinity;
  #sizeBytes = 0;

  constructor(parts: RecordUpkeepParts) {
    this.#parts = parts;
    this.#stop = every(
      parts.options.clock,
      UPKEEP_MS,
      () => this.#tick(),
      (error: unknown) => this.#trouble(error),
    );
    this.#measure();
  }

  get sizeBytes(): number {
    return this.#sizeBytes;
  }

  /** Runs `work` after the work that was asked for before. */
  alone<T>(work: () => Promise<T>): Promise<T> {
    const run = this.#tail.then(work);
    this.#tail = run.catch(() => {});
    return run;
  }

  /** Turns records into batches, and resolves with whether records left the memory; trouble with the disk shuts the gate. */
  run(signal: RecordSignal, mode: FlushMode): Promise<boolean> {
    return this.alone(async () => {
      try {
        return await this.#parts.flush.run(signal, mode);
      } catch (error) {
        this.#trouble(error);
        return false;
      }
    });
  }

  #isFull(signal: RecordSignal): boolean {
    const { options, pending, gate, closing } = this.#parts;
    return pending[signal].bytes > options.memoryBytes[signal] && gate.open && !closing.aborted;
  }

  /** Starts a flush of each signal whose records take more than their memory. */
  relieve(): void {
    const now = this.#parts.options.clock.monotonic();
    for (const signal of RECORD_SIGNALS) {
      if (!this.#isFull(signal) || this.#relieving.has(signal)) continue;
      if (now - (this.#triedMs.get(signal) ?? -Infinity) < AGAIN_MS) continue;
      this.#relieving.add(signal);
      void this.#relieve(signal);
    }
  }

  async #relieve(signal: RecordSignal): Promise<void> {
    let wrote: boolean;
    // What came in while a flush ran may fill the memory again.
    do wrote = await this.run(signal, 'pressure');
    while (wrote && this.#isFull(signal));
    this.#relieving.delete(signal);
    if (!wrote) this.#triedMs.set(signal, this.#parts.options.clock.monotonic());
  }

  /** Resolves after the work that runs now. */
  async relieved(): Promise<void> {
    await this.#tail;
  }

  retain(): Promise<void> {
    return this.alone(async () => {
      const { files, options, closing } = this.#parts;
      this.#lastRetentionMs = options.clock.monotonic();
      try {
        await applyRecordRetention({ files, options, closing }, options.clock.now());
      } catch (error) {
        this.#trouble(error);
      }
      this.#measure();
    });
  }

  async copyTo(target: string): Promise<void> {
    const { journal, files } = this.#parts;
    await copyDatabase(journal.db, path.join(target, RECORD_JOURNAL_FILE));
    for (const known of files.list()) {
      const source = new DatabaseSync(known.path);
      try {
        await copyDatabase(source, path.join(target, path.basename(known.path)));
      } finally {
        source.close();
      }
    }
  }

  async close(): Promise<void> {
    this.#stop();
    await this.#tail;
  }

  async #tick(): Promise<void> {
    const { options, gate, pending, journal, flush } = this.#parts;
    gate.check();
    this.#measure();
    if (!gate.open) return;
    const now = options.clock.monotonic();
    const long = journal.walBytes > WAL_BYTES_MAX;
    for (const signal of RECORD_SIGNALS) {
      if (long) await this.run(signal, 'pressure');
      else if (now - pending[signal].oldestMs() >= WAIT_MS) await this.run(signal, 'age');
    }
    // Batches that an earlier trouble with the disk left in the outbox.
    await this.alone(async () => flush.deliver()).catch((error: unknown) => this.#trouble(error));
    if (now - this.#lastRetentionMs >= RETENTION_EVERY_MS) await this.retain();
  }

  #measure(): void {
    const { files, options } = this.#parts;
    this.#sizeBytes = files.measure() + databaseBytes(path.join(options.dir, RECORD_JOURNAL_FILE));
  }

  #trouble(error: unknown): void {
    const { gate, options } = this.#parts;
    if (isDiskTrouble(error)) gate.shut(error);
    else options.logger.error({ error }, 'upkeep of the record store failed');
  }
}
