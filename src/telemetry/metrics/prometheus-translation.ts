/**
 * A collection under Prometheus names (`model/naming.ts`), so that the scrape page carries the same names as every other
 * road. Rules: OpenTelemetry compatibility specification, "Prometheus and OpenMetrics", section "OTLP Metric points to
 * Prometheus". Series that two instrumentation scopes report with the same name and label set are added up: the page has no
 * scope labels, and the format forbids a series to be listed twice.
 */
import type { Attributes } from '@opentelemetry/api';
import type {
  CollectionResult,
  DataPoint,
  ExponentialHistogram,
  Histogram,
  MetricData,
  ScopeMetrics,
} from '@opentelemetry/sdk-metrics';
import { DataPointType } from '@opentelemetry/sdk-metrics';
import type { NamedKind } from '../../model/naming.ts';
import { prometheusLabelName, prometheusMetricName, unitWords } from '../../model/naming.ts';
import { FINE_DURATION_BOUNDS } from '../names.ts';

/** The SDK's default bounds, for exponential histograms whose unit is not seconds. */
const DEFAULT_BOUNDS = [0, 5, 10, 25, 50, 75, 100, 250, 500, 750, 1_000, 2_500, 5_000, 7_500, 10_000];

function kindOf(metric: MetricData): NamedKind {
  if (metric.dataPointType === DataPointType.SUM) return metric.isMonotonic ? 'counter' : 'updowncounter';
  return metric.dataPointType === DataPointType.GAUGE ? 'gauge' : 'histogram';
}

/** The `# UNIT` text must be the end of the name; the line is left out where the text is not. */
function unitOf(name: string, unit: string): string {
  const word = unit === '1' ? 'ratio' : unitWords(unit);
  return word !== '' && name.endsWith(`_${word}`) ? word : '';
}

/** The values of attributes that map to the same label name are joined by `;`, as the specification says. */
function labelsOf(attributes: Attributes): Attributes {
  const labels: Record<string, string> = Object.create(null) as Record<string, string>;
  for (const key of Object.keys(attributes).sort()) {
    const value = attributes[key];
    if (value === undefined) continue;
    const text = typeof value === 'string' ? value : JSON.stringify(value);
    const label = prometheusLabelName(key);
    labels[label] = label in labels ? `${labels[label]};${text}` : text;
  }
  return labels;
}

/**
 * Fixed bounds, because bounds that depend on the data would add new `le` labels and break every `rate()`. A bucket is counted
 * under the first bound that is not below its upper end, so no observation is counted under a bound that it may exceed.
 */
export function explicitFrom(value: ExponentialHistogram, bounds: readonly number[]): Histogram {
  const counts: number[] = Array.from({ length: bounds.length + 1 }, () => 0);
  const place = (upper: number, count: number): void => {
    if (count === 0) return;
    // A power of the base is rounded by some ulp: without this tolerance a bucket that ends at 0.25 would be above the bound 0.25.
    const at = bounds.findIndex((bound) => upper <= bound + Math.abs(bound) * 1e-12);
    counts[at < 0 ? bounds.length : at] += count;
  };
  const base = 2 ** (2 ** -value.scale);
  value.negative.bucketCounts.forEach((count, i) => place(-(base ** (value.negative.offset + i)), count));
  place(0, value.zeroCount);
  value.positive.bucketCounts.forEach((count, i) => place(base ** (value.positive.offset + i + 1), count));
  return { buckets: { boundaries: [...bounds], counts }, sum: value.sum, count: value.count };
}

function addHistograms(a: Histogram, b: Histogram): Histogram {
  if (a.buckets.boundaries.length !== b.buckets.boundaries.length) return a;
  const counts = a.buckets.counts.map((count, i) => count + b.buckets.counts[i]);
  return { buckets: { ...a.buckets, counts }, sum: (a.sum ?? 0) + (b.sum ?? 0), count: a.count + b.count };
}

function merged<T>(points: readonly DataPoint<T>[], add: (a: T, b: T) => T): DataPoint<T>[] {
  const byLabels = new Map<string, DataPoint<T>>();
  for (const point of points) {
    const attributes = labelsOf(point.attributes);
    const key = JSON.stringify(Object.entries(attributes));
    const before = byLabels.get(key);
    byLabels.set(key, {
      ...point,
      attributes,
      value: before === undefined ? point.value : add(before.value, point.value),
    });
  }
  return [...byLabels.values()];
}

function translateFamily(name: string, family: readonly MetricData[]): MetricData {
  const [first] = family;
  const { unit, description } = first.descriptor;
  const descriptor = { ...first.descriptor, name, unit: unitOf(name, unit), description: description || name };
  switch (first.dataPointType) {
    case DataPointType.HISTOGRAM:
      return { ...first, descriptor, dataPoints: merged(allPoints<Histogram>(family), addHistograms) };
    case DataPointType.EXPONENTIAL_HISTOGRAM: {
      const bounds = unit === 's' ? FINE_DURATION_BOUNDS : DEFAULT_BOUNDS;
      const points = allPoints<ExponentialHistogram>(family).map((point) => ({
        ...point,
        value: explicitFrom(point.value, bounds),
      }));
      return {
        ...first,
        dataPointType: DataPointType.HISTOGRAM,
        descriptor,
        dataPoints: merged(points, addHistograms),
      };
    }
    case DataPointType.SUM:
      return { ...first, descriptor, dataPoints: merged(allPoints<number>(family), (a, b) => a + b) };
    default:
      return { ...first, descriptor, dataPoints: merged(allPoints<number>(family), (_a, b) => b) };
  }
}

const allPoints = <T>(family: readonly MetricData[]): DataPoint<T>[] =>
  family.flatMap((metric) => metric.dataPoints as DataPoint<T>[]);

/** Joins all scopes into one, with one metric for each name. Of two metrics of different types, the first is kept. */
export function toPrometheusNames(result: CollectionResult): CollectionResult {
  const families = new Map<string, MetricData[]>();
  for (const { metrics } of result.resourceMetrics.scopeMetrics) {
    for (const metric of metrics) {
      if (metric.dataPoints.length === 0) continue;
      const name = prometheusMetricName(metric.descriptor.name, metric.descriptor.unit, kindOf(metric));
      const family = families.get(name);
      if (family === undefined) families.set(name, [metric]);
      else if (family[0].dataPointType === metric.dataPointType) family.push(metric);
    }
  }
  const scope: ScopeMetrics = {
    scope: { name: 'vitrine' },
    metrics: [...families].map(([name, family]) => translateFamily(name, family)),
  };
  return { errors: result.errors, resourceMetrics: { ...result.resourceMetrics, scopeMetrics: [scope] } };
}
