/**
 * Instant selectors: at each step the newest sample not older than the lookback (left-open, so a sample exactly that old is
 * gone); a stale marker there means nothing. One index per series that only moves forward.
 */
import type { Series } from '../../../model/series.ts';
import { newColumn, setHistogram, type Column } from './column.ts';

/** Calls `visit(step, index)` where the series has a sample. */
function visitSamples(
  { samples }: Series,
  times: Float64Array,
  lookbackMs: number,
  visit: (step: number, index: number) => void,
): void {
  const { t, stale } = samples;
  let next = 0;
  for (let k = 0; k < times.length; k += 1) {
    const time = times[k];
    while (next < t.length && t[next] <= time) next += 1;
    const at = next - 1;
    if (at < 0 || t[at] <= time - lookbackMs || stale?.[at] === 1) continue;
    visit(k, at);
  }
}

export function selectColumn(series: Series, times: Float64Array, lookbackMs: number): Column | undefined {
  const { v, h } = series.samples;
  const column = newColumn(series.labels, times.length, false);
  let any = false;
  visitSamples(series, times, lookbackMs, (k, at) => {
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

/** As selectColumn, with the samples' own times in seconds as values (or their start times, 0 where unknown). */
export function selectTimes(
  series: Series,
  times: Float64Array,
  lookbackMs: number,
  which: 't' | 'st',
): Column | undefined {
  const source = series.samples[which];
  const column = newColumn(series.labels, times.length, true);
  let any = false;
  visitSamples(series, times, lookbackMs, (k, at) => {
    column.v[k] = (source?.[at] ?? 0) / 1000;
    column.has[k] = 1;
    any = true;
  });
  return any ? column : undefined;
}
