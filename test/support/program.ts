/** Programs other than Vitrine's own source that tests start, wait for and end: with all their children, and never by name. */
import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';

/** The Node.js that runs the tests, before whatever else is called `node`. */
export const WITH_THIS_NODE = `${path.dirname(process.execPath)}${path.delimiter}${process.env['PATH'] ?? ''}`;

export interface Finished {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface ProgramOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly limitMs?: number;
}

const environment = (more: ProgramOptions['env']): NodeJS.ProcessEnv => ({
  ...process.env,
  NODE_OPTIONS: '',
  PATH: WITH_THIS_NODE,
  ...more,
});

/** Runs to the end; a code other than 0 is an answer, not an error. */
export function runToEnd(file: string, args: readonly string[], options: ProgramOptions): Promise<Finished> {
  return new Promise((resolve) => {
    execFile(
      file,
      args,
      {
        cwd: options.cwd,
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
export async function runWell(file: string, args: readonly string[], options: ProgramOptions): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(file, args, options);
  if (code !== 0)
    throw new Error(`${file} ${args.join(' ')} ended with ${code}\n${stdout.slice(-4000)}\n${stderr.slice(-4000)}`);
  return stdout;
}

export interface Program extends AsyncDisposable {
  readonly child: ChildProcess;
  readonly exited: Promise<number | null>;
  readonly output: () => string;
  readonly signal: (signal: NodeJS.Signals) => void;
  /** SIGTERM to the program and all that it started, SIGKILL after fifteen seconds; the exit code. */
  readonly stop: () => Promise<number | null>;
}

/** Starts a program in a process group of its own. */
export function startProgram(file: string, args: readonly string[], options: ProgramOptions): Program {
  const child = spawn(file, args, {
    cwd: options.cwd,
    env: environment(options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true,
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (output = (output + chunk.toString()).slice(-200_000)));
  const exited = new Promise<number | null>((resolve) => {
    child.once('error', (error) => {
      output += String(error);
      resolve(null);
    });
    child.once('exit', (code) => resolve(code));
  });
  const signal = (name: NodeJS.Signals): void => {
    if (child.pid === undefined) return;
    try {
      process.kill(-child.pid, name);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  };
  const stop = async (): Promise<number | null> => {
    signal('SIGTERM');
    const timer = setTimeout(() => signal('SIGKILL'), 15_000);
    const code = await exited;
    clearTimeout(timer);
    signal('SIGKILL');
    return code;
  };
  return {
    child,
    exited,
    output: () => output,
    signal,
    stop,
    [Symbol.asyncDispose]: async () => {
      await stop();
    },
  };
}

const BUILT =
  process.env['VITRINE_PROGRAMS_BIN'] ??
  path.join(process.env['XDG_CACHE_HOME'] ?? path.join(homedir(), '.cache'), 'vitrine-programs/bin');

/** Where one of `names` is: among the programs that test/support/programs/install.sh builds, or in the system's folders. */
export function installed(...names: readonly string[]): string | undefined {
  return names
    .flatMap((name) => [BUILT, '/usr/bin', '/usr/sbin', '/usr/local/bin'].map((folder) => path.join(folder, name)))
    .find((file) => existsSync(file));
}
