/**
 * Which processes and threads of an application are observed, and under which `service.instance.id`. Every process has its
 * own id: two senders with one id would overwrite each other's counters.
 */
import cluster from 'node:cluster';
import { randomUUID } from 'node:crypto';
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import type { Env } from './environment.ts';
import { textOf } from './environment.ts';

/**
 * Packages whose command only starts other processes. The preload reaches them through NODE_OPTIONS; their requests (to a
 * registry, say) and their memory are not the application's.
 */
const LAUNCHERS: ReadonlySet<string> = new Set([
  'npm',
  'npx',
  'yarn',
  '@yarnpkg/cli-dist',
  'pnpm',
  '@pnpm/exe',
  'corepack',
  'nodemon',
  'tsx',
  'ts-node-dev',
  'node-dev',
  'tsc-watch',
  'pm2',
  'forever',
  'foreman',
  'concurrently',
  'npm-run-all',
  'npm-run-all2',
  'cross-env',
  'cross-env-shell',
  'dotenv-cli',
  'env-cmd',
  'wireit',
  'turbo',
  'nx',
  'lerna',
  'vitrine',
]);
/** Package managers that are installed outside of `node_modules`. */
const LAUNCHER_FILES = /^(?:npm-cli|npx-cli|corepack|yarn(?:pkg)?(?:-[\w.-]+)?|pnpm|pnpx|nodemon)(?:\.[cm]?js)?$/;
/** Files of a launcher's package that run the application in their own process. */
const APPLICATION_HOSTS = /^ProcessContainer(?:Fork)?(?:Bun)?\.js$/;

/** The package of a file below `node_modules`. */
function packageOf(file: string): string | undefined {
  const parts = file.split(/[\\/]/);
  const at = parts.lastIndexOf('node_modules');
  if (at < 0) return undefined;
  const name = parts[at + 1];
  return name?.startsWith('@') ? `${name}/${parts[at + 2] ?? ''}` : name;
}

/** `script`: the resolved path of the program, `process.argv[1]`. */
export function isLauncher(script: string | undefined): boolean {
  if (script === undefined) return false;
  const name = path.basename(script);
  if (APPLICATION_HOSTS.test(name)) return false;
  const owner = packageOf(script);
  return owner === undefined ? LAUNCHER_FILES.test(name) : LAUNCHERS.has(owner);
}

/** The first observed process sets this variable for the processes that it starts. */
const PARENT = 'VITRINE_INSTANCE_PARENT';

/** In its cluster mode pm2 fills the environment of a worker after the preload; what it will fill in stands in one variable as JSON. */
function pm2Index(env: Env): string {
  try {
    const { NODE_APP_INSTANCE: index } = JSON.parse(env['pm2_env'] ?? '{}') as { readonly NODE_APP_INSTANCE?: unknown };
    return typeof index === 'number' || typeof index === 'string' ? String(index) : '';
  } catch {
    return '';
  }
}

/** The number of a worker. That of pm2 stays when a worker is started again; that of cluster is a new one each time. */
function workerIndex(env: Env): string | undefined {
  const pm2 = textOf(env, 'NODE_APP_INSTANCE') ?? pm2Index(env);
  if (/^\d{1,6}$/.test(pm2)) return pm2;
  return cluster.worker === undefined ? undefined : String(cluster.worker.id);
}

/** Whether a process of that id runs, whoever owns it. */
export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Whether this process may use the address itself as its id. Under `run` several processes inherit one PORT (an API and its
 * worker side by side): the first one takes it, and a later one only when the first has ended.
 */
function claims(runDir: string | undefined, base: string): boolean {
  if (runDir === undefined) return true;
  const file = path.join(runDir, `instance-${base.replace(/[^\w.-]/g, '_')}`);
  const take = (flags: string): boolean => {
    const descriptor = openSync(file, flags, 0o600);
    writeSync(descriptor, String(process.pid));
    closeSync(descriptor);
    return true;
  };
  try {
    return take('wx');
  } catch {
    try {
      const owner = Number(readFileSync(file, 'utf8'));
      return owner === process.pid || (!isAlive(owner) && take('w'));
    } catch {
      return false;
    }
  }
}

/**
 * `hostname:port`, `hostname:port/INDEX` for workers of cluster and pm2, a UUID for other children and without PORT. Marks the
 * environment, so that children of this process know that they are children.
 */
export function instanceIdOf(env: NodeJS.ProcessEnv, runDir: string | undefined): string {
  const port = textOf(env, 'PORT');
  const index = workerIndex(env);
  const isChild = textOf(env, PARENT) !== undefined;
  env[PARENT] = String(process.pid);
  if (port === undefined) return randomUUID();
  const base = `${os.hostname()}:${port}`;
  const id = index === undefined ? base : `${base}/${index}`;
  if (isChild && index === undefined) return randomUUID();
  return claims(runDir, id) ? id : randomUUID();
}
