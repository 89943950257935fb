/** Opens the records of a data directory. Afterwards the store holds every record acknowledged before a kill. */
import path from 'node:path';
import { systemClock } from '../../../base/clock.ts';
import { VitrineError } from '../../../base/errors.ts';
import { silentLogger } from '../../../base/logger.ts';
import { inUse, prepareDirectory } from '../disk/directory-lock.ts';
import { isWrongContent, messageOf, setAside } from '../disk/database.ts';
import { RecordFiles } from './disk/record-files.ts';
import { RECORD_JOURNAL_FILE, RecordJournal } from './disk/record-journal.ts';
import type { RecordStoreOptions, SignalLimits } from './options.ts';
import { RecordStore } from './record-store.ts';
import { decodeWal } from './wal/wal-codec.ts';

const MIB = 1024 * 1024;
const DAY_MS = 86_400_000;
const limits = (days: number, gib: number): SignalLimits => ({
  retentionMs: days * DAY_MS,
  maxSizeBytes: gib * 1024 * MIB,
  services: {},
});

export const RECORD_STORE_DEFAULTS = {
  memoryBytes: { logs: 24 * MIB, traces: 32 * MIB, requests: 4 * MIB },
  limits: { logs: limits(14, 5), traces: limits(14, 5), requests: limits(30, 2) },
  maxSizeBytes: 7 * 1024 * MIB,
  ordinaryMs: 2 * DAY_MS,
  recordingsBytes: 512 * MIB,
  minFreeBytes: 100 * MIB,
  durability: 'normal',
  clock: systemClock,
  logger: silentLogger,
} as const satisfies Partial<RecordStoreOptions>;

type Given = Pick<RecordStoreOptions, 'dir'> & Partial<RecordStoreOptions>;

/**
 * Opens or creates the records in `dir`. Throws VitrineError `data_dir_in_use` when another process has
 * them and `data_dir_unusable` when they come from a newer version (they are then left unchanged).
 */
export function openRecordStore(given: Given): RecordStore {
  const options: RecordStoreOptions = { ...RECORD_STORE_DEFAULTS, ...given };
  prepareDirectory(options.dir);
  try {
    return openWith(options);
  } catch (error) {
    if (error instanceof VitrineError && error.code === 'data_dir_in_use') throw inUse(options.dir, error);
    if (!isWrongContent(error)) throw error;
    const aside = setAside(path.join(options.dir, RECORD_JOURNAL_FILE));
    options.logger.error(
      { file: aside, cause: messageOf(error) },
      `${RECORD_JOURNAL_FILE} cannot be read and was set aside; records of the last hour are missing, older ones are kept`,
    );
    return openWith(options);
  }
}

function openWith(options: RecordStoreOptions): RecordStore {
  const journal = new RecordJournal(options.dir, options.durability, () => options.clock.now());
  try {
    const files = new RecordFiles(options.dir, options.logger, options.durability);
    const store = new RecordStore({ options, journal, files });
    replay(store, journal, options);
    return store;
  } catch (error) {
    journal.close();
    throw error;
  }
}

function replay(store: RecordStore, journal: RecordJournal, { logger }: RecordStoreOptions): void {
  let damaged = 0;
  for (const { signal, data } of journal.rows()) {
    try {
      const { records, sequences } = decodeWal(signal, data);
      for (const [at, record] of records.entries()) store.restore(signal, record, sequences[at]);
    } catch (error) {
      if (!isUnreadable(error)) throw error;
      damaged += 1;
    }
  }
  if (damaged > 0)
    logger.error({ rows: damaged }, `${damaged} rows of the write-ahead table of records are damaged and were skipped`);
}

/** What reading changed bytes leads to. */
function isUnreadable(error: unknown): boolean {
  if (error instanceof VitrineError) return false;
  return error instanceof RangeError || error instanceof SyntaxError || error instanceof TypeError;
}
