/**
 * Instant selectors: each step takes the newest sample within the lookback. The window is left-open, so a sample of exactly
 * that age is outside. If the newest sample is a stale marker, the step has no value. Each series needs one index that only
 * moves forward.
 */
import type { Series } from '../../../model/series.ts';
import { newColumn, setHistogram, type Column } from './column.ts';
import { lookbackAt, type Lookback } from './lookback.ts';

/** Calls `visit(step, index)` for each step at which the series has a sample. */
function visitSamples(
  { samples }: Series,
  times: Float64Array,
  lookback: Lookback,
  visit: (step: number, index: number) => void,
): void {
  const { t, stale } = samples;
  let next = 0;
  for (let k = 0; k < times.length; k += 1) {
    const time = times[k];
    while (next < t.length && t[next] <= time) next += 1;
    const at = next - 1;
    if (at < 0 || t[at] <= time - lookbackAt(lookback, time) || stale?.[at] === 1) continue;
    visit(k, at);
  }
}

export function selectColumn(series: Series, times: Float64Array, lookback: Lookback): Column | undefined {
  const { v, h } = series.samples;
  const column = newColumn(series.labels, times.length, false);
  let any = false;
  visitSamples(series, times, lookback, (k, at) => {
    const histogram = h?.[at];
    if (histogram === undefined) {
      column.v[k] = v[at];
      column.has[k] = 1;
    } else {
      setHistogram(column, k, histogram);
    }
    any = true;
  });
  return any ? column : undefined;
}

/** Like selectColumn, but the values are the times of the samples in seconds (or their start times, 0 where unknown). */
export function selectTimes(
  series: Series,
  times: Float64Array,
  lookback: Lookback,
  which: 't' | 'st',
): Column | undefined {
  const source = series.samples[which];
  const column = newColumn(series.labels, times.length, true);
  let any = false;
  visitSamples(series, times, lookback, (k, at) => {
    column.v[k] = (source?.[at] ?? 0) / 1000;
    column.has[k] = 1;
    any = true;
  });
  return any ? column : undefined;
}
