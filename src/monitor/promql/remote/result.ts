/**
 * Converts the `data` of the HTTP API's responses into the port's results. Every response is checked before use. A response
 * with another shape is `query_failed`, and the error names the place.
 */
import { VitrineError } from '../../../base/errors.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { MatrixSeries, Point, QueryStats, QueryValue } from '../../../model/ports.ts';
import { Labels } from '../../../model/labels.ts';
import type { Exemplar, ExemplarSeries, MetricMetadata, MetricType } from '../../../model/series.ts';
import { histogramOf, type RemoteBucket } from './histogram.ts';

type Fields = Readonly<Record<string, unknown>>;

const TYPES: ReadonlySet<string> = new Set<MetricType>([
  'counter',
  'gauge',
  'histogram',
  'gaugehistogram',
  'summary',
  'info',
  'stateset',
  'unknown',
]);

const unexpected = (place: string): VitrineError =>
  new VitrineError('query_failed', `the server's answer is not a Prometheus result: ${place}`);

function fields(value: unknown, place: string): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw unexpected(place);
  return value as Fields;
}

function list(value: unknown, place: string): readonly unknown[] {
  if (!Array.isArray(value)) throw unexpected(place);
  return value;
}

function text(value: unknown, place: string): string {
  if (typeof value !== 'string') throw unexpected(place);
  return value;
}

/** The API sends numbers as text, because JSON has no NaN and no infinities. */
function number(value: unknown, place: string): number {
  if (typeof value === 'number') return value;
  const written = text(value, place);
  switch (written) {
    case 'NaN':
      return NaN;
    case '+Inf':
    case 'Inf':
      return Infinity;
    case '-Inf':
      return -Infinity;
    default: {
      const read = Number(written);
      if (written === '' || Number.isNaN(read)) throw unexpected(place);
      return read;
    }
  }
}

function milliseconds(value: unknown, place: string): number {
  if (typeof value !== 'number') throw unexpected(place);
  return Math.round(value * 1_000);
}

export function labelsOf(value: unknown, place = 'labels'): Labels {
  return Labels.from(Object.entries(fields(value, place)).map(([name, label]) => [name, text(label, place)] as const));
}

function bucketOf(value: unknown): RemoteBucket {
  const [rule, lower, upper, count] = list(value, 'bucket');
  return {
    rule: number(rule, 'bucket'),
    lower: number(lower, 'bucket'),
    upper: number(upper, 'bucket'),
    count: number(count, 'bucket'),
  };
}

function nativeHistogram(value: unknown): Histogram {
  const { count, sum, buckets = [] } = fields(value, 'histogram');
  const read = list(buckets, 'buckets').map(bucketOf);
  return histogramOf(number(count, 'histogram count'), number(sum, 'histogram sum'), read);
}

function floatPoint(value: unknown): Point {
  const [time, v] = list(value, 'value');
  return { t: milliseconds(time, 'time'), v: number(v, 'value') };
}

function histogramPoint(value: unknown): Point {
  const [time, h] = list(value, 'histogram');
  return { t: milliseconds(time, 'time'), v: NaN, h: nativeHistogram(h) };
}

function vectorItem(value: unknown): { labels: Labels; point: Point } {
  const item = fields(value, 'vector');
  const point = item['histogram'] === undefined ? floatPoint(item['value']) : histogramPoint(item['histogram']);
  return { labels: labelsOf(item['metric'], 'metric'), point };
}

function matrixItem(value: unknown): MatrixSeries {
  const { metric, values = [], histograms = [] } = fields(value, 'matrix');
  const labels = labelsOf(metric, 'metric');
  const floats = list(values, 'values');
  const native = list(histograms, 'histograms');
  if (native.length === 0) return { labels, ...floatColumns(floats) };
  const points = [...floats.map(floatPoint), ...native.map(histogramPoint)].sort((a, b) => a.t - b.t);
  return {
    labels,
    t: Float64Array.from(points, ({ t }) => t),
    v: Float64Array.from(points, ({ v }) => v),
    h: points.map(({ h }) => h),
  };
}

function floatColumns(values: readonly unknown[]): { t: Float64Array; v: Float64Array } {
  const t = new Float64Array(values.length);
  const v = new Float64Array(values.length);
  for (let i = 0; i < values.length; i += 1) {
    const [time, value] = list(values[i], 'values');
    t[i] = milliseconds(time, 'time');
    v[i] = number(value, 'value');
  }
  return { t, v };
}

/** Throws VitrineError `query_failed`, as everything in this file does. */
export function valueOf(data: unknown): QueryValue {
  const { resultType, result } = fields(data, 'data');
  const items = list(result, 'result');
  switch (resultType) {
    case 'scalar':
      return { kind: 'scalar', ...floatPoint(items) };
    case 'string':
      return { kind: 'string', t: milliseconds(items[0], 'time'), v: text(items[1], 'string') };
    case 'vector':
      return { kind: 'vector', series: items.map(vectorItem) };
    case 'matrix':
      return { kind: 'matrix', series: items.map(matrixItem) };
    default:
      throw unexpected('resultType');
  }
}

export const labelSetsOf = (data: unknown): readonly Labels[] =>
  list(data, 'series').map((item) => labelsOf(item, 'series'));

export const textsOf = (data: unknown): readonly string[] => list(data, 'labels').map((item) => text(item, 'labels'));

export function metadataOf(data: unknown): readonly MetricMetadata[] {
  return Object.entries(fields(data, 'metadata')).flatMap(([name, entries]) =>
    list(entries, 'metadata').map((entry) => {
      const { type, help = '', unit = '' } = fields(entry, 'metadata');
      const known = TYPES.has(String(type)) ? (type as MetricType) : 'unknown';
      return { name, type: known, help: text(help, 'help'), unit: text(unit, 'unit') };
    }),
  );
}

function exemplarOf(value: unknown): Exemplar {
  const { labels, value: measured, timestamp } = fields(value, 'exemplar');
  return {
    labels: labelsOf(labels, 'exemplar'),
    value: number(measured, 'exemplar'),
    timestampMs: milliseconds(timestamp, 'exemplar'),
  };
}

export const exemplarsOf = (data: unknown): readonly ExemplarSeries[] =>
  list(data, 'exemplars').map((item) => {
    const { seriesLabels, exemplars } = fields(item, 'exemplars');
    return { labels: labelsOf(seriesLabels, 'exemplars'), exemplars: list(exemplars, 'exemplars').map(exemplarOf) };
  });

/** Of the `data` of an answer. Undefined for a server that sends no stats. Fields that it does not know are 0. */
export function statsOf(data: unknown): QueryStats | undefined {
  const { stats } = fields(data, 'data');
  if (stats === undefined) return undefined;
  const { timings = {}, samples = {} } = fields(stats, 'stats');
  const [times, counts] = [fields(timings, 'stats'), fields(samples, 'stats')];
  const known = (from: Fields, name: string): number => (typeof from[name] === 'number' ? from[name] : 0);
  return {
    timings: {
      evalTotalTime: known(times, 'evalTotalTime'),
      resultSortTime: known(times, 'resultSortTime'),
      queryPreparationTime: known(times, 'queryPreparationTime'),
      innerEvalTime: known(times, 'innerEvalTime'),
      execQueueTime: known(times, 'execQueueTime'),
      execTotalTime: known(times, 'execTotalTime'),
    },
    samples: {
      totalQueryableSamples: known(counts, 'totalQueryableSamples'),
      samplesRead: known(counts, 'samplesRead'),
      peakSamples: known(counts, 'peakSamples'),
    },
  };
}
