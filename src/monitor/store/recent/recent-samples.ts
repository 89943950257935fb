/**
 * Samples of the last minutes in memory, independent of every disk. It is both a source and a sink. It is meant for some
 * hundred series, so a selector tests each of them. Of the samples within five seconds only the newest is kept, which bounds
 * each series.
 */
import { Labels } from '../../../model/labels.ts';
import { LabelAnswers } from '../../../model/label-answers.ts';
import type { Matcher } from '../../../model/labels.ts';
import type { AppendResult, SampleBatch, SampleSink, SampleSource } from '../../../model/ports.ts';
import type { Series } from '../../../model/series.ts';

export interface RecentSamplesOptions {
  /** Makes the test of a `=~` or `!~` matcher. */
  readonly compileMatcher: (matcher: Matcher) => (value: string) => boolean;
  readonly maxSeries: number;
  readonly keepMs: number;
}

export const RECENT_SAMPLES_DEFAULTS = { maxSeries: 1_000, keepMs: 600_000 } as const;

const SPACING_MS = 5_000;

interface Column {
  readonly labels: Labels;
  readonly t: number[];
  readonly v: number[];
  readonly stale: number[];
}

export class RecentSamples extends LabelAnswers implements SampleSource, SampleSink {
  readonly generation = 0;
  readonly #options: RecentSamplesOptions;
  readonly #columns: Column[] = [];
  readonly #refs = new Map<string, number>();
  #refused = 0;

  constructor(options: RecentSamplesOptions) {
    super();
    this.#options = options;
  }

  /** Series that were not accepted because there were too many. */
  get refused(): number {
    return this.#refused;
  }

  /** 0 when the limit of series is reached; no sample is stored under 0. */
  resolve(labels: Labels): number {
    const known = this.#refs.get(labels.key);
    if (known !== undefined) return known;
    if (this.#columns.length >= this.#options.maxSeries) {
      this.#refused += 1;
      return 0;
    }
    this.#columns.push({ labels, t: [], v: [], stale: [] });
    this.#refs.set(labels.key, this.#columns.length);
    return this.#columns.length;
  }

  append({ count, refs, t, v, stale }: SampleBatch): Promise<AppendResult> {
    for (let i = 0; i < count; i += 1) {
      const column: Column | undefined = this.#columns[refs[i] - 1];
      if (column !== undefined) this.#add(column, t[i], v[i], stale?.[i] ?? 0);
    }
    return Promise.resolve({ accepted: count, rejected: [] });
  }

  #add({ t, v, stale }: Column, timeMs: number, value: number, mark: number): void {
    const last = t.length - 1;
    if (last >= 0 && timeMs <= t[last]) return;
    if (last >= 1 && t[last] - t[last - 1] < SPACING_MS) {
      t[last] = timeMs;
      v[last] = value;
      stale[last] = mark;
      return;
    }
    t.push(timeMs);
    v.push(value);
    stale.push(mark);
    while (t[0] < timeMs - this.#options.keepMs) for (const list of [t, v, stale]) list.shift();
  }

  #matching(matchers: readonly Matcher[]): Column[] {
    const { compileMatcher } = this.#options;
    const tests = matchers.map((matcher) => {
      const { name, op, value } = matcher;
      if (op === '=') return { name, accepts: (found: string) => found === value };
      if (op === '!=') return { name, accepts: (found: string) => found !== value };
      return { name, accepts: compileMatcher(matcher) };
    });
    return this.#columns.filter(({ labels }) => tests.every(({ name, accepts }) => accepts(labels.get(name))));
  }

  select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[] {
    const out: Series[] = [];
    for (const { labels, t, v, stale } of this.#matching(matchers)) {
      const from = t.findIndex((time) => time >= mintMs);
      const to = t.findLastIndex((time) => time <= maxtMs) + 1;
      if (from < 0 || to <= from) continue;
      const marks = Uint8Array.from(stale.slice(from, to));
      const samples = { t: Float64Array.from(t.slice(from, to)), v: Float64Array.from(v.slice(from, to)) };
      out.push({ labels, samples: { ...samples, stale: marks.includes(1) ? marks : undefined } });
    }
    return out.sort((a, b) => Labels.compare(a.labels, b.labels));
  }
}
