/**
 * Limits the number of concurrent requests of each key. Only keys with a request in progress are stored, so the number of
 * requests in progress bounds the memory.
 */
export class Concurrency {
  readonly #max: number;
  readonly #active = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  get keys(): number {
    return this.#active.size;
  }

  /** Returns false when the key is at its limit. Each call that returns true must be followed by one `leave`. */
  enter(key: string): boolean {
    const active = this.#active.get(key) ?? 0;
    if (active >= this.#max) return false;
    this.#active.set(key, active + 1);
    return true;
  }

  leave(key: string): void {
    const active = this.#active.get(key) ?? 0;
    if (active <= 1) this.#active.delete(key);
    else this.#active.set(key, active - 1);
  }
}
