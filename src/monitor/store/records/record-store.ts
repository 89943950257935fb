/**
 * The store of log lines, spans and rows of the request ledger. The newest records are in memory and in the write-ahead
 * table of `records.db`; older ones are batches of columns in one SQLite file a day and kind. An append resolves when its
 * records survive a kill of the process. docs/adr/0042-record-store.md gives the reasons.
 *
 * Appends of one turn of the event loop are one transaction, and so are those that come within `COMMIT_MS` after another one:
 * each transaction writes whole pages, however small the rows. When the disk refuses it, each append rejects with `storage_full`
 * and nothing of it is kept.
 */
import path from 'node:path';
import { VitrineError } from '../../../base/errors.ts';
import type { AppendResult, Rejection } from '../../../model/ports.ts';
import type {
  RecordBatch,
  RecordEraser,
  RecordOf,
  RecordRun,
  RecordScan,
  RecordSignal,
  RecordSource,
  RecordStats,
} from '../../../model/record-source.ts';
import { RECORD_SIGNALS } from '../../../model/record-source.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { isDamaged, isDiskTrouble } from '../disk/database.ts';
import { WriteGate } from '../disk/write-gate.ts';
import type { RecordFiles } from './disk/record-files.ts';
import { RECORD_JOURNAL_FILE, type Missing, type RecordJournal } from './disk/record-journal.ts';
import type { RecordStoreOptions } from './options.ts';
import { Pending, type Entering, type PendingSignals } from './pending.ts';
import { enteringOf, prepareAppend } from './record-append.ts';
import { eraseRecords } from './record-erasure.ts';
import { recordStats, servicesIn } from './record-figures.ts';
import { RecordFlush } from './record-flush.ts';
import { RecordScanner } from './record-scanner.ts';
import { RecordUpkeep } from './record-upkeep.ts';
import { TraceSeals } from './trace-seals.ts';
import { WalWriter } from './wal/wal-codec.ts';

/** Appends wait for a flush when the records in memory take more than this many times their size, and are refused above twice that. */
const SLOW_SHARE = 2;

/** The least time between two transactions. The first append after a pause does not wait. */
const COMMIT_MS = 5;

interface Waiting {
  /** Makes the records visible. */
  readonly enter: () => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export interface RecordStoreParts {
  readonly options: RecordStoreOptions;
  readonly journal: RecordJournal;
  readonly files: RecordFiles;
}

export class RecordStore implements RecordSource, RecordEraser, AsyncDisposable {
  readonly #options: RecordStoreOptions;
  readonly #journal: RecordJournal;
  readonly #files: RecordFiles;
  readonly #gate: WriteGate;
  readonly #seals = new TraceSeals();
  readonly #pending: PendingSignals = {
    logs: new Pending('logs'),
    traces: new Pending('traces'),
    requests: new Pending('requests'),
  };
  readonly #sequences: Record<RecordSignal, number>;
  readonly #flush: RecordFlush;
  readonly #scanner: RecordScanner;
  readonly #upkeep: RecordUpkeep;
  readonly #closing = new AbortController();
  readonly #lost: Record<RecordSignal, number> = { logs: 0, traces: 0, requests: 0 };
  #waiting: Waiting[] = [];
  /** Make the rows that the next transaction writes. */
  readonly #rows = new Map<RecordSignal, WalWriter<RecordSignal>>();
  #committedMs = -Infinity;

