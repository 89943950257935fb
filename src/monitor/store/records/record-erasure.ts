/**
 * Deletes rows for good: each batch that has some of them is written again without them, and the pages of the old one are
 * overwritten. The rest of the batch is decoded and encoded again, so what cannot be read is not kept either.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordBatch, RecordScan, RecordSignal } from '../../../model/record-source.ts';
import { BatchHead, BatchReader } from './columns/batch-reader.ts';
import { encodeTable, type EncodedBatch } from './columns/batch-writer.ts';
import { RecordTable } from './columns/record-table.ts';
import type { BatchEntry, RecordFile } from './disk/record-file.ts';
import { RECORD_KINDS, signalOf, type RecordFiles } from './disk/record-files.ts';
import { storedBatch } from './stored-batch.ts';

/** A record is read and added again within some 10 µs. */
const ROWS_A_TURN = 512;

export async function eraseRecords<S extends RecordSignal>(
  { files }: { readonly files: RecordFiles },
  scan: RecordScan & { readonly signal: S },
  chosen: (batch: RecordBatch<S>) => readonly number[],
): Promise<number> {
  let count = 0;
  for (const known of files.list(RECORD_KINDS.filter((kind) => signalOf(kind) === scan.signal))) {
    for (const entry of files.entries(known)) {
      if (entry.lastMs < scan.fromMs || entry.firstMs >= scan.toMs) continue;
      if (scan.services !== undefined && !scan.services.includes(entry.service)) continue;
      const file = files.open(known);
      if (file === undefined) break;
      count += await eraseIn(file, entry, scan, chosen);
    }
    files.changed(known);
  }
  return count;
}

async function eraseIn<S extends RecordSignal>(
  file: RecordFile,
  entry: BatchEntry,
  scan: RecordScan & { readonly signal: S },
  chosen: (batch: RecordBatch<S>) => readonly number[],
): Promise<number> {
  const head = file.head(entry.id);
  if (head === undefined) return 0;
  const reader = new BatchReader(scan.signal, entry.rows, new BatchHead(head), (part) => file.part(entry.id, part));
  const batch = storedBatch(scan.signal, entry.service, reader, entry, scan);
  if (batch === undefined) return 0;
  const gone = new Set(chosen(batch));
  if (gone.size === 0) return 0;
  file.replace(entry.id, await without(scan.signal, entry.service, reader, gone));
  return gone.size;
}

async function without<S extends RecordSignal>(
  signal: S,
  service: string,
  reader: BatchReader<S>,
  gone: ReadonlySet<number>,
): Promise<EncodedBatch | undefined> {
  const table = new RecordTable(signal);
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
