/** The options of a sample store, and its parts. */
import type { Clock } from '../../../base/clock.ts';
import type { Logger } from '../../../base/logger.ts';
import type { DayFiles } from '../disk/day-files.ts';
import type { MemoryExemplars } from '../head/exemplar-store.ts';
import type { Head } from '../head/head.ts';
import type { Journal } from '../disk/journal.ts';
import type { MetadataTable } from '../disk/metadata-table.ts';
import type { CompileMatcher } from '../head/postings.ts';

/** Samples older than this are refused, series silent for longer leave memory, and raw samples stay decoded for it. */
export const WINDOW_MS = 3_600_000;
/** Samples further ahead of the clock are refused. */
export const AHEAD_MS = 600_000;

export interface SampleStoreOptions {
  readonly dir: string;
  /** Decoded samples in memory; a series takes 512 bytes at least. */
  readonly headBytes: number;
  readonly retentionMs: number;
  /** Raw samples older than this become five-minute roll-ups. */
  readonly rawRetentionMs: number;
  readonly maxSizeBytes: number;
  /** Bytes of other files that count towards `maxSizeBytes`. */
  readonly otherBytes?: (() => number) | undefined;
  /** At most 900,000. */
  readonly maxSeries: number;
  readonly maxSeriesPerMetric: number;
  /** Writing stops while less is free on the disk; with 0 it stops when the disk refuses. */
  readonly minFreeBytes: number;
  readonly durability: 'normal' | 'full';
  /** No retention, no limits on times: for conformance suites, whose samples begin in 1970. */
  readonly testMode: boolean;
  readonly compileMatcher: CompileMatcher;
  readonly clock: Clock;
  readonly logger: Logger;
}

export interface StoreParts {
  readonly options: SampleStoreOptions;
  readonly head: Head;
  readonly journal: Journal;
  readonly days: DayFiles;
  readonly metadata: MetadataTable;
  readonly exemplars: MemoryExemplars;
}
