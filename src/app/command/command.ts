/**
 * The command of `vitrine run` as a tree of processes. The command ends by itself or by the user's signals; then no process
 * of the tree is left. A guardian, a shell that waits on a pipe from this process, ends the tree when this process is
 * killed.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { constants } from 'node:os';
import { systemClock, wait } from '../../base/clock.ts';

/** This variable is in the environment of every process of the tree, also of those whose parent has ended. */
export const RUN_MARK = 'VITRINE_RUN_ID';

/** Processes that outlive the command itself get its signal, and this much time to end. */
const LEFTOVER_LIMIT_MS = 5_000;
/** The time to end after a second interrupt. */
const IMPATIENT_LIMIT_MS = 1_000;
const LOOK_EVERY_MS = 50;

/**
 * The guardian reads one word: `done` after an orderly end, nothing when the pipe breaks. Arguments: the mark and the folder
 * of this run. It runs in a session of its own and ignores signals, so that a signal to the whole group does not end it
 * first.
 */
const GUARDIAN = `
trap '' INT TERM HUP QUIT
read -r word
[ "$word" = done ] && exit 0
marked() { for entry in /proc/[0-9]*; do grep -qsa "$1" "$entry/environ" && echo "\${entry#/proc/}"; done; }
for round in 1 2 3 4 5 6 7 8 9 10 11; do
  pids=$(marked "$1")
  [ -z "$pids" ] && break
  case $round in 1) kill -TERM $pids ;; 11) kill -KILL $pids ;; esac 2>/dev/null
  sleep 0.2
done
rm -rf -- "$2"
`;

export interface CommandOptions {
  readonly command: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** A value that no other run has. */
  readonly id: string;
  /** The folder of this run. */
  readonly dir: string;
  readonly say: (message: string) => void;
}

export class Command {
  readonly #options: CommandOptions;
  #child: ChildProcess | undefined;
  #guardian: ChildProcess | undefined;
  #exit: (code: number) => void = () => {};
  #ended = false;
  #lastSignal: NodeJS.Signals = 'SIGTERM';
  #interrupts = 0;
  /** Resolves with its exit code, 128 and the signal's number after a signal, as a shell has it. */
  readonly exited = new Promise<number>((resolve) => {
    this.#exit = resolve;
  });

  constructor(options: CommandOptions) {
    this.#options = options;
  }

  get name(): string {
    return this.#options.command.join(' ');
  }

  /** 0 before the start. */
  get pid(): number {
    return this.#child?.pid ?? 0;
  }

  start(): void {
    const { command, env, id, say } = this.#options;
    const [file, ...args] = command;
    this.#guard();
    const child = spawn(file, args, { env: { ...env, [RUN_MARK]: id }, stdio: 'inherit' });
    this.#child = child;
    child.once('error', (error: NodeJS.ErrnoException) => {
      say(`${file}: ${error.code === 'ENOENT' ? 'command not found' : error.message}`);
      this.#finish(error.code === 'ENOENT' ? 127 : 126);
    });
    child.once('exit', (code, signal) => this.#finish(code ?? 128 + constants.signals[signal ?? 'SIGTERM']));
  }

  #guard(): void {
    const { id, dir } = this.#options;
    const guardian = spawn('/bin/sh', ['-c', GUARDIAN, 'vitrine-guardian', `${RUN_MARK}=${id}`, dir], {
      // The guardian has no mark, because it must not find itself.
      env: { PATH: process.env['PATH'] ?? '/usr/bin:/bin' },
      cwd: '/',
      stdio: ['pipe', 'ignore', 'ignore'],
      detached: true,
    });
    // Without a shell the command runs unguarded.
    guardian.on('error', () => {});
    guardian.stdin?.on('error', () => {});
    guardian.unref();
    (guardian.stdin as unknown as { unref?: () => void }).unref?.();
    this.#guardian = guardian;
  }

  #finish(code: number): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#exit(code);
  }

  /** Passes a signal of the user on. The second interrupt ends the whole tree soon. */
  signal(signal: NodeJS.Signals, send = true): void {
    if (signal === 'SIGINT' || signal === 'SIGTERM') {
      this.#lastSignal = signal;
      this.#interrupts += 1;
    }
    if (send && !this.#ended) this.#child?.kill(signal);
    if (this.#interrupts !== 2) return;
    const kill = (): void => {
      for (const pid of this.#left()) killQuietly(pid, 'SIGKILL');
      this.#child?.kill('SIGKILL');
    };
    systemClock.after(IMPATIENT_LIMIT_MS, kill);
  }

  /** The running processes of the tree. */
  #left(): number[] {
    return processesWith(`${RUN_MARK}=${this.#options.id}`);
  }

  /** Ends the remaining processes of the tree; resolves when none is left. */
  async stop(): Promise<void> {
    if (this.#child !== undefined) {
      if (!this.#ended) this.#child.kill('SIGTERM');
      await this.#endLeftovers();
      if (!this.#ended) await this.exited;
    }
    this.#guardian?.stdin?.end('done\n');
  }

  async #endLeftovers(): Promise<void> {
    const clock = { ...systemClock, after: keepAlive };
    const limit = systemClock.monotonic() + LEFTOVER_LIMIT_MS;
    let left = this.#left();
    for (const pid of left) if (pid !== this.pid) killQuietly(pid, this.#lastSignal);
    while (left.length > 0) {
      await wait(clock, LOOK_EVERY_MS);
      left = this.#left();
      if (systemClock.monotonic() < limit) continue;
      for (const pid of left) killQuietly(pid, 'SIGKILL');
    }
  }
}

/** Processes of this user whose environment has `entry`, from /proc; none on other systems. */
function processesWith(entry: string): number[] {
  const marked = (pid: string): boolean => {
    try {
      return readFileSync(`/proc/${pid}/environ`, 'latin1').split('\0').includes(entry);
    } catch {
      // Another user's process, or one that has ended.
      return false;
    }
  };
  try {
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && marked(name))
      .map(Number);
  } catch {
    return [];
  }
}

function killQuietly(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // The process has ended.
  }
}

/** A timer that keeps the process alive, because no other handle does so during the wait. */
function keepAlive(delayMs: number, callback: () => void): () => void {
  const timer = setTimeout(callback, delayMs);
  return () => clearTimeout(timer);
}
