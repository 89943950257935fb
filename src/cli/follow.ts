/** Follows a search that the server has no stream for: it is asked again and again, and records that were not printed before are. */
import { RecentMap } from '../base/bounded.ts';
import { tell } from './output.ts';

/** Records that are remembered as printed, at least. */
const REMEMBERED = 10_000;

export interface Look<T> {
  /** Newest first. */
  readonly rows: readonly T[];
  /** More match than are in `rows`. */
  readonly more: boolean;
}

export interface FollowOptions<T> {
  readonly look: () => Promise<Look<T>>;
  /** Equal for a record that needs no new line. */
  readonly keyOf: (row: T) => string;
  readonly show: (row: T) => void;
  /** So many of the first answer are printed, the newest. */
  readonly first: number;
  readonly signal: AbortSignal;
  readonly everyMs: number;
}

/** Ends when `signal` is aborted. Throws as `look` does. */
export async function follow<T>({ look, keyOf, show, first, signal, everyMs }: FollowOptions<T>): Promise<void> {
  const seen = new RecentMap<string, true>(REMEMBERED);
  for (let turn = 0; !signal.aborted; turn += 1) {
    const { rows, more } = await look();
    const fresh = rows.filter((row) => seen.get(keyOf(row)) === undefined);
    if (turn > 0 && more && fresh.length === rows.length) tell('Some were left out: more came than one answer holds.');
    for (const row of rows) seen.set(keyOf(row), true);
    for (const row of (turn === 0 ? fresh.slice(0, first) : fresh).toReversed()) show(row);
    await pause(everyMs, signal);
  }
}

/** Resolves after the time, or when `signal` is aborted. */
export function pause(delayMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const end = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = setTimeout(end, delayMs);
    signal.addEventListener('abort', end, { once: true });
  });
}
