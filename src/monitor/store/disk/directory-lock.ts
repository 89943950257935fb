/**
 * Names the owner of a data directory. The lock itself is SQLite's exclusive lock on head.db, which the kernel releases when
 * the process ends in any way; the file `lock` only holds the owner's process id, so that a second instance can name it.
 */
import { accessSync, chmodSync, constants, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../../base/errors.ts';
import { messageOf } from './database.ts';

const LOCK_FILE = 'lock';

/** Makes the directory if there is none. Throws VitrineError `data_dir_unusable` that names it. */
export function prepareDirectory(dir: string): void {
  try {
    // The mode of an existing directory is not changed, because other programs may use it too; files of the store are 0600.
    const made = mkdirSync(dir, { recursive: true, mode: 0o700 });
    if (made !== undefined) chmodSync(dir, 0o700);
    accessSync(dir, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new VitrineError('data_dir_unusable', `The data directory ${dir} cannot be used: ${messageOf(error)}`, {
      hint: 'Choose another with --data DIR or store.path, or make it writable for this user.',
      cause: error,
    });
  }
}

/** Writes this process's id. Call with the database lock held. */
export function signDirectory(dir: string): void {
  writeFileSync(path.join(dir, LOCK_FILE), `${process.pid}\n`, { mode: 0o600 });
}

export function unsignDirectory(dir: string): void {
  rmSync(path.join(dir, LOCK_FILE), { force: true });
}

/** The error for a directory whose lock another process holds. */
export function inUse(dir: string, cause: unknown): VitrineError {
  let pid = '';
  try {
    pid = readFileSync(path.join(dir, LOCK_FILE), 'utf8').trim();
  } catch {
    // Without the file the message names no process id.
  }
  const owner = /^\d+$/.test(pid) ? `Another Vitrine (pid ${pid})` : 'Another Vitrine';
  return new VitrineError('data_dir_in_use', `${owner} uses the data directory ${dir}`, {
    hint: 'Stop it, or give this one its own directory with --data DIR.',
    cause,
  });
}
