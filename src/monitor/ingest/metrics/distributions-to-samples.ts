/**
 * Points of histograms, exponential histograms and summaries as samples. Classic histograms become `_sum`, `_count` and
 * cumulative `_bucket`s whose `le` is written as Prometheus writes it; exemplars go to the bucket that holds their value.
 */
import { attributeText } from '../../../model/attribute-text.ts';
import type { SampleSink } from '../../../model/ports.ts';
import { Labels, METRIC_NAME } from '../../../model/labels.ts';
import { prometheusLabelName } from '../../../model/naming.ts';
import type { Exemplar } from '../../../model/series.ts';
import type { DeltaSums, DeltaTotal } from './delta-sums.ts';
import { addDelta, isRefusal } from './delta-sums.ts';
import { formatPlain } from '../../../model/go-float.ts';
import type { ExponentialPoint, HistogramPoint, PointExemplar, PointHead, SummaryPoint } from './metric-points.ts';
import { nativeHistogram } from './native-histograms.ts';
import type { RejectionTally } from '../checks/rejections.ts';
import { quoted } from '../checks/rejections.ts';
import type { SampleColumns } from './sample-columns.ts';
import type { CachedSeries } from './series-cache.ts';

/** The state of one conversion. */
export interface Conversion {
  readonly sink: SampleSink;
  readonly columns: SampleColumns;
  readonly tally: RejectionTally;
  readonly deltas: DeltaSums;
  readonly nowMs: number;
}

const SUM = 0;
const COUNT = 1;
const FIRST_BUCKET = 2;
/** OpenMetrics: the label names and values of an exemplar together. */
const EXEMPLAR_MAX_CHARACTERS = 128;

/** Returns false when the point was refused; the tally then holds the reason. */
export function addHistogramPoint(
  point: HistogramPoint,
  series: CachedSeries,
  delta: boolean,
  conversion: Conversion,
): boolean {
  const { columns, tally } = conversion;
  const refused = refuseHistogram(point);
  if (refused !== undefined) {
    tally.add('invalid', `${quoted(series.labels.name)}: ${refused}`);
    return false;
  }
  const rebounded = series.refs.length > 0 && !point.stale && !sameNumbers(series.bounds, point.bounds);
  if (series.refs.length === 0 || rebounded) resolveParts(series, point.bounds, conversion.sink, 'le');
  const { refs } = series;
  const { timeMs } = point;
  if (point.stale) {
    for (const ref of refs) columns.add(ref, timeMs, Number.NaN, true, 0);
    return true;
  }
  let { counts, count, startMs } = point;
  let sum = point.sum;
  if (delta) {
    const total = totalFor(point, series, conversion);
    if (total === undefined) return false;
    addCounts(total, point, rebounded);
    ({ counts, count, sum, startMs } = { ...total, sum: sum === undefined ? undefined : total.sum });
  }
  if (sum !== undefined) columns.add(refs[SUM], timeMs, sum, false, startMs);
  columns.add(refs[COUNT], timeMs, count, false, startMs);
  let below = 0;
  for (let i = 0; i < point.bounds.length; i += 1) {
    below += counts[i];
    columns.add(refs[FIRST_BUCKET + i], timeMs, below, false, startMs);
  }
  columns.add(refs[FIRST_BUCKET + point.bounds.length], timeMs, count, false, startMs);
  if (point.exemplars !== undefined) addBucketExemplars(point, refs, columns);
  return true;
}

function refuseHistogram({ bounds, counts }: HistogramPoint): string | undefined {
  if (counts.length === 0 && bounds.length === 0) return undefined;
  if (counts.length !== bounds.length + 1) {
    return `a histogram with ${bounds.length} bounds needs ${bounds.length + 1} counts, not ${counts.length}`;
  }
  for (let i = 0; i < bounds.length; i += 1) {
    if (Number.isNaN(bounds[i]) || (i > 0 && bounds[i] <= bounds[i - 1]))
      return 'the bounds of a histogram do not rise';
  }
  return bounds.at(-1) === Infinity ? 'a bound of a histogram is infinite' : undefined;
}

/** Counts with other bounds cannot be added: the total restarts, and its start time shows the restart. */
function addCounts(total: DeltaTotal, point: HistogramPoint, rebounded: boolean): void {
  if (rebounded || total.counts.length !== point.counts.length) {
    total.counts = point.counts.map(() => 0);
    total.count = 0;
    total.sum = 0;
    total.startMs = point.startMs;
  }
  for (const [i, count] of point.counts.entries()) total.counts[i] += count;
  total.count += point.count;
  total.sum += point.sum ?? 0;
}

