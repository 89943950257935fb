/**
 * Creates the data directory before any part opens a file in it, so that an unusable directory gives one clear message.
 * Only the owner can read a directory that is created here, because it holds logs, tokens and telemetry.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';

/** Creates one level after the other: Node's own recursion does not end where a file system refuses new directories (/proc). */
function make(dir: string): void {
  if (existsSync(dir)) return;
  make(path.dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Another process created it first.
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Throws VitrineError `data_dir_unusable`. */
export function prepareDataDir(dir: string): void {
  try {
    make(path.resolve(dir));
    if (!statSync(dir).isDirectory()) throw Object.assign(new Error('no directory'), { code: 'ENOTDIR' });
    accessSync(dir, constants.W_OK);
  } catch (cause) {
    const { code = 'unknown' } = cause as NodeJS.ErrnoException;
    throw new VitrineError('data_dir_unusable', `The data directory ${dir} cannot be used (${code}).`, {
      hint: 'Name another directory with --data or store.path, or give this user write permission.',
      cause,
    });
  }
}
