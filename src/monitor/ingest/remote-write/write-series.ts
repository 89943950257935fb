/**
 * Series of remote write requests: labels are checked once and remembered by their bytes or symbols, so a repeated series
 * costs one look-up. The cache is bounded like that of OTLP series; it is emptied as a whole when it is full or when the
 * sink has released references.
 */
import type { RejectReason, SampleSink } from '../../../model/ports.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { quoted } from '../checks/rejections.ts';
import { MAX_KEY_CHARACTERS } from '../metrics/series-cache.ts';
import type { LabelLimits } from '../metrics/series-labels.ts';
import { overLabelLimit } from '../metrics/series-labels.ts';

export interface WriteSeries {
  readonly labels: Labels;
  /** 0 when refused. */
  readonly ref: number;
  readonly refusal: { readonly reason: RejectReason; readonly message: string } | undefined;
  metadataSent: boolean;
}

export class WriteSeriesCache {
  readonly #sink: SampleSink;
  readonly #limits: LabelLimits;
  readonly #maxSeries: number;
  readonly #byKey = new Map<string, WriteSeries>();
  #characters = 0;
  #generation = -1;

  constructor(sink: SampleSink, limits: LabelLimits, maxSeries: number) {
    this.#sink = sink;
    this.#limits = limits;
    this.#maxSeries = maxSeries;
  }

  get size(): number {
    return this.#byKey.size;
  }

  begin(): void {
    const room = this.#byKey.size < this.#maxSeries && this.#characters < MAX_KEY_CHARACTERS;
    if (this.#generation === this.#sink.generation && room) return;
    this.#byKey.clear();
    this.#characters = 0;
    this.#generation = this.#sink.generation;
  }

  /** `pairs` gives name, value, name, value …, in any order; it is called only for a key not seen before. */
  get(key: string, pairs: () => readonly string[]): WriteSeries {
    const known = this.#byKey.get(key);
    if (known !== undefined) return known;
    const fresh = this.#make(pairs());
    this.#byKey.set(key, fresh);
    this.#characters += key.length;
    return fresh;
  }

  /** Like `get`, for labels that are already a label set. A set that exceeds the limits gets no key. */
  ofPairs(pairs: readonly string[]): WriteSeries {
    const { maxLabels, maxValueBytes } = this.#limits;
    if (pairs.length > 2 * (maxLabels + 1) || pairs.some((part) => part.length > maxValueBytes))
      return this.#make(pairs);
    // No key made of bytes begins with this character.
    return this.get(`\u0100${pairs.map((part) => `${part.length}:${part}`).join('')}`, () => pairs);
  }

  #make(pairs: readonly string[]): WriteSeries {
    const entries = new Map<string, string>();
    const refuse = (reason: RejectReason, message: string): WriteSeries => {
      return { labels: Labels.empty, ref: 0, refusal: { reason, message }, metadataSent: true };
    };
    for (let i = 0; i < pairs.length; i += 2) {
      const name = pairs[i];
      if (name === '') return refuse('invalid', 'a label has no name');
      if (entries.has(name)) return refuse('invalid', `label ${quoted(name)} comes twice`);
      entries.set(name, pairs[i + 1]);
    }
    const labels = Labels.from(entries);
    if (labels.get(METRIC_NAME) === '') return refuse('invalid', 'a series has no metric name');
    const over = overLabelLimit(labels, this.#limits);
    if (over !== undefined) return refuse('label_limit', over);
    return { labels, ref: this.#sink.resolve(labels), refusal: undefined, metadataSent: false };
  }
}
