/**
 * `head.db`, which makes acknowledged writes durable. It holds the live series, a row of samples for each commit (the
 * write-ahead rows), and per flush cycle the samples of each series that were too few for a chunk (the tails).
 * Head = tails of the last complete cycle + the write-ahead rows after it. A cycle becomes the last one in one transaction;
 * the rows it replaces are deleted afterwards, a few at a time.
 */
import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { MetricMetadata } from '../../../model/series.ts';
import { blankTraces } from '../codec/blank-traces.ts';
import { inTransaction, labelsOfText, openDatabase } from './database.ts';
import type { NewSeries } from '../head/series-table.ts';

const SCHEMA = `
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
  CREATE TABLE series (ref INTEGER PRIMARY KEY, labels TEXT NOT NULL);
  CREATE TABLE wal (id INTEGER PRIMARY KEY, batches BLOB NOT NULL);
  CREATE TABLE tail (id INTEGER PRIMARY KEY, cycle INTEGER NOT NULL, series BLOB NOT NULL);
  CREATE TABLE metadata (name TEXT PRIMARY KEY, json TEXT NOT NULL);
  CREATE TABLE probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL);
  INSERT INTO meta VALUES ('cycle', 0), ('covered', 0);
`;
export const JOURNAL_FILE = 'head.db';
/** Rows that are deleted in one step: a row may have some hundred kilobytes. */
const SLICE_ROWS = 64;
const PROBE_BYTES = 256 * 1024;

export interface JournalCommit {
  readonly series: readonly NewSeries[];
  readonly metadata: readonly MetricMetadata[];
  /** Batches one after another; empty when there is none. */
  readonly batches: Uint8Array;
}

function metadataOf(text: unknown): MetricMetadata | undefined {
  try {
    const entry = JSON.parse(String(text)) as Partial<MetricMetadata> | null;
    const texts = [entry?.name, entry?.type, entry?.help, entry?.unit];
    return texts.every((part) => typeof part === 'string') ? (entry as MetricMetadata) : undefined;
  } catch {
    return undefined;
  }
}

export class Journal {
  readonly db: DatabaseSync;
  readonly #insertSeries: StatementSync;
  readonly #insertWal: StatementSync;
  readonly #insertTail: StatementSync;
  readonly #insertMetadata: StatementSync;
  #cycle: number;
  #covered: number;
  #lastId: number;
  /** Bytes of write-ahead rows that no cycle covers yet. */
  #walBytes = 0;

  constructor(dir: string, durability: 'normal' | 'full') {
    const options = { schema: SCHEMA, pageBytes: 16_384, cacheKib: 2_048, durability, exclusive: true };
    this.db = openDatabase(path.join(dir, JOURNAL_FILE), options);
    try {
      this.#insertSeries = this.db.prepare('INSERT OR REPLACE INTO series (ref, labels) VALUES (?, ?)');
      this.#insertWal = this.db.prepare('INSERT INTO wal (id, batches) VALUES (?, ?)');
      this.#insertTail = this.db.prepare('INSERT INTO tail (cycle, series) VALUES (?, ?)');
      this.#insertMetadata = this.db.prepare('INSERT OR REPLACE INTO metadata (name, json) VALUES (?, ?)');
      this.#cycle = this.#number("SELECT value FROM meta WHERE key = 'cycle'");
      this.#covered = this.#number("SELECT value FROM meta WHERE key = 'covered'");
      this.#lastId = Math.max(this.#covered, this.#number('SELECT max(id) FROM wal'));
      this.#walBytes = this.#number(`SELECT sum(length(batches)) FROM wal WHERE id > ${this.#covered}`);
    } catch (error) {
      this.db.close();
      throw error;
    }
  }

  get walBytes(): number {
    return this.#walBytes;
  }

  /** Id of the newest write-ahead row. */
  get lastId(): number {
    return this.#lastId;
  }

