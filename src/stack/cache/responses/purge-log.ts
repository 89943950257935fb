/** The last purges and what they removed, for an undo. */
import type { Clock } from '../../../base/clock.ts';
import { randomHex } from '../../../base/random.ts';
import type { PurgedEntry } from './response-entries.ts';

/** How many purges can be undone, for how long, and how many entries they may hold together. */
const UNDO_LIMIT = 20;
const UNDO_MS = 600_000;
const UNDO_ENTRIES = 10_000;
const UNDO_BYTES = 16 * 1024 * 1024;

interface Undoable {
  readonly atMs: number;
  readonly entries: readonly PurgedEntry[];
}

/** The last purges with what they removed, so that an operator can undo a mistake. Large purges cannot be undone. */
export class PurgeLog {
  readonly #clock: Clock;
  readonly #purges = new Map<string, Undoable>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The id to undo it by; undefined when there is nothing to put back or too much to hold. */
  add(entries: readonly PurgedEntry[]): string | undefined {
    const nowMs = this.#clock.monotonic();
    if (entries.length === 0 || !fits(entries)) return undefined;
    const id = randomHex(8);
    this.#purges.set(id, { atMs: nowMs, entries });
    let [held, bytes] = [0, 0];
    for (const [one, { atMs, entries }] of [...this.#purges].toReversed()) {
      held += entries.length;
      bytes += bytesOf(entries);
      const kept = atMs + UNDO_MS > nowMs && held <= UNDO_ENTRIES && bytes <= UNDO_BYTES;
      if (!kept) this.#purges.delete(one);
    }
    const [oldest] = this.#purges.keys();
    if (this.#purges.size > UNDO_LIMIT && oldest !== undefined) this.#purges.delete(oldest);
    return id;
  }

  take(id: string): readonly PurgedEntry[] | undefined {
    const found = this.#purges.get(id);
    this.#purges.delete(id);
    return found !== undefined && found.atMs + UNDO_MS > this.#clock.monotonic() ? found.entries : undefined;
  }
}

const fits = (entries: readonly PurgedEntry[]): boolean =>
  entries.length <= UNDO_ENTRIES && bytesOf(entries) <= UNDO_BYTES;

function bytesOf(entries: readonly PurgedEntry[]): number {
  return entries.reduce((sum, { kept }) => sum + 1_000 + (kept.kind === 'response' ? kept.body.length : 0), 0);
}
