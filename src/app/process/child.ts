/**
 * A child process that is kept alive: started, watched, and started again with back-off when it ends without being asked to.
 * After five runs in a row of less than three seconds it is started only once a minute. It is given up only for causes that
 * cannot pass by themselves: wrong usage or a wrong configuration. A port or a directory that is in use may be free in a
 * moment. Children end by themselves when the channel to their parent closes, so none outlives a killed parent.
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
  readonly onExit?: (unexpected: boolean, code: number | null) => void;
  /** True when a second attempt would fail the same way. Codes 2 and 3 always mean that: wrong usage, wrong configuration. */
  readonly isFinal?: (code: number | null) => boolean;
  /** Whether the run that has just ended counts as failed. Default: it lasted less than three seconds. */
  readonly wasVain?: (livedMs: number) => boolean;
  /** Called when the child will not be started again. */
  readonly onGaveUp?: (code: number | null) => void;
}

const FIRST_BACKOFF_MS = 100;
const MAX_BACKOFF_MS = 5_000;
const CRASH_LOOP = { ends: 5, livedLessMs: 3_000, pauseMs: 60_000 };
/** After SIGKILL a process that waits for a disk is not gone until the disk answers. */
const KILLED_LIMIT_MS = 1_000;
const IN_USE = 4;

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

  /** True once no further attempt is made. */
  get gaveUp(): boolean {
    return this.#gaveUp;
  }

  /** Sends if the channel is open, else returns false. `done` is called once the message was written to the channel. */
  send(message: object, done?: (error: Error | null) => void): boolean {
    const child = this.#process;
    if (!child?.connected) return false;
    child.send(message, (error) => done?.(error));
    return true;
  }

  kill(signal: NodeJS.Signals): void {
    this.#process?.kill(signal);
  }

  /**
   * SIGTERM, or `message` if the channel is open, and SIGKILL after `limitMs`; resolves when it has ended, or a second after
   * that.
   */
  async stop(limitMs: number, message?: object): Promise<void> {
    this.#stopping = true;
    this.#cancelRestart();
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const { clock, name, logger } = this.#options;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    if (message === undefined || !this.send(message)) child.kill('SIGTERM');
    const late = new Promise<void>((resolve) => {
      const cancels = [
        clock.after(limitMs, () => child.kill('SIGKILL')),
        clock.after(limitMs + KILLED_LIMIT_MS, () => {
          logger.error(
            { child: name, pid: child.pid },
            `${name} does not end although it was killed: it waits for a disk`,
          );
          resolve();
        }),
      ];
      void gone.then(() => cancels.forEach((cancel) => cancel()));
    });
    await Promise.race([gone, late]);
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
    onExit?.(!this.#stopping, code);
    if (this.#stopping) return;
    const lived = clock.monotonic() - this.#bornAt;
    const vain = this.#options.wasVain?.(lived) ?? lived < CRASH_LOOP.livedLessMs;
    this.#shortLives = vain ? this.#shortLives + 1 : 0;
    const isFinal = code === 2 || code === 3 || this.#options.isFinal?.(code) === true;
    if (isFinal) {
      this.#gaveUp = true;
      logger.error({ child: name, code, signal }, `${name} ended and is not started again; the rest goes on`);
      this.#options.onGaveUp?.(code);
      return;
    }
    const loops = this.#shortLives >= CRASH_LOOP.ends && code !== IN_USE;
    const backoffMs = Math.min(FIRST_BACKOFF_MS * 2 ** this.#shortLives, MAX_BACKOFF_MS);
    const delayMs = loops ? CRASH_LOOP.pauseMs : backoffMs;
    const fields = { child: name, code, signal, restart_in_ms: delayMs };
    if (loops)
      logger.error(
        fields,
        `${name} keeps ending soon after its start; it is tried again in a minute, the rest goes on`,
      );
    else if (code === IN_USE)
      logger.warn(fields, `${name} found an address or a directory in use and is started again`);
    else logger.warn(fields, `${name} ended and is started again`);
    this.#cancelRestart = clock.after(delayMs, () => this.#spawn());
  }
}
