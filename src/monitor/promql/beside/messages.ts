/** The messages between the monitor's main thread, which has the samples, and the thread that runs heavy queries. */
import type { ErrorCode } from '../../../base/errors.ts';
import { VitrineError } from '../../../base/errors.ts';
import type { Matcher } from '../../../model/labels.ts';
import type { QueryRead, QueryStats } from '../../../model/ports.ts';
import type { PackedSeries, ResultHead } from './packing.ts';

/** One query. It is an instant query when `stepMs` is undefined. */
export interface Job {
  readonly expr: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly stepMs: number | undefined;
  readonly timeoutMs: number | undefined;
  readonly lookbackMs: number | undefined;
  readonly stats: boolean | undefined;
}

export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly hint: string | undefined;
}

export type ToWorker =
  | { readonly kind: 'run'; readonly query: number; readonly job: Job }
  | { readonly kind: 'cancel'; readonly query: number }
  /** Parts of the answer to `select`, in order. */
  | { readonly kind: 'series'; readonly request: number; readonly part: PackedSeries }
  | { readonly kind: 'values'; readonly request: number; readonly values: readonly string[] }
  | { readonly kind: 'coarse'; readonly request: number; readonly untilMs: number }
  /** The last message of each answer. */
  | { readonly kind: 'answered'; readonly request: number; readonly error: WireError | undefined };

export type ToMain =
  | {
      readonly kind: 'select';
      readonly request: number;
      readonly matchers: readonly Matcher[];
      readonly mintMs: number;
      readonly maxtMs: number;
    }
  /** Asks for all values of a label. The query thread matches its patterns against them. */
  | { readonly kind: 'values'; readonly request: number; readonly name: string }
  | { readonly kind: 'coarse'; readonly request: number; readonly mintMs: number; readonly maxtMs: number }
  /** The query thread no longer waits for the answer to this request. */
  | { readonly kind: 'forget'; readonly request: number }
  | { readonly kind: 'part'; readonly query: number; readonly part: PackedSeries }
  | {
      readonly kind: 'done';
      readonly query: number;
      readonly head: ResultHead;
      readonly warnings: readonly string[];
      readonly infos: readonly string[];
      readonly stats: QueryStats | undefined;
      readonly read: QueryRead | undefined;
    }
  | { readonly kind: 'failed'; readonly query: number; readonly error: WireError };

export function toWire(error: unknown): WireError {
  if (error instanceof VitrineError) return { code: error.code, message: error.message, hint: error.hint };
  return {
    code: 'internal',
    message: error instanceof Error ? (error.stack ?? error.message) : String(error),
    hint: undefined,
  };
}

/** An internal error stays internal: the caller logs it and never shows it to the client. */
export function fromWire({ code, message, hint }: WireError): Error {
  if (code === 'internal') return new Error(message);
  return new VitrineError(code, message, hint === undefined ? {} : { hint });
}
