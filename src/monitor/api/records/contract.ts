/** The shapes of searches over lines, spans and requests, as types only; `contract.ts` has the records themselves. */
import type { LogView, SearchOutcome } from '../contract.ts';

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
