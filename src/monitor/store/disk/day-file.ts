/**
 * One UTC day of chunks: `samples-YYYY-MM-DD.db`. The file is complete in itself, because it contains the labels of its
 * series. So retention deletes a file, and archiving moves one. It uses a rowid table with an index: chunk blobs would
 * overflow the pages of a WITHOUT ROWID table.
 */
import { open } from 'node:fs/promises';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { Labels } from '../../../model/labels.ts';
import { chunkOf, decodeChunk } from '../codec/chunk-codec.ts';
import type { Columns } from '../codec/columns.ts';
import { inTransaction, labelsOfText, openDatabase } from './database.ts';
import { Postings } from '../head/postings.ts';

export const DAY_MS = 86_400_000;

const SCHEMA = `
  CREATE TABLE series (id INTEGER PRIMARY KEY, labels TEXT NOT NULL);
  CREATE TABLE chunk (id INTEGER PRIMARY KEY, series INTEGER NOT NULL, start INTEGER NOT NULL, end INTEGER NOT NULL,
    data BLOB NOT NULL);
  CREATE INDEX chunk_series ON chunk (series, start);
  CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL);
`;

/** `2026-11-20` of a time. Years outside 0–9999 have ISO 8601's sign and six digits. */
export function dayOf(tMs: number): string {
  return new Date(Math.floor(tMs / DAY_MS) * DAY_MS).toISOString().slice(0, -14);
}

/** A chunk that is not written yet. */
export interface PendingChunk {
  readonly labels: Labels;
  readonly startMs: number;
  readonly endMs: number;
  readonly data: Uint8Array;
}

export function pendingChunk(labels: Labels, columns: Columns): PendingChunk {
  return { labels, startMs: columns.t[0], endMs: columns.t[columns.count - 1], data: chunkOf(columns) };
}

/** A chunk that cannot be decoded. The other chunks of its file can be read. */
export class DamagedChunk extends RangeError {
  constructor(day: string, cause: unknown) {
    super(`a chunk of day ${day} is damaged`, { cause });
  }
}

interface Statements {
  readonly insertSeries: StatementSync;
  readonly insertChunk: StatementSync;
  readonly select: StatementSync;
  readonly selectAny: StatementSync;
}

function statementsOf(db: DatabaseSync): Statements {
  const select = db.prepare(
    'SELECT id, data FROM chunk WHERE series = ? AND start <= ? AND end >= ? ORDER BY start, end',
  );
  select.setReturnArrays(true);
  return {
    insertSeries: db.prepare('INSERT INTO series (id, labels) VALUES (?, ?)'),
    insertChunk: db.prepare('INSERT INTO chunk (series, start, end, data) VALUES (?, ?, ?, ?)'),
    select,
    selectAny: db.prepare('SELECT 1 FROM chunk WHERE series = ? AND start <= ? AND end >= ? LIMIT 1'),
  };
}

export class DayFile {
  readonly path: string;
  readonly day: string;
  readonly startMs: number;
  readonly index = new Postings();
  readonly #db: DatabaseSync;
  readonly #ids = new Map<string, number>();
  readonly #statements: Statements;
  /** Ids of chunks whose bytes are damaged. */
  readonly #damaged = new Set<number>();
  #nextId = 1;
  #rolledUp: boolean | undefined;
  #lastMs = -Infinity;

  /** `known` gives a label set that is already in memory by its key, so that files share equal label sets. */
  constructor(path: string, day: string, known: (key: string) => Labels | undefined = () => undefined) {
    this.path = path;
    this.day = day;
    this.startMs = Date.parse(`${day}T00:00:00Z`);
    this.#db = openDatabase(path, { schema: SCHEMA, pageBytes: 4_096, cacheKib: 512, durability: 'normal' });
    try {
      this.#statements = statementsOf(this.#db);
      this.#load(known);
    } catch (error) {
      this.#db.close();
      throw error;
    }
  }

  #load(known: (key: string) => Labels | undefined): void {
    for (const row of this.#db.prepare('SELECT id, labels FROM series').iterate()) {
      const id = row.id as number;
      const read = labelsOfText(row.labels);
      // A damaged row: its chunks belong to no known series and cannot be found.
      if (read === undefined || this.#ids.has(read.key)) continue;
      const shared = known(read.key);
      const labels = this.index.add(id, shared ?? read, shared !== undefined);
      this.#ids.set(labels.key, id);
      this.#nextId = Math.max(this.#nextId, id + 1);
    }
    const last = this.#db.prepare('SELECT max(end) AS last FROM chunk').get()?.last;
    if (typeof last === 'number') this.#lastMs = last;
  }

