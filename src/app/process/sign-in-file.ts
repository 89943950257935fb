/**
 * `DIR/sign-in-link` holds the one-time link that makes the first admin, readable only by the owner of the directory. It is
 * how the monitor hands the link to the process that prints the banner, and where it is found when no terminal showed it.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const fileIn = (dataDir: string): string => path.join(dataDir, 'sign-in-link');

/** The file is made anew, so that the mode is that of a new file. */
export function writeSignInLink(dataDir: string, link: string): void {
  removeSignInLink(dataDir);
  writeFileSync(fileIn(dataDir), `${link}\n`, { mode: 0o600, flag: 'wx' });
}

export function removeSignInLink(dataDir: string): void {
  rmSync(fileIn(dataDir), { force: true });
}

/**
 * The line of the banner; none without a link. A terminal gets the link itself, anything else only the name of the file:
 * the output of a service ends in log files, which more people read than may administer.
 */
export function signInRow(dataDir: string, isTerminal: boolean): [string, string][] {
  try {
    const link = readFileSync(fileIn(dataDir), 'utf8').trim();
    return [['First sign-in', isTerminal ? `${link}  (once, for 24 h)` : `the link in ${fileIn(dataDir)}`]];
  } catch {
    return [];
  }
}
