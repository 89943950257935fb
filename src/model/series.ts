/**
 * Samples in columns. Times are milliseconds since the epoch, strictly rising. Staleness is a bit of its own, never a NaN
 * payload (JavaScript may rewrite those). A sample is a float in `v`, or a native histogram in `h`, where `v` is NaN.
 */
import type { Histogram } from './histogram.ts';
import type { Labels } from './labels.ts';

export interface Samples {
  readonly t: Float64Array;
  readonly v: Float64Array;
  /** 1 where the sample is a stale marker; undefined when none is. */
  readonly stale?: Uint8Array | undefined;
  /** Native histograms by index; undefined when the series has none in this range. */
  readonly h?: readonly (Histogram | undefined)[] | undefined;
  /** Start timestamps (ms) of cumulative samples, 0 where unknown; undefined when none is known. */
  readonly st?: Float64Array | undefined;
}

export interface Series {
  readonly labels: Labels;
  readonly samples: Samples;
}

/** Prometheus' metric types. */
export type MetricType =
  | 'counter'
  | 'gauge'
  | 'histogram'
  | 'gaugehistogram'
  | 'summary'
  | 'info'
  | 'stateset'
  | 'unknown';

export interface MetricMetadata {
  /** Metric family name as exposed (`http_server_request_duration_seconds`). */
  readonly name: string;
  readonly type: MetricType;
  readonly help: string;
  /** Prometheus unit word (`seconds`, `bytes`, `ratio`), '' when there is none. */
  readonly unit: string;
}

/** A measured value with the trace that it belongs to. */
export interface Exemplar {
  readonly labels: Labels;
  readonly value: number;
  readonly timestampMs: number;
}

export interface ExemplarSeries {
  readonly labels: Labels;
  readonly exemplars: readonly Exemplar[];
}

/** Roll-ups keep the first and last sample of every step of this length, and few others. */
export const ROLL_UP_STEP_MS = 300_000;
