/**
 * The data directory, made before anything is opened in it: who cannot use it is told so in one sentence instead of by
 * whichever part comes first. Only its owner may look into one that is made here: logs, tokens and telemetry are kept in it.
 */
import { accessSync, constants, existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { VitrineError } from '../../base/errors.ts';

/** One level after the other: Node's own recursion does not end where a file system refuses new directories (/proc). */
function make(dir: string): void {
  if (existsSync(dir)) return;
  make(path.dirname(dir));
  try {
    mkdirSync(dir, { mode: 0o700 });
  } catch (error) {
    // Somebody else was faster.
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
      hint: 'Name another with --data or store.path, or let this user write there.',
      cause,
    });
  }
}
