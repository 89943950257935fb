/**
 * The head: the newest samples of every live series, decoded. The state of a series is a slot in typed arrays, its samples
 * are pages of the arena, and rare properties of samples are in SparseExtras, so an append is a few array stores.
 *
 * Order (as Prometheus without an out-of-order window): within a series times rise. The same time with the same value is
 * accepted as a repetition; with another value it is `duplicate`; an earlier time is `out_of_order`.
 * Samples appended since `mark` can be removed again when the disk refuses them.
 */
import type { AppendResult, RejectReason, SampleBatch } from '../../../model/ports.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Columns } from '../codec/columns.ts';
import { sameHistogram } from '../codec/histogram-codec.ts';
import { Refusals, refusalSentence } from './refusals.ts';
import { SeriesPages } from './series-pages.ts';
import type { SeriesTable } from './series-table.ts';
import { SparseExtras } from './sparse-extras.ts';

/** Times a sample may have, inclusive. */
export interface TimeWindow {
  readonly minMs: number;
  readonly maxMs: number;
}

/** The range of JavaScript's Date. */
export const ALL_TIMES: TimeWindow = { minMs: -8.64e15, maxMs: 8.64e15 };

const LAST_STALE = 1;
const LAST_HISTOGRAM = 2;

interface Incoming {
  readonly t: number;
  readonly v: number;
  readonly stale: boolean;
  readonly h: Histogram | undefined;
}

export class Head {
  readonly table: SeriesTable;
  readonly #pages = new SeriesPages();
  readonly #extras = new Map<number, SparseExtras>();
  #extrasBytes = 0;
  #capacity = 0;
  #lastT = new Float64Array(0);
  #lastV = new Float64Array(0);
  /** Time of the newest sample in a chunk. */
  #cutT = new Float64Array(0);
  #born = new Float64Array(0);
  #flags = new Uint8Array(0);
  /** Slots appended to since `mark`, in order. */
  #undo = new Uint32Array(1024);
  #undoCount = 0;

  constructor(table: SeriesTable) {
    this.table = table;
  }

  /** Bytes of samples held. */
  get sizeBytes(): number {
    return this.#pages.usedBytes + this.#extrasBytes;
  }

  pages(slot: number): number {
    return slot < this.#capacity ? this.#pages.count(slot) : 0;
  }

  /** Time of the newest sample, even when that sample is in a chunk; -Infinity when there was none. */
  lastT(slot: number): number {
    return slot < this.#capacity ? this.#lastT[slot] : -Infinity;
  }

  lastV(slot: number): number {
    return this.#lastV[slot];
  }

  /** Time of the oldest sample held here, Infinity when there is none. */
  firstT(slot: number): number {
    return this.pages(slot) === 0 ? Infinity : this.#pages.firstT(slot);
  }

  born(slot: number): number {
    return slot < this.#capacity ? this.#born[slot] : Infinity;
  }

