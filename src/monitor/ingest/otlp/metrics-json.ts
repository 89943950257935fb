/** ExportMetricsServiceRequest out of JSON. Throws VitrineError `bad_request`. */
import type {
  Buckets,
  ExponentialPoint,
  HistogramPoint,
  Metric,
  NumberPoint,
  PointExemplar,
  ResourceMetrics,
  SummaryPoint,
} from '../metrics/metric-points.ts';
import { NO_BUCKETS } from '../metrics/metric-points.ts';
import type { Steps } from '../request/steps.ts';
import type { JsonObject } from './json-fields.ts';
import {
  attributes,
  bool,
  double,
  doubleOf,
  hexId,
  int64,
  int64Of,
  integer,
  list,
  longObjects,
  manyObjects,
  nanosAsMs,
  objects,
  optionalObject,
  parseJsonObject,
  resourceOf,
  text,
} from './json-fields.ts';
import { temporalityOf } from './metrics-protobuf.ts';

export function* decodeMetricsJson(bytes: Uint8Array): Steps<ResourceMetrics[]> {
  return yield* longObjects(yield* parseJsonObject(bytes), 'resourceMetrics', function* (item) {
    const resource = resourceOf(item).attributes;
    const metrics = yield* longObjects(item, 'scopeMetrics', (scope) => longObjects(scope, 'metrics', readMetric));
    return {
      key: jsonKey(optionalObject(item, 'resource')?.attributes ?? []),
      resource,
      metrics: metrics.flat().filter((metric) => metric !== undefined),
    };
  });
}

/** Begins with a character that no key made of bytes contains, so that no sender can imitate another by its encoding. */
function jsonKey(value: unknown): string {
  return `\u0100${JSON.stringify(value)}`;
}

function* readMetric(from: JsonObject): Steps<Metric | undefined> {
  const head = { name: text(from, 'name'), unit: text(from, 'unit'), description: text(from, 'description') };
  const gauge = optionalObject(from, 'gauge');
  if (gauge) return { ...head, kind: 'gauge', points: yield* manyObjects(gauge, 'dataPoints', readNumberPoint) };
  const sum = optionalObject(from, 'sum');
  if (sum) {
    const points = yield* manyObjects(sum, 'dataPoints', readNumberPoint);
    return { ...head, kind: 'sum', monotonic: bool(sum, 'isMonotonic'), temporality: temporality(sum), points };
  }
  const histogram = optionalObject(from, 'histogram');
  if (histogram) {
    const points = yield* manyObjects(histogram, 'dataPoints', readHistogramPoint);
    return { ...head, kind: 'histogram', temporality: temporality(histogram), points };
  }
  const exponential = optionalObject(from, 'exponentialHistogram');
  if (exponential) {
    const points = yield* manyObjects(exponential, 'dataPoints', readExponentialPoint);
    return { ...head, kind: 'exponential', temporality: temporality(exponential), points };
  }
  const summary = optionalObject(from, 'summary');
  if (summary === undefined) return undefined;
  return { ...head, kind: 'summary', points: yield* manyObjects(summary, 'dataPoints', readSummaryPoint) };
}

const temporality = (from: JsonObject): 0 | 1 | 2 => temporalityOf(integer(from, 'aggregationTemporality'));

type Head = Pick<NumberPoint, 'key' | 'attributes' | 'startMs' | 'timeMs' | 'stale' | 'exemplars'>;

function readHead(from: JsonObject): Head {
  const raw = list(from, 'attributes');
  const exemplars = list(from, 'exemplars');
  return {
    key: raw.length === 0 ? '' : jsonKey(raw),
    attributes: attributes(from, 'attributes'),
    startMs: nanosAsMs(from, 'startTimeUnixNano'),
    timeMs: nanosAsMs(from, 'timeUnixNano'),
    stale: (integer(from, 'flags') & 1) !== 0,
    exemplars: exemplars.length === 0 ? undefined : objects(from, 'exemplars', readExemplar),
  };
}

function readValue(from: JsonObject): number {
  return double(from, 'asDouble') ?? int64(from, 'asInt');
}

function readNumberPoint(from: JsonObject): NumberPoint {
  return { ...readHead(from), value: readValue(from) };
}

function readExemplar(from: JsonObject): PointExemplar {
  return {
    attributes: attributes(from, 'filteredAttributes'),
    timeMs: nanosAsMs(from, 'timeUnixNano'),
    value: readValue(from),
    traceId: hexId(from, 'traceId'),
    spanId: hexId(from, 'spanId'),
  };
}

function readHistogramPoint(from: JsonObject): HistogramPoint {
  return {
    ...readHead(from),
    count: int64(from, 'count'),
    sum: double(from, 'sum'),
    bounds: list(from, 'explicitBounds').map((bound) => doubleOf(bound, 'explicitBounds')),
    counts: list(from, 'bucketCounts').map((count) => int64Of(count, 'bucketCounts')),
  };
}

function readExponentialPoint(from: JsonObject): ExponentialPoint {
  const value = {
    scale: integer(from, 'scale'),
    count: int64(from, 'count'),
    sum: double(from, 'sum') ?? 0,
    zeroCount: int64(from, 'zeroCount'),
    zeroThreshold: double(from, 'zeroThreshold') ?? 0,
    positive: readBuckets(optionalObject(from, 'positive')),
    negative: readBuckets(optionalObject(from, 'negative')),
  };
  return { ...readHead(from), value };
}

function readBuckets(from: JsonObject | undefined): Buckets {
  if (from === undefined) return NO_BUCKETS;
  const counts = list(from, 'bucketCounts').map((count) => int64Of(count, 'bucketCounts'));
  return { offset: integer(from, 'offset'), counts };
}

function readSummaryPoint(from: JsonObject): SummaryPoint {
  const quantiles = objects(from, 'quantileValues', (item) => ({
    quantile: double(item, 'quantile') ?? 0,
    value: double(item, 'value') ?? 0,
  }));
  return { ...readHead(from), count: int64(from, 'count'), sum: double(from, 'sum') ?? 0, quantiles };
}
