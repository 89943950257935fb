/** Quantiles of measured values, for benchmarks and end-to-end tests. */

/** The value that the share `q` (0 to 1) of the values lies below, or the greatest; NaN without values. */
export const quantile = (values: readonly number[], q: number): number =>
  values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(q * values.length))] ?? Number.NaN;

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** `least–greatest`. */
export const spread = (values: readonly number[], digits: number): string =>
  `${Math.min(...values).toFixed(digits)}–${Math.max(...values).toFixed(digits)}`;

/** `median (10 %–90 %)`. */
export const middle = (values: readonly number[], digits: number): string => {
  const [low, high] = [0.1, 0.9].map((q) => quantile(values, q).toFixed(digits));
  return `${median(values).toFixed(digits)} (${low}–${high})`;
};

/** The least of the sorted values that the share `q` of them does not exceed. */
export const nearestRank = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)];
