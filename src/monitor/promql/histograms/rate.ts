/** The increase between the first and the last of a window's native histograms (promql/functions.go, histogramRate). */
import type { Histogram } from '../../../model/histogram.ts';
import type { Annotations } from '../columns/annotations.ts';
import type { Position } from '../syntax/ast.ts';
import {
  addHistograms,
  detectReset,
  emptyLike,
  subtractHistograms,
  usesCustomBuckets,
  withHint,
} from './arithmetic.ts';

/**
 * Undefined, with a warning, when the bucket layouts are incompatible. `resetAt` returns true when start times mark a reset.
 */
export function histogramIncrease(
  points: readonly Histogram[],
  isCounter: boolean,
  resetAt: (index: number) => boolean,
  metric: string,
  notes: Annotations,
  pos: Position,
): Histogram | undefined {
  const last = points[points.length - 1];
  if (isCounter && points.some((h) => h.resetHint === 'gauge')) notes.notACounter(metric, pos);
  const isReset = (index: number, previous: Histogram): boolean =>
    resetAt(index) || detectReset(points[index], previous);
  // When the second sample is a reset, the layout of the first does not matter: only its count is used.
  let first = points[0];
  if (isCounter && isReset(1, first)) first = emptyLike(points[1]);
  const custom = usesCustomBuckets(first);
  const others = isCounter ? points.slice(1) : [last];
  if (others.some((h) => usesCustomBuckets(h) !== custom)) {
    notes.mixedExponentialCustom(metric, pos);
    return undefined;
  }
  let result = combine(subtractHistograms(last, first), notes, pos, 'subtraction');
  if (isCounter) {
    let previous = first;
    for (let i = 1; i < points.length && result !== undefined; i += 1) {
      if (isReset(i, previous)) result = combine(addHistograms(result, previous), notes, pos, 'addition');
      previous = points[i];
    }
  } else if (points[0].resetHint !== 'gauge' || last.resetHint !== 'gauge') {
    notes.notAGauge(metric, pos);
  }
  if (result === undefined) {
    notes.mixedExponentialCustom(metric, pos);
    return undefined;
  }
  return withHint(result, 'gauge');
}

function combine(
  combined: { readonly h: Histogram; readonly reconciled: boolean } | undefined,
  notes: Annotations,
  pos: Position,
  operation: string,
): Histogram | undefined {
  if (combined?.reconciled) notes.mismatchedCustomBuckets(operation, pos);
  return combined?.h;
}
