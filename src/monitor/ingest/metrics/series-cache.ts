/**
 * The known series by resource, metric and attributes: a repeated series is found by these strings and needs no new label
 * set. The cache is limited in entries and in the length of their keys, which senders choose. It is emptied as a whole when
 * it is full or when the sink has released references.
 */
import type { Labels } from '../../../model/labels.ts';
import type { MetricMetadata } from '../../../model/series.ts';
import type { Target } from './series-labels.ts';

export interface CachedSeries {
  /** Labels with the family's name; the series of a distribution add their suffix. */
  readonly labels: Labels;
  /** The reason why no point of the series can be stored. */
  readonly refusal: string | undefined;
  /** References in the order of the kind: value; or sum, count, buckets or quantiles. Empty until they are resolved. */
  refs: number[];
  /** The bounds or quantiles that `refs` are for. */
  bounds: readonly number[];
}

export interface CachedMetric {
  /** '' when the name has no character that Prometheus allows. */
  readonly family: string;
  readonly metadata: MetricMetadata;
  metadataSent: boolean;
  readonly series: Map<string, CachedSeries>;
}

export interface CachedResource {
  readonly target: Target;
  readonly infoLabels: Labels | undefined;
  infoRef: number;
  infoMs: number;
  readonly metrics: Map<string, CachedMetric>;
}

/** Characters of all keys together. */
export const MAX_KEY_CHARACTERS = 64 * 1024 * 1024;

export class SeriesCache {
  readonly #resources = new Map<string, CachedResource>();
  readonly #maxEntries: number;
  #entries = 0;
  #characters = 0;
  #generation = -1;

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries;
  }

  /** Resources, metrics and series held. */
  get size(): number {
    return this.#entries;
  }

  /** Must be called before each conversion and never during one, so that the entries that a conversion holds stay valid. */
  begin(generation: number): void {
    const room = this.#entries < this.#maxEntries && this.#characters < MAX_KEY_CHARACTERS;
    if (generation === this.#generation && room) return;
    this.clear();
    this.#generation = generation;
  }

  clear(): void {
    this.#resources.clear();
    this.#entries = 0;
    this.#characters = 0;
  }

  resource(key: string, make: () => CachedResource): CachedResource {
    return this.#entry(this.#resources, key, make);
  }

  metric(resource: CachedResource, key: string, make: () => CachedMetric): CachedMetric {
    return this.#entry(resource.metrics, key, make);
  }

  add(metric: CachedMetric, key: string, series: CachedSeries): void {
    metric.series.set(key, series);
    this.#entries += 1;
    this.#characters += key.length;
  }

  #entry<T>(map: Map<string, T>, key: string, make: () => T): T {
    const known = map.get(key);
    if (known !== undefined) return known;
    const fresh = make();
    map.set(key, fresh);
    this.#entries += 1;
    this.#characters += key.length;
    return fresh;
  }
}
