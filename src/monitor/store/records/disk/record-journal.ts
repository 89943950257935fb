/**
 * `records.db`, which makes accepted records durable. Each commit writes the records of a turn as rows of the write-ahead
 * table. When records become batches, one transaction puts the batches into the outbox and deletes their write-ahead rows;
 * from the outbox they are delivered to their day files. A kill between the steps loses nothing and repeats nothing: a
 * record is always in exactly one of the two tables or delivered, and a second delivery of a batch changes nothing.
 */
import path from 'node:path';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { RECORD_SIGNALS, type RecordSignal } from '../../../../model/record-source.ts';
import { ByteReader, ByteWriter } from '../../codec/bytes.ts';
import { inTransaction, openDatabase } from '../../disk/database.ts';
import type { EncodedBatch } from '../columns/batch-writer.ts';
import { RECORD_KINDS, type RecordKind } from './record-files.ts';
import type { NumberedBatch } from './record-file.ts';

export const RECORD_JOURNAL_FILE = 'records.db';
/** 2: write-ahead rows are no longer JSON; those of version 1 are read. */
const VERSION = 2;
const PROBE_BYTES = 256 * 1024;
const SCHEMA = `
  CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS wal (id INTEGER PRIMARY KEY, signal INTEGER NOT NULL, data BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS outbox (id INTEGER PRIMARY KEY, kind INTEGER NOT NULL, day TEXT NOT NULL, batch BLOB NOT NULL);
  CREATE TABLE IF NOT EXISTS missing (at INTEGER PRIMARY KEY, rows INTEGER NOT NULL, exact INTEGER NOT NULL);
  CREATE TABLE IF NOT EXISTS probe (id INTEGER PRIMARY KEY, filler BLOB NOT NULL);
`;
/** More records than arrive in a millisecond. */
const SEQUENCES_A_MS = 256;
/** Entries about lost rows that are kept. */
const MISSING_MAX = 5_000;

export interface WalRow {
  readonly signal: RecordSignal;
  readonly data: Uint8Array;
}

export interface Delivery extends NumberedBatch {
  readonly kind: RecordKind;
  readonly day: string;
}

export interface Missing {
  readonly atMs: number;
  readonly rows: number;
  readonly exact: boolean;
}

export class RecordJournal {
  readonly db: DatabaseSync;
  readonly #insert: StatementSync;
  #lastId: number;
  #lastBatch: number;
  readonly #nowMs: () => number;
  #walBytes: number;

