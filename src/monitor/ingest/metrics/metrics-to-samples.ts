/**
 * OpenTelemetry metrics → Prometheus samples, as the compatibility specification and Prometheus' own OTLP receiver do it:
 * names and units by model/naming.ts, `job` and `instance` from the resource and its other attributes in `target_info`, sums
 * cumulative with their start times, explicit histograms as classic series, exponential ones as native histograms. A point
 * that cannot be stored is counted with its reason; the others are processed.
 */
import type { Clock } from '../../../base/clock.ts';
import type { SampleSink } from '../../../model/ports.ts';
import type { NamedKind } from '../../../model/naming.ts';
import { prometheusMetricName, prometheusType, targetIdentity, unitWords } from '../../../model/naming.ts';
import type { MetricType } from '../../../model/series.ts';
import { DeltaSums } from './delta-sums.ts';
import type { Metric, NumberPoint, PointHead, ResourceMetrics } from './metric-points.ts';
import { attributesOf, inOrderOfTime } from './metric-points.ts';
import type { RejectionTally } from '../checks/rejections.ts';
import { quoted } from '../checks/rejections.ts';
import type { SampleColumns } from './sample-columns.ts';
import type { CachedMetric, CachedResource, CachedSeries } from './series-cache.ts';
import { SeriesCache } from './series-cache.ts';
import type { LabelLimits, Target } from './series-labels.ts';
import { overLabelLimit, seriesLabels, targetInfoLabels } from './series-labels.ts';
import type { TimeRules } from '../checks/time-rules.ts';
import { refuseTime } from '../checks/time-rules.ts';
import type { Conversion } from './distributions-to-samples.ts';
import {
  addExponentialPoint,
  addHistogramPoint,
  addSummaryPoint,
  exemplarOf,
  totalFor,
} from './distributions-to-samples.ts';

export interface MetricsToSamplesOptions {
  readonly sink: SampleSink;
  readonly clock: Clock;
  readonly labels: LabelLimits;
  readonly times: TimeRules;
  /** Series, metrics and resources remembered by their bytes. */
  readonly maxCachedSeries: number;
  /** Number of series of delta temporality whose totals are stored. */
  readonly maxDeltaSeries: number;
}

/** Descriptions are kept and shown; they are cut at this length. */
const MAX_HELP_CHARACTERS = 4096;

const KINDS: Readonly<Record<Metric['kind'], NamedKind>> = {
  gauge: 'gauge',
  sum: 'updowncounter',
  histogram: 'histogram',
  exponential: 'histogram',
  summary: 'histogram',
};

export class MetricsToSamples {
  readonly #options: MetricsToSamplesOptions;
  readonly #cache: SeriesCache;
  readonly #deltas: DeltaSums;

  constructor(options: MetricsToSamplesOptions) {
    this.#options = options;
    this.#cache = new SeriesCache(options.maxCachedSeries);
    this.#deltas = new DeltaSums(options.maxDeltaSeries);
  }

