/**
 * Series, label names and label values of sources that hold all their samples in memory, answered from the series that they
 * select.
 */
import { Labels, type Matcher } from './labels.ts';
import type { Series } from './series.ts';

/** The label questions of `SampleSource`, for a source whose `select` answers at once. */
export abstract class LabelAnswers {
  abstract select(matchers: readonly Matcher[], mintMs: number, maxtMs: number): readonly Series[];

  series(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
    limit: number,
  ): Promise<readonly Labels[]> {
    const found = new Map<string, Labels>();
    for (const matchers of selectors.length === 0 ? [[]] : selectors) {
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
