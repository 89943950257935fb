/**
 * Keeps a configuration up to date: a saved file or a signal loads it again. A bad file changes nothing: the last good
 * configuration stays, and the mistakes are reported. Loads never run at the same time.
 */
import { watch } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../base/clock.ts';
import { VitrineError } from '../base/errors.ts';
import { readConfigFile } from './config-file.ts';

export interface ReloadOptions<T> {
  readonly file: string;
  /** Checks `text` and creates the configuration. Throws VitrineError `config_invalid`. */
  readonly load: (text: string) => T;
  /** Applies a good configuration. An error counts as a failed reload. */
  readonly apply: (config: T) => void | Promise<void>;
  /** Called after each attempt that loaded a file. */
  readonly report: (outcome: ReloadOutcome) => void;
  readonly clock: Clock;
  /** Editors write in several steps; the file is read when it has not changed for this many milliseconds. Default 200. */
  readonly quietMs?: number | undefined;
}

export interface ReloadOutcome {
  readonly atMs: number;
  readonly reason: string;
  /** undefined when the reload succeeded. */
  readonly error: VitrineError | undefined;
}

export class ConfigReloader<T> {
  readonly #options: ReloadOptions<T>;
  #text: string;
  #current: T;
  #last: ReloadOutcome | undefined;
  #running: Promise<unknown> = Promise.resolve();
  #closeWatch = (): void => {};
  #cancelQuiet = (): void => {};

  /** `text` and `config` are in use now. */
  constructor(options: ReloadOptions<T>, text: string, config: T) {
    this.#options = options;
    this.#text = text;
    this.#current = config;
  }

  get current(): T {
    return this.#current;
  }

  /** The last attempt; undefined before the first. For `vitrine.config.last_reload_successful`. */
  get last(): ReloadOutcome | undefined {
    return this.#last;
  }

  /** Watches the directory, not the file: editors and Kubernetes replace files instead of writing into them. */
  watch(): void {
    const { clock, file, quietMs = 200 } = this.#options;
    const watcher = watch(path.dirname(path.resolve(file)), { persistent: false }, () => {
      this.#cancelQuiet();
      this.#cancelQuiet = clock.after(quietMs, () => void this.reload('file', true));
    });
    // The watch ends when the directory is removed; a signal still reloads.
    watcher.on('error', () => watcher.close());
    this.#closeWatch = () => watcher.close();
  }

  /** Loads now. With `onlyIfChanged`, an unchanged file is ignored. Never rejects. */
  reload(reason: string, onlyIfChanged = false): Promise<ReloadOutcome | undefined> {
    const next = this.#running.then(() => this.#reload(reason, onlyIfChanged));
    this.#running = next;
    return next;
  }

  async #reload(reason: string, onlyIfChanged: boolean): Promise<ReloadOutcome | undefined> {
    const { file, load, apply, report, clock } = this.#options;
    let error: VitrineError | undefined;
    try {
      const text = readConfigFile(file);
      if (onlyIfChanged && text === this.#text) return undefined;
      // A bad file is remembered too, so the same mistake is reported once.
      this.#text = text;
      const config = load(text);
      await apply(config);
      this.#current = config;
    } catch (cause) {
      error = cause instanceof VitrineError ? cause : asConfigError(cause);
    }
    this.#last = { atMs: clock.now(), reason, error };
    report(this.#last);
    return this.#last;
  }

  async close(): Promise<void> {
    this.#cancelQuiet();
    this.#closeWatch();
    await this.#running;
  }
}

function asConfigError(cause: unknown): VitrineError {
  const fact = cause instanceof Error ? cause.message : 'unknown';
  return new VitrineError('config_invalid', `The configuration could not be applied: ${fact}`, { cause });
}
