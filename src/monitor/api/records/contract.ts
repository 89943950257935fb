/** The shapes of searches over lines, spans and requests, as types only; `contract.ts` has the records themselves. */
import type { LogView, SearchOutcome, TraceAnswer } from '../contract.ts';

/** The lines of one service around one line, newest first, without regard to a filter. */
export interface LogContextAnswer {
  readonly logs: readonly LogView[];
}

/** A line of `GET /api/logs?follow=true`: a log line, or the number of lines that were dropped before the next. */
export type FollowedLine = LogView | { readonly dropped: number };

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
}

/** Rows that were lost before they reached the store; at most so many when not `exact`. */
export interface MissingRows {
  readonly rows: number;
  readonly exact: boolean;
}

export interface RequestsAnswer extends SearchOutcome {
  readonly requests: readonly RequestView[];
  readonly next: string | null;
  readonly missing?: MissingRows;
}

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
