/**
 * The ports: each type here is a contract between folders. `app/` connects the implementations to them.
 * Sinks accept items and may refuse some of them, with a reason; sources answer queries. Their callers do not know how
 * or where anything is stored.
 */
import type { Alert } from './alert.ts';
import type { Histogram } from './histogram.ts';
import type { Labels, Matcher } from './labels.ts';
import type { LogRecord, SpanRecord } from './records.ts';
import type { Exemplar, ExemplarSeries, MetricMetadata, Series } from './series.ts';

/** Why an item was not stored. These are the values of the `reason` label of `vitrine.ingest.rejected`. */
export type RejectReason =
  | 'out_of_order'
  | 'duplicate'
  | 'too_old'
  | 'too_far_ahead'
  | 'series_limit'
  | 'label_limit'
  | 'invalid'
  | 'queue_full'
  | 'storage_full';

export interface Rejection {
  readonly reason: RejectReason;
  readonly count: number;
  /** A sentence that names an example, for the sender. */
  readonly message: string;
}

export interface AppendResult {
  readonly accepted: number;
  readonly rejected: readonly Rejection[];
  /** Of the store of records: the number of arrival of an item, by its place in the call; undefined when it was refused. */
  readonly numberOf?: ((at: number) => number | undefined) | undefined;
}

/** Samples in columns, each with the reference of its series. Arrays may be longer than `count`. */
export interface SampleBatch {
  readonly count: number;
  readonly refs: Uint32Array;
  readonly t: Float64Array;
  readonly v: Float64Array;
  readonly stale?: Uint8Array | undefined;
  readonly st?: Float64Array | undefined;
  readonly h?: readonly (Histogram | undefined)[] | undefined;
  readonly exemplars?: readonly { readonly ref: number; readonly exemplar: Exemplar }[] | undefined;
  readonly metadata?: readonly MetricMetadata[] | undefined;
}

/** Receives samples after conversion: names are Prometheus names, units base units, counters cumulative. */
export interface SampleSink {
  /**
   * The reference by which batches name a series (never 0). A series over a limit gets the reference of its metric's
   * overflow series (`{__name__="…",otel_metric_overflow="true"}`), so every loss is visible.
   */
  resolve(labels: Labels): number;
  /** Rises when references become invalid; callers that cache references must then drop them. */
  readonly generation: number;
  /**
   * Resolves once the batch survives a kill of the process. Rejects with VitrineError `storage_full` when nothing could be
   * stored. Single samples that cannot be stored are counted in the result; the others are stored.
   */
  append(batch: SampleBatch): Promise<AppendResult>;
}

/**
 * Counts the work of regular expressions before it is done; both functions throw when the work is more than the query may do
 * here.
 */
export interface WorkMeter {
  /** Call it before a pattern of `size` instructions is compiled. */
  compiling(size: number): void;
  /** Call it before a value is matched; `steps` is instructions times length. */
  matching(steps: number): void;
}

/** The memory and thread time that a source may use for a query. */
export interface SelectPace extends WorkMeter {
  /** Counts samples that were read. Throws when they are too many, or when the query was cancelled. */
  take(samples: number): void;
  /** True when the source must yield the thread: then `await pause()`, which may throw as `take` does. */
  readonly due: boolean;
  pause(): Promise<void>;
  /**
   * Told of memory that the source made for this query alone: it is freed when the query ends, not when it is collected. The
   * series whose samples lie in it come one after another, so that it can be handed to another thread without a copy.
   */
  owns?(memory: ArrayBuffer): void;
}

