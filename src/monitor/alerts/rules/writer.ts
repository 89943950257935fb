/**
 * Writes the results of rules: recorded series, ALERTS and ALERTS_FOR_STATE, and a stale marker for every series that a rule
 * wrote last time and not this time. One writer per group, because it must know which series end.
 */
import type { Histogram } from '../../../model/histogram.ts';
import type { SampleSink } from '../../../model/ports.ts';
import type { Labels } from '../../../model/labels.ts';

export interface OutputSample {
  readonly labels: Labels;
  /** NaN where `h` is given. */
  readonly value: number;
  readonly h?: Histogram | undefined;
}

export class RuleWriter {
  readonly #sink: SampleSink;
  /** For each rule: the series of its last successful evaluation. */
  readonly #written = new Map<number, ReadonlyMap<string, Labels>>();
  /** Series of removed rules. */
  #orphans: Labels[] = [];

  constructor(sink: SampleSink) {
    this.#sink = sink;
  }

  /**
   * Writes the result of rule `index` at `timeMs`, and stale markers for series that are no longer in it. Resolves with the
   * number of samples that the sink refused, when the others are stored; rejects with the sink's error.
   */
  async write(index: number, samples: readonly OutputSample[], timeMs: number): Promise<number> {
    const now = new Map<string, Labels>();
    for (const { labels } of samples) now.set(labels.key, labels);
    const stale: Labels[] = [];
    for (const [key, labels] of this.#written.get(index) ?? []) if (!now.has(key)) stale.push(labels);
    this.#written.set(index, now);
    return this.#append(samples, stale, timeMs);
  }

  /** Writes stale markers for all series of rules that were removed. */
  async writeOrphans(timeMs: number): Promise<number> {
    const orphans = this.#orphans;
    this.#orphans = [];
    return this.#append([], orphans, timeMs);
  }

  /** Takes over the series of a former writer's rule `from` as those of rule `to`. */
  adopt(former: RuleWriter, from: number, to: number): void {
    const written = former.#written.get(from);
    if (written !== undefined) this.#written.set(to, written);
    former.#written.delete(from);
  }

  /** All other series of a former writer become stale at the next evaluation. */
  bury(former: RuleWriter): void {
    for (const written of former.#written.values()) this.#orphans.push(...written.values());
    this.#orphans.push(...former.#orphans);
    former.#written.clear();
    former.#orphans = [];
  }

  async #append(samples: readonly OutputSample[], stale: readonly Labels[], timeMs: number): Promise<number> {
    const count = samples.length + stale.length;
    if (count === 0) return 0;
    const refs = new Uint32Array(count);
    const t = new Float64Array(count).fill(timeMs);
    const v = new Float64Array(count);
    const marks = new Uint8Array(count);
    for (const [at, { labels, value }] of samples.entries()) {
      refs[at] = this.#sink.resolve(labels);
      v[at] = value;
    }
    for (const [at, labels] of stale.entries()) {
      refs[samples.length + at] = this.#sink.resolve(labels);
      v[samples.length + at] = NaN;
      marks[samples.length + at] = 1;
    }
    const h = samples.some((sample) => sample.h !== undefined) ? samples.map((sample) => sample.h) : undefined;
    const { accepted } = await this.#sink.append({ count, refs, t, v, stale: stale.length > 0 ? marks : undefined, h });
    return count - accepted;
  }
}
