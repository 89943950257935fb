/**
 * Metrics of every protocol before they become samples: OpenTelemetry's data model with times in milliseconds.
 * A point carries the identity of its attributes as a string (`key`), so that a series seen before is found without
 * decoding them; `attributesOf` decodes when a series is new.
 */
import type { Attributes } from '../../../model/records.ts';
import { attributesOfKey } from '../protobuf/attributes.ts';

/** 0 unspecified, 1 delta, 2 cumulative: OTLP's AggregationTemporality. */
export type Temporality = 0 | 1 | 2;

export interface PointExemplar {
  readonly attributes: Attributes;
  readonly timeMs: number;
  readonly value: number;
  readonly traceId: string;
  readonly spanId: string;
}

export interface PointHead {
  /** Equal for equal attributes of one sender, different for different ones. */
  readonly key: string;
  /** Undefined while they are still in `key`. */
  readonly attributes: Attributes | undefined;
  /** 0 when unknown. */
  readonly startMs: number;
  readonly timeMs: number;
  /** The NO_RECORDED_VALUE flag: the series ended here. */
  readonly stale: boolean;
  readonly exemplars: readonly PointExemplar[] | undefined;
}

export interface NumberPoint extends PointHead {
  readonly value: number;
}

export interface HistogramPoint extends PointHead {
  readonly count: number;
  readonly sum: number | undefined;
  readonly bounds: readonly number[];
  /** One more than bounds, or empty; not cumulative. */
  readonly counts: readonly number[];
}

export interface Buckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialValue {
  readonly scale: number;
  readonly count: number;
  readonly sum: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: Buckets;
  readonly negative: Buckets;
}

export interface ExponentialPoint extends PointHead {
  readonly value: ExponentialValue;
}

export interface SummaryPoint extends PointHead {
  readonly count: number;
  readonly sum: number;
  readonly quantiles: readonly { readonly quantile: number; readonly value: number }[];
}

interface MetricHead {
  readonly name: string;
  readonly unit: string;
  readonly description: string;
}

export type Metric = MetricHead &
  (
    | { readonly kind: 'gauge'; readonly points: readonly NumberPoint[] }
    | {
        readonly kind: 'sum';
        readonly monotonic: boolean;
        readonly temporality: Temporality;
        readonly points: readonly NumberPoint[];
      }
    | { readonly kind: 'histogram'; readonly temporality: Temporality; readonly points: readonly HistogramPoint[] }
    | { readonly kind: 'exponential'; readonly temporality: Temporality; readonly points: readonly ExponentialPoint[] }
    | { readonly kind: 'summary'; readonly points: readonly SummaryPoint[] }
  );

export interface ResourceMetrics {
  /** Like `PointHead.key`, for the resource. */
  readonly key: string;
  readonly resource: Attributes;
  readonly metrics: readonly Metric[];
}

export const NO_BUCKETS: Buckets = { offset: 0, counts: [] };

/** Throws VitrineError `bad_request` when the bytes kept in `key` are malformed. */
export function attributesOf(point: PointHead): Attributes {
  return point.attributes ?? attributesOfKey(point.key);
}

/** A sender may list the points of a series in any order; a series takes them in order of time, and deltas add up in it. */
export function inOrderOfTime<P extends PointHead>(points: readonly P[]): readonly P[] {
  for (let i = 1; i < points.length; i += 1)
    if (points[i].timeMs < points[i - 1].timeMs) return points.toSorted((a, b) => a.timeMs - b.timeMs);
  return points;
}
