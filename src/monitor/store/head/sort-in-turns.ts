/**
 * A sort that does not block the thread: a selector may match every series, and sorting 200,000 label sets takes some
 * hundred milliseconds. Runs of some thousand items are sorted and then merged; `rest` is called between them.
 */

const RUN = 4_096;

/**
 * `rest` returns a promise when the thread must be given back; it may throw to end the sort. Stable; `items` is not changed.
 */
export async function sortInTurns<T>(
  items: readonly T[],
  compare: (a: T, b: T) => number,
  rest: () => Promise<void> | undefined,
): Promise<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += RUN) {
    runs.push(items.slice(from, from + RUN).sort(compare));
    await rest();
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let i = 0; i < runs.length; i += 2) {
      merged.push(i + 1 < runs.length ? await merge(runs[i], runs[i + 1], compare, rest) : runs[i]);
    }
    runs = merged;
  }
  return runs[0] ?? [];
}

async function merge<T>(
  a: readonly T[],
  b: readonly T[],
  compare: (a: T, b: T) => number,
  rest: () => Promise<void> | undefined,
): Promise<T[]> {
  const out: T[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    out.push(compare(a[i], b[j]) <= 0 ? a[i++] : b[j++]);
    if (out.length % RUN === 0) await rest();
  }
  while (i < a.length) out.push(a[i++]);
  while (j < b.length) out.push(b[j++]);
  return out;
}
