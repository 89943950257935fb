/**
 * Samples of one series: times and values in two growing arrays, and rare properties (stale bit, start timestamp, native
 * histogram) as sparse lists by index. The head, chunks and query results all use this form. Instances are reused between
 * series: `clear` keeps the arrays.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { Samples } from '../../../model/series.ts';

/** First index in t[from, to) with t >= value. */
export function lowerBound(t: ArrayLike<number>, value: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle] < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

/** First index in t[from, to) with t > value. */
export function upperBound(t: ArrayLike<number>, value: number, from: number, to: number): number {
  let low = from;
  let high = to;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (t[middle] <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

export class Columns {
  t: Float64Array;
  v: Float64Array;
  count = 0;
  /** Indices of stale markers, rising. */
  readonly staleAt: number[] = [];
  /** Runs of one start timestamp: where each begins and its value; before the first run it is unknown (0). */
  readonly stAt: number[] = [];
  readonly st: number[] = [];
  /** Indices of histograms, rising, and the histograms. */
  readonly hAt: number[] = [];
  readonly h: Histogram[] = [];

  constructor(capacity = 256) {
    this.t = new Float64Array(capacity);
    this.v = new Float64Array(capacity);
  }

  clear(): void {
    this.count = 0;
    for (const list of [this.staleAt, this.stAt, this.st, this.hAt, this.h]) list.length = 0;
  }

  reserve(extra: number): void {
    const needed = this.count + extra;
    if (needed <= this.t.length) return;
    const capacity = Math.max(needed, this.t.length * 2);
    const t = new Float64Array(capacity);
    const v = new Float64Array(capacity);
    t.set(this.t.subarray(0, this.count));
    v.set(this.v.subarray(0, this.count));
    this.t = t;
    this.v = v;
  }

  /** Records the start timestamp of the sample at `index`; samples must come in order. */
  noteStart(index: number, st: number): void {
    const runs = this.st.length;
    if ((runs === 0 ? 0 : this.st[runs - 1]) === st) return;
    this.stAt.push(index);
    this.st.push(st);
  }

  push(t: number, v: number, stale: boolean, st: number, h: Histogram | undefined): void {
    this.reserve(1);
    const index = this.count;
    this.t[index] = t;
    this.v[index] = v;
    if (stale) this.staleAt.push(index);
    if (h !== undefined) {
      this.hAt.push(index);
      this.h.push(h);
    }
    this.noteStart(index, st);
    this.count += 1;
  }

  /** Start timestamp of the sample at `index`, 0 when unknown. */
  startOf(index: number): number {
    const run = upperBound(this.stAt, index, 0, this.stAt.length) - 1;
    return run < 0 ? 0 : this.st[run];
  }

  /** The part [from, to) as separate columns. */
  part(from: number, to: number): Columns {
    const out = new Columns(0);
    out.t = this.t.subarray(from, to);
    out.v = this.v.subarray(from, to);
    out.count = to - from;
    for (const at of this.staleAt) if (at >= from && at < to) out.staleAt.push(at - from);
    for (let i = 0; i < this.hAt.length; i += 1) {
      if (this.hAt[i] < from || this.hAt[i] >= to) continue;
      out.hAt.push(this.hAt[i] - from);
      out.h.push(this.h[i]);
    }
    out.noteStart(0, this.startOf(from));
    for (let i = 0; i < this.stAt.length; i += 1) {
      if (this.stAt[i] > from && this.stAt[i] < to) out.noteStart(this.stAt[i] - from, this.st[i]);
    }
    return out;
  }

  /**
   * Keeps times strictly increasing after a part was added behind the first `seam` samples: samples of the added part at or
   * before the last time in front of it are repetitions and are removed.
   */
  dropOverlap(seam: number): void {
    if (seam === 0 || seam === this.count || this.t[seam] > this.t[seam - 1]) return;
    const keep = upperBound(this.t, this.t[seam - 1], seam, this.count);
    const gone = keep - seam;
    const starts = this.startOf(keep);
    this.t.copyWithin(seam, keep, this.count);
    this.v.copyWithin(seam, keep, this.count);
    this.count -= gone;
    cut(this.staleAt, undefined, seam, gone);
    cut(this.hAt, this.h, seam, gone);
    cut(this.stAt, this.st, seam, gone);
    if (this.count > seam && this.startOf(seam) !== starts) {
      const at = lowerBound(this.stAt, seam, 0, this.stAt.length);
      this.stAt.splice(at, 0, seam);
      this.st.splice(at, 0, starts);
    }
  }

  /** The samples with mint <= t <= maxt, undefined when there are none. The arrays are views: use `clear` on another. */
  toSamples(mintMs: number, maxtMs: number): Samples | undefined {
    const from = lowerBound(this.t, mintMs, 0, this.count);
    const to = upperBound(this.t, maxtMs, from, this.count);
    if (from >= to) return undefined;
    return {
      t: this.t.subarray(from, to),
      v: this.v.subarray(from, to),
      stale: this.staleAt.length === 0 ? undefined : this.#staleBits(from, to),
      h: this.h.length === 0 ? undefined : this.#histograms(from, to),
      st: this.st.length === 0 ? undefined : this.#starts(from, to),
    };
  }

  #staleBits(from: number, to: number): Uint8Array | undefined {
    const inside = this.staleAt.filter((at) => at >= from && at < to);
    if (inside.length === 0) return undefined;
    const bits = new Uint8Array(to - from);
    for (const at of inside) bits[at - from] = 1;
    return bits;
  }

  #histograms(from: number, to: number): (Histogram | undefined)[] | undefined {
    const out: (Histogram | undefined)[] = Array.from({ length: to - from });
    let found = false;
    for (let i = 0; i < this.hAt.length; i += 1) {
      if (this.hAt[i] < from || this.hAt[i] >= to) continue;
      out[this.hAt[i] - from] = this.h[i];
      found = true;
    }
    return found ? out : undefined;
  }

  #starts(from: number, to: number): Float64Array {
    const out = new Float64Array(to - from);
    out.fill(this.startOf(from));
    for (let i = 0; i < this.stAt.length; i += 1) {
      if (this.stAt[i] > from && this.stAt[i] < to) out.fill(this.st[i], this.stAt[i] - from);
    }
    return out;
  }
}

/** Removes list entries in [seam, seam + gone) and moves later ones down. */
function cut(at: number[], values: unknown[] | undefined, seam: number, gone: number): void {
  let kept = 0;
  for (let i = 0; i < at.length; i += 1) {
    if (at[i] >= seam && at[i] < seam + gone) continue;
    at[kept] = at[i] < seam ? at[i] : at[i] - gone;
    if (values !== undefined) values[kept] = values[i];
    kept += 1;
  }
  at.length = kept;
  if (values !== undefined) values.length = kept;
}