  constructor(dir: string, durability: 'normal' | 'full', nowMs: () => number) {
    this.#nowMs = nowMs;
    const options = {
      schema: SCHEMA,
      pageBytes: 16_384,
      cacheKib: 2_048,
      durability,
      exclusive: true,
      version: VERSION,
    };
    this.db = openDatabase(path.join(dir, RECORD_JOURNAL_FILE), options);
    try {
      this.#insert = this.db.prepare('INSERT INTO wal (id, signal, data) VALUES (?, ?, ?)');
      this.#lastId = Math.max(this.#number('SELECT max(id) FROM wal'), this.#meta('wal'));
      this.#lastBatch = Math.max(this.#number('SELECT max(id) FROM outbox'), this.#meta('batch'));
      this.#walBytes = this.#number('SELECT sum(length(data)) FROM wal');
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

  /**
   * The next number for a batch; it is used for good once `turnIntoBatches` has run. It is not below the time in
   * milliseconds, so numbers of a file that replaces a lost one do not meet those in the day files.
   */
  nextBatch(): number {
    this.#lastBatch = Math.max(this.#lastBatch + 1, this.#nowMs());
    return this.#lastBatch;
  }

  #number(sql: string): number {
    const [value] = Object.values(this.db.prepare(sql).get() ?? { none: 0 });
    const number = value === null ? 0 : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number))
      throw new RangeError('a number in records.db is not a whole number');
    return number;
  }

  #meta(key: string): number {
    return Number(this.db.prepare('SELECT value FROM meta WHERE key = ?').get(key)?.value ?? 0);
  }

  /** The highest sequence number of a signal that was turned into batches; in a new file, above those of a lost one. */
  sequenceOf(signal: RecordSignal): number {
    const known = this.#meta(`sequence ${signal}`);
    return known > 0 ? known : this.#nowMs() * SEQUENCES_A_MS;
  }

  *rows(): Generator<WalRow> {
    for (const row of this.db.prepare('SELECT signal, data FROM wal ORDER BY id').iterate()) {
      const signal = RECORD_SIGNALS[row.signal as number];
      if (signal !== undefined) yield { signal, data: row.data as Uint8Array };
    }
  }

  /** Batches on their way to a file. `onDamage` hears of those that cannot be read. */
  *outbox(onDamage: () => void): Generator<Delivery> {
    for (const row of this.db.prepare('SELECT id, kind, day, batch FROM outbox ORDER BY id').iterate()) {
      const kind = RECORD_KINDS[row.kind as number];
      if (kind === undefined) continue;
      try {
        yield { id: row.id as number, kind, day: String(row.day), batch: unpackedBatch(row.batch as Uint8Array) };
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        onDamage();
      }
    }
  }

  /** All or nothing, in one transaction. */
  commit(rows: readonly WalRow[]): void {
    let id = this.#lastId;
    inTransaction(this.db, () => {
      for (const { signal, data } of rows) this.#insert.run(++id, RECORD_SIGNALS.indexOf(signal), data);
    });
    this.#lastId = id;
    for (const { data } of rows) this.#walBytes += data.length;
  }

  /**
   * Puts batches into the outbox and deletes the write-ahead rows of the signal up to `covered`; `carried` holds the records
   * of these rows that are in no batch. `sequence`: the highest of the signal so far.
   */
  turnIntoBatches(
    signal: RecordSignal,
    covered: number,
    batches: readonly Delivery[],
    carried: readonly Uint8Array[],
    sequence: number,
  ): void {
    const put = this.db.prepare('INSERT INTO outbox (id, kind, day, batch) VALUES (?, ?, ?, ?)');
    const set = this.db.prepare('INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)');
    let id = this.#lastId;
    inTransaction(this.db, () => {
      for (const { id: number, kind, day, batch } of batches)
        put.run(number, RECORD_KINDS.indexOf(kind), day, packedBatch(batch));
      for (const data of carried) this.#insert.run(++id, RECORD_SIGNALS.indexOf(signal), data);
      this.db.prepare('DELETE FROM wal WHERE signal = ? AND id <= ?').run(RECORD_SIGNALS.indexOf(signal), covered);
      set.run('wal', id);
      set.run('batch', this.#lastBatch);
      set.run(`sequence ${signal}`, sequence);
    });
    this.#lastId = id;
    this.#walBytes = this.#number('SELECT sum(length(data)) FROM wal');
  }

  delivered(ids: readonly number[]): void {
    const remove = this.db.prepare('DELETE FROM outbox WHERE id = ?');
    inTransaction(this.db, () => {
      for (const id of ids) remove.run(id);
    });
  }

  /** Adds to the rows that were lost at about this time. */
  noteMissing({ atMs, rows, exact }: Missing): void {
    this.db
      .prepare(
        `INSERT INTO missing (at, rows, exact) VALUES (?, ?, ?)
         ON CONFLICT (at) DO UPDATE SET rows = rows + excluded.rows, exact = min(exact, excluded.exact)`,
      )
      .run(atMs, rows, exact ? 1 : 0);
    this.db
      .prepare('DELETE FROM missing WHERE at NOT IN (SELECT at FROM missing ORDER BY at DESC LIMIT ?)')
      .run(MISSING_MAX);
  }

  missing(fromMs: number, toMs: number): Missing[] {
    const rows = this.db.prepare('SELECT at, rows, exact FROM missing WHERE at >= ? AND at < ?').all(fromMs, toMs);
    return rows.map((row) => ({ atMs: Number(row.at), rows: Number(row.rows), exact: row.exact === 1 }));
  }

  /** Overwrites what was deleted, on disk too. */
  scrub(): void {
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

function packedBatch({ service, rows, firstMs, lastMs, head, ids, parts, sizeBytes }: EncodedBatch): Uint8Array {
  const writer = new ByteWriter(sizeBytes + 1_024);
  writer.text(service);
  writer.varint(rows);
  writer.f64(firstMs);
  writer.f64(lastMs);
  writer.varint(parts.length);
  for (const part of [head, ids, ...parts]) {
    writer.varint(part.length);
    writer.bytes(part);
  }
  return writer.take();
}

function unpackedBatch(bytes: Uint8Array): EncodedBatch {
  const reader = new ByteReader(bytes);
  const [service, rows, firstMs, lastMs, count] = [
    reader.text(),
    reader.varint(),
    reader.f64(),
    reader.f64(),
    reader.varint(),
  ];
  const part = (): Uint8Array => reader.bytes(reader.varint());
  const [head, ids] = [part(), part()];
  const parts = Array.from({ length: Math.min(count, bytes.length) }, part);
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, head.length + ids.length);
  return { service, rows, firstMs, lastMs, head, ids, parts, sizeBytes };
}
