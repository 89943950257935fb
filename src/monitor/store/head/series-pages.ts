/** The chain of pages of each series by slot: samples are pushed at its end, and freed from its front as whole pages. */
import type { Columns } from '../codec/columns.ts';
import { lowerBound, upperBound } from '../codec/columns.ts';
import { NO_PAGE, PAGE_SAMPLES, PageArena } from './page-arena.ts';

function grown<T extends Int32Array | Uint32Array | Uint8Array>(out: T, old: T): T {
  out.set(old);
  return out;
}

export class SeriesPages {
  readonly #arena = new PageArena();
  #first = new Int32Array(0);
  #last = new Int32Array(0);
  #count = new Uint32Array(0);
  /** Samples in the last page. */
  #fill = new Uint8Array(0);

  get usedBytes(): number {
    return this.#arena.usedBytes;
  }

  resize(slots: number): void {
    const from = this.#first.length;
    this.#first = grown(new Int32Array(slots).fill(NO_PAGE, from), this.#first);
    this.#last = grown(new Int32Array(slots).fill(NO_PAGE, from), this.#last);
    this.#count = grown(new Uint32Array(slots), this.#count);
    this.#fill = grown(new Uint8Array(slots), this.#fill);
  }

  count(slot: number): number {
    return this.#count[slot];
  }

  /** Of a series that has samples. */
  firstT(slot: number): number {
    const page = this.#first[slot];
    return this.#arena.slab(page)[this.#arena.offset(page)];
  }

  /** Of a series that has samples. */
  lastT(slot: number): number {
    const page = this.#last[slot];
    return this.#arena.slab(page)[this.#arena.offset(page) + this.#fill[slot] - 1];
  }

  /** Of a series that has samples. */
  lastV(slot: number): number {
    const page = this.#last[slot];
    return this.#arena.slab(page)[this.#arena.offset(page) + PAGE_SAMPLES + this.#fill[slot] - 1];
  }

  push(slot: number, t: number, v: number): void {
    let fill = this.#fill[slot];
    if (this.#count[slot] === 0 || fill === PAGE_SAMPLES) {
      const page = this.#arena.allocate(this.#last[slot]);
      if (this.#count[slot] === 0) this.#first[slot] = page;
      this.#last[slot] = page;
      this.#count[slot] += 1;
      fill = 0;
    }
    const page = this.#last[slot];
    const at = this.#arena.offset(page) + fill;
    const slab = this.#arena.slab(page);
    slab[at] = t;
    slab[at + PAGE_SAMPLES] = v;
    this.#fill[slot] = fill + 1;
  }

  /** Removes the newest sample. */
  pop(slot: number): void {
    this.#fill[slot] -= 1;
    if (this.#fill[slot] > 0) return;
    const page = this.#last[slot];
    this.#last[slot] = this.#arena.prev(page);
    this.#arena.release(page);
    this.#count[slot] -= 1;
    if (this.#count[slot] > 0) this.#fill[slot] = PAGE_SAMPLES;
    else this.#first[slot] = NO_PAGE;
  }

  /** How many samples have mint <= t <= maxt. */
  countBetween(slot: number, mintMs: number, maxtMs: number): number {
    let count = 0;
    let page = this.#first[slot];
    for (let k = this.#count[slot]; k > 0; k -= 1) {
      const size = page === this.#last[slot] ? this.#fill[slot] : PAGE_SAMPLES;
      const slab = this.#arena.slab(page);
      const from = this.#arena.offset(page);
      if (slab[from] > maxtMs) break;
      if (slab[from + size - 1] >= mintMs) {
        const low = slab[from] >= mintMs ? from : lowerBound(slab, mintMs, from, from + size);
        const high = slab[from + size - 1] <= maxtMs ? from + size : upperBound(slab, maxtMs, low, from + size);
        count += high - low;
      }
      page = this.#arena.next(page);
    }
    return count;
  }

  /** Adds those samples of the first `pages` pages with mint <= t <= maxt to `columns`. */
  copyInto(columns: Columns, slot: number, pages: number, mintMs: number, maxtMs: number): void {
    let page = this.#first[slot];
    for (let k = 0; k < pages; k += 1) {
      const from = this.#arena.offset(page);
      if (this.#arena.slab(page)[from] > maxtMs) return;
      this.#copyPage(columns, page, page === this.#last[slot] ? this.#fill[slot] : PAGE_SAMPLES, mintMs, maxtMs);
      page = this.#arena.next(page);
    }
  }

  /** How many leading pages are full and end before `beforeMs`. */
  full(slot: number, beforeMs: number): number {
    const pages = this.#count[slot];
    const full = pages > 0 && this.#fill[slot] < PAGE_SAMPLES ? pages - 1 : pages;
    if (beforeMs === Infinity) return full;
    let page = this.#first[slot];
    for (let k = 0; k < full; k += 1) {
      if (this.#arena.slab(page)[this.#arena.offset(page) + PAGE_SAMPLES - 1] >= beforeMs) return k;
      page = this.#arena.next(page);
    }
    return full;
  }

  /** Frees the first `pages` (at least one) pages; returns the time of their last sample. */
  release(slot: number, pages: number): number {
    let cut = -Infinity;
    for (let k = 0; k < pages; k += 1) {
      const page = this.#first[slot];
      const size = page === this.#last[slot] ? this.#fill[slot] : PAGE_SAMPLES;
      cut = this.#arena.slab(page)[this.#arena.offset(page) + size - 1];
      this.#first[slot] = this.#arena.next(page);
      this.#arena.release(page);
    }
    this.#count[slot] -= pages;
    if (this.#count[slot] === 0) {
      this.#last[slot] = NO_PAGE;
      this.#fill[slot] = 0;
    }
    return cut;
  }

  #copyPage(columns: Columns, page: number, size: number, mintMs: number, maxtMs: number): void {
    const slab = this.#arena.slab(page);
    const start = this.#arena.offset(page);
    let from = start;
    let to = start + size;
    if (slab[from] < mintMs) from = lowerBound(slab, mintMs, from, to);
    if (from < to && slab[to - 1] > maxtMs) to = upperBound(slab, maxtMs, from, to);
    columns.reserve(to - from);
    const { t, v, count } = columns;
    for (let i = from, k = count; i < to; i += 1, k += 1) {
      t[k] = slab[i];
      v[k] = slab[i + PAGE_SAMPLES];
    }
    columns.count += to - from;
  }
}
