/** So many requests of one key at a time. It remembers only keys that have one, so it is bounded by the requests at work. */
export class Concurrency {
  readonly #max: number;
  readonly #active = new Map<string, number>();

  constructor(max: number) {
    this.#max = max;
  }

  get keys(): number {
    return this.#active.size;
  }

  /** Returns false when the key has as many as it may. Each true is followed by one `leave`. */
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
