/**
 * A table of JSON bodies by key: all rows in memory, each change written through with full sync.
 *
 * A change is seen at once, so that the next one of the same turn stands on it. When the disk refuses a change that somebody
 * asked for (`set`, `delete`), the row is again as it was: a silence whose author was told that it failed mutes nothing. What
 * the pipeline itself knows (`hold`, `drop`) stays true in memory then: without it, a full disk would repeat every message.
 */
import type { DatabaseSync } from 'node:sqlite';

/** The part of `StateDatabase` that this needs. */
export interface StateStore {
  readonly db: DatabaseSync;
  change(work: (db: DatabaseSync) => void): Promise<void>;
}

/** A row with changes that the disk has not answered yet. */
interface Pending<T> {
  /** The row as it is when all other changes are refused. */
  kept: T | undefined;
  changes: number;
}

export class Records<T> {
  readonly #state: StateStore;
  readonly #table: string;
  readonly #keyColumn: string;
  readonly #rows = new Map<string, T>();
  readonly #pending = new Map<string, Pending<T>>();

  /** Rows that `read` does not understand are left out; it gets the parsed JSON. */
  constructor(state: StateStore, table: string, keyColumn: string, read: (body: unknown) => T | undefined) {
    this.#state = state;
    this.#table = table;
    this.#keyColumn = keyColumn;
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

  /** Resolves when it is on the disk; rejects, and is undone, when the disk refuses it. */
  set(key: string, value: T): Promise<void> {
    return this.#change(key, value, false);
  }

  delete(key: string): Promise<void> {
    return this.#change(key, undefined, false);
  }

  /** As `set`, and in memory it stays when the disk refuses it. */
  hold(key: string, value: T): Promise<void> {
    return this.#change(key, value, true);
  }

  /** As `delete`, and in memory it stays away when the disk refuses it. */
  drop(key: string): Promise<void> {
    return this.#change(key, undefined, true);
  }

  async #change(key: string, value: T | undefined, stays: boolean): Promise<void> {
    const pending = this.#pending.get(key) ?? { kept: this.#rows.get(key), changes: 0 };
    pending.changes += 1;
    this.#pending.set(key, pending);
    this.#put(key, value);
    if (stays) pending.kept = value;
    try {
      await this.#state.change(this.#written(key, value));
      pending.kept = value;
    } finally {
      pending.changes -= 1;
      if (pending.changes === 0) {
        this.#pending.delete(key);
        this.#put(key, pending.kept);
      }
    }
  }

  #written(key: string, value: T | undefined): (db: DatabaseSync) => void {
    if (value === undefined) {
      return (db) => void db.prepare(`DELETE FROM ${this.#table} WHERE ${this.#keyColumn} = ?`).run(key);
    }
    const body = JSON.stringify(value);
    return (db) => {
      db.prepare(`INSERT OR REPLACE INTO ${this.#table} (${this.#keyColumn}, body) VALUES (?, ?)`).run(key, body);
    };
  }

  #put(key: string, value: T | undefined): void {
    if (value === undefined) this.#rows.delete(key);
    else this.#rows.set(key, value);
  }
}
