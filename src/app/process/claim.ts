/**
 * Whether this process may start here, decided before it changes anything: one Vitrine for each data directory, and its
 * addresses must be free. The lock is SQLite's on an empty file, which the kernel releases however the process ends. The
 * children of a Vitrine that was killed end a moment later, so the start waits for them.
 */
import { chmodSync, existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { wait, type Clock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import type { Address } from '../../config/types.ts';
import { prepareDataDir } from './data-dir.ts';
import { bindError } from './http-port.ts';
import { MAIN_PROGRAM, SAMPLE_PROGRAM } from './program-paths.ts';
import { readRunFile, type RunFile } from './run-file.ts';

const LOCK_FILE = 'run.lock';
const FORMER_LIMIT_MS = 10_000;
const PORT_LIMIT_MS = 2_000;
const LOOK_EVERY_MS = 50;
const ASK_LIMIT_MS = 500;
const SQLITE_BUSY = 5;

export interface Claim {
  release(): void;
}

export interface Wanted {
  /** The key of the configuration. */
  readonly name: string;
  readonly at: Address;
}

/**
 * Takes the directory and makes sure that the addresses are free. Throws VitrineError `data_dir_in_use`,
 * `data_dir_unusable`, `port_taken` or `bind_failed`; nothing has been changed then. A directory without a lock file has no
 * owner to ask, so there the addresses are tried first: a refused start must not leave a new directory behind.
 */
export async function claim(dataDir: string, wanted: readonly Wanted[], clock: Clock): Promise<Claim> {
  if (!existsSync(path.join(dataDir, LOCK_FILE))) await allFree(wanted, clock);
  prepareDataDir(dataDir);
  const lock = takeLock(dataDir);
  try {
    await formerEnded(dataDir, clock);
    await allFree(wanted, clock);
  } catch (error) {
    lock.close();
    throw error;
  }
  return { release: () => lock.close() };
}

/** Runs `start`; gives the claim back when it fails. */
export async function releasing<T>(claimed: Claim, start: () => Promise<T>): Promise<T> {
  try {
    return await start();
  } catch (error) {
    claimed.release();
    throw error;
  }
}

function takeLock(dataDir: string): DatabaseSync {
  const file = path.join(dataDir, LOCK_FILE);
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(file);
    chmodSync(file, 0o600);
    lock.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    return lock;
  } catch (cause) {
    lock?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) throw alreadyRuns(dataDir, cause);
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new VitrineError('data_dir_unusable', `The data directory ${dataDir} cannot be used: ${reason}`, {
      hint: `Name another with --data or store.path, or remove ${file}.`,
      cause,
    });
  }
}

function alreadyRuns(dataDir: string, cause: unknown): VitrineError {
  const run = runFile(dataDir);
  const where = run?.monitor === undefined ? '' : ` at ${run.monitor}`;
  const who = run === undefined ? '' : ` (pid ${run.pid})`;
  const stop = run?.monitor === undefined ? 'Stop it' : `Open ${run.monitor}, or stop it`;
  return new VitrineError('data_dir_in_use', `A Vitrine runs${where}${who} and uses the data directory ${dataDir}.`, {
    hint: `${stop}, or give this one its own directory with --data DIR.`,
    cause,
  });
}

function runFile(dataDir: string): RunFile | undefined {
  try {
    return readRunFile(dataDir);
  } catch {
    // No Vitrine runs, or its start has not written the file yet.
    return undefined;
  }
}

async function formerEnded(dataDir: string, clock: Clock): Promise<void> {
  const run = runFile(dataDir);
  if (run === undefined) return;
  const pids = [run.pid, run.monitorPid ?? 0, ...run.services.map(({ pid }) => pid)];
  const endMs = clock.monotonic() + FORMER_LIMIT_MS;
  while (pids.some(isOurs) && clock.monotonic() < endMs) await wait(clock, LOOK_EVERY_MS);
}

/** Whether the process with that id is a program of ours, because the system uses ids again. */
function isOurs(pid: number): boolean {
  if (pid <= 0 || pid === process.pid) return false;
  try {
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8');
    return [MAIN_PROGRAM, SAMPLE_PROGRAM].some((program) => command.includes(program));
  } catch {
    // The process has ended, or this is not Linux.
    return false;
  }
}

/** Waits a little for addresses that are just becoming free. Throws VitrineError `port_taken` or `bind_failed`. */
export async function allFree(wanted: readonly Wanted[], clock: Clock): Promise<void> {
  for (const one of wanted) await free(one, clock);
}

async function free({ name, at }: Wanted, clock: Clock): Promise<void> {
  const endMs = clock.monotonic() + PORT_LIMIT_MS;
  for (;;) {
    const error = await probe(at);
    if (error === undefined) return;
    if (error.code !== 'EADDRINUSE') throw bindError(error, at, name);
    if (clock.monotonic() >= endMs) throw await whoIsThere(bindError(error, at, name), at);
    await wait(clock, LOOK_EVERY_MS);
  }
}

function probe({ host, port }: Address): Promise<NodeJS.ErrnoException | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => resolve(error));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** The same error, with the address to open when a Vitrine answers there. */
async function whoIsThere(error: VitrineError, { host, port }: Address): Promise<VitrineError> {
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  try {
    const response = await fetch(`${url}/health`, { signal: AbortSignal.timeout(ASK_LIMIT_MS), redirect: 'error' });
    const body = (await response.json()) as { components?: { monitor?: unknown } };
    if (body.components?.monitor === undefined) return error;
    return new VitrineError(
      'port_taken',
      error.message.replace('by another process', 'by a Vitrine that runs already'),
      {
        hint: `Open ${url}, or stop it, or set other addresses.`,
        cause: error,
      },
    );
  } catch {
    // Another program answers there, or no program does.
    return error;
  }
}
