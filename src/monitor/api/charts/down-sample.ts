/**
 * Down-sampling for charts: M4 (Jugel, Jerzak, Hackenbroich, Markl: "M4: A Visualization-Oriented Time Series Data
 * Aggregation", VLDB 2014). Of each pixel column a series keeps its first, last, smallest and largest value, at their own
 * times. A line through these points covers the same pixels as the line through all points, so every peak stays visible,
 * and no column has more than four points. Pure.
 */

/** Values at steps start + at[i]·step. Times and values are those of the evaluation; nothing is averaged. */
export interface Sampled {
  /** Step numbers, strictly rising. */
  readonly at: readonly number[];
  /** null marks the first step of a gap: the line must break there. */
  readonly values: readonly (number | null)[];
}

/** First, smallest, largest and last of the values of one column, by step number. */
interface Kept {
  readonly column: number;
  first: number;
  least: number;
  greatest: number;
  last: number;
}

/**
 * `steps` and `values` are the points that exist: a step that is missing is a gap, and so is a value that is not finite.
 * `count` is the number of steps of the range, `columns` the width of the plot in pixels.
 */
export function downSample(
  steps: readonly number[],
  values: ArrayLike<number>,
  count: number,
  columns: number,
): Sampled {
  const kept: number[] = [];
  let open: Kept | undefined;
  for (let i = 0; i < steps.length; i += 1) {
    if (!Number.isFinite(values[i])) continue;
    const column = Math.min(columns - 1, Math.floor((steps[i] * columns) / count));
    if (open === undefined || open.column !== column) {
      if (open !== undefined) kept.push(...indexesOf(open));
      open = { column, first: i, least: i, greatest: i, last: i };
      continue;
    }
    if (values[i] < values[open.least]) open.least = i;
    if (values[i] > values[open.greatest]) open.greatest = i;
    open.last = i;
  }
  if (open !== undefined) kept.push(...indexesOf(open));
  return withGaps(kept, steps, values);
}

/** In the order of time, each once. */
function indexesOf({ first, least, greatest, last }: Kept): number[] {
  return [...new Set([first, Math.min(least, greatest), Math.max(least, greatest), last])];
}

/** Adds a null at the first missing step between two neighbours that were kept. */
function withGaps(kept: readonly number[], steps: readonly number[], values: ArrayLike<number>): Sampled {
  const at: number[] = [];
  const out: (number | null)[] = [];
  let before: number | undefined;
  for (const index of kept) {
    const missing = before === undefined ? undefined : firstMissing(before, index, steps, values);
    if (missing !== undefined) {
      at.push(missing);
      out.push(null);
    }
    at.push(steps[index]);
    out.push(values[index]);
    before = index;
  }
  return { at, values: out };
}

function firstMissing(
  from: number,
  to: number,
  steps: readonly number[],
  values: ArrayLike<number>,
): number | undefined {
  let expected = steps[from] + 1;
  for (let i = from + 1; i <= to; i += 1) {
    if (steps[i] !== expected) return expected;
    if (!Number.isFinite(values[i])) return steps[i];
    expected += 1;
  }
  return undefined;
}

/** Every step of the range as one value; null where there is none. */
export function allSteps(steps: readonly number[], values: ArrayLike<number>, count: number): (number | null)[] {
  const out = Array.from<number | null>({ length: count }).fill(null);
  for (const [i, step] of steps.entries()) {
    const value = values[i];
    if (step >= 0 && step < count && Number.isFinite(value)) out[step] = value;
  }
  return out;
}
