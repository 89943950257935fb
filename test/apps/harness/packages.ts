/** The real packages of the applications: installed by `npm ci` from the lock file here, into a folder outside of the repository. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { runWell } from '../../support/program.ts';

const HERE = path.join(import.meta.dirname, '../packages');
const CACHE =
  process.env['VITRINE_APPS_CACHE'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-apps');

/** `node_modules` of the installation that belongs to the lock file. */
export function packagesFolder(): string {
  const lock = readFileSync(path.join(HERE, 'package-lock.json'));
  return path.join(CACHE, createHash('sha256').update(lock).digest('hex').slice(0, 16), 'node_modules');
}

export const arePackagesInstalled = (): boolean => existsSync(path.join(packagesFolder(), '.installed'));

export async function installPackages(): Promise<string> {
  const folder = packagesFolder();
  if (arePackagesInstalled()) return folder;
  const root = path.dirname(folder);
  mkdirSync(root, { recursive: true });
  for (const file of ['package.json', 'package-lock.json']) copyFileSync(path.join(HERE, file), path.join(root, file));
  await runWell('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: root, limitMs: 600_000 });
  writeFileSync(path.join(folder, '.installed'), '');
  return folder;
}
