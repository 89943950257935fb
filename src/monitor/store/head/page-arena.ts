/**
 * Memory of the head: pages of 32 samples (times, then values) cut from slabs of 512 KiB. No object and no typed array per
 * series, so a series costs its pages and nothing else, and the size is known to the byte. Pages of one series are a
 * chain in both directions; freed pages are used again first.
 */

export const PAGE_SAMPLES = 32;
const PAGE_FLOATS = PAGE_SAMPLES * 2;
export const PAGE_BYTES = PAGE_FLOATS * 8;
const SLAB_SHIFT = 10;
const SLAB_PAGES = 1 << SLAB_SHIFT;

export const NO_PAGE = -1;

export class PageArena {
  readonly #slabs: Float64Array[] = [];
  #next = new Int32Array(0);
  #prev = new Int32Array(0);
  #free = NO_PAGE;
  #used = 0;

  /** Bytes of pages in use. */
  get usedBytes(): number {
    return this.#used * PAGE_BYTES;
  }

  /** Appends a page to the chain that ends with `after`, or begins a new chain. */
  allocate(after: number): number {
    if (this.#free === NO_PAGE) this.#grow();
    const page = this.#free;
    this.#free = this.#next[page];
    this.#next[page] = NO_PAGE;
    this.#prev[page] = after;
    if (after !== NO_PAGE) this.#next[after] = page;
    this.#used += 1;
    return page;
  }

  /** Frees the page and unlinks it from its chain. */
  release(page: number): void {
    const next = this.#next[page];
    const prev = this.#prev[page];
    if (next !== NO_PAGE) this.#prev[next] = prev;
    if (prev !== NO_PAGE) this.#next[prev] = next;
    this.#next[page] = this.#free;
    this.#free = page;
    this.#used -= 1;
  }

  next(page: number): number {
    return this.#next[page];
  }

  prev(page: number): number {
    return this.#prev[page];
  }

  slab(page: number): Float64Array {
    return this.#slabs[page >>> SLAB_SHIFT];
  }

  /** Where the page's times begin in its slab; its values begin PAGE_SAMPLES later. */
  offset(page: number): number {
    return (page & (SLAB_PAGES - 1)) * PAGE_FLOATS;
  }

  #grow(): void {
    const first = this.#slabs.length * SLAB_PAGES;
    this.#slabs.push(new Float64Array(SLAB_PAGES * PAGE_FLOATS));
    if (first + SLAB_PAGES > this.#next.length) {
      const capacity = Math.max(SLAB_PAGES * 4, this.#next.length * 2);
      this.#next = grown(this.#next, capacity);
      this.#prev = grown(this.#prev, capacity);
    }
    for (let page = first + SLAB_PAGES - 1; page >= first; page -= 1) {
      this.#next[page] = this.#free;
      this.#free = page;
    }
  }
}

function grown(old: Int32Array, capacity: number): Int32Array<ArrayBuffer> {
  const out = new Int32Array(capacity);
  out.set(old);
  return out;
}