  /** Appends to `columns` and `tally`; returns the number of points seen. Throws VitrineError `bad_request`. */
  convert(resources: readonly ResourceMetrics[], columns: SampleColumns, tally: RejectionTally): number {
    const { sink, clock } = this.#options;
    this.#cache.begin(sink.generation);
    const conversion = { sink, columns, tally, deltas: this.#deltas, nowMs: clock.now() };
    let points = 0;
    for (const resource of resources) points += this.#resource(resource, conversion);
    return points;
  }

  /** Must be called when a conversion was not stored: its descriptions must then be sent again. */
  forget(): void {
    this.#cache.clear();
  }

  #resource({ key, resource, metrics }: ResourceMetrics, conversion: Conversion): number {
    const context = this.#cache.resource(key, () => ({
      target: targetIdentity(resource),
      infoLabels: targetInfoLabels(resource, this.#options.labels),
      infoRef: 0,
      infoMs: 0,
      metrics: new Map(),
    }));
    let points = 0;
    let newestMs = 0;
    for (const metric of metrics) {
      const newest = this.#metric(metric, context, conversion);
      if (newest > newestMs) newestMs = newest;
      points += metric.points.length;
    }
    this.#targetInfo(context, newestMs, conversion);
    return points;
  }

  /** One sample of `target_info` at the time of the newest point, as Prometheus writes it. */
  #targetInfo(context: CachedResource, newestMs: number, { sink, columns }: Conversion): void {
    if (context.infoLabels === undefined || newestMs <= context.infoMs) return;
    if (context.infoRef === 0) {
      context.infoRef = sink.resolve(context.infoLabels);
      const help = 'Attributes of the resource that sends the metrics of this job and instance.';
      columns.addMetadata({ name: 'target_info', type: 'info', help, unit: '' });
    }
    context.infoMs = newestMs;
    columns.add(context.infoRef, newestMs, 1, false, 0);
  }

  /** Returns the time of the newest point that was kept. */
  #metric(metric: Metric, context: CachedResource, conversion: Conversion): number {
    const counter = metric.kind === 'sum' && metric.monotonic;
    const cached = this.#cache.metric(
      context,
      `${counter ? 'counter' : metric.kind}\0${metric.unit}\0${metric.name}`,
      () => describe(metric, counter ? 'counter' : KINDS[metric.kind]),
    );
    const refused = refuseMetric(metric, cached);
    if (refused !== undefined) {
      conversion.tally.add('invalid', refused, metric.points.length);
      return 0;
    }
    const newestMs = this.#addAll(metric, cached, context.target, conversion);
    if (newestMs > 0 && !cached.metadataSent) {
      cached.metadataSent = true;
      conversion.columns.addMetadata(cached.metadata);
    }
    return newestMs;
  }

  #addAll(metric: Metric, cached: CachedMetric, target: Target, conversion: Conversion): number {
    switch (metric.kind) {
      case 'gauge':
        return this.#each(metric.points, cached, target, conversion, (point, series) =>
          addNumber(point, series, { delta: false, counter: false }, conversion),
        );
      case 'sum':
        return this.#each(metric.points, cached, target, conversion, (point, series) =>
          addNumber(point, series, { delta: metric.temporality === 1, counter: metric.monotonic }, conversion),
        );
      case 'histogram':
        return this.#each(metric.points, cached, target, conversion, (point, series) =>
          addHistogramPoint(point, series, metric.temporality === 1, conversion),
        );
      case 'exponential':
        return this.#each(metric.points, cached, target, conversion, (point, series) =>
          addExponentialPoint(point, series, metric.temporality === 1, conversion),
        );
      default:
        return this.#each(metric.points, cached, target, conversion, (point, series) =>
          addSummaryPoint(point, series, conversion),
        );
    }
  }

  #each<P extends PointHead>(
    points: readonly P[],
    cached: CachedMetric,
    target: Target,
    conversion: Conversion,
    add: (point: P, series: CachedSeries) => boolean,
  ): number {
    let newestMs = 0;
    for (const point of inOrderOfTime(points)) {
      const series = this.#series(point, cached, target, conversion);
      if (series !== undefined && add(point, series) && point.timeMs > newestMs) newestMs = point.timeMs;
    }
    return newestMs;
  }

  /** The series of a point whose time and labels are accepted; otherwise the reason is counted. */
  #series(
    point: PointHead,
    metric: CachedMetric,
    target: Target,
    { nowMs, tally }: Conversion,
  ): CachedSeries | undefined {
    const { times, labels: limits } = this.#options;
    const refused = refuseTime(point.timeMs, nowMs, times, 'nanoseconds');
    if (refused !== undefined) {
      tally.add(refused.reason, `${quoted(metric.family)}: ${refused.message}`);
      return undefined;
    }
    let series = metric.series.get(point.key);
    if (series === undefined) {
      const labels = seriesLabels(metric.family, attributesOf(point), target);
      series = { labels, refusal: overLabelLimit(labels, limits), refs: [], bounds: [] };
      this.#cache.add(metric, point.key, series);
    }
    if (series.refusal !== undefined) {
      tally.add('label_limit', series.refusal);
      return undefined;
    }
    return series;
  }
}

function describe(metric: Metric, kind: NamedKind): CachedMetric {
  const family = prometheusMetricName(metric.name, metric.unit, kind);
  const type: MetricType = metric.kind === 'summary' ? 'summary' : prometheusType(kind);
  const unit = kind === 'gauge' && metric.unit === '1' ? 'ratio' : unitWords(metric.unit);
  const metadata = { name: family, type, help: metric.description.slice(0, MAX_HELP_CHARACTERS), unit };
  return { family, metadata, metadataSent: false, series: new Map() };
}

function refuseMetric(metric: Metric, cached: CachedMetric): string | undefined {
  if (cached.family === '') return `the name ${quoted(metric.name)} has nothing that a metric can be named by`;
  if (cached.family.length > 1024) return `the metric name ${quoted(cached.family)} is longer than 1024 characters`;
  if (metric.kind === 'gauge' || metric.kind === 'summary' || metric.temporality !== 0) return undefined;
  return `${quoted(metric.name)} has no aggregation temporality`;
}

function addNumber(
  point: NumberPoint,
  series: CachedSeries,
  { delta, counter }: { readonly delta: boolean; readonly counter: boolean },
  conversion: Conversion,
): boolean {
  const { sink, columns } = conversion;
  if (series.refs.length === 0) series.refs = [sink.resolve(series.labels)];
  const [ref] = series.refs;
  let { value, startMs } = point;
  if (delta && !point.stale) {
    const total = totalFor(point, series, conversion);
    if (total === undefined) return false;
    total.sum += value;
    value = total.sum;
    startMs = total.startMs;
  }
  columns.add(ref, point.timeMs, point.stale ? Number.NaN : value, point.stale, counter ? startMs : 0);
  if (counter)
    for (const exemplar of point.exemplars ?? []) columns.addExemplar(ref, exemplarOf(exemplar, point.timeMs));
  return true;
}
