/** Sums and means of many native histograms, for `sum`, `avg` and their `_over_time` forms. */
import type { Histogram } from '../../model/histogram.ts';
import type { Annotations } from './annotations.ts';
import type { Position } from './ast.ts';
import { addHistograms, divideHistogram } from './histogram-ops.ts';

/** A sum in the making. `failed` once layouts came together that have no sum. */
export class HistogramSum {
  #sum: Histogram | undefined;
  #count = 0;
  #sawReset = false;
  #sawNoReset = false;
  #reconciled = false;
  #failed = false;

  add(h: Histogram): void {
    this.#count += 1;
    if (h.resetHint === 'reset') this.#sawReset = true;
    if (h.resetHint === 'not_reset') this.#sawNoReset = true;
    if (this.#failed) return;
    if (this.#sum === undefined) {
      this.#sum = h;
      return;
    }
    const combined = addHistograms(this.#sum, h);
    if (combined === undefined) {
      this.#failed = true;
      return;
    }
    if (combined.reconciled) this.#reconciled = true;
    this.#sum = combined.h;
  }

  get count(): number {
    return this.#count;
  }

  /** Undefined when there was nothing to add or no way to add it; `mean` divides by the number of histograms. */
  result(mean: boolean, metric: string, notes: Annotations, pos: Position): Histogram | undefined {
    if (this.#sawReset && this.#sawNoReset) notes.counterResetCollision('aggregation', pos);
    if (this.#reconciled) notes.mismatchedCustomBuckets('aggregation', pos);
    if (this.#failed) {
      notes.mixedExponentialCustom(metric, pos);
      return undefined;
    }
    if (this.#sum === undefined) return undefined;
    return mean ? divideHistogram(this.#sum, this.#count) : this.#sum;
  }
}

function accumulate(histograms: readonly Histogram[]): HistogramSum {
  const sum = new HistogramSum();
  for (const h of histograms) sum.add(h);
  return sum;
}

export function sumOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulate(histograms).result(false, metric, notes, pos);
}

export function meanOfHistograms(
  histograms: readonly Histogram[],
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  return accumulate(histograms).result(true, metric, notes, pos);
}
