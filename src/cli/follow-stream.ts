/** What is there and what comes: a search, and the stream of the same filter, as the commands with `--follow` print them. */
import { stream, type ClientOptions } from './client.ts';
import { tell } from './output.ts';
import { readAhead } from './read-ahead.ts';

/** Rows that may come while the rows before them are searched. More are left out by the server, which counts them. */
const AHEAD = 50_000;

export interface StreamOptions<T> {
  readonly client: ClientOptions;
  /** Of the stream. */
  readonly path: string;
  /** The rows that are there, oldest first. */
  readonly search: () => Promise<readonly T[]>;
  /** Equal for the same row of the search and of the stream; undefined for a row that no search finds. */
  readonly keyOf: (row: T) => string | undefined;
  readonly show: (row: T) => void;
  /** What the rows are, for the sentence about those that were left out. */
  readonly rows: string;
  readonly signal: AbortSignal;
}

/**
 * The stream is opened before the search is made: a row that comes in between is in the stream, or in both, and is then known
 * by its key. The other order would lose it. Throws as `ask` does, and ends when `signal` is aborted.
 */
export async function followStream<T extends object>(options: StreamOptions<T>): Promise<void> {
  const { client, path, search, keyOf, show, rows, signal } = options;
  const over = new AbortController();
  try {
    const coming = readAhead(await stream(client, path, AbortSignal.any([signal, over.signal])), AHEAD);
    const printed = new Set<string>();
    for (const row of await search()) {
      const key = keyOf(row);
      if (key !== undefined) printed.add(key);
      show(row);
    }
    for await (const text of coming) {
      const row = JSON.parse(text) as T | { readonly dropped: number };
      if ('dropped' in row) tell(`${String(row.dropped)} ${rows} were left out: they came faster than they were read.`);
      else if (!printed.has(keyOf(row) ?? '')) show(row);
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    over.abort();
  }
}
