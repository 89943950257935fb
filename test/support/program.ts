/**
 * Programs in their own processes: finds where they are installed, reports missing ones, runs them to their end, or starts,
 * waits for and stops them. The caller that starts a program must stop it, by its id and never by its name.
 */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import path from 'node:path';
import { cpuSeconds, rssBytes } from './programs/process-cost.ts';
import { until } from './until.ts';

/** Where test/support/programs/install.sh puts what it builds. */
const BUILT =
  process.env['VITRINE_PROGRAMS_BIN'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-programs/bin');
const SYSTEM = [...(process.env['PATH'] ?? '').split(path.delimiter), '/usr/local/bin', '/usr/bin', '/usr/sbin'];

/** The path of the first installed program of `names`; undefined when none is installed. */
export function programPath(...names: readonly string[]): string | undefined {
  return names
    .flatMap((name) => [BUILT, ...SYSTEM].map((folder) => path.join(folder, name)))
    .find((file) => existsSync(file));
}

/** The path of a required program. */
export function neededProgram(...names: readonly string[]): string {
  const file = programPath(...names);
  if (file === undefined) throw new Error(`${names.join(' or ')} is not installed`);
  return file;
}

/** The missing programs; a list names alternatives. Prints one line for the suite that is then skipped. */
export function missingPrograms(suite: string, ...names: readonly (string | readonly string[])[]): string[] {
  const missing = names
    .map((name) => (typeof name === 'string' ? [name] : name))
    .filter((ways) => programPath(...ways) === undefined)
    .map((ways) => ways.join(' or '));
  if (missing.length > 0)
    console.log(`skipped: ${suite} needs ${missing.join(', ')} (test/support/programs/install.sh)`);
  return missing;
}

/** A fresh folder, which the caller must remove. */
export function freshDir(name = 'vitrine'): string {
  return mkdtempSync(path.join(tmpdir(), `${name}-`));
}

/** A PATH that finds the Node.js of the tests before any other `node`. */
const WITH_THIS_NODE = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`;

export interface RunOptions {
  /** The system's folder for temporary files unless told otherwise. */
  readonly cwd?: string | undefined;
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
}

const environment = (more: RunOptions['env']): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  PATH: WITH_THIS_NODE,
  ...more,
});

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs to the end, at most `limitMs` (a minute); a code other than 0 is an answer, not an error. */
export function runToEnd(
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly limitMs?: number } = {},
): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        cwd: options.cwd ?? tmpdir(),
        env: environment(options.env),
        timeout: options.limitMs ?? 60_000,
        killSignal: 'SIGKILL',
        maxBuffer: 32 * 1024 * 1024,
      },
      (error, stdout, stderr) => {
        const code = error === null ? 0 : typeof error.code === 'number' ? error.code : 1;
        resolve({ code, stdout, stderr: error === null || stderr !== '' ? stderr : error.message });
      },
    );
  });
}

/** Runs to the end and must succeed; gives stdout. */
export async function runWell(...run: Parameters<typeof runToEnd>): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(...run);
  if (code !== 0)
    throw new Error(`${run[0]} ${run[1].join(' ')} ended with ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
  return stdout;
}

export interface ProgramOptions extends RunOptions {
  /** The program's own folder: its working directory without `cwd`, removed with the program. */
  readonly ownDir?: string | undefined;
  /** CPU to keep it on. */
  readonly cpu?: number | undefined;
  /** Start it in its own process group, which gets the signals: for programs that do not pass signals on to their children. */
  readonly group?: boolean | undefined;
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  /** The exit code, once there is one; null after a signal, and when it could not be started. */
  readonly exited: Promise<number | null>;
  /** It has ended and all that it wrote was read, which may be later; never while a child of it holds its output. */
  readonly closed: Promise<void>;
  /** The end of what it wrote on stdout and stderr. */
  readonly output: () => string;
  /** User and system time so far. */
  readonly cpuSeconds: () => number;
  /** Resident memory now. */
  readonly rssBytes: () => number;
  /** Ends it by `signal` (SIGTERM), and by SIGKILL after fifteen seconds; the exit code. */
  readonly stop: (signal?: NodeJS.Signals) => Promise<number | null>;
}

const KILL_AFTER_MS = 15_000;
const OUTPUT_CHARACTERS = 200_000;

export function startProgram(file: string, args: readonly string[], options: ProgramOptions = {}): Program {
  const pinned = options.cpu === undefined ? [] : ['taskset', '-c', String(options.cpu)];
  const [command, ...rest] = [...pinned, file, ...args];
  const child = spawn(command, rest, {
    cwd: options.cwd ?? options.ownDir ?? tmpdir(),
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: options.group === true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-OUTPUT_CHARACTERS)));
  const exited = new Promise<number | null>((resolve) => {
    child.once('exit', (code) => resolve(code));
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
  });
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const send = options.group === true ? (signal: NodeJS.Signals) => signalGroup(child, signal) : child.kill.bind(child);
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (!hasEnded(child)) send(signal);
    const timer = setTimeout(() => send('SIGKILL'), KILL_AFTER_MS);
    const code = await exited;
    clearTimeout(timer);
    if (options.group === true) send('SIGKILL');
    return code;
  };
  return {
    child,
    exited,
    closed,
    output: () => output,
    cpuSeconds: () => cpuSeconds(child.pid ?? 0),
    rssBytes: () => rssBytes(child.pid ?? 0),
    stop,
    async [Symbol.asyncDispose]() {
      await stop();
      if (options.ownDir !== undefined) rmSync(options.ownDir, { recursive: true, force: true });
    },
  };
}

/** Or has never existed. */
const hasEnded = ({ pid, exitCode, signalCode }: ChildProcess): boolean =>
  pid === undefined || exitCode !== null || signalCode !== null;

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

/** A busy machine starts a process slowly. */
const READY_LIMIT_MS = 120_000;

/** Resolves when every URL answers with success; fails as soon as the program has ended, or after `limitMs`. */
export async function untilReady(program: Program, urls: readonly string[], limitMs = READY_LIMIT_MS): Promise<void> {
  const state = await until(
    async () => {
      if (hasEnded(program.child)) return 'ended';
      const answers = await Promise.all(urls.map(async (url) => fetch(url)));
      return answers.every(({ ok }) => ok) ? 'ready' : undefined;
    },
    limitMs,
    () => `${program.child.spawnargs.join(' ')} does not answer on ${urls.join(' and ')}\n${program.output()}`,
  );
  if (state === 'ended') throw new Error(`${program.child.spawnargs.join(' ')} ended\n${program.output()}`);
}

/** A program that answers over HTTP. */
export interface Server extends Program {
  readonly url: string;
}

/** Starts a program and waits until `readyUrl` answers; one that never does is ended. */
export async function startServer(
  file: string,
  args: readonly string[],
  { readyUrl, ...options }: ProgramOptions & { readonly readyUrl: string },
): Promise<Server> {
  await using started = new AsyncDisposableStack();
  const program = started.use(startProgram(file, args, options));
  await untilReady(program, [readyUrl]);
  started.move();
  return { ...program, url: new URL(readyUrl).origin };
}
