/** A table of JSON bodies by key: all rows in memory, each change written through with full sync. */
import type { DatabaseSync } from 'node:sqlite';

/** The part of `StateDatabase` that this needs. */
export interface StateStore {
  readonly db: DatabaseSync;
  change(work: (db: DatabaseSync) => void): Promise<void>;
}

export class Records<T> {
  readonly #state: StateStore;
  readonly #table: string;
  readonly #keyColumn: string;
  readonly #rows: Map<string, T>;

  /** Rows that `read` does not understand are left out; it gets the parsed JSON. */
  constructor(state: StateStore, table: string, keyColumn: string, read: (body: unknown) => T | undefined) {
    this.#state = state;
    this.#table = table;
    this.#keyColumn = keyColumn;
    this.#rows = new Map();
    const rows = state.db.prepare(`SELECT ${keyColumn} AS key, body FROM ${table}`).all();
    for (const { key, body } of rows as { key: string; body: string }[]) {
      const value = read(JSON.parse(body));
      if (value !== undefined) this.#rows.set(key, value);
    }
  }

  get size(): number {
    return this.#rows.size;
  }

  get(key: string): T | undefined {
    return this.#rows.get(key);
  }

  values(): IterableIterator<T> {
    return this.#rows.values();
  }

  entries(): IterableIterator<[string, T]> {
    return this.#rows.entries();
  }

  /** Holds at once in memory; resolves when it is on the disk, rejects when it is not. */
  set(key: string, value: T): Promise<void> {
    this.#rows.set(key, value);
    const body = JSON.stringify(value);
    return this.#state.change((db) => {
      db.prepare(`INSERT OR REPLACE INTO ${this.#table} (${this.#keyColumn}, body) VALUES (?, ?)`).run(key, body);
    });
  }

  delete(key: string): Promise<void> {
    this.#rows.delete(key);
    return this.#state.change((db) => {
      db.prepare(`DELETE FROM ${this.#table} WHERE ${this.#keyColumn} = ?`).run(key);
    });
  }
}
