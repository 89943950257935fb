/** Values by their rank, without sorting all of them: Hoare's selection, with the median of three as the pivot. */

/**
 * The values at these ranks (from 0, rising) of the first `count` values in order. Puts the values into another order. NaN must
 * not be among them.
 */
export function valuesAtRanks(values: Float64Array, count: number, ranks: readonly number[]): number[] {
  let low = 0;
  return ranks.map((rank) => {
    select(values, low, count - 1, rank);
    // What is before the rank is smaller: the next rank lies behind.
    low = rank;
    return values[rank];
  });
}

function select(values: Float64Array, from: number, to: number, rank: number): void {
  let [low, high] = [from, to];
  while (low < high) {
    const pivot = medianOf(values[low], values[(low + high) >>> 1], values[high]);
    let [left, right] = [low, high];
    while (left <= right) {
      while (values[left] < pivot) left += 1;
      while (values[right] > pivot) right -= 1;
      if (left > right) break;
      const value = values[left];
      values[left] = values[right];
      values[right] = value;
      left += 1;
      right -= 1;
    }
    if (rank <= right) high = right;
    else if (rank >= left) low = left;
    else return;
  }
}

function medianOf(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c));
}
