/**
 * The most frequent keys of a stream in bounded memory (Misra and Gries, "Finding repeated elements", 1982): every key with
 * more than 1 of `capacity` of all counts is among them, and a count is too low by at most the total divided by `capacity`.
 * Recording is one look-up in a map; a full table decrements all counters, a cost that is spread over the earlier records.
 */
export interface KeyCount {
  readonly key: string;
  readonly count: number;
}

export class TopKeys {
  readonly #capacity: number;
  readonly #counts = new Map<string, number>();
  /** Number of times that all counters were decremented. */
  #decrements = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  add(key: string): void {
    const counts = this.#counts;
    const count = counts.get(key);
    if (count !== undefined) counts.set(key, count + 1);
    else if (counts.size < this.#capacity) counts.set(key, 1);
    else this.#decrement();
  }

  #decrement(): void {
    this.#decrements += 1;
    for (const [key, count] of this.#counts) {
      if (count === 1) this.#counts.delete(key);
      else this.#counts.set(key, count - 1);
    }
  }

  /** The first `limit` keys, most frequent first. A count is a lower bound; the true count is at most `error` higher. */
  top(limit: number): readonly KeyCount[] {
    return [...this.#counts]
      .map(([key, count]) => ({ key, count }))
      .sort((a, b) => b.count - a.count || (a.key < b.key ? -1 : 1))
      .slice(0, limit);
  }

  /** By how much each count may be too low. */
  get error(): number {
    return this.#decrements;
  }

  get size(): number {
    return this.#counts.size;
  }
}
