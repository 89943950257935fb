/** The shapes of searches over lines, spans and requests, as types only; `contract.ts` has the records themselves. */
import type { LogView, TraceAnswer, TraceSummaryView, WireAttributes } from '../contract.ts';
import type { SearchOutcome } from '../search-outcome.ts';

/** The lines of one service around one line, newest first, without regard to a filter. */
export interface LogContextAnswer {
  readonly logs: readonly LogView[];
}

/** A line of `GET /api/logs?follow=true`: a log line, or the number of lines that were dropped before the next. */
export type FollowedLine = (LogView & { readonly resource: WireAttributes }) | { readonly dropped: number };

/** A line of `GET /api/traces?follow=true`: a trace, or the number of traces that were left out before the next. */
export type FollowedTrace = TraceSummaryView | { readonly dropped: number };

export interface LogHistogramAnswer extends SearchOutcome {
  readonly step_ms: number;
  /** Begin of each step. */
  readonly times_ms: readonly number[];
  /** By level, `unknown` for lines without one: a count for each step. */
  readonly levels: Readonly<Record<string, readonly number[]>>;
  readonly total: number;
}

export interface FieldsAnswer extends SearchOutcome {
  readonly fields: readonly {
    readonly name: string;
    readonly type: 'text' | 'number' | 'boolean' | 'list' | 'map' | 'mixed';
    readonly records: number;
    /** Distinct values, an estimate (standard error 1.6 %) when not `exact`. */
    readonly cardinality: number;
    readonly exact: boolean;
    readonly bytes: number;
  }[];
  readonly omitted: number;
}

export interface ValuesAnswer extends SearchOutcome {
  readonly field: string;
  /** Most frequent first. `error`: the count may be too high by this much, absent when it is exact. */
  readonly values: readonly { readonly value: string; readonly count: number; readonly error?: number }[];
  readonly cardinality: number;
  readonly total: number;
  readonly present: number;
}

/** A row of the request ledger. Times of phases are milliseconds; a phase that the request did not have is absent. */
export interface RequestView {
  readonly id: string;
  readonly time_ms: number;
  readonly duration_ms: number;
  readonly service: string;
  readonly instance: string;
  readonly version: string;
  readonly method: string;
  readonly route: string;
  readonly path: string;
  /** Null when no answer was sent. */
  readonly status: number | null;
  readonly reason: string | null;
  readonly upstream: string | null;
  readonly tries: number;
  readonly cache: string | null;
  readonly phases: Readonly<Partial<Record<'queue' | 'cache' | 'connect' | 'upstream' | 'transfer', number>>>;
  readonly request_bytes: number | null;
  readonly response_bytes: number | null;
  readonly trace_id: string;
  readonly support_code: string;
  readonly request_id: string;
  readonly user: string | null;
  /** A synthetic check made the request. Such rows are given only when the filter speaks of `synthetic`. */
  readonly synthetic: boolean;
}

/** Rows that were lost before they reached the store; at most so many when not `exact`. */
export interface MissingRows {
  readonly rows: number;
  readonly exact: boolean;
}

export interface RequestsAnswer extends SearchOutcome {
  readonly requests: readonly RequestView[];
  /** With `sort=spread`: the number of all that match. */
  readonly total?: number;
  readonly next: string | null;
  readonly missing?: MissingRows;
}

/** A line of `GET /api/requests?follow=true`: a row, or the number of rows that were left out before the next. */
export type FollowedRequest = RequestView | { readonly dropped: number };

export interface RequestFiguresAnswer extends SearchOutcome {
  /** Begin and end of the range, and the step, in milliseconds. */
  readonly from_ms: number;
  readonly to_ms: number;
  readonly step_ms: number | null;
  readonly figures: readonly {
    readonly by: Readonly<Record<string, string>>;
    readonly time_ms?: number;
    readonly requests: number;
    readonly errors: number;
    readonly error_ratio: number;
    /** Requests a second. */
    readonly rate: number;
    /** Milliseconds, as all that follow. */
    readonly mean: number;
    readonly p50: number;
    readonly p95: number;
    readonly p99: number;
    readonly max: number;
    readonly phases: Readonly<Record<string, number>>;
  }[];
  readonly missing?: MissingRows;
}

