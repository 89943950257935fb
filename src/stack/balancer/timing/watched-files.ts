/**
 * Files that are read again when they change: certificates, keys, passwords. Their state is checked once a second instead of
 * with file system events, because such events get lost when files are replaced through links (as Kubernetes does with
 * secrets) and on network mounts. When a changed file cannot be read, the content that was read before stays in use.
 */
import { stat } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';

const PERIOD_MS = 1_000;

interface Watched {
  readonly files: readonly string[];
  readonly changed: () => void;
  state: string;
}

/** A text that changes with the content, time or identity of a file. An absent file always gives the same text. */
async function stateOf(files: readonly string[]): Promise<string> {
  const states = await Promise.all(
    files.map((file) =>
      stat(file).then(
        ({ ino, size, mtimeMs, ctimeMs }) => `${ino} ${size} ${mtimeMs} ${ctimeMs}`,
        () => 'absent',
      ),
    ),
  );
  return states.join('\n');
}

export class WatchedFiles {
  readonly #clock: Clock;
  readonly #watched: Watched[] = [];
  #cancel = (): void => {};
  #closed = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** `changed` is called some time after one of `files` has changed. It must not throw. */
  async watch(files: readonly string[], changed: () => void): Promise<void> {
    const state = await stateOf(files);
    this.#watched.push({ files, changed, state });
    if (this.#watched.length === 1 && !this.#closed) this.#plan();
  }

  #plan(): void {
    this.#cancel = this.#clock.after(PERIOD_MS, () => void this.check());
  }

  /** Checks the files now. */
  async check(): Promise<void> {
    this.#cancel();
    for (const one of this.#watched) {
      const state = await stateOf(one.files);
      if (state === one.state || this.#closed) continue;
      one.state = state;
      one.changed();
    }
    if (!this.#closed) this.#plan();
  }

  close(): void {
    this.#closed = true;
    this.#cancel();
  }
}
