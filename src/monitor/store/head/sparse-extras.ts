/**
 * Properties that few samples of a series have: stale markers, changes of the start timestamp and native histograms, each
 * with the time of its sample. Times rise.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { Columns } from '../codec/columns.ts';
import { lowerBound, upperBound } from '../codec/columns.ts';

export class SparseExtras {
  readonly #staleT: number[] = [];
  readonly #startT: number[] = [];
  readonly #start: number[] = [];
  readonly #histogramT: number[] = [];
  readonly #histograms: Histogram[] = [];

  get lastStart(): number {
    return this.#start.at(-1) ?? 0;
  }

  get lastHistogram(): Histogram | undefined {
    return this.#histograms.at(-1);
  }

  /** Approximate bytes, counted towards the size of the head. */
  get sizeBytes(): number {
    let size = 200 + 8 * this.#staleT.length + 16 * this.#start.length;
    const first = this.#histograms[0];
    if (first !== undefined) {
      const numbers = first.positiveBuckets.length + first.negativeBuckets.length + 8;
      size += this.#histograms.length * (8 * numbers + 300);
    }
    return size;
  }

  add(t: number, stale: boolean, start: number, histogram: Histogram | undefined): void {
    if (stale) this.#staleT.push(t);
    if (start !== this.lastStart) {
      this.#startT.push(t);
      this.#start.push(start);
    }
    if (histogram !== undefined) {
      this.#histogramT.push(t);
      this.#histograms.push(histogram);
    }
  }

  /** Removes the entries of samples after `t`. */
  dropAfter(t: number): void {
    this.#staleT.length = upperBound(this.#staleT, t, 0, this.#staleT.length);
    this.#startT.length = upperBound(this.#startT, t, 0, this.#startT.length);
    this.#start.length = this.#startT.length;
    this.#histogramT.length = upperBound(this.#histogramT, t, 0, this.#histogramT.length);
    this.#histograms.length = this.#histogramT.length;
  }

  /** Removes the entries of samples before `t`, except the start timestamp that still applies. */
  dropBefore(t: number): void {
    this.#staleT.splice(0, lowerBound(this.#staleT, t, 0, this.#staleT.length));
    const gone = lowerBound(this.#histogramT, t, 0, this.#histogramT.length);
    this.#histogramT.splice(0, gone);
    this.#histograms.splice(0, gone);
    const inForce = Math.max(0, upperBound(this.#startT, t, 0, this.#startT.length) - 1);
    this.#startT.splice(0, inForce);
    this.#start.splice(0, inForce);
  }

  /** Adds the entries of the samples of `columns` from index `from` on. */
  copyInto(columns: Columns, from: number): void {
    const { t, count } = columns;
    if (from >= count) return;
    const [first, last] = [t[from], t[count - 1]];
    const indexOf = (time: number): number => lowerBound(t, time, from, count);
    for (let i = lowerBound(this.#staleT, first, 0, this.#staleT.length); this.#staleT[i] <= last; i += 1) {
      columns.staleAt.push(indexOf(this.#staleT[i]));
    }
    let run = upperBound(this.#startT, first, 0, this.#startT.length) - 1;
    columns.noteStart(from, run < 0 ? 0 : this.#start[run]);
    for (run += 1; this.#startT[run] <= last; run += 1) columns.noteStart(indexOf(this.#startT[run]), this.#start[run]);
    for (let i = lowerBound(this.#histogramT, first, 0, this.#histogramT.length); this.#histogramT[i] <= last; i += 1) {
      columns.hAt.push(indexOf(this.#histogramT[i]));
      columns.h.push(this.#histograms[i]);
    }
  }
}
