/** The real packages of the applications: installed by `npm ci` from lock files here, into a folder outside of the repository. */
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { runWell } from '../../support/program.ts';

/** `.`: most of them. The others hold an SDK of OpenTelemetry each, whose packages cannot stand beside another's. */
export type PackageSet = '.' | 'sdk-1' | 'sdk-2' | 'sdk-3';

const HERE = path.join(import.meta.dirname, '../packages');
const CACHE =
  process.env['VITRINE_APPS_CACHE'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-apps');

/** `node_modules` of the installation that belongs to the lock file. */
export function packagesFolder(set: PackageSet = '.'): string {
  const lock = readFileSync(path.join(HERE, set, 'package-lock.json'));
  return path.join(CACHE, createHash('sha256').update(lock).digest('hex').slice(0, 16), 'node_modules');
}

export const arePackagesInstalled = (set: PackageSet = '.'): boolean =>
  existsSync(path.join(packagesFolder(set), '.installed'));

export async function installPackages(set: PackageSet = '.'): Promise<string> {
  const folder = packagesFolder(set);
  if (arePackagesInstalled(set)) return folder;
  const root = path.dirname(folder);
  mkdirSync(root, { recursive: true });
  for (const file of ['package.json', 'package-lock.json'])
    copyFileSync(path.join(HERE, set, file), path.join(root, file));
  const words = ['ci', '--no-audit', '--no-fund', '--ignore-scripts', '--legacy-peer-deps'];
  await runWell('npm', words, { cwd: root, limitMs: 900_000 });
  writeFileSync(path.join(folder, '.installed'), '');
  return folder;
}