/** The answer with `only=counts`. */
export interface RequestCountsAnswer extends Omit<RequestFiguresAnswer, 'figures'> {
  readonly figures: readonly Pick<
    RequestFiguresAnswer['figures'][number],
    'by' | 'time_ms' | 'requests' | 'errors' | 'error_ratio' | 'rate'
  >[];
}

/** All requests with a support code or an id: usually one. */
export interface RequestAnswer {
  readonly requests: readonly {
    readonly request: RequestView;
    /** Null when no span of the trace is in the store. */
    readonly trace: TraceAnswer | null;
    /** Services whose spans are in the trace; a service that is missing sent none. */
    readonly services: readonly string[];
  }[];
}

export interface PatternsAnswer extends SearchOutcome {
  /** Most frequent first. `<*>` stands for a word that differs; `first_seen_ms` and `version` are those of the first line ever. */
  readonly patterns: readonly {
    readonly service: string;
    readonly template: string;
    readonly count: number;
    readonly share: number;
    readonly first_seen_ms: number;
    readonly last_seen_ms: number;
    readonly version: string;
    readonly level: string;
  }[];
  /** Lines of the patterns beyond the limit; with it the counts add up to `total`. */
  readonly others: number;
  readonly total: number;
}

export interface AnalyticsAnswer extends SearchOutcome {
  readonly endpoints: readonly {
    readonly service: string;
    readonly endpoint: string;
    readonly requests: number;
    readonly errors: number;
    readonly mean_ms: number | null;
    readonly p50_ms: number | null;
    readonly p95_ms: number | null;
    readonly p99_ms: number | null;
  }[];
  readonly users: {
    readonly distinct: number;
    readonly exact: boolean;
    readonly top: readonly { readonly user: string; readonly requests: number; readonly error: number }[];
  };
  readonly step_ms: number;
  readonly trend: readonly {
    readonly time_ms: number;
    readonly lines: number;
    readonly errors: number;
    readonly error_ratio: number;
  }[];
  /** Most lines first. */
  readonly services: readonly { readonly service: string; readonly lines: number; readonly errors: number }[];
}

export interface ErrorView {
  readonly id: string;
  readonly service: string;
  readonly type: string;
  readonly message: string;
  readonly state: 'new' | 'open' | 'regressed' | 'resolved';
  /** Failing traces, or lines without a trace. */
  readonly count: number;
  /** 100 stands for 100 or more. */
  readonly users: number;
  readonly first_seen_ms: number;
  readonly last_seen_ms: number;
  readonly resolved_at_ms: number | null;
  readonly first_version: string;
  readonly last_version: string;
  readonly trace_id: string | null;
  /** The first frame of the application's own code. */
  readonly culprit: string;
}

export interface ErrorDetail extends ErrorView {
  /** Of the newest one; '' when it came without. */
  readonly stack: string;
  /** The application's own frames, by which it is grouped. */
  readonly frames: readonly string[];
}

export interface ErrorsAnswer {
  readonly errors: readonly ErrorView[];
  readonly more: boolean;
  /** Groups that gave way to newer ones since the start. */
  readonly evicted: number;
}

export interface MapAnswer extends SearchOutcome {
  readonly nodes: readonly { readonly name: string; readonly kind: string }[];
  readonly edges: readonly {
    readonly client: string;
    readonly server: string;
    readonly connection: string;
    readonly calls: number;
    readonly rate: number;
    readonly error_ratio: number;
    readonly p95_seconds: number;
    /** Median of the caller's time less the server's: network and queues. Null when one side sent no spans. */
    readonly network_seconds: number | null;
  }[];
  readonly spans: number;
  /** Calls on edges beyond the limit of edges. */
  readonly omitted: number;
}

export interface CompareAnswer extends SearchOutcome {
  /** Traces in each set. */
  readonly selection: number;
  readonly baseline: number;
  /** Best first; `calls` is the number of calls of an operation in a trace. */
  readonly attributes: readonly {
    readonly name: string;
    readonly kind: 'attribute' | 'calls';
    readonly score: number;
    readonly values: readonly { readonly value: string; readonly selection: number; readonly baseline: number }[];
    readonly means: { readonly selection: number; readonly baseline: number } | null;
  }[];
}

export interface ForgetAnswer {
  readonly dry_run: boolean;
  /** Of a dry run: the deletion takes it with the same filter within ten minutes. */
  readonly token?: string;
  /** Records that would go, or went. */
  readonly records: { readonly logs: number; readonly traces: number; readonly requests: number };
}