  /** Time of the newest sample in the file, -Infinity when it is empty. */
  get lastMs(): number {
    return this.#lastMs;
  }

  /** Id of the newest chunk. */
  get lastChunk(): number {
    return Number(this.#db.prepare('SELECT max(id) AS last FROM chunk').get()?.last ?? 0);
  }

  /** Whether the raw samples were replaced by a roll-up. */
  get rolledUp(): boolean {
    // Every query reads this. A day becomes a roll-up only when another file replaces it, or once, below.
    this.#rolledUp ??= this.#readRolledUp();
    return this.#rolledUp;
  }

  #readRolledUp(): boolean {
    return this.#db.prepare("SELECT 1 FROM meta WHERE key = 'rolled_up'").get() !== undefined;
  }

  markRolledUp(): void {
    this.#db.exec("INSERT OR REPLACE INTO meta VALUES ('rolled_up', 1)");
    this.#rolledUp = true;
  }

  /** Adds chunks in one transaction. */
  add(chunks: readonly PendingChunk[]): void {
    const added: Labels[] = [];
    const firstId = this.#nextId;
    try {
      this.#insert(chunks, added);
    } catch (error) {
      // The transaction was rolled back, so the new ids are released.
      for (const { key } of added) this.#ids.delete(key);
      this.#nextId = firstId;
      throw error;
    }
    for (const { endMs } of chunks) this.#lastMs = Math.max(this.#lastMs, endMs);
    for (let i = 0; i < added.length; i += 1) this.index.add(firstId + i, added[i], true);
  }

  #insert(chunks: readonly PendingChunk[], added: Labels[]): void {
    inTransaction(this.#db, () => {
      for (const { labels, startMs, endMs, data } of chunks) {
        let id = this.#ids.get(labels.key);
        if (id === undefined) {
          id = this.#nextId;
          this.#nextId += 1;
          this.#statements.insertSeries.run(id, JSON.stringify(labels.pairs));
          this.#ids.set(labels.key, id);
          added.push(labels);
        }
        this.#statements.insertChunk.run(id, startMs, endMs, data);
      }
    });
  }

  /** The label set with this key, if the day has it. */
  labelsOf(key: string): Labels | undefined {
    const id = this.#ids.get(key);
    return id === undefined ? undefined : this.index.labelsOf(id);
  }

  /**
   * Adds the samples of the series in chunks that touch mint…maxt to `columns`. Throws DamagedChunk when it finds a damaged
   * chunk for the first time, of which a part may have been added; the next call leaves that chunk out.
   */
  read(key: string, mintMs: number, maxtMs: number, columns: Columns): void {
    const seriesId = this.#ids.get(key);
    if (seriesId === undefined) return;
    for (const row of this.#statements.select.all(seriesId, maxtMs, mintMs)) {
      const [id, data] = row as unknown as [number, Uint8Array];
      if (this.#damaged.has(id)) continue;
      try {
        decodeChunk(data, columns);
      } catch (cause) {
        this.#damaged.add(id);
        throw new DamagedChunk(this.day, cause);
      }
    }
  }

  has(key: string, mintMs: number, maxtMs: number): boolean {
    const id = this.#ids.get(key);
    return id !== undefined && this.#statements.selectAny.get(id, maxtMs, mintMs) !== undefined;
  }

  /** Deletes the oldest chunks, `limit` at most, and returns their space to the disk. Returns the number deleted. */
  deleteOldest(limit: number): number {
    const result = this.#db
      .prepare('DELETE FROM chunk WHERE id IN (SELECT id FROM chunk ORDER BY id LIMIT ?)')
      .run(limit);
    this.#db.exec('PRAGMA incremental_vacuum; PRAGMA wal_checkpoint(TRUNCATE)');
    return Number(result.changes);
  }

  /**
   * Syncs added chunks to the disk, in the thread pool. Only the side file is opened for it: closing another handle of the
   * database itself would release SQLite's locks on it (sqlite.org/howtocorrupt.html, section 2.2).
   */
  async sync(): Promise<void> {
    let side;
    try {
      side = await open(`${this.path}-wal`, 'r');
    } catch (error) {
      // Without a side file everything is in the database, which SQLite has synced.
      if ((error as { code?: string }).code === 'ENOENT') return;
      throw error;
    }
    try {
      await side.sync();
    } finally {
      await side.close();
    }
  }

  close(): void {
    this.#db.close();
  }
}
