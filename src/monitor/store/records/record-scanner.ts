/**
 * Finds the batches that a scan needs, newest first: records in memory, batches that wait for their file, and files. Ids and
 * words rule out batches on disk before any column is read.
 */
import { Turns, type Clock } from '../../../base/clock.ts';
import type { RecordBatch, RecordRun, RecordScan, RecordSignal } from '../../../model/record-source.ts';
import { codeNumber, idNumber } from '../../../model/text/id-numbers.ts';
import { isFilterWord } from '../../../model/text/words.ts';
import { BatchHead, BatchReader } from './columns/batch-reader.ts';
import { mayHaveId } from './columns/id-list.ts';
import type { NumberedBatch, RecordFile } from './disk/record-file.ts';
import { kindsOf, type KnownFile, type RecordFiles } from './disk/record-files.ts';
import type { MemoryView } from './memory-batch.ts';
import { newestMsOf, storedBatch, type Extent } from './stored-batch.ts';

/** How long all scans together hold the thread in one turn. */
const SLICE_MS = 5;

/** Where a stored batch's bytes are. */
interface Bytes {
  head(): Uint8Array | undefined;
  ids(): Uint8Array | undefined;
  /** Throws RangeError when it is gone. */
  part(part: number): Uint8Array;
  /** Whether the batch was deleted, or written anew, since it was found. */
  isGone(): boolean;
}

interface Candidate<S extends RecordSignal> extends Extent {
  readonly service: string;
  readonly rows: number;
  readonly memory?: MemoryView<S> | undefined;
  readonly bytes?: (() => Bytes) | undefined;
}

export interface ScannerParts {
  readonly files: RecordFiles;
  readonly clock: Clock;
  /** Batches in memory of a signal. */
  readonly memory: <S extends RecordSignal>(signal: S, services: readonly string[] | undefined) => MemoryView<S>[];
  /** Batches that may not be in their file yet. */
  readonly undelivered: (signal: RecordSignal) => readonly NumberedBatch[];
  readonly onLoss: (signal: RecordSignal, records: number, reason: string) => void;
}

type Progress = { -readonly [K in keyof RecordRun<'logs'>['progress']]: number };

interface Opened<S extends RecordSignal> {
  readonly batch: RecordBatch<S>;
  readonly reader?: BatchReader<S>;
  readonly bytes?: Bytes;
}

/** What rules batches out. */
interface Wanted {
  readonly ids: readonly (readonly number[])[];
  readonly words: readonly (readonly string[])[];
}

export class RecordScanner {
  readonly #parts: ScannerParts;
  readonly #turns: Turns;

  constructor(parts: ScannerParts) {
    this.#parts = parts;
    this.#turns = new Turns(parts.clock, SLICE_MS);
  }

  run<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S> {
    const progress: Progress = {
      records: 0,
      bytes: 0,
      batches: 0,
      skippedBatches: 0,
      lostRecords: 0,
      reachedMs: scan.toMs,
    };
    return { progress, [Symbol.asyncIterator]: () => this.#batches(scan, progress) };
  }

  async *#batches<S extends RecordSignal>(
    scan: RecordScan & { readonly signal: S },
    progress: Progress,
  ): AsyncGenerator<RecordBatch<S>> {
    const { files } = this.#parts;
    const wanted = wantedOf(scan);
    // A file that was not read since the start is opened first, which waits for the disk: one a turn.
    for (const known of files.list(kindsOf(scan.signal))) {
      if (files.isListed(known)) continue;
      files.entries(known);
      await this.#turns.next();
    }
    for (const candidate of this.#candidates(scan)) {
      if (scan.abort?.aborted === true) return;
      progress.reachedMs = newestMsOf(candidate, scan);
      const batch = this.#open(scan, candidate, wanted, progress);
      if (batch !== undefined) yield batch.batch;
      if (batch?.reader !== undefined) {
        progress.bytes += batch.reader.readBytes;
        if (batch.reader.damaged && batch.bytes?.isGone() !== true) this.#lost(scan.signal, candidate, progress);
      }
      if (this.#turns.due) await this.#turns.next();
    }
    progress.reachedMs = scan.fromMs;
  }

  #open<S extends RecordSignal>(
    scan: RecordScan & { readonly signal: S },
    candidate: Candidate<S>,
    wanted: Wanted,
    progress: Progress,
  ): Opened<S> | undefined {
    if (candidate.memory !== undefined) {
      const batch = candidate.memory.batch(scan);
      if (batch === undefined) return undefined;
      progress.batches += 1;
      progress.records += batch.end - batch.begin;
      return { batch };
    }
    const bytes = candidate.bytes?.();
    try {
      const head = bytes?.head();
      // The batch was deleted after the scan had begun.
      if (bytes === undefined || head === undefined) return undefined;
      if (!mayHaveIds(bytes, wanted)) {
        progress.skippedBatches += 1;
        return undefined;
      }
      const reader = new BatchReader(scan.signal, candidate.rows, new BatchHead(head), (part) => bytes.part(part));
      if (!wanted.words.every((group) => group.some((word) => reader.head.mayHaveWord(word)))) {
        progress.skippedBatches += 1;
        return undefined;
      }
      const batch = storedBatch(scan.signal, candidate.service, reader, candidate, scan);
      if (batch === undefined) return undefined;
      progress.batches += 1;
      progress.records += batch.end - batch.begin;
      return { batch, reader, bytes };
    } catch (error) {
      if (!(error instanceof RangeError)) throw error;
      if (bytes?.isGone() === true) return undefined;
      this.#lost(scan.signal, candidate, progress);
      return undefined;
    }
  }