function addBucketExemplars(point: HistogramPoint, refs: readonly number[], columns: SampleColumns): void {
  for (const exemplar of point.exemplars ?? []) {
    const found = point.bounds.findIndex((bound) => exemplar.value <= bound);
    const bucket = found < 0 ? point.bounds.length : found;
    columns.addExemplar(refs[FIRST_BUCKET + bucket], exemplarOf(exemplar, point.timeMs));
  }
}

export function addExponentialPoint(
  point: ExponentialPoint,
  series: CachedSeries,
  delta: boolean,
  conversion: Conversion,
): boolean {
  const { sink, columns, tally } = conversion;
  const own = nativeHistogram(point.value);
  if (own === undefined) {
    tally.add('invalid', `${quoted(series.labels.name)}: scale ${point.value.scale} has no native histogram schema`);
    return false;
  }
  if (series.refs.length === 0) series.refs = [sink.resolve(series.labels)];
  const [ref] = series.refs;
  let histogram = own;
  let { startMs } = point;
  if (delta && !point.stale) {
    const total = totalFor(point, series, conversion);
    if (total === undefined) return false;
    const summed = addDelta(total, point.value) && total.exponential && nativeHistogram(total.exponential);
    if (!summed) {
      tally.add('invalid', `${quoted(series.labels.name)}: its buckets lie too far from those before`);
      return false;
    }
    histogram = summed;
    startMs = total.startMs;
  }
  columns.addHistogram(ref, point.timeMs, histogram, point.stale, startMs);
  for (const exemplar of point.exemplars ?? []) columns.addExemplar(ref, exemplarOf(exemplar, point.timeMs));
  return true;
}

export function addSummaryPoint(point: SummaryPoint, series: CachedSeries, conversion: Conversion): boolean {
  const { columns, sink } = conversion;
  const quantiles = point.quantiles.map(({ quantile }) => quantile);
  if (series.refs.length === 0 || (!point.stale && !sameNumbers(series.bounds, quantiles))) {
    resolveParts(series, quantiles, sink, 'quantile');
  }
  const { refs } = series;
  if (point.stale) {
    for (const ref of refs) columns.add(ref, point.timeMs, Number.NaN, true, 0);
    return true;
  }
  columns.add(refs[SUM], point.timeMs, point.sum, false, point.startMs);
  columns.add(refs[COUNT], point.timeMs, point.count, false, point.startMs);
  for (const [i, { value }] of point.quantiles.entries()) {
    columns.add(refs[FIRST_BUCKET + i], point.timeMs, value, false, 0);
  }
  return true;
}

/** References of `_sum`, `_count` and each bucket or quantile. */
function resolveParts(
  series: CachedSeries,
  bounds: readonly number[],
  sink: SampleSink,
  label: 'le' | 'quantile',
): void {
  const { labels } = series;
  const family = labels.name;
  const resolve = (suffix: string, bound?: number): number => {
    const named = labels.with(METRIC_NAME, family + suffix);
    return sink.resolve(bound === undefined ? named : named.with(label, formatPlain(bound)));
  };
  const refs = [resolve('_sum'), resolve('_count')];
  for (const bound of bounds) refs.push(resolve(label === 'le' ? '_bucket' : '', bound));
  if (label === 'le') refs.push(resolve('_bucket', Infinity));
  series.refs = refs;
  series.bounds = bounds;
}

function sameNumbers(a: readonly number[], b: readonly number[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

/** The running total of a delta series at the time of `point`; undefined when the point was refused and counted. */
export function totalFor(point: PointHead, series: CachedSeries, conversion: Conversion): DeltaTotal | undefined {
  const { deltas, tally, nowMs } = conversion;
  const total = deltas.at(series.labels.key, point.startMs, point.timeMs, nowMs);
  if (!isRefusal(total)) return total;
  tally.add(total.reason, `${quoted(series.labels.name)}: ${total.message}`);
  return undefined;
}

/** Trace and span ids first; other attributes only if all of them fit into OpenMetrics' 128 characters. */
export function exemplarOf(exemplar: PointExemplar, pointMs: number): Exemplar {
  const ids: [string, string][] = [];
  if (exemplar.traceId !== '') ids.push(['trace_id', exemplar.traceId]);
  if (exemplar.spanId !== '') ids.push(['span_id', exemplar.spanId]);
  const more = Object.keys(exemplar.attributes).map((key): [string, string] => [
    prometheusLabelName(key),
    attributeText(exemplar.attributes[key]),
  ]);
  let characters = 0;
  for (const [name, value] of [...ids, ...more]) characters += name.length + value.length;
  const labels = Labels.from(characters <= EXEMPLAR_MAX_CHARACTERS ? [...more, ...ids] : ids);
  return { labels, value: exemplar.value, timestampMs: exemplar.timeMs > 0 ? exemplar.timeMs : pointMs };
}
