/** The options of a record store, and their defaults. */
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { RecordingBook, RecordSignal } from '../../../model/record-source.ts';

export interface RecordLimits {
  readonly retentionMs: number;
  readonly maxSizeBytes: number;
}

export interface SignalLimits extends RecordLimits {
  /** Services with limits of their own. */
  readonly services: Readonly<Record<string, Partial<RecordLimits>>>;
}

export interface RecordStoreOptions {
  readonly dir: string;
  /** Records in memory, by signal: above this they become batches. */
  readonly memoryBytes: Readonly<Record<RecordSignal, number>>;
  readonly limits: Readonly<Record<RecordSignal, SignalLimits>>;
  /** Bound of all records on disk. */
  readonly maxSizeBytes: number;
  /** How long traces are kept that have no error and are not slow. */
  readonly ordinaryMs: number;
  /** The times around alerts, whose records are deleted last. */
  readonly recordings?: RecordingBook | undefined;
  /** Room for records that are kept because of a recording only. */
  readonly recordingsBytes: number;
  /** Writing stops while less is free on the disk. */
  readonly minFreeBytes: number;
  readonly durability: 'normal' | 'full';
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Records of one batch at most. Ledger rows are narrow. */
export const BATCH_ROWS: Readonly<Record<RecordSignal, number>> = { logs: 8_192, traces: 8_192, requests: 32_768 };
/** Records above this are refused: one of them would be most of a batch. */
export const RECORD_BYTES_MAX = 4 * 1024 * 1024;
