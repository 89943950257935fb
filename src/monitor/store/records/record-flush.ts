/**
 * Turns records of memory into batches: takes them out of `Pending`, encodes them in slices, puts them into the outbox in
 * one transaction and delivers them to their files. Until the last step a search finds them where they are.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordSignal } from '../../../model/record-source.ts';
import { Desk, type Drawer } from './batch-desk.ts';
import type { NumberedBatch } from './disk/record-file.ts';
import { signalOf, type RecordFiles } from './disk/record-files.ts';
import type { Delivery, RecordJournal } from './disk/record-journal.ts';
import type { MemoryView } from './memory-batch.ts';
import type { RecordStoreOptions } from './options.ts';
import type { Pending, PendingGroup, PendingSignals, WaitingRows } from './pending.ts';
import { SETTLING_SHARE, settledRows } from './settled-rows.ts';
import type { Seal, TraceSeals } from './trace-seals.ts';
import { encodeWal, type WalRecords } from './wal/wal-codec.ts';

const SLICE_MS = 8;
/** Groups with fewer rows wait for more, for an hour at most: small batches compress badly. */
const FEW_ROWS = 1_024;
export const WAIT_MS = 3_600_000;
/** Waiting groups may take this share of the memory. */
const WAITING_SHARE = 0.25;
/** Spans of traces that are not sealed yet may take this share. */
const OPEN_SHARE = 0.5;

export type FlushMode = 'all' | 'pressure' | 'age';

export interface FlushParts {
  readonly options: RecordStoreOptions;
  readonly journal: RecordJournal;
  readonly files: RecordFiles;
  readonly seals: TraceSeals;
  readonly pending: PendingSignals;
  /** The highest sequence number that was given to a record of the signal. */
  readonly sequenceOf: (signal: RecordSignal) => number;
  readonly closing: AbortSignal;
}

/** Rows that stay in memory. */
interface Staying<S extends RecordSignal> {
  readonly service: string;
  readonly source: WaitingRows<S>;
  readonly rows: readonly number[];
  readonly sinceMs: number;
}

interface Closing {
  readonly views: readonly MemoryView<RecordSignal>[];
  readonly bytes: number;
}

export class RecordFlush {
  readonly #parts: FlushParts;
  /** Records that are being turned into batches, as a search reads them. */
  readonly #closing = new Map<RecordSignal, Closing>();
  readonly #undelivered = new Map<number, Delivery>();

  constructor(parts: FlushParts) {
    this.#parts = parts;
    const onDamage = (): void =>
      parts.options.logger.error({}, 'a batch on its way to its file is damaged and was lost');
    for (const delivery of parts.journal.outbox(onDamage)) this.#undelivered.set(delivery.id, delivery);
  }

