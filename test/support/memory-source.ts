/** A SampleSource in memory for tests: samples in any order, nothing thrown away. */
import type { Histogram } from '../../src/model/histogram.ts';
import type { SampleSource } from '../../src/model/ports.ts';
import { Labels, type Matcher } from '../../src/model/labels.ts';
import type { ExemplarSeries, MetricMetadata, Samples, Series } from '../../src/model/series.ts';
import { compileMatcher } from '../../src/monitor/promql/syntax/matchers.ts';

export interface Sample {
  readonly t: number;
  readonly v?: number | undefined;
  readonly h?: Histogram | undefined;
  readonly stale?: boolean | undefined;
  readonly st?: number | undefined;
}

interface Stored {
  readonly labels: Labels;
  readonly byTime: Map<number, Sample>;
  columns: Samples | undefined;
}

function toColumns(samples: readonly Sample[]): Samples {
  const sorted = samples.toSorted((a, b) => a.t - b.t);
  const some = (test: (sample: Sample) => boolean): boolean => sorted.some(test);
  return {
    t: Float64Array.from(sorted, ({ t }) => t),
    v: Float64Array.from(sorted, ({ v }) => v ?? Number.NaN),
    stale: some(({ stale }) => stale === true)
      ? Uint8Array.from(sorted, ({ stale }) => Number(stale === true))
      : undefined,
    h: some(({ h }) => h !== undefined) ? sorted.map(({ h }) => h) : undefined,
    st: some(({ st }) => st !== undefined) ? Float64Array.from(sorted, ({ st }) => st ?? 0) : undefined,
  };
}

function slice({ t, v, stale, h, st }: Samples, mint: number, maxt: number): Samples {
  let lo = 0;
  while (lo < t.length && t[lo] < mint) lo += 1;
  let hi = t.length;
  while (hi > lo && t[hi - 1] > maxt) hi -= 1;
  return {
    t: t.subarray(lo, hi),
    v: v.subarray(lo, hi),
    stale: stale?.subarray(lo, hi),
    h: h?.slice(lo, hi),
    st: st?.subarray(lo, hi),
  };
}

export class MemorySource implements SampleSource {
  readonly #stored = new Map<string, Stored>();
  /** How often `select` was asked. */
  selects = 0;

  add(labels: Labels, samples: readonly Sample[]): void {
    let stored = this.#stored.get(labels.key);
    if (stored === undefined) {
      stored = { labels, byTime: new Map(), columns: undefined };
      this.#stored.set(labels.key, stored);
    }
    for (const sample of samples) stored.byTime.set(sample.t, sample);
    stored.columns = undefined;
  }

  select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[] {
    this.selects += 1;
    return this.#matching(matchers)
      .map((stored) => {
        stored.columns ??= toColumns([...stored.byTime.values()]);
        return { labels: stored.labels, samples: slice(stored.columns, mintMs, maxtMs) };
      })
      .filter(({ samples }) => samples.t.length > 0)
      .sort((a, b) => Labels.compare(a.labels, b.labels));
  }

  #matching(matchers: readonly Matcher[]): Stored[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
    return [...this.#stored.values()].filter(({ labels }) => tests.every(({ name, test }) => test(labels.get(name))));
  }

  #any(selectors: readonly (readonly Matcher[])[], mintMs: number, maxtMs: number): Labels[] {
    const wanted = selectors.length === 0 ? [[]] : selectors;
    const found = wanted.flatMap((matchers) => this.select(matchers, mintMs, maxtMs).map(({ labels }) => labels));
    return [...new Map(found.map((labels) => [labels.key, labels])).values()];
  }

  async series(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
    limit: number,
  ): Promise<readonly Labels[]> {
    return this.#any(selectors, mintMs, maxtMs).slice(0, limit);
  }

  async labelNames(selectors: readonly (readonly Matcher[])[], mintMs: number, maxtMs: number): Promise<string[]> {
    const names = this.#any(selectors, mintMs, maxtMs).flatMap((labels) => [...labels].map(([name]) => name));
    return [...new Set(names)].sort();
  }

  async labelValues(
    name: string,
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<string[]> {
    const values = this.#any(selectors, mintMs, maxtMs).map((labels) => labels.get(name));
    return [...new Set(values.filter((value) => value !== ''))].sort();
  }

  async metadata(): Promise<readonly MetricMetadata[]> {
    return [];
  }

  async exemplars(): Promise<readonly ExemplarSeries[]> {
    return [];
  }
}
