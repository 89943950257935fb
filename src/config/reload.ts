/**
 * Keeps the configuration current: on SIGHUP (the caller's `reload()`) and when the file is saved. A bad file changes nothing:
 * the last good configuration stays, and the problem is reported until a good one comes.
 */
import { watch } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';

/** Editors write a file in several steps; this long after the last event it is read. */
const SETTLE_MS = 200;

export interface ReloadState {
  readonly successful: boolean;
  /** What was wrong with the last attempt; '' when it held. */
  readonly text: string;
}

export class ConfigReloader<T> {
  readonly #read: () => { value: T | undefined; text: string };
  readonly #apply: (value: T) => void | Promise<void>;
  readonly #report: (state: ReloadState) => void;
  readonly #clock: Clock;
  #cancel = (): void => {};
  #stopWatching = (): void => {};
  #state: ReloadState = { successful: true, text: '' };
  #running: Promise<void> = Promise.resolve();

  constructor(options: {
    readonly file: string | undefined;
    readonly clock: Clock;
    readonly read: () => { value: T | undefined; text: string };
    readonly apply: (value: T) => void | Promise<void>;
    readonly report: (state: ReloadState) => void;
  }) {
    this.#read = options.read;
    this.#apply = options.apply;
    this.#report = options.report;
    this.#clock = options.clock;
    if (options.file !== undefined) this.#watch(options.file);
  }

  get state(): ReloadState {
    return this.#state;
  }

  /** Reads again and applies what holds; resolves when done, never rejects. */
  reload(): Promise<ReloadState> {
    const next = this.#running.then(() => this.#once());
    this.#running = next;
    return next.then(() => this.#state);
  }

  close(): void {
    this.#cancel();
    this.#stopWatching();
  }

  async #once(): Promise<void> {
    try {
      const { value, text } = this.#read();
      if (value !== undefined) await this.#apply(value);
      this.#state = { successful: value !== undefined, text };
    } catch (error) {
      this.#state = { successful: false, text: error instanceof Error ? error.message : String(error) };
    }
    this.#report(this.#state);
  }

  /** The folder is watched, because editors replace files instead of writing into them. */
  #watch(file: string): void {
    const watcher = watch(path.dirname(path.resolve(file)), { persistent: false }, (_event, name) => {
      if (name !== path.basename(file)) return;
      this.#cancel();
      this.#cancel = this.#clock.after(SETTLE_MS, () => void this.reload());
    });
    watcher.on('error', () => watcher.close());
    this.#stopWatching = () => watcher.close();
  }
}
