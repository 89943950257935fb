/**
 * A copy of the whole store while it is being written. head.db is copied first and the day files after it: a sample that
 * moves from the first to the second meanwhile is in both copies, never in none, and is read once.
 */
import { chmodSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync, backup } from 'node:sqlite';
import { VitrineError } from '../../../base/errors.ts';
import { isDiskTrouble, messageOf } from '../disk/database.ts';
import type { DayFiles } from '../disk/day-files.ts';
import { JOURNAL_FILE } from '../disk/journal.ts';

/** Pages copied between two turns of the loop. */
const PAGES_A_STEP = 256;

/** SQLite stops a copy when a writer interferes; node:sqlite then rejects with the code for "no error". */
const TRIES = 10;
const wasInterrupted = (error: unknown): boolean => (error as { errcode?: number }).errcode === 0;

/** Copies one database file; `target` must not exist. */
export async function copyDatabase(source: DatabaseSync, target: string): Promise<void> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      await backup(source, `${target}.part`, { rate: PAGES_A_STEP });
      break;
    } catch (error) {
      if (!wasInterrupted(error) || attempt === TRIES) throw error;
      rmSync(`${target}.part`, { force: true });
    }
  }
  chmodSync(`${target}.part`, 0o600);
  renameSync(`${target}.part`, target);
}

/**
 * Copies into the directory `target`, which must be absent or empty. Throws VitrineError `conflict` when it is neither and
 * `storage_full` when the copy does not fit; the partial copy is then removed.
 */
export async function backupStore(journal: DatabaseSync, days: DayFiles, target: string): Promise<void> {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (readdirSync(target).length > 0) {
    throw new VitrineError('conflict', `The backup directory ${target} is not empty`, {
      hint: 'Name a directory that does not exist yet.',
    });
  }
  try {
    await copyDatabase(journal, path.join(target, JOURNAL_FILE));
    for (const known of days.list()) {
      const source = new DatabaseSync(known.path);
      try {
        await copyDatabase(source, path.join(target, path.basename(known.path)));
      } finally {
        source.close();
      }
    }
  } catch (error) {
    for (const name of readdirSync(target)) rmSync(path.join(target, name), { force: true });
    if (!isDiskTrouble(error)) throw error;
    throw new VitrineError('storage_full', `The backup does not fit: ${messageOf(error)}`, { cause: error });
  }
}
