/**
 * Opens a data directory: lock, schema check, replay. Afterwards the head holds every write acknowledged before a kill.
 */
import path from 'node:path';
import { systemClock } from '../../base/clock.ts';
import { VitrineError } from '../../base/errors.ts';
import { silentLogger } from '../../base/logger.ts';
import { decodeBatch } from './codec/batch-codec.ts';
import { ByteReader } from './codec/bytes.ts';
import { isDamaged, isWrongContent, messageOf, setAside } from './disk/database.ts';
import { DayFiles } from './disk/day-files.ts';
import { inUse, prepareDirectory, signDirectory } from './disk/directory-lock.ts';
import { MemoryExemplars } from './head/exemplar-store.ts';
import { restoreTail } from './upkeep/flush-cycle.ts';
import { Head } from './head/head.ts';
import { Journal, JOURNAL_FILE } from './disk/journal.ts';
import { MetadataTable } from './disk/metadata-table.ts';
import { SampleStore } from './sample-store.ts';
import { AHEAD_MS } from './upkeep/options.ts';
import type { SampleStoreOptions } from './upkeep/options.ts';
import { SeriesTable } from './head/series-table.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;

export const SAMPLE_STORE_DEFAULTS = {
  headBytes: 128 * MIB,
  retentionMs: 30 * DAY_MS,
  rawRetentionMs: 7 * DAY_MS,
  maxSizeBytes: 10 * 1024 * MIB,
  maxSeries: 200_000,
  maxSeriesPerMetric: 10_000,
  minFreeBytes: 100 * MIB,
  durability: 'normal',
  testMode: false,
  clock: systemClock,
  logger: silentLogger,
} as const satisfies Partial<SampleStoreOptions>;

type Given = Pick<SampleStoreOptions, 'dir' | 'compileMatcher'> & Partial<SampleStoreOptions>;

/**
 * Opens or creates the store in `dir`. Throws VitrineError `data_dir_in_use` when another process has it and
 * `data_dir_unusable` when it cannot be read or written or comes from a newer version (it is then left unchanged).
 */
export function openSampleStore(given: Given): SampleStore {
  const options: SampleStoreOptions = { ...SAMPLE_STORE_DEFAULTS, ...given };
  prepareDirectory(options.dir);
  try {
    return openWith(options);
  } catch (error) {
    if (error instanceof VitrineError && error.code === 'data_dir_in_use') throw inUse(options.dir, error);
    if (!isWrongContent(error)) {
      if (error instanceof VitrineError) throw error;
      throw unusable(options.dir, error);
    }
    const aside = setAside(path.join(options.dir, JOURNAL_FILE));
    options.logger.error(
      { file: aside, cause: messageOf(error) },
      `${JOURNAL_FILE} cannot be read and was set aside; the samples of the last hour are missing, older days are kept`,
    );
    return openWith(options);
  }
}

function openWith(options: SampleStoreOptions): SampleStore {
  const journal = new Journal(options.dir, options.durability);
  try {
    const head = new Head(new SeriesTable(options, options.logger));
    const { table } = head;
    const days = new DayFiles(options.dir, options.logger, (key) => table.labelsOfKey(key));
    const metadata = new MetadataTable();
    const exemplars = new MemoryExemplars();
    replay(journal, { head, metadata, exemplars }, options);
    signDirectory(options.dir);
    return new SampleStore({ options, head, journal, days, metadata, exemplars });
  } catch (error) {
    journal.close();
    throw error;
  }
}

function unusable(dir: string, cause: unknown): VitrineError {
  return new VitrineError('data_dir_unusable', `The data directory ${dir} cannot be used: ${messageOf(cause)}`, {
    hint: 'Check that the disk has space and the files belong to this user; a backup can be put in their place.',
    cause,
  });
}

interface Restored {
  readonly head: Head;
  readonly metadata: MetadataTable;
  readonly exemplars: MemoryExemplars;
}

function replay(
  journal: Journal,
  { head, metadata, exemplars }: Restored,
  { clock, logger, testMode }: SampleStoreOptions,
): void {
  const maxMs = testMode ? Infinity : clock.now() + AHEAD_MS;
  let future = 0;
  for (const { ref, labels } of journal.series()) head.table.restore(ref, labels);
  head.table.restored();
  head.prepare(clock.now());
  for (const entry of journal.metadata()) metadata.restore(entry);
  let damaged = 0;
  for (const row of journal.tails()) damaged += guarded(() => (future += restoreTail(head, row, maxMs)));
  for (const row of journal.batches()) {
    damaged += guarded(() => {
      const reader = new ByteReader(row);
      while (!reader.done) {
        const batch = decodeBatch(reader);
        future += head.replay(batch, maxMs);
        for (const { ref, exemplar } of batch.exemplars ?? []) {
          const labels = head.table.postings.labelsOf(head.table.slotOf(ref));
          if (labels !== undefined) exemplars.add(labels, exemplar);
        }
      }
    });
  }
  head.mark();
  if (future > 0)
    logger.warn(
      { samples: future },
      `${future} samples are of the future and were left out: the clock of this machine was set back`,
    );
  if (damaged > 0)
    logger.error({ rows: damaged }, `${damaged} rows of the write-ahead table are damaged and were skipped`);
}

/** 1 when the row is damaged. */
function guarded(work: () => unknown): 0 | 1 {
  try {
    work();
    return 0;
  } catch (error) {
    if (!isDamaged(error)) throw error;
    return 1;
  }
}
