/**
 * `state.db`: the small database for state that must survive a power cut (alert states, silences, the notification journal,
 * rules and targets made in the page). It is written with full sync, so an acknowledged change is on the disk.
 *
 * Each owner of tables declares its migrations under its own name, so that owners do not depend on each other. Changes
 * that are asked for in one turn of the event loop share one transaction and one sync: a sync takes milliseconds, and a
 * storm of alerts would otherwise pay for one each.
 */
import { renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { removeDamagedRows } from './damaged-rows.ts';
import { inTransaction, isDamaged, isWrongContent, openDatabase } from '../disk/database.ts';

const FILE = 'state.db';
const SCHEMA = 'CREATE TABLE owners (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID';

/**
 * The tables of one owner. `migrations[n]` changes the tables from version n to n + 1; a released migration never changes.
 */
export interface StateOwner {
  readonly name: string;
  readonly migrations: readonly string[];
  /** Columns that hold JSON, as `table.column`: a row in which it was damaged is left out. */
  readonly json?: readonly string[];
}

export interface StateDatabaseOptions {
  readonly dir: string;
  readonly owners: readonly StateOwner[];
  readonly clock: Clock;
  readonly logger: Logger;
}

interface Waiting {
  readonly work: (db: DatabaseSync) => void;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

export class StateDatabase implements AsyncDisposable {
  readonly #db: DatabaseSync;
  #waiting: Waiting[] = [];

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  /** For reading only. Use `change` for changes. */
  get db(): DatabaseSync {
    return this.#db;
  }

  /**
   * Runs `work` in the transaction of this turn and resolves when it is on the disk. When `work` throws, this rejects with
   * the error, and nothing of `work` is kept, while the other changes of the turn are kept. It also rejects with SQLite's
   * error when the disk accepts no write.
   */
  async change(work: (db: DatabaseSync) => void): Promise<void> {
    const kept = Promise.withResolvers<void>();
    this.#waiting.push({ work, resolve: kept.resolve, reject: kept.reject });
    if (this.#waiting.length === 1) setImmediate(() => this.#commit());
    return kept.promise;
  }

  #commit(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    if (waiting.length === 0) return;
    const done: Waiting[] = [];
    const failed: { readonly one: Waiting; readonly error: unknown }[] = [];
    try {
      inTransaction(this.#db, () => {
        for (const one of waiting) {
          const error = this.#apply(one);
          if (error === undefined) done.push(one);
          else failed.push({ one, error: error.cause });
        }
      });
    } catch (error) {
      for (const one of waiting) one.reject(error);
      return;
    }
    for (const one of done) one.resolve();
    for (const { one, error } of failed) one.reject(error);
  }

  /** One change in a savepoint. Throws when the whole transaction has ended, as it does on a full disk. */
  #apply(one: Waiting): { readonly cause: unknown } | undefined {
    this.#db.exec('SAVEPOINT change');
    try {
      one.work(this.#db);
      this.#db.exec('RELEASE change');
      return undefined;
    } catch (cause) {
      if (!this.#db.isTransaction) throw cause;
      this.#db.exec('ROLLBACK TO change; RELEASE change');
      return { cause };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#commit();
    this.#db.close();
  }
}

/**
 * Opens or creates `state.db`. A damaged file is set aside under another name, an error is logged, and a new file is
 * created: alerting without its former state is better than no alerting. Throws VitrineError `data_dir_in_use`, and
 * `data_dir_unusable` when the file comes from a newer version; SQLite's error for a full disk.
 */
export function openStateDatabase({ dir, owners, clock, logger }: StateDatabaseOptions): StateDatabase {
  const file = path.join(dir, FILE);
  try {
    const db = opened(file, owners);
    const aside = `${file}.damaged-${clock.now()}`;
    const rows = removeDamagedRows(
      db,
      owners.flatMap(({ json }) => json ?? []),
      aside,
    );
    if (rows > 0)
      logger.error(
        { file, aside, rows },
        `${rows} rows of state.db are damaged and were left out; a copy of the file was set aside`,
      );
    return new StateDatabase(db);
  } catch (error) {
    // A migration that fails is a mistake of this version, and the file is as it was.
    const wrong = error instanceof VitrineError ? isWrongContent(error) : isDamaged(error);
    if (!wrong) throw error;
    const cause = error instanceof VitrineError ? error.cause : error;
    const aside = `${file}.damaged-${clock.now()}`;
    renameSync(file, aside);
    for (const suffix of ['-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
    logger.error(
      { file, aside, error: String(cause) },
      'state.db is damaged and was set aside: silences, acknowledgements and the notification journal begin anew',
    );
    return new StateDatabase(opened(file, owners));
  }
}

function opened(file: string, owners: readonly StateOwner[]): DatabaseSync {
  const db = openDatabase(file, {
    schema: SCHEMA,
    pageBytes: 4096,
    cacheKib: 1024,
    durability: 'full',
    exclusive: true,
  });
  try {
    const [{ quick_check: check }] = db.prepare('PRAGMA quick_check(1)').all() as { quick_check: string }[];
    if (check !== 'ok') throw new RangeError(check);
    for (const owner of owners) migrate(db, file, owner);
    const lost = tablesOf(owners).filter((table) => !tablesIn(db).has(table));
    if (lost.length > 0) throw new RangeError(`it has no ${lost.join(', ')}`);
    return db;
  } catch (error) {
    db.close();
    throw error;
  }
}

function tablesIn(db: DatabaseSync): Set<string> {
  const rows = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").all();
  return new Set(rows.map(({ name }) => String(name)));
}

/** The tables that the owners' migrations lead to. */
function tablesOf(owners: readonly StateOwner[]): string[] {
  using db = new DatabaseSync(':memory:');
  for (const { migrations } of owners) for (const step of migrations) db.exec(step);
  return [...tablesIn(db)];
}

function migrate(db: DatabaseSync, file: string, { name, migrations }: StateOwner): void {
  const row = db.prepare('SELECT version FROM owners WHERE name = ?').get(name);
  const version = Number(row?.['version'] ?? 0);
  if (version > migrations.length) {
    throw new VitrineError(
      'data_dir_unusable',
      `${file} holds version ${version} of "${name}"; this version of Vitrine knows ${migrations.length} and left it as it is`,
      { hint: 'Install the newer version of Vitrine that wrote it, or choose another data directory.' },
    );
  }
  if (version === migrations.length) return;
  inTransaction(db, () => {
    for (const step of migrations.slice(version)) db.exec(step);
    db.prepare('INSERT OR REPLACE INTO owners (name, version) VALUES (?, ?)').run(name, migrations.length);
  });
}
