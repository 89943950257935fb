/**
 * How stored records (log lines, spans, rows of the request ledger) are read, newest first. A search tells the source which
 * records it can skip and tests the others by itself, one batch of columns at a time.
 */
import type { AttributeValue, LogRecord, SpanRecord } from './records.ts';
import type { RequestRow } from './request-row.ts';

export const RECORD_SIGNALS = ['logs', 'traces', 'requests'] as const;
export type RecordSignal = (typeof RECORD_SIGNALS)[number];

export interface RecordOf {
  readonly logs: LogRecord;
  readonly traces: SpanRecord;
  readonly requests: RequestRow;
}

/**
 * The place of a record in the one order of its signal: by time, then by number of arrival. It never changes, so it is a
 * record's identity and a cursor at once.
 */
export interface RecordPosition {
  readonly timeUnixNano: bigint;
  /** Rises with each accepted record of the signal; unique within the signal. */
  readonly sequence: number;
}

/** Records that may match. The source may give more records than these conditions ask for, never fewer. */
export interface RecordScan {
  readonly signal: RecordSignal;
  /** Inclusive. */
  readonly fromMs: number;
  /** Exclusive. */
  readonly toMs: number;
  /** Records of any of these services; all services when absent. */
  readonly services?: readonly string[] | undefined;
  /** A record must have, for each group, one of its ids (any case, with or without dashes) in some id field. */
  readonly ids?: readonly (readonly string[])[] | undefined;
  /**
   * A record must have, for each group, one of its words as a whole word in its message (lines), name (spans), or route or
   * path (requests). Words of digits only and ids are not looked for.
   */
  readonly words?: readonly (readonly string[])[] | undefined;
  /** Only records before this place, which is older: the cursor of the last page. */
  readonly before?: RecordPosition | undefined;
  /** Ends the scan between two batches; the iterator then ends without an error. */
  readonly abort?: AbortSignal | undefined;
}

/** Values of a field in a batch, by row. A row without the field has undefined. */
export type RecordColumn =
  /** All rows have this value. */
  | { readonly kind: 'same'; readonly value: AttributeValue }
  /** `values[codes[row]]`: each value is tested once for all rows. */
  | {
      readonly kind: 'dictionary';
      readonly values: readonly (AttributeValue | undefined)[];
      readonly codes: Uint8Array | Uint16Array | Uint32Array;
    }
  /** NaN for a row without the field. */
  | { readonly kind: 'numbers'; readonly values: Float64Array }
  | { readonly kind: 'values'; readonly at: (row: number) => AttributeValue | undefined };

export interface RecordBatch<S extends RecordSignal = RecordSignal> {
  readonly signal: S;
  /** All records of a batch are of one service. */
  readonly service: string;
  /** Rows are sorted by position, oldest first. Those in `begin`…`end - 1` are in the scan's range and before its cursor. */
  readonly count: number;
  readonly begin: number;
  readonly end: number;
  /**
   * No row of this batch or of a later one is newer. It falls from batch to batch, so a match that is newer than the next
   * batch's value is the next match of the search; rows of several batches can overlap in time.
   */
  readonly newestUnixNano: bigint;
  positionOf(row: number): RecordPosition;
  /** Names of all attribute and resource attribute fields in the batch. */
  fields(): readonly string[];
  /**
   * The values of a field by its name in the filter grammar: a short name, or an attribute or resource attribute (of which
   * the record's own attribute wins). Undefined when no row has it. A damaged column is absent; the batch's rows then
   * count as lost in the progress.
   */
  column(field: string): RecordColumn | undefined;
  record(row: number): RecordOf[S];
}

export interface ScanProgress {
  /** Records and bytes of the batches that were given. */
  readonly records: number;
  readonly bytes: number;
  readonly batches: number;
  /** Batches in the range that ids, words and services ruled out. */
  readonly skippedBatches: number;
  /** Records in damaged batches of the range. The scan goes on without them. */
  readonly lostRecords: number;
  /** All records at or after this time were given or ruled out; the scan's `fromMs` at its end. */
  readonly reachedMs: number;
}

export interface RecordRun<S extends RecordSignal> extends AsyncIterable<RecordBatch<S>> {
  readonly progress: ScanProgress;
}

export interface RecordSource {
  /** Yields the thread between batches. Throws VitrineError only when the store is closed. */
  scan<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S>;
  /** Names of the services that have records of the signal in the range. */
  services(signal: RecordSignal, fromMs: number, toMs: number): readonly string[];
  /** Positions in time of ledger rows that were lost before they reached the store. */
  missing(fromMs: number, toMs: number): { readonly rows: number; readonly exact: boolean };
  stats(): RecordStats;
}

/** What `vitrine forget` needs. */
export interface RecordEraser {
  /**
   * Deletes rows from memory, write-ahead rows and disk, for good. `chosen` gives the rows of a batch (of those in its range)
   * that go. Returns their number; a dry run deletes nothing.
   */
  erase<S extends RecordSignal>(
    scan: RecordScan & { readonly signal: S },
    chosen: (batch: RecordBatch<S>) => readonly number[],
    dryRun: boolean,
  ): Promise<number>;
}

export interface SignalStats {
  readonly records: number;
  readonly diskBytes: number;
  readonly memoryRecords: number;
  readonly memoryBytes: number;
  readonly oldestMs: number | undefined;
  readonly lostRecords: number;
  readonly services: readonly { readonly service: string; readonly records: number; readonly bytes: number }[];
}

export type RecordStats = Readonly<Record<RecordSignal, SignalStats>>;

/** The time around the beginning of an alert, whose records are deleted last. */
export interface Recording {
  /** Fingerprint of the alert. */
  readonly alert: string;
  readonly name: string;
  readonly startsAtMs: number;
  readonly fromMs: number;
  readonly toMs: number;
  /** When the room of all recordings was needed for newer ones; undefined while the records are held. */
  readonly releasedAtMs: number | undefined;
}

/** The recordings, as retention needs them. */
export interface RecordingBook {
  /** Those that hold their records, oldest first. */
  held(): readonly Recording[];
  /** The records of this one are deleted like all others from now on. */
  release(recording: Recording, nowMs: number): void;
}