  memory<S extends RecordSignal>(signal: S, services: readonly string[] | undefined): MemoryView<S>[] {
    const closing = (this.#closing.get(signal)?.views ?? []) as unknown as MemoryView<S>[];
    const fits = ({ service }: MemoryView<S>): boolean => services === undefined || services.includes(service);
    const pending = this.#parts.pending[signal] as unknown as Pending<S>;
    return [...closing.filter(fits), ...pending.views(services)];
  }

  /** Bytes of records that are being turned into batches. */
  closingBytes(signal: RecordSignal): number {
    return this.#closing.get(signal)?.bytes ?? 0;
  }

  /** After a kill between the two steps of a delivery, a batch is among these and in its file. */
  undelivered(signal: RecordSignal): NumberedBatch[] {
    return [...this.#undelivered.values()].filter(({ kind }) => signalOf(kind) === signal);
  }

  /**
   * One signal at a time: the caller waits for the end. Returns whether records left the memory. Delivers what waits for its
   * file in any case. Throws the disk's error; then nothing has changed.
   */
  async run(signal: RecordSignal, mode: FlushMode): Promise<boolean> {
    const { journal, options } = this.#parts;
    const { clock } = options;
    const covered = journal.lastId;
    const { drawers, stay, bytes } = this.#draw(signal, mode);
    if (drawers.length === 0) {
      this.#putBack(signal, stay);
      await this.deliver();
      return false;
    }
    const views = drawers.map(({ source, service, rows }) => source.view(service, Uint32Array.from(rows)));
    this.#closing.set(signal, { views, bytes });
    // What stays is in memory again at once, and in the write-ahead rows until the transaction below.
    this.#putBack(signal, stay);
    try {
      const deliveries: Delivery[] = [];
      let sliceEnds = clock.monotonic() + SLICE_MS;
      for (const [at, drawer] of drawers.entries()) {
        const steps = views[at].encode();
        for (;;) {
          const step = steps.next();
          if (step.done === true) {
            deliveries.push({ id: journal.nextBatch(), kind: drawer.kind, day: drawer.day, batch: step.value });
            break;
          }
          if (clock.monotonic() < sliceEnds) continue;
          await nextTurn();
          sliceEnds = clock.monotonic() + SLICE_MS;
        }
        // The store is closing: the write-ahead rows still hold everything.
        if (this.#parts.closing.aborted) return false;
      }
      const carried = stay.map((one) => encodeWal(signal, walRecords(one)));
      journal.turnIntoBatches(signal, covered, deliveries, carried, this.#parts.sequenceOf(signal));
      for (const delivery of deliveries) this.#undelivered.set(delivery.id, delivery);
    } catch (error) {
      const sinceMs = clock.monotonic();
      this.#putBack(
        signal,
        drawers.map((drawer) => ({ ...drawer, sinceMs })),
      );
      throw error;
    } finally {
      this.#closing.delete(signal);
    }
    await this.deliver();
    return true;
  }

  /** Delivers what is in the outbox, one file a step. Throws the disk's error; the rest stays in the outbox. */
  async deliver(): Promise<void> {
    const { files, journal } = this.#parts;
    while (this.#undelivered.size > 0) {
      const [first] = this.#undelivered.values();
      const batches = [...this.#undelivered.values()].filter(
        ({ kind, day }) => kind === first.kind && day === first.day,
      );
      files.add(first.kind, first.day, batches);
      for (const { id } of batches) this.#undelivered.delete(id);
      journal.delivered(batches.map(({ id }) => id));
      await nextTurn();
      if (this.#parts.closing.aborted) return;
    }
  }

  #putBack<S extends RecordSignal>(signal: S, staying: readonly Staying<S>[]): void {
    const pending = this.#parts.pending[signal] as unknown as Pending<S>;
    for (const { service, source, rows, sinceMs } of staying) {
      for (const row of rows) {
        const [record, sequence, length] = [source.record(row), source.sequenceAt(row), source.lengthAt(row)];
        pending.add({ service, record, sequence, length, sinceMs: source.sinceAt(row) }, sinceMs);
      }
    }
  }

  /** Takes everything out of memory and sorts it: what becomes batches (of so many bytes in memory), and what stays. */
  #draw<S extends RecordSignal>(
    signal: S,
    mode: FlushMode,
  ): { readonly drawers: Drawer<S>[]; readonly stay: Staying<S>[]; readonly bytes: number } {
    const { pending: all, options } = this.#parts;
    const pending = all[signal] as unknown as Pending<S>;
    const nowMs = options.clock.monotonic();
    const waitingMax = options.memoryBytes[signal] * WAITING_SHARE;
    const groups = [...pending.groups()].sort((a, b) => b.rows.count - a.rows.count);
    for (const { service } of groups) pending.take(service);
    if (signal === 'traces') this.#seal(groups as unknown as PendingGroup<'traces'>[], mode, nowMs);
    const desk = new Desk(signal, options);
    const stay: Staying<S>[] = [];
    let [waiting, bytes] = [0, 0];
    let settlingRoom = options.memoryBytes[signal] * SETTLING_SHARE;
    for (const group of groups) {
      const { service, rows: source, sinceMs } = group;
      const waits = mode !== 'all' && source.count < FEW_ROWS && nowMs - sinceMs < WAIT_MS;
      if (waits && waiting + source.bytes <= waitingMax) {
        waiting += source.bytes;
        stay.push({ service, source, rows: Array.from({ length: source.count }, (_, row) => row), sinceMs });
        continue;
      }
      let end = source.count;
      if (signal === 'requests' && mode !== 'all') {
        const rows = group as unknown as PendingGroup<'requests'>;
        const { settled, waitingBytes } = settledRows(rows, options.clock, settlingRoom);
        settlingRoom -= waitingBytes;
        end = settled;
      }
      source.settle(end);
      const rows = this.#sort(signal, group, desk, end);
      bytes += source.bytes * (1 - rows.length / source.count);
      if (rows.length > 0) stay.push({ service, source, rows, sinceMs });
    }
    return { drawers: desk.drawers(), stay, bytes };
  }

  /** When memory is short and most of it is open traces, they are sealed early. */
  #seal(groups: readonly PendingGroup<'traces'>[], mode: FlushMode, nowMs: number): void {
    const { seals, options } = this.#parts;
    seals.seal(mode === 'all' ? Infinity : nowMs);
    if (mode !== 'pressure') return;
    let open = 0;
    for (const { rows } of groups) {
      let count = 0;
      for (let row = 0; row < rows.count; row += 1) if (this.#sealOf(rows, row) === undefined) count += 1;
      open += (rows.bytes * count) / rows.count;
    }
    if (open > options.memoryBytes.traces * OPEN_SHARE) seals.seal(Infinity);
  }

  #sealOf(rows: WaitingRows<'traces'>, row: number): Seal | undefined {
    const { traceId, failed } = rows.traceAt(row);
    return this.#parts.seals.of(traceId, failed);
  }

  /** Puts the group's rows before `end` into drawers; returns the others, and the spans of open traces. */
  #sort<S extends RecordSignal>(signal: S, group: PendingGroup<S>, desk: Desk<S>, end: number): number[] {
    const { service, rows: source } = group;
    const open: number[] = [];
    for (let row = 0; row < source.count; row += 1) {
      const seal = signal === 'traces' ? this.#sealOf(source as unknown as WaitingRows<'traces'>, row) : 'kept';
      if (seal === undefined || row >= end) {
        open.push(row);
        continue;
      }
      desk.put(signal === 'traces' && seal === 'ordinary' ? 'traces-ordinary' : signal, service, source, row);
    }
    return open;
  }
}

function walRecords<S extends RecordSignal>({ source, rows }: Staying<S>): WalRecords<S> {
  return { records: rows.map((row) => source.record(row)), sequences: rows.map((row) => source.sequenceAt(row)) };
}