  /** Makes room for every slot of the table. New slots count as created at `nowMs`. */
  prepare(nowMs: number): void {
    if (this.table.slots <= this.#capacity) return;
    const from = this.#capacity;
    const to = Math.max(1024, this.#capacity * 2, this.table.slots);
    const floats = (old: Float64Array, value: number): Float64Array<ArrayBuffer> => {
      const out = new Float64Array(to).fill(value, from);
      out.set(old);
      return out;
    };
    this.#lastT = floats(this.#lastT, -Infinity);
    this.#lastV = floats(this.#lastV, NaN);
    this.#cutT = floats(this.#cutT, -Infinity);
    this.#born = floats(this.#born, nowMs);
    const flags = new Uint8Array(to);
    flags.set(this.#flags);
    this.#flags = flags;
    this.#pages.resize(to);
    this.#capacity = to;
  }

  /** `takeBack` removes the samples appended after this call. */
  mark(): void {
    this.#undoCount = 0;
  }

  /** Removes every sample appended since `mark`. */
  takeBack(): void {
    while (this.#undoCount > 0) {
      this.#undoCount -= 1;
      this.#pop(this.#undo[this.#undoCount]);
    }
  }

  /** Puts the indices of kept samples into `kept` (at least batch.count long); returns their number and the refusals. */
  append(batch: SampleBatch, window: TimeWindow, kept: Uint32Array): AppendResult & { readonly kept: number } {
    const { refs, count, v } = batch;
    const refusals = new Refusals();
    const plain = batch.stale === undefined && batch.st === undefined && batch.h === undefined;
    let size = 0;
    for (let i = 0; i < count; i += 1) {
      const slot = this.table.slotOf(refs[i]);
      const t = Math.floor(batch.t[i]);
      if (slot === 0 || !(t > this.#lastT[slot]) || t < window.minMs || t > window.maxMs) {
        this.#refuse(slot, { t, v: v[i], stale: batch.stale?.[i] === 1, h: batch.h?.[i] }, window, refusals);
        continue;
      }
      this.#put(slot, t, v[i]);
      if (!plain || this.#extras.has(slot)) this.#putExtra(slot, t, batch, i);
      kept[size++] = i;
    }
    this.#noteUndo(batch, kept, size);
    return { kept: size, accepted: count - refusals.total, rejected: refusals.total === 0 ? [] : refusals.list() };
  }

  /**
   * Like `append`, for rows read from the disk. Samples that are already here are skipped. Samples after `maxMs`, from a
   * clock set back since, are left out, because their series would accept no later sample. Returns the number left out.
   */
  replay(batch: SampleBatch, maxMs: number): number {
    let leftOut = 0;
    for (let i = 0; i < batch.count; i += 1) {
      const slot = this.table.slotOf(batch.refs[i]);
      if (slot === 0 || !(batch.t[i] > this.#lastT[slot]) || batch.t[i] < ALL_TIMES.minMs) continue;
      if (batch.t[i] > maxMs) {
        leftOut += 1;
        continue;
      }
      this.#put(slot, batch.t[i], batch.v[i]);
      this.#putExtra(slot, batch.t[i], batch, i);
    }
    return leftOut;
  }

  /** Sets the last time and value of a series whose samples are all in chunks. */
  resume(slot: number, lastT: number, lastV: number): void {
    this.#lastT[slot] = lastT;
    this.#lastV[slot] = lastV;
    this.#cutT[slot] = lastT;
  }

  /** Adds the samples with mint <= t <= maxt to `columns`. `expect` is told before how many they are. */
  copyInto(columns: Columns, slot: number, mintMs: number, maxtMs: number, expect?: (samples: number) => void): void {
    const from = columns.count;
    expect?.(this.#pages.countBetween(slot, mintMs, maxtMs));
    this.#pages.copyInto(columns, slot, this.#pages.count(slot), mintMs, maxtMs);
    this.#copyExtras(columns, slot, from);
    columns.dropOverlap(from);
  }

  /** Copies the first `pages` pages, which are about to become chunks. */
  copyPages(columns: Columns, slot: number, pages: number): void {
    const from = columns.count;
    this.#pages.copyInto(columns, slot, pages, -Infinity, Infinity);
    this.#copyExtras(columns, slot, from);
  }

  /** How many leading pages are full and end before `beforeMs`. */
  fullPages(slot: number, beforeMs: number): number {
    return this.#pages.full(slot, beforeMs);
  }

  /** Frees the first `pages` pages: their samples are in chunks now. */
  releasePages(slot: number, pages: number): void {
    if (pages > 0) this.#cutT[slot] = this.#pages.release(slot, pages);
    const extras = this.#extras.get(slot);
    if (extras === undefined) return;
    this.#extrasBytes -= extras.sizeBytes;
    if (this.#pages.count(slot) === 0) {
      this.#extras.delete(slot);
      return;
    }
    extras.dropBefore(this.firstT(slot));
    this.#extrasBytes += extras.sizeBytes;
  }

  /** Forgets series whose samples are all in chunks. */
  drop(slots: ReadonlySet<number>): void {
    for (const slot of slots) {
      this.#extrasBytes -= this.#extras.get(slot)?.sizeBytes ?? 0;
      this.#extras.delete(slot);
      this.#lastT[slot] = -Infinity;
      this.#lastV[slot] = NaN;
      this.#cutT[slot] = -Infinity;
      this.#flags[slot] = 0;
    }
    this.table.drop(slots);
  }

  /** Gives the slot to a new series, created at `nowMs`. */
  bear(slot: number, nowMs: number): void {
    this.prepare(nowMs);
    this.#born[slot] = nowMs;
  }

  #put(slot: number, t: number, v: number): void {
    this.#pages.push(slot, t, v);
    this.#lastT[slot] = t;
    this.#lastV[slot] = v;
    this.#flags[slot] = 0;
  }

  #putExtra(slot: number, t: number, batch: SampleBatch, i: number): void {
    const stale = batch.stale?.[i] === 1;
    const st = batch.st === undefined ? 0 : batch.st[i];
    const h = batch.h?.[i];
    let extras = this.#extras.get(slot);
    if (extras === undefined) {
      if (!stale && st === 0 && h === undefined) return;
      extras = new SparseExtras();
      this.#extras.set(slot, extras);
    } else {
      this.#extrasBytes -= extras.sizeBytes;
    }
    extras.add(t, stale, st, h);
    this.#extrasBytes += extras.sizeBytes;
    this.#flags[slot] = (stale ? LAST_STALE : 0) | (h === undefined ? 0 : LAST_HISTOGRAM);
  }

  #noteUndo(batch: SampleBatch, kept: Uint32Array, size: number): void {
    if (this.#undoCount + size > this.#undo.length) {
      const undo = new Uint32Array(Math.max(this.#undo.length * 2, this.#undoCount + size));
      undo.set(this.#undo);
      this.#undo = undo;
    }
    for (let k = 0; k < size; k += 1) this.#undo[this.#undoCount + k] = this.table.slotOf(batch.refs[kept[k]]);
    this.#undoCount += size;
  }

  #pop(slot: number): void {
    this.#pages.pop(slot);
    const empty = this.#pages.count(slot) === 0;
    this.#lastT[slot] = empty ? this.#cutT[slot] : this.#pages.lastT(slot);
    this.#lastV[slot] = empty ? NaN : this.#pages.lastV(slot);
    this.#flags[slot] = 0;
    const extras = this.#extras.get(slot);
    if (extras === undefined) return;
    this.#extrasBytes -= extras.sizeBytes;
    extras.dropAfter(this.#lastT[slot]);
    this.#extrasBytes += extras.sizeBytes;
  }

  #copyExtras(columns: Columns, slot: number, from: number): void {
    const extras = this.#extras.get(slot);
    if (extras !== undefined) extras.copyInto(columns, from);
    else if (columns.count > from) columns.noteStart(from, 0);
  }

  #refuse(slot: number, sample: Incoming, window: TimeWindow, refusals: Refusals): void {
    const reason = this.#reason(slot, sample, window);
    if (reason === undefined) return;
    const metric = this.table.postings.labelsOf(slot)?.name;
    refusals.add(reason, () => refusalSentence({ reason, metric, t: sample.t, lastT: this.#lastT[slot] }));
  }

  /** The reason why a sample cannot be appended; undefined when it repeats the last one. */
  #reason(slot: number, sample: Incoming, window: TimeWindow): RejectReason | undefined {
    const { t } = sample;
    if (slot === 0 || !(t >= ALL_TIMES.minMs && t <= ALL_TIMES.maxMs)) return 'invalid';
    if (t === this.#lastT[slot] && this.#isLast(slot, sample)) return undefined;
    // Many series share an overflow series, so a sample refused there counts towards the series limit, not the order.
    if (t <= this.#lastT[slot] && this.table.isOverflow(slot)) return 'series_limit';
    if (t > window.maxMs) return 'too_far_ahead';
    if (t < window.minMs) return 'too_old';
    return t === this.#lastT[slot] ? 'duplicate' : 'out_of_order';
  }

  #isLast(slot: number, { v, stale, h }: Incoming): boolean {
    const flags = this.#flags[slot];
    if (stale || (flags & LAST_STALE) !== 0) return stale && (flags & LAST_STALE) !== 0;
    const lastH = (flags & LAST_HISTOGRAM) === 0 ? undefined : this.#extras.get(slot)?.lastHistogram;
    if (h !== undefined || lastH !== undefined) return sameHistogram(h, lastH);
    return Object.is(v, this.#lastV[slot]);
  }
}
