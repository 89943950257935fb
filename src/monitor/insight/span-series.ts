/**
 * Counters and a histogram for each combination of labels, written as cumulative samples. Combinations are bounded: those beyond
 * the limit are counted together in one with `otel_metric_overflow="true"`, so sums still add up to all spans. A combination
 * that nothing came for in a while is forgotten. Each series begins with a zero before its first value, so that `increase()`
 * sees its first spans too.
 */
import { Labels, METRIC_NAME } from '../../model/labels.ts';
import type { SampleSink } from '../../model/ports.ts';
import type { SampleColumns } from '../ingest/metrics/sample-columns.ts';

export interface SeriesShape {
  /** Names of the counters. */
  readonly counters: readonly string[];
  /** Names of the histograms, without `_bucket`. */
  readonly histograms: readonly string[];
  /** Upper bounds in seconds, rising. */
  readonly bounds: readonly number[];
}

const FORGET_MS = 900_000;
const OVERFLOW = { otel_metric_overflow: 'true' } as const;

/** One combination of labels. */
export class Combination {
  readonly labels: Readonly<Record<string, string>>;
  readonly #bounds: readonly number[];
  readonly counters: Float64Array;
  /** For each histogram: a count for each bound, one beyond, and the sum. */
  readonly histograms: Float64Array[];
  lastMs = 0;
  refs: readonly number[] | undefined;
  /** Its first sample was written. */
  begun = false;

  constructor(labels: Readonly<Record<string, string>>, { counters, histograms, bounds }: SeriesShape) {
    this.labels = labels;
    this.#bounds = bounds;
    this.counters = new Float64Array(counters.length);
    this.histograms = histograms.map(() => new Float64Array(bounds.length + 2));
  }

  observe(histogram: number, seconds: number, weight: number): void {
    const counts = this.histograms[histogram];
    let at = 0;
    while (at < this.#bounds.length && seconds > this.#bounds[at]) at += 1;
    counts[at] += weight;
    counts[counts.length - 1] += seconds * weight;
  }
}

export class SpanSeries {
  readonly #shape: SeriesShape;
  readonly #max: number;
  readonly #combinations = new Map<string, Combination>();
  #rest: Combination | undefined;
  #generation = -1;
  /** Spans or calls that were counted in the overflow. */
  overflowed = 0;

  constructor(shape: SeriesShape, max: number) {
    this.#shape = shape;
    this.#max = max;
  }

  get size(): number {
    return this.#combinations.size;
  }

  /** The combination of a key; `labelsOf` is called when it is new. */
  at(key: string, nowMs: number, labelsOf: () => Readonly<Record<string, string>>): Combination {
    let found = this.#combinations.get(key);
    if (found === undefined) {
      if (this.#combinations.size < this.#max) {
        this.#combinations.set(key, (found = new Combination(labelsOf(), this.#shape)));
      } else {
        this.overflowed += 1;
        found = this.#rest ??= new Combination(OVERFLOW, this.#shape);
      }
    }
    found.lastMs = nowMs;
    return found;
  }

  /** Adds the present value of each series. `beforeMs` is the time of the last writing, when new series were zero. */
  write(
    at: { readonly nowMs: number; readonly beforeMs: number; readonly monotonicMs: number },
    columns: SampleColumns,
    sink: SampleSink,
  ): void {
    if (sink.generation !== this.#generation) {
      for (const one of this.#all()) one.refs = undefined;
      this.#generation = sink.generation;
    }
    for (const [key, one] of this.#combinations) {
      if (at.monotonicMs - one.lastMs > FORGET_MS) this.#combinations.delete(key);
    }
    for (const one of this.#all()) {
      const refs = (one.refs ??= this.#resolve(one, sink));
      const values = valuesOf(one);
      for (let series = 0; series < refs.length; series += 1) {
        if (!one.begun && at.beforeMs < at.nowMs) columns.add(refs[series], at.beforeMs, 0, false, 0);
        columns.add(refs[series], at.nowMs, values[series], false, 0);
      }
      one.begun = true;
    }
  }

  #all(): Combination[] {
    return this.#rest === undefined ? [...this.#combinations.values()] : [...this.#combinations.values(), this.#rest];
  }

  /** In the order of `valuesOf`. */
  #resolve({ labels }: Combination, sink: SampleSink): number[] {
    const { counters, histograms, bounds } = this.#shape;
    const resolve = (name: string, more: Readonly<Record<string, string>> = {}): number =>
      sink.resolve(Labels.from({ [METRIC_NAME]: name, ...labels, ...more }));
    return [
      ...counters.map((name) => resolve(name)),
      ...histograms.flatMap((name) => [
        ...[...bounds.map(String), '+Inf'].map((le) => resolve(`${name}_bucket`, { le })),
        resolve(`${name}_sum`),
        resolve(`${name}_count`),
      ]),
    ];
  }
}

function valuesOf({ counters, histograms }: Combination): number[] {
  const values = [...counters];
  for (const counts of histograms) {
    let total = 0;
    for (let at = 0; at < counts.length - 1; at += 1) values.push((total += counts[at]));
    values.push(counts[counts.length - 1], total);
  }
  return values;
}
