/**
 * Counts over the index of series, for users who look for the cause of too many series. One pass over the distinct values of
 * all labels; each list keeps only its largest entries during the pass.
 */
import type { Cardinality, HeadStats, NameCount } from '../../../model/head-stats.ts';
import { METRIC_NAME } from '../../../model/labels.ts';
import type { Head } from './head.ts';

/** Label name → value → number of series that have it. */
export type PairCounts = Iterable<readonly [name: string, values: Iterable<readonly [value: string, series: number]>]>;

class Largest {
  readonly #limit: number;
  readonly #kept: NameCount[] = [];

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** `name` is called only for entries that are kept. */
  offer(value: number, name: () => string): void {
    const last = this.#kept.at(-1);
    if (this.#kept.length === this.#limit && (last === undefined || value <= last.value)) return;
    const at = this.#kept.findIndex((one) => one.value < value);
    this.#kept.splice(at < 0 ? this.#kept.length : at, 0, { name: name(), value });
    if (this.#kept.length > this.#limit) this.#kept.pop();
  }

  get list(): readonly NameCount[] {
    return this.#kept;
  }
}

/** Counts as Prometheus' tsdb/index/postings.go does (`MemPostings.Stats`). */
export function cardinalityOf(pairs: PairCounts, limit: number): Cardinality {
  const [metrics, labels, memory, single] = [limit, limit, limit, limit].map((most) => new Largest(most));
  let labelPairs = 0;
  for (const [name, values] of pairs) {
    let distinct = 0;
    let length = 0;
    for (const [value, series] of values) {
      distinct += 1;
      length += value.length * series;
      if (name === METRIC_NAME) metrics.offer(series, () => value);
      single.offer(series, () => `${name}=${value}`);
    }
    labelPairs += distinct;
    labels.offer(distinct, () => name);
    memory.offer(length, () => name);
  }
  return {
    labelPairs,
    seriesByMetric: metrics.list,
    valuesByLabel: labels.list,
    memoryByLabel: memory.list,
    seriesByPair: single.list,
  };
}

/** Pages in use, and the times of the oldest and the newest sample; 0 without samples. */
export function extentOf(head: Head): Pick<HeadStats, 'chunks' | 'minTimeMs' | 'maxTimeMs'> {
  let [chunks, min, max] = [0, Infinity, -Infinity];
  for (let slot = 0; slot < head.table.slots; slot += 1) {
    const pages = head.pages(slot);
    if (pages === 0) continue;
    chunks += pages;
    min = Math.min(min, head.firstT(slot));
    max = Math.max(max, head.lastT(slot));
  }
  return chunks === 0 ? { chunks, minTimeMs: 0, maxTimeMs: 0 } : { chunks, minTimeMs: min, maxTimeMs: max };
}
