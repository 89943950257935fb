/**
 * One UTC day of batches of one kind: `logs-YYYY-MM-DD.db`. It is complete in itself, so retention deletes a file and
 * archiving moves one. The list of its batches is kept in memory; their heads, ids and columns are read when they are
 * needed. A batch's number is unique in the data directory: adding it again changes nothing.
 */
import { crc32 } from 'node:zlib';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { inTransaction, isDamaged, openDatabase } from '../../disk/database.ts';
import type { EncodedBatch } from '../columns/batch-writer.ts';

/** A batch's parts have the numbers batch × 1024 + part. */
const PARTS_MAX = 1024;
const CHECK_BYTES = 4;

const SCHEMA = `
  CREATE TABLE batch (id INTEGER PRIMARY KEY, service TEXT NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL,
    rows INTEGER NOT NULL, bytes INTEGER NOT NULL, head BLOB NOT NULL);
  CREATE TABLE ids (batch INTEGER PRIMARY KEY, list BLOB NOT NULL);
  CREATE TABLE part (id INTEGER PRIMARY KEY, data BLOB NOT NULL);
`;

/** What the list of batches says of one. */
export interface BatchEntry {
  readonly id: number;
  readonly service: string;
  readonly firstMs: number;
  readonly lastMs: number;
  readonly rows: number;
  readonly sizeBytes: number;
}

export interface NumberedBatch {
  readonly id: number;
  readonly batch: EncodedBatch;
}

export class RecordFile {
  readonly path: string;
  readonly #db: DatabaseSync;
  readonly #entries = new Map<number, BatchEntry>();
  readonly #part: StatementSync;
  readonly #ids: StatementSync;
  readonly #head: StatementSync;

  /** Throws VitrineError `data_dir_unusable` for a newer version, SQLite's error for a damaged file. */
  constructor(path: string, version: number, durability: 'normal' | 'full') {
    this.path = path;
    // Small pages: a column rarely ends at the end of a page, and the rest of its last page is empty.
    this.#db = openDatabase(path, { schema: SCHEMA, pageBytes: 1_024, cacheKib: 256, durability, version });
    try {
      this.#part = this.#db.prepare('SELECT data FROM part WHERE id = ?');
      this.#ids = this.#db.prepare('SELECT list FROM ids WHERE batch = ?');
      this.#head = this.#db.prepare('SELECT head FROM batch WHERE id = ?');
      this.#load();
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #load(): void {
    const rows = this.#db.prepare('SELECT id, service, first, last, rows, bytes FROM batch ORDER BY id');
    for (const row of rows.iterate() as Iterable<Record<string, unknown>>) {
      const [id, first, last, count, bytes] = [row.id, row.first, row.last, row.rows, row.bytes].map(Number);
      this.#entries.set(id, {
        id,
        service: String(row.service),
        firstMs: first,
        lastMs: last,
        rows: count,
        sizeBytes: bytes,
      });
    }
  }

  entries(): Iterable<BatchEntry> {
    return this.#entries.values();
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Adds batches in one transaction; those that are already there are left as they are. */
  add(batches: readonly NumberedBatch[]): void {
    inTransaction(this.#db, () => {
      for (const one of batches) if (!this.#entries.has(one.id)) this.#insert(one);
    });
    for (const { id, batch } of batches) this.#note(id, batch);
  }

  #insert({ id, batch }: NumberedBatch): void {
    const { service, firstMs, lastMs, rows, sizeBytes, head, ids, parts } = batch;
    if (parts.length > PARTS_MAX) throw new RangeError('a batch has too many parts');
    this.#db
      .prepare('INSERT INTO batch (id, service, first, last, rows, bytes, head) VALUES (?, ?, ?, ?, ?, ?, ?)')
      .run(id, service, firstMs, lastMs, rows, sizeBytes, head);
    this.#db.prepare('INSERT INTO ids (batch, list) VALUES (?, ?)').run(id, withCheck(ids));
    const insert = this.#db.prepare('INSERT INTO part (id, data) VALUES (?, ?)');
    for (const [at, data] of parts.entries()) insert.run(id * PARTS_MAX + at, data);
  }

  #note(id: number, { service, firstMs, lastMs, rows, sizeBytes }: EncodedBatch): void {
    if (!this.#entries.has(id)) this.#entries.set(id, { id, service, firstMs, lastMs, rows, sizeBytes });
  }

  /** Undefined when the batch is gone. */
  head(id: number): Uint8Array | undefined {
    return readable(() => this.#head.get(id)?.head) as Uint8Array | undefined;
  }

  /** The list of ids; undefined when it is gone or damaged, and the batch must be read to know. */
  ids(id: number): Uint8Array | undefined {
    const list = readable(() => this.#ids.get(id)?.list);
    if (!(list instanceof Uint8Array) || list.length < CHECK_BYTES) return undefined;
    const bytes = list.subarray(0, -CHECK_BYTES);
    const check = new DataView(list.buffer, list.byteOffset + bytes.length).getUint32(0, true);
    return crc32(bytes) === check ? bytes : undefined;
  }

  /** Throws RangeError when the part is gone. */
  part(id: number, part: number): Uint8Array {
    const data = readable(() => this.#part.get(id * PARTS_MAX + part)?.data);
    if (!(data instanceof Uint8Array)) throw new RangeError('a part of a batch is missing');
    return data;
  }

  /** Deletes batches and returns their space to the disk. */
  remove(ids: readonly number[]): void {
    inTransaction(this.#db, () => {
      for (const id of ids) this.#delete(id);
    });
    for (const id of ids) this.#entries.delete(id);
    this.#db.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)');
  }

  /** Copies a batch as it is to another file, damaged parts included. Throws RangeError when its pages are damaged. */
  copyTo(target: RecordFile, entry: BatchEntry): void {
    const { id } = entry;
    const rows = readable(() => ({
      batch: this.#db.prepare('SELECT * FROM batch WHERE id = ?').all(id),
      ids: this.#db.prepare('SELECT * FROM ids WHERE batch = ?').all(id),
      part: this.#db.prepare('SELECT * FROM part WHERE id >= ? AND id < ?').all(id * PARTS_MAX, (id + 1) * PARTS_MAX),
    }));
    inTransaction(target.#db, () => {
      for (const [table, some] of Object.entries(rows)) {
        for (const row of some) {
          const values = Object.values(row);
          target.#db.prepare(`INSERT INTO ${table} VALUES (${values.map(() => '?').join(', ')})`).run(...values);
        }
      }
    });
    target.#entries.set(id, entry);
  }

  #delete(id: number): void {
    this.#db.prepare('DELETE FROM part WHERE id >= ? AND id < ?').run(id * PARTS_MAX, (id + 1) * PARTS_MAX);
    this.#db.prepare('DELETE FROM ids WHERE batch = ?').run(id);
    this.#db.prepare('DELETE FROM batch WHERE id = ?').run(id);
  }

  close(): void {
    this.#db.close();
  }
}

/** Damaged pages are a RangeError, as damaged parts are. */
function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (cause) {
    if (!isDamaged(cause)) throw cause;
    throw new RangeError('pages of a file of records are damaged', { cause });
  }
}

function withCheck(bytes: Uint8Array): Uint8Array {
  const checked = new Uint8Array(bytes.length + CHECK_BYTES);
  checked.set(bytes);
  new DataView(checked.buffer).setUint32(bytes.length, crc32(bytes), true);
  return checked;
}
