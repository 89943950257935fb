/** Samples in memory, source and sink in one, for rule tests: nothing is bounded by time and everything is visible at once. */
import type { Histogram } from '../../../model/histogram.ts';
import type { AppendResult, SampleBatch, SampleSink, SampleSource } from '../../../model/ports.ts';
import type { Matcher } from '../../../model/labels.ts';
import { Labels } from '../../../model/labels.ts';
import type { Series } from '../../../model/series.ts';
import { detectReset, withHint } from '../../promql/histograms/arithmetic.ts';
import { compileMatcher } from '../../promql/syntax/matchers.ts';

/** More samples in all are refused and counted as such. */
const MAX_SAMPLES = 10_000_000;

interface Column {
  readonly labels: Labels;
  readonly t: number[];
  readonly v: number[];
  readonly stale: number[];
  readonly h: (Histogram | undefined)[];
}

/** The histogram with the hint that Prometheus' storage gives it: whether it continues the sample before it. */
function hinted(h: Histogram | undefined, column: Column): Histogram | undefined {
  if (h === undefined || h.resetHint === 'gauge' || h.resetHint === 'reset') return h;
  const previous = column.h.at(-1);
  if (previous === undefined || previous.resetHint === 'gauge') return withHint(h, 'unknown');
  return withHint(h, detectReset(h, previous) ? 'reset' : 'not_reset');
}

export class MemoryStore implements SampleSource, SampleSink {
  readonly generation = 0;
  readonly #columns: Column[] = [];
  readonly #refs = new Map<string, number>();
  #count = 0;

  resolve(labels: Labels): number {
    const known = this.#refs.get(labels.key);
    if (known !== undefined) return known;
    this.#columns.push({ labels, t: [], v: [], stale: [], h: [] });
    this.#refs.set(labels.key, this.#columns.length);
    return this.#columns.length;
  }

  append({ count, refs, t, v, stale, h }: SampleBatch): Promise<AppendResult> {
    let accepted = 0;
    for (let i = 0; i < count; i += 1) {
      const column = this.#columns[refs[i] - 1];
      if (this.#count >= MAX_SAMPLES || t[i] <= (column.t.at(-1) ?? -Infinity)) continue;
      column.t.push(t[i]);
      column.v.push(v[i]);
      column.stale.push(stale?.[i] ?? 0);
      column.h.push(hinted(h?.[i], column));
      this.#count += 1;
      accepted += 1;
    }
    const refused = count - accepted;
    const message = 'samples not after the last one of their series, or too many';
    return Promise.resolve({
      accepted,
      rejected: refused === 0 ? [] : [{ reason: 'out_of_order', count: refused, message }],
    });
  }

  #matching(matchers: readonly Matcher[]): Column[] {
    const tests = matchers.map((matcher) => ({ name: matcher.name, test: compileMatcher(matcher) }));
    return this.#columns.filter(({ labels }) => tests.every(({ name, test }) => test(labels.get(name))));
  }

  select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[] {
    const out: Series[] = [];
    for (const { labels, t, v, stale, h } of this.#matching(matchers)) {
      const from = t.findIndex((time) => time >= mintMs);
      const last = t.findLastIndex((time) => time <= maxtMs);
      if (from < 0 || last < from) continue;
      const marks = Uint8Array.from(stale.slice(from, last + 1));
      const histograms = h.slice(from, last + 1);
      out.push({
        labels,
        samples: {
          t: Float64Array.from(t.slice(from, last + 1)),
          v: Float64Array.from(v.slice(from, last + 1)),
          stale: marks.includes(1) ? marks : undefined,
          h: histograms.some((one) => one !== undefined) ? histograms : undefined,
        },
      });
    }
    return out.sort((a, b) => Labels.compare(a.labels, b.labels));
  }

  series(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
    limit: number,
  ): Promise<readonly Labels[]> {
    const wanted = selectors.length === 0 ? [[]] : selectors;
    const found = new Map<string, Labels>();
    for (const matchers of wanted) {
      for (const { labels } of this.select(matchers, mintMs, maxtMs)) found.set(labels.key, labels);
    }
    return Promise.resolve([...found.values()].sort((a, b) => Labels.compare(a, b)).slice(0, limit));
  }

  async labelNames(selectors: readonly (readonly Matcher[])[], mintMs: number, maxtMs: number): Promise<string[]> {
    const all = await this.series(selectors, mintMs, maxtMs, Infinity);
    return [...new Set(all.flatMap((labels) => [...labels].map(([name]) => name)))].sort();
  }

  async labelValues(
    name: string,
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<string[]> {
    const all = await this.series(selectors, mintMs, maxtMs, Infinity);
    return [...new Set(all.map((labels) => labels.get(name)))].filter((value) => value !== '').sort();
  }

  metadata(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }

  exemplars(): Promise<readonly never[]> {
    return Promise.resolve([]);
  }
}