  #number(sql: string): number {
    const row = this.db.prepare(sql).get() as Record<string, number | null> | undefined;
    const value = row === undefined ? 0 : (Object.values(row)[0] ?? 0);
    if (!Number.isSafeInteger(value)) throw new RangeError('a number in head.db is not a whole number');
    return value;
  }

  *series(): Generator<NewSeries> {
    for (const row of this.db.prepare('SELECT ref, labels FROM series').iterate()) {
      const labels = labelsOfText(row.labels);
      if (labels !== undefined) yield { ref: row.ref as number, labels };
    }
  }

  *metadata(): Generator<MetricMetadata> {
    for (const row of this.db.prepare('SELECT json FROM metadata').iterate()) {
      const entry = metadataOf(row.json);
      if (entry !== undefined) yield entry;
    }
  }

  *tails(): Generator<Uint8Array> {
    for (const row of this.db.prepare('SELECT series FROM tail WHERE cycle = ? ORDER BY id').iterate(this.#cycle)) {
      yield row.series as Uint8Array;
    }
  }

  *batches(): Generator<Uint8Array> {
    for (const row of this.db.prepare('SELECT batches FROM wal WHERE id > ? ORDER BY id').iterate(this.#covered)) {
      yield row.batches as Uint8Array;
    }
  }

  /** All or nothing, in one transaction. */
  commit({ series, metadata, batches }: JournalCommit): void {
    inTransaction(this.db, () => {
      for (const { ref, labels } of series) this.#insertSeries.run(ref, JSON.stringify(labels.pairs));
      for (const entry of metadata) this.#insertMetadata.run(entry.name, JSON.stringify(entry));
      if (batches.length > 0) this.#insertWal.run(this.#lastId + 1, batches);
    });
    if (batches.length === 0) return;
    this.#lastId += 1;
    this.#walBytes += batches.length;
  }

  /** Deletes the rows of a cycle that did not end; returns the number of the new one. */
  beginCycle(): number {
    this.db.exec(`DELETE FROM tail WHERE cycle > ${this.#cycle}`);
    return this.#cycle + 1;
  }

  addTail(cycle: number, series: Uint8Array): void {
    this.#insertTail.run(cycle, series);
  }

  /** Makes tails of `cycle` and rows after `covered` the head, and removes the series `gone` from it. */
  endCycle(cycle: number, covered: number, gone: readonly number[]): void {
    const removeSeries = this.db.prepare('DELETE FROM series WHERE ref = ?');
    const set = this.db.prepare('UPDATE meta SET value = ? WHERE key = ?');
    inTransaction(this.db, () => {
      set.run(cycle, 'cycle');
      set.run(covered, 'covered');
      for (const ref of gone) removeSeries.run(ref);
    });
    this.#cycle = cycle;
    this.#covered = covered;
    this.#walBytes = this.#number(`SELECT sum(length(batches)) FROM wal WHERE id > ${covered}`);
  }

  /** Deletes some replaced rows; true while there are more. */
  deleteSlice(): boolean {
    const wal = this.db
      .prepare('DELETE FROM wal WHERE id IN (SELECT id FROM wal WHERE id <= ? ORDER BY id LIMIT ?)')
      .run(this.#covered, SLICE_ROWS);
    const tails = this.db
      .prepare('DELETE FROM tail WHERE id IN (SELECT id FROM tail WHERE cycle < ? LIMIT ?)')
      .run(this.#cycle, SLICE_ROWS);
    return Number(wal.changes) + Number(tails.changes) > 0;
  }

  /**
   * Blanks the ids of deleted traces in all write-ahead rows, also in those that a cycle has covered, and leaves no copy of them
   * in free pages or in SQLite's own log.
   */
  blankTraces(traceIds: ReadonlySet<string>): void {
    const ids = this.db.prepare('SELECT id FROM wal').all() as { readonly id: number }[];
    const read = this.db.prepare('SELECT batches FROM wal WHERE id = ?');
    const write = this.db.prepare('UPDATE wal SET batches = ? WHERE id = ?');
    inTransaction(this.db, () => {
      for (const { id } of ids) {
        const row = read.get(id) as { readonly batches: Uint8Array };
        if (blankTraces(row.batches, traceIds)) write.run(row.batches, id);
      }
    });
    this.db.exec('PRAGMA secure_delete = ON; VACUUM; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA secure_delete = OFF');
  }

  /** Writes and removes 256 KiB: throws when the disk still refuses. */
  probe(): void {
    inTransaction(this.db, () => {
      this.db.prepare('INSERT INTO probe (filler) VALUES (zeroblob(?))').run(PROBE_BYTES);
    });
    this.db.exec('DELETE FROM probe');
  }

  close(): void {
    this.db.close();
  }
}
