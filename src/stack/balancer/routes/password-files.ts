/** The htpasswd files of all routes. Each file is read once, however many routes name it, and again when it changes. */
import { readFileSync } from 'node:fs';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import type { RouteOptions } from '../config.ts';
import type { WatchedFiles } from '../timing/watched-files.ts';
import { readHtpasswd } from './htpasswd.ts';
import { PasswordGate } from './password-gate.ts';

const SIZE_LIMIT = 1024 * 1024;

function readUsers(file: string): Map<string, string> {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown';
    throw new VitrineError('config_invalid', `The password file ${file} cannot be read (${reason}).`, { cause });
  }
  if (text.length > SIZE_LIMIT) throw new VitrineError('config_invalid', `The password file ${file} is over 1 MiB.`);
  return readHtpasswd(text, file);
}

/** Throws VitrineError `config_invalid`. When a file becomes invalid later, its previous users stay. */
export function openPasswordFiles(
  routes: readonly RouteOptions[],
  files: WatchedFiles,
  log: Logger,
): (file: string | undefined) => PasswordGate | undefined {
  const gates = new Map<string, PasswordGate>();
  for (const { basic_auth: auth } of routes) {
    if (auth === undefined || gates.has(auth.file)) continue;
    const { file } = auth;
    const gate = new PasswordGate(readUsers(file));
    gates.set(file, gate);
    void files.watch([file], () => {
      try {
        gate.replace(readUsers(file));
        log.info({ file }, 'password file read again');
      } catch (error) {
        log.error({ file, err: error }, 'password file not taken');
      }
    });
  }
  return (file) => (file === undefined ? undefined : gates.get(file));
}
