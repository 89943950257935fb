/**
 * Sums that keep the low bits: Kahan summation with Neumaier's improvement, as in Prometheus' `kahansum`. Results therefore
 * equal Prometheus' to the last bit even where the order of terms matters.
 */

/** A running sum; read it as `total(sum)`. */
export interface CompensatedSum {
  sum: number;
  c: number;
}

export function addTo(acc: CompensatedSum, inc: number): void {
  const { sum } = acc;
  const t = sum + inc;
  if (t === Infinity || t === -Infinity) acc.c = 0;
  // The addition dropped the low bits of the smaller operand.
  else if (Math.abs(sum) >= Math.abs(inc)) acc.c += sum - t + inc;
  else acc.c += inc - t + sum;
  acc.sum = t;
}

export function total(acc: CompensatedSum): number {
  return isInfinite(acc.sum) ? acc.sum : acc.sum + acc.c;
}

export function isInfinite(value: number): boolean {
  return value === Infinity || value === -Infinity;
}

export function sumOf(v: Float64Array, lo: number, hi: number): number {
  const acc = { sum: 0, c: 0 };
  for (let i = lo; i < hi; i += 1) addTo(acc, v[i]);
  return total(acc);
}

/** Mean of v[lo, hi): the sum divided by the count, or a running mean from the term at which the sum would overflow. */
export function meanOf(v: Float64Array, lo: number, hi: number): number {
  const acc = { sum: v[lo], c: 0 };
  let running = false;
  let count = 1;
  for (let i = lo + 1; i < hi; i += 1) {
    count += 1;
    running = addToMean(acc, v[i], count, running);
  }
  return running ? acc.sum + acc.c : acc.sum / count + acc.c / count;
}

/**
 * Adds one term to a mean. `acc` holds the sum, or the mean itself when `running` is true; `count` includes the new term.
 * Returns true when `acc` now holds a mean.
 */
export function addToMean(acc: CompensatedSum, term: number, count: number, running: boolean): boolean {
  if (!running) {
    const { sum, c } = acc;
    addTo(acc, term);
    if (!isInfinite(acc.sum)) return false;
    acc.sum = sum / (count - 1);
    acc.c = c / (count - 1);
  }
  const q = (count - 1) / count;
  acc.sum *= q;
  acc.c *= q;
  addTo(acc, term / count);
  return true;
}

/** Population variance of v[lo, hi) by Welford's recurrence with compensated sums. */
export function varianceOf(v: Float64Array, lo: number, hi: number): number {
  const mean = { sum: 0, c: 0 };
  const aux = { sum: 0, c: 0 };
  let count = 0;
  for (let i = lo; i < hi; i += 1) {
    count += 1;
    const delta = v[i] - (mean.sum + mean.c);
    addTo(mean, delta / count);
    addTo(aux, delta * (v[i] - (mean.sum + mean.c)));
  }
  return (aux.sum + aux.c) / count;
}

/** The q-quantile of the values, with linear interpolation between ranks. Sorts its argument. */
export function quantileOf(q: number, values: Float64Array): number {
  if (values.length === 0 || Number.isNaN(q)) return Number.NaN;
  if (q < 0) return -Infinity;
  if (q > 1) return Infinity;
  sortNaNFirst(values);
  const n = values.length;
  const rank = q * (n - 1);
  const lower = Math.max(0, Math.floor(rank));
  const upper = Math.min(n - 1, lower + 1);
  const weight = rank - Math.floor(rank);
  return values[lower] * (1 - weight) + values[upper] * weight;
}

function sortNaNFirst(values: Float64Array): void {
  // Typed arrays sort numerically with NaN last.
  values.sort();
  let nans = 0;
  while (nans < values.length && Number.isNaN(values[values.length - 1 - nans])) nans += 1;
  if (nans === 0 || nans === values.length) return;
  values.copyWithin(nans, 0, values.length - nans);
  values.fill(Number.NaN, 0, nans);
}
