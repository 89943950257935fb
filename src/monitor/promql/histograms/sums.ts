/** Sums and means of many native histograms, for `sum`, `avg` and their `_over_time` forms. */
import type { Histogram } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Position } from '../syntax/ast.ts';
import { divideHistogram } from './arithmetic.ts';
import { HistogramTotal } from './histogram-total.ts';

/** A running sum (or mean). A mean is stored as a sum until that sum would overflow, and then as a running mean. */
export class HistogramSum {
  readonly #mean: boolean;
  #running = false;
  #total: HistogramTotal | undefined;
  #count = 0;
  #sawReset = false;
  #sawNoReset = false;
  #reconciled = false;
  readonly #incompatible = new Set<string>();

  constructor(mean: boolean) {
    this.#mean = mean;
  }

  /** `metric` is the name of the series that the histogram comes from, for warnings. */
  add(h: Histogram, metric: string): void {
    this.#count += 1;
    if (h.resetHint === 'reset') this.#sawReset = true;
    if (h.resetHint === 'not_reset') this.#sawNoReset = true;
    if (this.#total === undefined) this.#total = new HistogramTotal(h);
    else if (!(this.#mean ? this.#addToMean(this.#total, h) : this.#total.add(h))) this.#incompatible.add(metric);
    this.#reconciled ||= this.#total.reconciled;
  }

  #addToMean(total: HistogramTotal, h: Histogram): boolean {
    const n = this.#count;
    if (!this.#running) {
      const before = total.copy();
      if (!total.add(h)) return false;
      if (!total.overflowed) return true;
      this.#running = true;
      before.divide(n - 1);
      this.#total = before;
      return this.#stepMean(before, h, n);
    }
    return this.#stepMean(total, h, n);
  }

  #stepMean(mean: HistogramTotal, h: Histogram, n: number): boolean {
    mean.multiply((n - 1) / n);
    return mean.add(divideHistogram(h, n));
  }

  /** Undefined when no histogram was added, or when the layouts are incompatible. */
  result(notes: Annotations, pos: Position): Histogram | undefined {
    if (this.#sawReset && this.#sawNoReset) notes.counterResetCollision('aggregation', pos);
    if (this.#reconciled) notes.mismatchedCustomBuckets('aggregation', pos);
    for (const metric of this.#incompatible) notes.mixedExponentialCustom(metric, pos);
    if (this.#total === undefined || this.#incompatible.size > 0) return undefined;
    if (this.#mean && !this.#running) this.#total.divide(this.#count);
    return this.#total.result();
  }
}

function accumulated(
  histograms: readonly Histogram[],
  metric: string,
  mean: boolean,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  const sum = new HistogramSum(mean);
  for (const h of histograms) sum.add(h, metric);
  return sum.result(notes, pos);
}

export function sumOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulated(histograms, metric, false, notes, pos);
}

export function meanOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulated(histograms, metric, true, notes, pos);
}
