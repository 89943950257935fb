/**
 * Files that are read again when they change: certificates, keys, passwords. They are asked for their state once a second
 * instead of being watched, because the notices of file systems get lost where files are replaced through links (as
 * Kubernetes does with secrets) and on network mounts. A file that cannot be read well keeps what was read before.
 */
import { stat } from 'node:fs/promises';
import type { Clock } from '../../../base/clock.ts';

const PERIOD_MS = 1_000;

interface Watched {
  readonly files: readonly string[];
  readonly changed: () => void;
  state: string;
}

/** Changes with content, time and identity; the same for a file that is not there. */
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

  /** `changed` is called some time after one of `files` has become another. It throws nothing. */
  async watch(files: readonly string[], changed: () => void): Promise<void> {
    const state = await stateOf(files);
    this.#watched.push({ files, changed, state });
    if (this.#watched.length === 1 && !this.#closed) this.#plan();
  }

  #plan(): void {
    this.#cancel = this.#clock.after(PERIOD_MS, () => void this.check());
  }

  /** Looks now. */
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
