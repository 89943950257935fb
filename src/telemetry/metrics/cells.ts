/**
 * Histograms whose attribute sets are bound once. The API has no bound instruments: each `record` hashes its attributes,
 * which took more time and garbage than the rest of the balancer's metrics together. A cell holds the buckets of one
 * attribute set, and the recorder keeps its cell. Where our SDK does not run, the same calls go to the API.
 */
import type { Attributes, HrTime } from '@opentelemetry/api';
import { metrics } from '@opentelemetry/api';
import { millisToHrTime } from '@opentelemetry/core';
import type { Clock } from '../../base/clock.ts';
import { histogramOf } from './meters.ts';
import type { MetricName } from '../names.ts';

/** One attribute set of one histogram. */
export interface BoundRecord {
  record(value: number): void;
}

export interface BoundHistogram {
  /** Equal attributes share one cell. Keep the returned object: binding is expensive, recording is cheap. */
  bind(attributes: Attributes): BoundRecord;
}

/** The most attribute sets of one histogram, including the overflow point: the default limit of the SDK. */
export const CELLS_LIMIT = 2_000;
const OVERFLOW: Attributes = { 'otel.metric.overflow': true };

export class Cell implements BoundRecord {
  readonly attributes: Attributes;
  /** One more entry than there are bounds. */
  readonly counts: Float64Array;
  readonly #bounds: readonly number[];
  readonly #clock: Clock;
  /** Time of the first record, as in the SDK. */
  startTime: HrTime | undefined;
  count = 0;
  sum = 0;
  min = Infinity;
  max = -Infinity;

  constructor(attributes: Attributes, bounds: readonly number[], clock: Clock) {
    this.attributes = attributes;
    this.counts = new Float64Array(bounds.length + 1);
    this.#bounds = bounds;
    this.#clock = clock;
  }

  /** Bounds are inclusive upper bounds. NaN and negative values are not durations and are ignored, as in the SDK. */
  record(value: number): void {
    if (!(value >= 0)) return;
    if (this.startTime === undefined) this.startTime = millisToHrTime(this.#clock.now());
    const bounds = this.#bounds;
    let at = 0;
    while (at < bounds.length && value > bounds[at]) at += 1;
    this.counts[at] += 1;
    this.count += 1;
    this.sum += value;
    if (value < this.min) this.min = value;
    if (value > this.max) this.max = value;
  }
}

const keyOf = (attributes: Attributes): string =>
  JSON.stringify(
    Object.keys(attributes)
      .sort()
      .map((key) => [key, attributes[key]]),
  );

export class CellHistogram implements BoundHistogram {
  readonly scope: string;
  readonly metric: MetricName;
  readonly bounds: readonly number[];
  readonly #clock: Clock;
  readonly #cells = new Map<string, Cell>();
  #overflow: Cell | undefined;

  constructor(scope: string, metric: MetricName, bounds: readonly number[], clock: Clock) {
    this.scope = scope;
    this.metric = metric;
    this.bounds = bounds;
    this.#clock = clock;
  }

  bind(attributes: Attributes): Cell {
    const key = keyOf(attributes);
    const known = this.#cells.get(key);
    if (known !== undefined) return known;
    if (this.#cells.size >= CELLS_LIMIT - 1) return (this.#overflow ??= new Cell(OVERFLOW, this.bounds, this.#clock));
    const made = new Cell(attributes, this.bounds, this.#clock);
    this.#cells.set(key, made);
    return made;
  }

  /** The cells with at least one value. */
  *cells(): IterableIterator<Cell> {
    for (const cell of this.#cells.values()) if (cell.count > 0) yield cell;
    if (this.#overflow !== undefined) yield this.#overflow;
  }
}

/** A metric of a table with its present points. */
export interface TableMetric {
  readonly metric: MetricName;
  readonly points: readonly { readonly value: number; readonly attributes: Attributes }[];
}

/** Observable metrics that are read together at each collection. */
export interface CellTable {
  readonly scope: string;
  readonly startTime: HrTime;
  read(): readonly TableMetric[];
}

/** All cell histograms of one SDK, by scope and name, and all its tables. */
export class Cells {
  readonly tables = new Set<CellTable>();
  readonly #clock: Clock;
  readonly #histograms = new Map<string, CellHistogram>();
  readonly #onCollect = new Set<() => void>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  histogram(scope: string, metric: MetricName, bounds: readonly number[]): CellHistogram {
    const key = `${scope} ${metric.name}`;
    let histogram = this.#histograms.get(key);
    if (histogram === undefined) {
      histogram = new CellHistogram(scope, metric, bounds, this.#clock);
      this.#histograms.set(key, histogram);
    }
    return histogram;
  }

  get histograms(): IterableIterator<CellHistogram> {
    return this.#histograms.values();
  }

  now(): HrTime {
    return millisToHrTime(this.#clock.now());
  }

  /** `callback` runs before each collection. Counts that are kept as plain numbers are given to the SDK there. */
  onCollect(callback: () => void): void {
    this.#onCollect.add(callback);
  }

  collecting(): void {
    for (const callback of this.#onCollect) callback();
  }
}

let current: Cells | undefined;

/** Histograms bound in this process are cells from now on, until `closeCells`. */
export function openCells(clock: Clock): Cells {
  current = new Cells(clock);
  return current;
}

export function closeCells(cells: Cells): void {
  if (current === cells) current = undefined;
}

export function currentCells(): Cells | undefined {
  return current;
}

/** A cell histogram if `startTelemetry` made the SDK, else the API's histogram (which may do nothing). */
export function boundHistogram(scope: string, metric: MetricName, bounds: readonly number[]): BoundHistogram {
  if (current !== undefined) return current.histogram(scope, metric, bounds);
  const histogram = histogramOf(metrics.getMeter(scope), metric, bounds);
  return { bind: (attributes) => ({ record: (value) => histogram.record(value, attributes) }) };
}
