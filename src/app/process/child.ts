/**
 * A child process that is kept running: started, watched, and started again with back-off when it ends unexpectedly.
 * Five runs in a row shorter than three seconds are a crash loop: the child then stays stopped, and an error is logged.
 * Children end by themselves when the channel to their parent closes, so none outlives a killed parent.
 */
import { fork, type ChildProcess } from 'node:child_process';
import type { Clock } from '../../base/clock.ts';
import type { Logger } from '../../base/logger.ts';

export interface ChildOptions {
  readonly name: string;
  readonly module: string;
  readonly args: readonly string[];
  readonly execArgv?: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Called with every message of every run. */
  readonly onMessage?: (message: unknown, child: ChildProcess) => void;
  /** Called when a run has ended. */
  readonly onExit?: (unexpected: boolean) => void;
  /** True when a second attempt would fail the same way. Codes 2 to 4 always mean that: bad usage, bad configuration, address taken. */
  readonly isFinal?: (code: number | null) => boolean;
  /** Called when it is not started again. */
  readonly onGaveUp?: (code: number | null) => void;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const CRASH_LOOP = { ends: 5, livedLessMs: 3_000 };

export class Child {
  readonly #options: ChildOptions;
  #process: ChildProcess | undefined;
  #stopping = false;
  #shortLives = 0;
  #bornAt = 0;
  #cancelRestart = (): void => {};
  #gaveUp = false;

  constructor(options: ChildOptions) {
    this.#options = options;
    this.#spawn();
  }

  get pid(): number | undefined {
    return this.#process?.pid;
  }

  /** True once a crash loop has ended the restarts. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /** Sends if the channel is open, else returns false. `done` is called once the message was handed over. */
  send(message: object, done?: (error: Error | null) => void): boolean {
    const child = this.#process;
    if (!child?.connected) return false;
    child.send(message, (error) => done?.(error));
    return true;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /** Sends `message` if the channel is open, else SIGTERM, and SIGKILL after `limitMs`; resolves when the process has ended. */
  async stop(limitMs: number, message?: object): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (message === undefined || !this.send(message)) child.kill('SIGTERM');
    const cancel = this.#options.clock.after(limitMs, () => child.kill('SIGKILL'));
    await gone;
    cancel();
  }

  #spawn(): void {
    const { module, args, execArgv, env, name, logger } = this.#options;
    const child = fork(module, [...args], {
      env,
      execArgv: [...(execArgv ?? [])],
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
    this.#process = child;
    this.#bornAt = this.#options.clock.monotonic();
    child.on('message', (message) => this.#options.onMessage?.(message, child));
    child.on('error', (error) =>
      logger.error({ child: name, error: error.message }, 'A child process failed to start'),
    );
    child.once('exit', (code, signal) => this.#ended(code, signal));
  }

  #ended(code: number | null, signal: NodeJS.Signals | null): void {
    const { name, logger, clock, onExit } = this.#options;
    onExit?.(!this.#stopping);
    if (this.#stopping) return;
    const lived = clock.monotonic() - this.#bornAt;
    this.#shortLives = lived < CRASH_LOOP.livedLessMs ? this.#shortLives + 1 : 0;
    const isFinal = (code !== null && code >= 2 && code <= 4) || this.#options.isFinal?.(code) === true;
    if (isFinal || this.#shortLives >= CRASH_LOOP.ends) {
      this.#gaveUp = true;
      logger.error({ child: name, code, signal }, `${name} ended and is not started again; the rest goes on`);
      this.#options.onGaveUp?.(code);
      return;
    }
    const delayMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#shortLives, MAX_BACKOFF_MS);
    logger.warn({ child: name, code, signal, restart_in_ms: delayMs }, `${name} ended and is started again`);
    this.#cancelRestart = clock.after(delayMs, () => this.#spawn());
  }
}