  /** Use `openRecordStore`. */
  constructor({ options, journal, files }: RecordStoreParts) {
    this.#options = options;
    this.#journal = journal;
    this.#files = files;
    const { dir, minFreeBytes, clock, logger } = options;
    const file = path.join(dir, RECORD_JOURNAL_FILE);
    this.#gate = new WriteGate({ dir, file, minFreeBytes, clock, logger, probe: () => journal.probe() });
    this.#sequences = {
      logs: journal.sequenceOf('logs'),
      traces: journal.sequenceOf('traces'),
      requests: journal.sequenceOf('requests'),
    };
    const { signal } = this.#closing;
    this.#flush = new RecordFlush({
      options,
      journal,
      files,
      seals: this.#seals,
      pending: this.#pending,
      sequenceOf: (of) => this.#sequences[of],
      closing: signal,
    });
    this.#scanner = new RecordScanner({
      files,
      clock,
      memory: (of, services) => this.#flush.memory(of, services),
      undelivered: (of) => this.#flush.undelivered(of),
      onLoss: (of, records, reason) => this.#lose(of, records, reason),
    });
    this.#upkeep = new RecordUpkeep({
      options,
      journal,
      files,
      gate: this.#gate,
      flush: this.#flush,
      pending: this.#pending,
      closing: signal,
    });
  }

  /** Takes a record that the write-ahead table holds, at the start. */
  restore<S extends RecordSignal>(signal: S, record: RecordOf[S], sequence: number): void {
    this.#sequences[signal] = Math.max(this.#sequences[signal], sequence);
    this.#enter(signal, [enteringOf(signal, record, sequence, RESTORED_LENGTH)]);
  }

  /** The records in memory that are not being turned into batches. */
  inMemory<S extends RecordSignal>(signal: S): Generator<RecordOf[S]> {
    return (this.#pending[signal] as unknown as Pending<S>).records();
  }

  async append<S extends RecordSignal>(signal: S, given: readonly RecordOf[S][]): Promise<AppendResult> {
    if (this.#closing.signal.aborted) throw new VitrineError('draining', 'The store is closed.');
    if (!this.#gate.open) throw this.#gate.refusal();
    const limit = this.#options.memoryBytes[signal] * SLOW_SHARE;
    if (this.#memoryBytes(signal) > limit * 2)
      return refused('queue_full', given.length, 'records come faster than they are stored');
    const { entering, result } = prepareAppend(this.#rowOf(signal), given, this.#sequences[signal] + 1);
    if (entering.length === 0) return result;
    this.#sequences[signal] += entering.length;
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => this.#enter(signal, entering);
      this.#waiting.push({ enter, resolve, reject });
      if (this.#waiting.length === 1) this.#commitSoon();
    });
    // The sender waits: this is how it learns to send less.
    if (this.#memoryBytes(signal) > limit) await this.#upkeep.relieved();
    return result;
  }

  #memoryBytes(signal: RecordSignal): number {
    return this.#pending[signal].bytes + this.#flush.closingBytes(signal);
  }

  #enter<S extends RecordSignal>(signal: S, entering: readonly Entering<S>[]): void {
    const nowMs = this.#options.clock.monotonic();
    const pending = this.#pending[signal] as unknown as Pending<S>;
    for (const one of entering) {
      pending.add(one, nowMs);
      if (signal === 'traces') this.#seals.note(one.record as SpanRecord, nowMs);
    }
  }

  #rowOf<S extends RecordSignal>(signal: S): WalWriter<S> {
    let row = this.#rows.get(signal);
    if (row === undefined) this.#rows.set(signal, (row = new WalWriter<RecordSignal>(signal)));
    return row as unknown as WalWriter<S>;
  }

  #commitSoon(): void {
    const waitMs = this.#committedMs + COMMIT_MS - performance.now();
    if (waitMs > 1) setTimeout(() => this.#commit(), waitMs);
    else setImmediate(() => this.#commit());
  }

  #commit(): void {
    const waiting = this.#waiting;
    if (waiting.length === 0) return;
    this.#waiting = [];
    const rows = [...this.#rows.values()].filter(({ records }) => records > 0);
    try {
      this.#journal.commit(rows.map((row) => ({ signal: row.signal, data: row.row() })));
    } catch (error) {
      const full = isDiskTrouble(error) || isDamaged(error);
      if (full) this.#gate.shut(error);
      for (const { reject } of waiting) reject(full ? this.#gate.refusal(error) : error);
      return;
    } finally {
      for (const row of rows) row.clear();
      this.#committedMs = performance.now();
    }
    for (const { enter, resolve } of waiting) {
      enter();
      resolve();
    }
    this.#upkeep.relieve();
  }

  #lose(signal: RecordSignal, records: number, reason: string): void {
    this.#lost[signal] += records;
    this.#options.logger.error({ signal, records }, `${reason}; the other batches are read`);
  }

  scan<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S> {
    if (this.#closing.signal.aborted) throw new VitrineError('draining', 'The store is closed.');
    return this.#scanner.run(scan);
  }

  services(signal: RecordSignal, fromMs: number, toMs: number): readonly string[] {
    return servicesIn(signal, { files: this.#files, flush: this.#flush }, fromMs, toMs);
  }

  /** Ledger rows were lost before they reached the store. `exact`: the number is known. */
  noteMissing(missing: Missing): void {
    try {
      this.#journal.noteMissing(missing);
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      this.#gate.shut(error);
    }
  }

  missing(fromMs: number, toMs: number): { rows: number; exact: boolean } {
    const found = this.#journal.missing(fromMs, toMs);
    return { rows: found.reduce((sum, { rows }) => sum + rows, 0), exact: found.every(({ exact }) => exact) };
  }

  stats(): RecordStats {
    return recordStats({ files: this.#files, pending: this.#pending, lost: this.#lost });
  }

  get writable(): boolean {
    return this.#gate.open;
  }

  /** Bytes on disk at the last measurement. */
  get sizeBytes(): number {
    return this.#upkeep.sizeBytes;
  }

  /** Turns everything in memory into batches; open traces are sealed. Throws VitrineError `storage_full`. */
  async flush(): Promise<void> {
    for (const signal of RECORD_SIGNALS) await this.#upkeep.run(signal, 'all');
    if (!this.#gate.open) throw this.#gate.refusal();
  }

  /** Applies age and size now. */
  retain(): Promise<void> {
    return this.#upkeep.retain();
  }

  async erase<S extends RecordSignal>(
    scan: RecordScan & { readonly signal: S },
    chosen: (batch: RecordBatch<S>) => readonly number[],
    dryRun: boolean,
  ): Promise<number> {
    if (dryRun) {
      let count = 0;
      for await (const batch of this.scan(scan)) count += chosen(batch).length;
      return count;
    }
    // What is in memory and in write-ahead rows becomes batches first: then there is one place to delete from.
    await this.flush();
    return this.#upkeep.alone(async () => {
      const count = await eraseRecords({ files: this.#files, onLoss: this.#lose.bind(this), scan, chosen });
      this.#journal.scrub();
      return count;
    });
  }

  /** Copies the files of the store into a directory that exists. The copy holds every write acknowledged before the call. */
  async backup(target: string): Promise<void> {
    this.#commit();
    await this.#upkeep.alone(() => this.#upkeep.copyTo(target));
  }

  /** Commits waiting appends and closes the files. Nothing is flushed: the next start replays the write-ahead rows. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return;
    this.#commit();
    this.#closing.abort();
    this.#gate.close();
    await this.#upkeep.close();
    this.#files.close();
    this.#journal.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** The bytes of one restored record are not known; this many are usual. */
const RESTORED_LENGTH = 250;

function refused(reason: Rejection['reason'], count: number, message: string): AppendResult {
  return { accepted: 0, rejected: [{ reason, count, message }] };
}
