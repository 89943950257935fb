/** The figures of a sample store about the series that it holds now, for Prometheus' `/api/v1/status/tsdb`. */

/** A name and its count, as Prometheus lists them. */
export interface NameCount {
  readonly name: string;
  readonly value: number;
}

/** Each list has the largest first. */
export interface Cardinality {
  /** Distinct pairs of label name and value. */
  readonly labelPairs: number;
  readonly seriesByMetric: readonly NameCount[];
  readonly valuesByLabel: readonly NameCount[];
  /** Characters of the values of a label, once for each series that has them. */
  readonly memoryByLabel: readonly NameCount[];
  /** Series by `name=value`. */
  readonly seriesByPair: readonly NameCount[];
}

export interface HeadStats extends Cardinality {
  readonly series: number;
  readonly chunks: number;
  readonly minTimeMs: number;
  readonly maxTimeMs: number;
}
