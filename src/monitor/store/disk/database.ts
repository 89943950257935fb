/**
 * Opens the store's SQLite files: WAL mode, readable by the user only, a schema version that is checked before SQLite opens
 * the file, and errors of disk and file as VitrineErrors.
 */
import { closeSync, chmodSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { VitrineError } from '../../../base/errors.ts';
import { Labels } from '../../../model/labels.ts';

/** Set in each file as `user_version`, where a kind of file has no version of its own. */
export const SCHEMA_VERSION = 1;

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const DISK_CODES = ['ENOSPC', 'EDQUOT', 'EIO', 'EROFS', 'ENOENT', 'EACCES', 'EPERM', 'EMFILE', 'ENFILE'];

const CHECKPOINT_BYTES = 2 * 1024 * 1024;

export interface DatabaseOptions {
  readonly schema: string;
  /** Bytes a page; large ones suit large blobs. Counts for new files only. */
  readonly pageBytes: number;
  readonly cacheKib: number;
  /** `normal` survives a kill of the process, `full` also a power failure (sqlite.org/pragma.html#pragma_synchronous). */
  readonly durability: 'normal' | 'full';
  /** No other process may open the file while it is open here. */
  readonly exclusive?: boolean;
  /** The schema version of this kind of file; default SCHEMA_VERSION. */
  readonly version?: number;
}

function primaryCode(error: unknown): number {
  const code = (error as { errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : 0;
}

/** Whether the disk, not the data, caused the error: it is full, unwritable, gone or failing. */
export function isDiskTrouble(error: unknown): boolean {
  if ([SQLITE_FULL, SQLITE_IOERR, SQLITE_READONLY, SQLITE_CANTOPEN].includes(primaryCode(error))) return true;
  return DISK_CODES.includes(String((error as { code?: unknown } | null)?.code));
}

export const isBusy = (error: unknown): boolean => primaryCode(error) === SQLITE_BUSY;

export const isDamaged = (error: unknown): boolean =>
  error instanceof RangeError || isFolder(error) || [SQLITE_CORRUPT, SQLITE_NOTADB].includes(primaryCode(error));

/** Something else has the file's name. */
const isFolder = (error: unknown): boolean => (error as { code?: unknown } | null)?.code === 'EISDIR';

/**
 * Whether opening a file failed because its content is wrong. The disk, another owner and a newer version are other reasons;
 * the error for a newer version has no cause.
 */
export function isWrongContent(error: unknown): boolean {
  if (error instanceof VitrineError) {
    return error.code === 'data_dir_unusable' && error.cause !== undefined && isWrongContent(error.cause);
  }
  if (isDiskTrouble(error) || isBusy(error)) return false;
  return primaryCode(error) !== 0 || isDamaged(error) || error instanceof TypeError;
}

/** Renames a database and its side file, so that their bytes are kept; returns the new path. */
export function setAside(file: string): string {
  const aside = `${file}.damaged`;
  for (const suffix of ['', '-wal']) {
    rmSync(aside + suffix, { recursive: true, force: true });
    if (statSync(file + suffix, { throwIfNoEntry: false })) renameSync(file + suffix, aside + suffix);
  }
  rmSync(`${file}-shm`, { force: true });
  return aside;
}

/** Reads labels as a file stores them; undefined when the text is not a list of names and values. */
export function labelsOfText(text: unknown): Labels | undefined {
  try {
    const pairs = JSON.parse(String(text)) as unknown;
    const valid = Array.isArray(pairs) && pairs.length % 2 === 0 && pairs.every((part) => typeof part === 'string');
    return valid ? Labels.fromSorted(pairs) : undefined;
  } catch {
    return undefined;
  }
}

const MAGIC = 'SQLite format 3\0';

/**
 * `user_version` in the file's header (sqlite.org/fileformat2.html, offset 60); 0 when the file is no database. Must not be
 * called for a file that this process has open in SQLite: SQLite would lose its locks.
 */
export function schemaVersionOf(path: string): number {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch (error) {
    if ((error as { code?: string }).code === 'ENOENT') return 0;
    throw error;
  }
  try {
    const header = Buffer.alloc(64);
    const whole = readSync(file, header, 0, 64, 0) === 64 && header.toString('latin1', 0, 16) === MAGIC;
    return whole ? header.readUInt32BE(60) : 0;
  } finally {
    closeSync(file);
  }
}

function versionIn(db: DatabaseSync): number {
  return Number(db.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

/** Throws VitrineError `data_dir_unusable` when the file was written by a newer version; does not touch it. */
export function refuseNewer(path: string, known = SCHEMA_VERSION): void {
  const version = schemaVersionOf(path);
  if (version <= known) return;
  throw new VitrineError(
    'data_dir_unusable',
    `${path} has schema version ${version}; this version of Vitrine reads up to ${known} and did not change the file`,
    { hint: 'Install the newer version of Vitrine that wrote it, or choose another data directory.' },
  );
}

/** Opens or creates. Throws VitrineError `data_dir_in_use` and `data_dir_unusable`, SQLite's error for a full disk. */
export function openDatabase(path: string, options: DatabaseOptions): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    const { version = SCHEMA_VERSION } = options;
    refuseNewer(path, version);
    // A file begins with its schema. One that has lost its bytes would otherwise begin anew without a word.
    if (statSync(path, { throwIfNoEntry: false })?.size === 0) throw new RangeError('the file is empty');
    closeSync(openSync(path, 'a', 0o600));
    chmodSync(path, 0o600);
    db = new DatabaseSync(path);
    if (options.exclusive === true) db.exec('PRAGMA locking_mode = EXCLUSIVE');
    db.exec(
      `PRAGMA page_size = ${options.pageBytes}; PRAGMA auto_vacuum = INCREMENTAL; PRAGMA journal_mode = WAL; PRAGMA temp_store = MEMORY`,
    );
    db.exec(`PRAGMA synchronous = ${options.durability}; PRAGMA cache_size = -${options.cacheKib}`);
    // Read through SQLite: closing another descriptor of the file would release this process's locks (POSIX fcntl).
    if (versionIn(db) < version) {
      db.exec(`BEGIN IMMEDIATE; ${options.schema}; PRAGMA user_version = ${version}; COMMIT`);
      db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
    }
    // Checkpoints are kept small, because every commit waits for the sync at their end.
    db.exec(`PRAGMA wal_autocheckpoint = ${Math.ceil(CHECKPOINT_BYTES / options.pageBytes)}`);
    // Takes the lock now, when it is exclusive.
    db.exec('BEGIN IMMEDIATE; COMMIT');
    return db;
  } catch (error) {
    db?.close();
    if (error instanceof VitrineError || isDiskTrouble(error)) throw error;
    if (isBusy(error)) {
      throw new VitrineError('data_dir_in_use', `${path} is in use by another process`, { cause: error });
    }
    throw new VitrineError('data_dir_unusable', `${path} cannot be opened: ${messageOf(error)}`, {
      hint: 'Move the file away to begin a new one; a backup can be put in its place.',
      cause: error,
    });
  }
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Trouble of the disk during a start, as an error that names the directory and says what helps; any other error as it is. */
export function startError(error: unknown, dir: string): unknown {
  if (error instanceof VitrineError || !isDiskTrouble(error)) return error;
  return new VitrineError('data_dir_unusable', `The data directory ${dir} cannot be written: ${messageOf(error)}.`, {
    hint: 'Free space on its disk, or name another with --data or store.path.',
    cause: error,
  });
}

/** Runs `work` in one transaction; on any error the transaction is rolled back. */
export function inTransaction<T>(db: DatabaseSync, work: () => T): T {
  db.exec('BEGIN IMMEDIATE');
  try {
    const result = work();
    db.exec('COMMIT');
    return result;
  } catch (error) {
    // SQLite ends the transaction by itself on some errors (a full disk among them).
    if (db.isTransaction) db.exec('ROLLBACK');
    throw error;
  }
}