  #lost(signal: RecordSignal, { rows, service }: Candidate<RecordSignal>, progress: Progress): void {
    progress.lostRecords += rows;
    this.#parts.onLoss(signal, rows, `a batch of ${rows} records of ${service} is damaged`);
  }

  /** Newest first. */
  #candidates<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): Candidate<S>[] {
    const { files, memory, undelivered } = this.#parts;
    const { signal, services } = scan;
    const found: Candidate<S>[] = [];
    const fits = ({ firstMs, lastMs, service }: Extent & { readonly service: string }): boolean =>
      lastMs >= scan.fromMs && firstMs < scan.toMs && (services === undefined || services.includes(service));
    for (const view of memory(signal, services)) {
      const one = { ...view.extent, service: view.service, rows: view.count, memory: view };
      if (fits(one)) found.push(one);
    }
    // A kill after the delivery of a batch, and before its end was noted, leaves the batch in both places.
    const given = new Set<number>();
    for (const { id, batch } of undelivered(signal)) {
      given.add(id);
      const { service, rows, firstMs, lastMs, head, ids, parts } = batch;
      const bytes = (): Bytes => ({
        head: () => head,
        ids: () => ids,
        part: (part) => parts[part],
        isGone: () => false,
      });
      if (fits(batch)) found.push({ service, rows, firstMs, lastMs, bytes });
    }
    for (const known of files.list(kindsOf(signal))) {
      for (const { id, service, firstMs, lastMs, rows } of files.entries(known)) {
        const one = { service, firstMs, lastMs, rows, bytes: () => bytesIn(files, known, id) };
        if (!given.has(id) && fits(one)) found.push(one);
      }
    }
    return found.sort((a, b) => newestMsOf(b, scan) - newestMsOf(a, scan));
  }
}

/** A search gives the thread to others while it reads a batch, and its file may be closed then, or give place to another. */
function bytesIn(files: RecordFiles, known: KnownFile, id: number): Bytes {
  const renewals = files.renewals(known);
  const file = (): RecordFile | undefined => (files.renewals(known) === renewals ? files.open(known) : undefined);
  return {
    head: () => file()?.head(id),
    ids: () => file()?.ids(id),
    part(part) {
      const found = file();
      if (found === undefined) throw new RangeError('the file of a batch is gone');
      return found.part(id, part);
    },
    isGone: () => file()?.head(id) === undefined,
  };
}

function wantedOf({ signal, ids, words }: RecordScan): Wanted {
  const numbers = (ids ?? []).map((group) =>
    group.map((id) => {
      const number = idNumber(id);
      return number < 0 && signal === 'requests' ? codeNumber(id) : number;
    }),
  );
  // A text that is no id, or a word that is not indexed, rules nothing out.
  return {
    ids: numbers.filter((group) => group.length > 0 && group.every((number) => number >= 0)),
    words: (words ?? []).filter((group) => group.length > 0 && group.every(isFilterWord)),
  };
}

function mayHaveIds(bytes: Bytes, { ids }: Wanted): boolean {
  if (ids.length === 0) return true;
  const list = bytes.ids();
  if (list === undefined) return true;
  return ids.every((group) => group.some((number) => mayHaveId(list, number)));
}
