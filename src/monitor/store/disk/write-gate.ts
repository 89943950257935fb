/**
 * Whether the store accepts writes. A full or failing disk is a state, not a crash: the gate closes, every append is refused
 * with `storage_full` and Retry-After, reads continue, and a probe every two seconds opens the gate again (as
 * VictoriaMetrics' read-only mode under `-storage.minFreeDiskSpaceBytes`).
 */
import { statfsSync, statSync } from 'node:fs';
import type { Clock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Logger } from '../../../base/logger.ts';
import { formatBytes } from '../../../base/units.ts';
import { isDiskTrouble, messageOf } from './database.ts';

const PROBE_MS = 2_000;
const RETRY_AFTER_SECONDS = 5;

export interface WriteGateParts {
  readonly dir: string;
  /** The gate closes below this; with 0 it closes when the disk refuses a write. */
  readonly minFreeBytes: number;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The file that must still be in the directory: when it was removed, nobody could read further writes again. */
  readonly file: string;
  /** Writes about as much as a commit; throws while the disk refuses. */
  readonly probe: () => void;
}

export class WriteGate {
  readonly #parts: WriteGateParts;
  readonly #inode: bigint | undefined;
  #reason: string | undefined;
  #cancel = (): void => {};

  constructor(parts: WriteGateParts) {
    this.#parts = parts;
    this.#inode = this.#inodeNow();
  }

  get open(): boolean {
    return this.#reason === undefined;
  }

  /** Bytes that this user may still write to the file system; 0 when the directory is gone. */
  freeBytes(): number {
    try {
      const { bavail, bsize } = statfsSync(this.#parts.dir);
      return bavail * bsize;
    } catch (error) {
      if (!isDiskTrouble(error)) throw error;
      return 0;
    }
  }

  /** The error with which an append is refused. */
  refusal(cause?: unknown): VitrineError {
    return new VitrineError('storage_full', `The store cannot write: ${this.#reason ?? 'the disk is full'}.`, {
      hint: 'Free space on the disk, or lower store.retention or store.max_size; the store resumes writing by itself.',
      headers: { 'Retry-After': String(RETRY_AFTER_SECONDS) },
      ...(cause === undefined ? {} : { cause }),
    });
  }

  /** Closes the gate until a probe succeeds. */
  shut(cause: unknown): void {
    const first = this.open;
    this.#reason = typeof cause === 'string' ? cause : messageOf(cause);
    if (!first) return;
    this.#parts.logger.error({ reason: this.#reason }, `the store does not accept writes: ${this.#reason}`);
    this.#wait();
  }

  /** Closes the gate when the file is no longer in its directory, or less than the limit is free. */
  check(): void {
    const { minFreeBytes } = this.#parts;
    if (!this.open) return;
    if (this.#isGone()) {
      this.shut(this.#goneText());
      return;
    }
    if (minFreeBytes === 0) return;
    const free = this.freeBytes();
    if (free < minFreeBytes) this.shut(tooLittle(free, minFreeBytes));
  }

  close(): void {
    this.#cancel();
  }

  #inodeNow(): bigint | undefined {
    try {
      return statSync(this.#parts.file, { bigint: true }).ino;
    } catch {
      return undefined;
    }
  }

  #isGone(): boolean {
    return this.#inodeNow() !== this.#inode;
  }

  #goneText(): string {
    return `${this.#parts.file} was removed or replaced; restart Vitrine to begin a new one`;
  }

  #wait(): void {
    this.#cancel = this.#parts.clock.after(PROBE_MS, () => this.#try());
  }

  #try(): void {
    try {
      const { minFreeBytes } = this.#parts;
      const free = minFreeBytes === 0 ? Infinity : this.freeBytes();
      if (this.#isGone()) {
        this.#reason = this.#goneText();
      } else if (free < minFreeBytes) {
        this.#reason = tooLittle(free, minFreeBytes);
      } else {
        this.#parts.probe();
        this.#reason = undefined;
      }
    } catch (error) {
      this.#reason = messageOf(error);
    }
    if (this.open) this.#parts.logger.info({}, 'the store accepts writes again');
    else this.#wait();
  }
}

function tooLittle(free: number, limit: number): string {
  return `${formatBytes(free)} are free on the disk and ${formatBytes(limit)} must stay free`;
}
