/**
 * A copy of the whole store while it is written to. head.db first, day files after it: what moves from the first to the
 * second in the meantime is in both copies, never in none, and reading takes it once.
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

/** SQLite stops a copy that a writer got in the way of; node:sqlite then rejects with its code for "no error". */
const TRIES = 10;
const wasInterrupted = (error: unknown): boolean => (error as { errcode?: number }).errcode === 0;

async function copy(source: DatabaseSync, target: string): Promise<void> {
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
 * `storage_full` when the copy does not fit; what was copied until then is removed.
 */
export async function backupStore(journal: DatabaseSync, days: DayFiles, target: string): Promise<void> {
  mkdirSync(target, { recursive: true, mode: 0o700 });
  if (readdirSync(target).length > 0) {
    throw new VitrineError('conflict', `The backup directory ${target} is not empty`, {
      hint: 'Name a directory that does not exist yet.',
    });
  }
  try {
    await copy(journal, path.join(target, JOURNAL_FILE));
    for (const known of days.list()) {
      const source = new DatabaseSync(known.path);
      try {
        await copy(source, path.join(target, path.basename(known.path)));
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
