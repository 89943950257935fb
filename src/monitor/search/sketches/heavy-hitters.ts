/**
 * The most frequent texts of a stream in bounded memory: the space-saving sketch of Metwally, Agrawal and El Abbadi (2005).
 * Up to `capacity` different texts the counts are exact. Beyond, a new text takes the place of the least frequent one and
 * takes over its count as its possible error; every text more frequent than total ÷ capacity is among those kept.
 */

export interface Hitter {
  readonly value: string;
  readonly count: number;
  /** The count may be too high by this much. */
  readonly error: number;
}

interface Counter {
  count: number;
  error: number;
}

/** Longer texts are cut: a value of a megabyte must not be kept ten thousand times. */
const MAX_TEXT = 256;

export class HeavyHitters {
  readonly #capacity: number;
  readonly #counters = new Map<string, Counter>();
  /** Texts by count, so that the least frequent is found without a search. */
  readonly #byCount = new Map<number, Set<string>>();
  #least = 1;
  #total = 0;

  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get total(): number {
    return this.#total;
  }

  add(text: string, times = 1): void {
    const value = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
    this.#total += times;
    const known = this.#counters.get(value);
    if (known !== undefined) {
      this.#move(value, known, known.count + times);
      return;
    }
    const counter: Counter = { count: 0, error: 0 };
    if (this.#counters.size >= this.#capacity) counter.error = this.#dropLeast();
    this.#counters.set(value, counter);
    this.#move(value, counter, counter.error + times);
  }

  /** Most frequent first; texts of one count in their own order. */
  top(limit: number): Hitter[] {
    return [...this.#counters]
      .map(([value, { count, error }]) => ({ value, count, error }))
      .sort((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, limit);
  }

  #move(value: string, counter: Counter, count: number): void {
    this.#leave(value, counter.count);
    counter.count = count;
    const level = this.#byCount.get(count);
    if (level === undefined) this.#byCount.set(count, new Set([value]));
    else level.add(value);
    if (count < this.#least) this.#least = count;
  }

  #leave(value: string, count: number): void {
    const level = this.#byCount.get(count);
    level?.delete(value);
    if (level?.size === 0) this.#byCount.delete(count);
  }

  /** Removes one of the least frequent texts and returns its count. Counts only rise, so the search goes on where it ended. */
  #dropLeast(): number {
    while (!this.#byCount.has(this.#least)) this.#least += 1;
    const count = this.#least;
    const [value] = this.#byCount.get(count) as Set<string>;
    this.#leave(value, count);
    this.#counters.delete(value);
    return count;
  }
}
