/**
 * Deletes rows for good: a file that has some of them is written anew without them, batch by batch, and takes the place of the old
 * one. Pages that are free, and gaps inside pages, would keep parts of what was deleted. The rest of a batch is decoded and
 * encoded again, so what cannot be read is not kept either. Damaged columns and batches may hold such rows, and no search finds
 * what they hold, so they are deleted too.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordBatch, RecordScan, RecordSignal } from '../../../model/record-source.ts';
import { BatchHead, BatchReader } from './columns/batch-reader.ts';
import { encodeTable, type EncodedBatch } from './columns/batch-writer.ts';
import { RecordTable } from './columns/record-table.ts';
import type { BatchEntry, RecordFile } from './disk/record-file.ts';
import { kindsOf, type KnownFile, type RecordFiles } from './disk/record-files.ts';
import { storedBatch } from './stored-batch.ts';

/** A record is read and added again within some 10 µs. */
const ROWS_A_TURN = 512;

interface Erasure<S extends RecordSignal> {
  readonly files: RecordFiles;
  readonly onLoss: (signal: RecordSignal, records: number, reason: string) => void;
  readonly scan: RecordScan & { readonly signal: S };
  readonly chosen: (batch: RecordBatch<S>) => readonly number[];
}

/** Returns the number of deleted rows. Throws the disk's error; files before the one at fault are then without their rows. */
export async function eraseRecords<S extends RecordSignal>(erasure: Erasure<S>): Promise<number> {
  const { files, scan } = erasure;
  let count = 0;
  for (const known of files.list(kindsOf(scan.signal))) count += await eraseInFile(erasure, known);
  return count;
}

async function eraseInFile<S extends RecordSignal>(erasure: Erasure<S>, known: KnownFile): Promise<number> {
  const { files, onLoss, scan } = erasure;
  const entries = files.entries(known);
  const file = (): RecordFile => files.open(known) ?? gone();
  let renewal: RecordFile | undefined;
  let count = 0;
  const keep = async (target: RecordFile, entry: BatchEntry): Promise<void> => {
    try {
      file().copyTo(target, entry);
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      onLoss(
        scan.signal,
        entry.rows,
        `a batch of ${entry.rows} records of ${entry.service} is damaged and was deleted`,
      );
    }
    await nextTurn();
  };
  try {
    for (const [at, entry] of entries.entries()) {
      const change = isAskedFor(entry, scan) ? await changeIn(erasure, file(), entry) : undefined;
      if (change === undefined) {
        if (renewal !== undefined) await keep(renewal, entry);
        continue;
      }
      if (renewal === undefined) {
        renewal = files.beginRenewal(known);
        for (const before of entries.slice(0, at)) await keep(renewal, before);
      }
      if (change.batch !== undefined) renewal.add([{ id: entry.id, batch: change.batch }]);
      count += change.rows;
    }
  } catch (error) {
    if (renewal !== undefined) files.drop(renewal);
    throw error;
  }
  if (renewal === undefined) return count;
  if (renewal.size > 0) files.renew(known, renewal);
  else {
    files.drop(renewal);
    await files.remove(known);
  }
  return count;
}

function gone(): never {
  throw new RangeError('a file of records was set aside');
}

const isAskedFor = ({ firstMs, lastMs, service }: BatchEntry, { fromMs, toMs, services }: RecordScan): boolean =>
  lastMs >= fromMs && firstMs < toMs && (services === undefined || services.includes(service));

interface Change {
  readonly rows: number;
  /** What is left; undefined when nothing is. */
  readonly batch: EncodedBatch | undefined;
}

/** Undefined when the batch stays as it is. */
async function changeIn<S extends RecordSignal>(
  { scan, chosen, onLoss }: Erasure<S>,
  file: RecordFile,
  entry: BatchEntry,
): Promise<Change | undefined> {
  const { rows, service } = entry;
  try {
    const head = file.head(entry.id);
    if (head === undefined) return undefined;
    const reader = new BatchReader(scan.signal, rows, new BatchHead(head), (part) => file.part(entry.id, part));
    const batch = storedBatch(scan.signal, service, reader, entry, scan);
    if (batch === undefined) return undefined;
    const out = new Set(chosen(batch));
    const { damaged } = reader;
    if (out.size === 0 && !damaged) return undefined;
    const left = await without(scan.signal, service, reader, out);
    if (damaged) onLoss(scan.signal, rows, `damaged columns of ${rows} records of ${service} were deleted`);
    return { rows: out.size, batch: left };
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    onLoss(scan.signal, rows, `a batch of ${rows} records of ${service} is damaged and was deleted`);
    return { rows: 0, batch: undefined };
  }
}

async function without<S extends RecordSignal>(
  signal: S,
  service: string,
  reader: BatchReader<S>,
  gone: ReadonlySet<number>,
): Promise<EncodedBatch | undefined> {
  const table = new RecordTable<S>(signal);
  const all = reader.sequences();
  for (let row = 0; row < reader.rows; row += 1) {
    if (!gone.has(row)) table.add(reader.record(row), all[row]);
    if (row % ROWS_A_TURN === 0) await nextTurn();
  }
  if (table.count === 0) return undefined;
  const steps = encodeTable(service, table, table.ordered());
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
    await nextTurn();
  }
}