/** The store as the PromQL engine reads it. Series are sorted by labels, samples have mint <= t <= maxt. */
export interface SampleSource {
  /** A source that reads for long asks `pace` after each series. */
  select(
    matchers: readonly Matcher[],
    mintMs: number,
    maxtMs: number,
    pace?: SelectPace,
  ): readonly Series[] | Promise<readonly Series[]>;
  /**
   * The time up to which samples of the range are roll-ups, a selection of the real samples; -Infinity (or no such method)
   * when all samples are there.
   */
  coarseUntilMs?(mintMs: number, maxtMs: number): number | Promise<number>;
  /** Label sets of the series that match any of the selectors and have samples in the range; at most `limit`. */
  series(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
    limit: number,
  ): Promise<readonly Labels[]>;
  labelNames(selectors: readonly (readonly Matcher[])[], mintMs: number, maxtMs: number): Promise<readonly string[]>;
  labelValues(
    name: string,
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<readonly string[]>;
  metadata(): Promise<readonly MetricMetadata[]>;
  exemplars(
    selectors: readonly (readonly Matcher[])[],
    mintMs: number,
    maxtMs: number,
  ): Promise<readonly ExemplarSeries[]>;
}

/** A point of a result: milliseconds and a float or a histogram. */
export interface Point {
  readonly t: number;
  readonly v: number;
  readonly h?: Histogram | undefined;
}

/** Result of a range query: one column per series over the steps start, start+step, …; a step without a point is absent. */
export interface MatrixSeries {
  readonly labels: Labels;
  readonly t: Float64Array;
  readonly v: Float64Array;
  readonly h?: readonly (Histogram | undefined)[] | undefined;
}

export type QueryValue =
  | { readonly kind: 'scalar'; readonly t: number; readonly v: number }
  | { readonly kind: 'string'; readonly t: number; readonly v: string }
  | { readonly kind: 'vector'; readonly series: readonly { readonly labels: Labels; readonly point: Point }[] }
  | { readonly kind: 'matrix'; readonly series: readonly MatrixSeries[] };

export interface QueryResult {
  readonly value: QueryValue;
  /** `PromQL warning: …` and `PromQL info: …`, each once, with its position. */
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  /** Present when `QueryOptions.stats` asks for it and the engine knows it. */
  readonly stats?: QueryStats | undefined;
  /** What the engine read for the query; absent when another server answered it. */
  readonly read?: QueryRead | undefined;
}

/** What a query cost, in the fields of Prometheus' HTTP API. */
export interface QueryStats {
  /** Seconds. */
  readonly timings: Readonly<
    Record<
      'evalTotalTime' | 'resultSortTime' | 'queryPreparationTime' | 'innerEvalTime' | 'execQueueTime' | 'execTotalTime',
      number
    >
  >;
  readonly samples: {
    /** Samples used, at each step anew. */
    readonly totalQueryableSamples: number;
    readonly samplesRead: number;
    /** The most samples in memory at a time. */
    readonly peakSamples: number;
  };
}

/** The series and samples that the selectors of a query read. A selector that occurs twice is read once. */
export interface QueryRead {
  readonly series: number;
  readonly samples: number;
}

export interface QueryOptions {
  readonly stats?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly timeoutMs?: number | undefined;
  readonly lookbackMs?: number | undefined;
}

/**
 * The only access to history: rules, page, terminal and reports query it in PromQL. It is the embedded engine or a remote
 * Prometheus-compatible server. Throws VitrineError `query_invalid`, `query_failed`, `query_timeout`,
 * `query_canceled`, and `unreachable` when a remote server does not answer.
 */
export interface Querier {
  instant(expr: string, atMs: number, options?: QueryOptions): Promise<QueryResult>;
  range(expr: string, startMs: number, endMs: number, stepMs: number, options?: QueryOptions): Promise<QueryResult>;
  series(selectors: readonly string[], startMs: number, endMs: number, limit: number): Promise<readonly Labels[]>;
  labelNames(selectors: readonly string[], startMs: number, endMs: number): Promise<readonly string[]>;
  labelValues(name: string, selectors: readonly string[], startMs: number, endMs: number): Promise<readonly string[]>;
  metadata(): Promise<readonly MetricMetadata[]>;
  exemplars(expr: string, startMs: number, endMs: number): Promise<readonly ExemplarSeries[]>;
}

export interface SpanSink {
  append(spans: readonly SpanRecord[]): AppendResult | Promise<AppendResult>;
}

export interface LogSink {
  append(records: readonly LogRecord[]): AppendResult | Promise<AppendResult>;
}

export interface TraceSummary {
  readonly traceId: string;
  /** The root span if it was received, else the earliest span. */
  readonly root: { readonly service: string; readonly name: string };
  readonly startUnixNano: bigint;
  readonly durationMs: number;
  readonly spans: number;
  readonly errors: number;
  readonly services: readonly string[];
}

/** The newest traces with a span that meets all conditions, which began in the range. */
export interface TraceQuery {
  readonly service?: string | undefined;
  readonly fromMs: number;
  /** Of the span. */
  readonly minDurationMs?: number | undefined;
  /** The span failed. */
  readonly onlyErrors?: boolean | undefined;
  readonly limit: number;
}

export interface SpanSource {
  find(query: TraceQuery): readonly TraceSummary[] | Promise<readonly TraceSummary[]>;
  trace(traceId: string): readonly SpanRecord[] | Promise<readonly SpanRecord[]>;
}

export interface LogQuery {
  readonly service?: string | undefined;
  readonly minSeverity?: number | undefined;
  readonly traceId?: string | undefined;
  readonly attribute?: { readonly name: string; readonly value: string } | undefined;
  readonly text?: string | undefined;
  readonly fromMs?: number | undefined;
  readonly toMs?: number | undefined;
  readonly limit: number;
}

export interface LogSource {
  /** Newest first. */
  search(query: LogQuery): readonly LogRecord[] | Promise<readonly LogRecord[]>;
}

/** Takes alerts that changed state or are due to be sent again. */
export interface AlertSink {
  alerts(alerts: readonly Alert[], nowMs: number): void | Promise<void>;
}
