/** Grows the columns of a SampleBatch, without an object per sample. Rare columns are created with their first value. */
import type { SampleBatch } from '../../../model/ports.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Exemplar, MetricMetadata } from '../../../model/series.ts';

export class SampleColumns {
  #capacity: number;
  #refs: Uint32Array;
  #t: Float64Array;
  #v: Float64Array;
  #stale: Uint8Array | undefined;
  #st: Float64Array | undefined;
  #h: (Histogram | undefined)[] | undefined;
  readonly #exemplars: { ref: number; exemplar: Exemplar }[] = [];
  readonly #metadata: MetricMetadata[] = [];
  count = 0;

  constructor(capacity = 64) {
    this.#capacity = capacity;
    this.#refs = new Uint32Array(capacity);
    this.#t = new Float64Array(capacity);
    this.#v = new Float64Array(capacity);
  }

  /** `startMs` 0 = unknown. */
  add(ref: number, timeMs: number, value: number, stale: boolean, startMs: number): void {
    if (this.count === this.#capacity) this.#grow();
    const at = this.count;
    this.#refs[at] = ref;
    this.#t[at] = timeMs;
    this.#v[at] = value;
    if (stale) {
      this.#stale ??= new Uint8Array(this.#capacity);
      this.#stale[at] = 1;
    }
    if (startMs !== 0) {
      this.#st ??= new Float64Array(this.#capacity);
      this.#st[at] = startMs;
    }
    this.count = at + 1;
  }

  addHistogram(ref: number, timeMs: number, histogram: Histogram, stale: boolean, startMs: number): void {
    this.#h ??= [];
    if (!stale) this.#h[this.count] = histogram;
    this.add(ref, timeMs, Number.NaN, stale, startMs);
  }

  /** Sorts the samples added since `from` by time; equal times keep their order. */
  sortFrom(from: number): void {
    const order = Array.from({ length: this.count - from }, (_, i) => from + i).sort((a, b) => this.#t[a] - this.#t[b]);
    if (order.every((at, i) => at === from + i)) return;
    for (const column of [this.#refs, this.#t, this.#v, this.#stale, this.#st]) {
      column?.set(
        order.map((at) => column[at]),
        from,
      );
    }
    if (this.#h === undefined) return;
    const moved = order.map((at) => this.#h?.[at]);
    for (let i = 0; i < moved.length; i += 1) this.#h[from + i] = moved[i];
  }

  /** Time of the newest sample; -Infinity without one. */
  get newestMs(): number {
    let newest = -Infinity;
    for (let i = 0; i < this.count; i += 1) if (this.#t[i] > newest) newest = this.#t[i];
    return newest;
  }

  /** Adds `ms` to the time of every sample. */
  shift(ms: number): void {
    for (let i = 0; i < this.count; i += 1) this.#t[i] += ms;
  }

  addExemplar(ref: number, exemplar: Exemplar): void {
    this.#exemplars.push({ ref, exemplar });
  }

  addMetadata(metadata: MetricMetadata): void {
    this.#metadata.push(metadata);
  }

  get exemplarCount(): number {
    return this.#exemplars.length;
  }

  get isEmpty(): boolean {
    return this.count === 0 && this.#exemplars.length === 0 && this.#metadata.length === 0;
  }

  batch(): SampleBatch {
    return {
      count: this.count,
      refs: this.#refs,
      t: this.#t,
      v: this.#v,
      stale: this.#stale,
      st: this.#st,
      h: this.#h,
      exemplars: this.#exemplars.length === 0 ? undefined : this.#exemplars,
      metadata: this.#metadata.length === 0 ? undefined : this.#metadata,
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    const capacity = this.#capacity;
    this.#refs = grown(this.#refs, new Uint32Array(capacity));
    this.#t = grown(this.#t, new Float64Array(capacity));
    this.#v = grown(this.#v, new Float64Array(capacity));
    this.#stale &&= grown(this.#stale, new Uint8Array(capacity));
    this.#st &&= grown(this.#st, new Float64Array(capacity));
  }
}

function grown<T extends Uint8Array | Uint32Array | Float64Array>(from: T, to: T): T {
  to.set(from);
  return to;
}
