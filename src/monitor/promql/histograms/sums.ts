/** Sums and means of many native histograms, for `sum`, `avg` and their `_over_time` forms. */
import type { Histogram } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Position } from '../syntax/ast.ts';
import { isInfinite } from '../columns/float-sums.ts';
import { addHistograms, divideHistogram, scaleHistogram, type Combined } from './arithmetic.ts';

/** True when a sum of finite histograms exceeded the largest float. */
function overflowed(h: Histogram): boolean {
  return [h.count, h.sum, h.zeroCount, ...h.positiveBuckets, ...h.negativeBuckets].some(isInfinite);
}

/** A running sum (or mean). A mean is stored as a sum until that sum would overflow, and then as a running mean. */
export class HistogramSum {
  readonly #mean: boolean;
  #running = false;
  #sum: Histogram | undefined;
  #count = 0;
  #sawReset = false;
  #sawNoReset = false;
  #reconciled = false;
  #failed = false;

  constructor(mean: boolean) {
    this.#mean = mean;
  }

  add(h: Histogram): void {
    this.#count += 1;
    if (h.resetHint === 'reset') this.#sawReset = true;
    if (h.resetHint === 'not_reset') this.#sawNoReset = true;
    if (this.#failed) return;
    if (this.#sum === undefined) {
      this.#sum = h;
      return;
    }
    const next = this.#running ? this.#stepMean(this.#sum, h) : addHistograms(this.#sum, h);
    if (next === undefined) {
      this.#failed = true;
      return;
    }
    if (next.reconciled) this.#reconciled = true;
    if (this.#mean && !this.#running && overflowed(next.h) && !overflowed(h)) {
      this.#running = true;
      this.#sum = this.#stepMean(divideHistogram(this.#sum, this.#count - 1), h)?.h;
      return;
    }
    this.#sum = next.h;
  }

  #stepMean(mean: Histogram, h: Histogram): Combined | undefined {
    const n = this.#count;
    return addHistograms(scaleHistogram(mean, (n - 1) / n), divideHistogram(h, n));
  }

  /** Undefined when no histogram was added, or when the layouts are incompatible. */
  result(metric: string, notes: Annotations, pos: Position): Histogram | undefined {
    if (this.#sawReset && this.#sawNoReset) notes.counterResetCollision('aggregation', pos);
    if (this.#reconciled) notes.mismatchedCustomBuckets('aggregation', pos);
    if (this.#failed) {
      notes.mixedExponentialCustom(metric, pos);
      return undefined;
    }
    if (this.#sum === undefined) return undefined;
    return this.#mean && !this.#running ? divideHistogram(this.#sum, this.#count) : this.#sum;
  }
}

function accumulate(histograms: readonly Histogram[], mean: boolean): HistogramSum {
  const sum = new HistogramSum(mean);
  for (const h of histograms) sum.add(h);
  return sum;
}

export function sumOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulate(histograms, false).result(metric, notes, pos);
}

export function meanOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulate(histograms, true).result(metric, notes, pos);
}
