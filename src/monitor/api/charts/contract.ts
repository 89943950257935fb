/** The JSON bodies of chart data and marks, as types only: the page imports them. */

/** One series of a chart. Without `at` there is one value for each step; with it, a value for each step number in `at`. */
export interface ChartSeries {
  readonly labels: Readonly<Record<string, string>>;
  readonly at?: readonly number[];
  /** null: there is no value, and the line must break. */
  readonly values: readonly (number | null)[];
  /** The values count what is in this bucket of a native histogram: its bounds, as Prometheus writes numbers. */
  readonly bucket?: readonly [from: string, to: string];
}

/** A limit of an alert rule that watches the series of the query, in the unit of the series. */
export interface ChartLimit {
  readonly rule: string;
  readonly severity: string;
  readonly op: '>' | '>=' | '<' | '<=';
  readonly limit: number;
}

/** The result of one expression of a chart, and how it was computed. */
export interface ChartQueryAnswer {
  /** The PromQL that was evaluated: every placeholder is filled in. */
  readonly expr: string;
  readonly startMs: number;
  readonly stepMs: number;
  readonly count: number;
  readonly series: readonly ChartSeries[];
  /** The number of series before the limit. */
  readonly seriesTotal: number;
  /** False when the query is so expensive that only one point for each pixel was evaluated. */
  readonly peaksKept: boolean;
  readonly limits: readonly ChartLimit[];
  readonly tookMs: number;
  /** Null when another server evaluated the query. */
  readonly read: { readonly series: number; readonly samples: number } | null;
  readonly warnings: readonly string[];
  readonly infos: readonly string[];
  readonly error?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** `GET /api/charts?expr=&from=&to=&width=&step=`; up to eight `expr`. */
export interface ChartAnswer {
  readonly fromMs: number;
  readonly toMs: number;
  readonly width: number;
  readonly queries: readonly ChartQueryAnswer[];
}

export type MarkKind = 'deploy' | 'restart' | 'reload' | 'alert' | 'drill' | 'load' | 'note';

/** Something that happened, drawn on every chart: a moment, or a bar when it has an end. */
export interface Mark {
  readonly kind: MarkKind;
  readonly timeMs: number;
  /** Null for a moment; for an alert that still fires, the end of the range. */
  readonly endMs: number | null;
  readonly text: string;
  /** The service, instance or alert that the mark is about; '' for a note. */
  readonly subject: string;
  readonly tags: readonly string[];
  /** The id of an annotation, which can be removed. */
  readonly id: number | null;
}

/** `GET /api/pins?service=`: the metrics pinned to the page of a service, oldest first. */
export interface PinsAnswer {
  readonly metrics: readonly string[];
}

/** `GET /api/marks?from=&to=`, oldest first. */
export interface MarksAnswer {
  readonly marks: readonly Mark[];
  /** True when there are more than are sent. */
  readonly more: boolean;
  /** Why a kind of mark is missing. */
  readonly warnings: readonly string[];
}
