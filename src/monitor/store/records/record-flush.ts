/**
 * Turns records of memory into batches: takes them out of `Pending`, encodes them in slices, puts them into the outbox in
 * one transaction and delivers them to their files. Until the last step a search finds them where they are.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import type { SpanRecord } from '../../../model/records.ts';
import { encodeBatch, type EncodedBatch } from './columns/batch-writer.ts';
import { SHAPES } from './columns/record-columns.ts';
import { recordDay, signalOf, type RecordFiles, type RecordKind } from './disk/record-files.ts';
import type { Delivery, RecordJournal } from './disk/record-journal.ts';
import { MemoryBatch } from './memory-batch.ts';
import { BATCH_ROWS, type RecordStoreOptions, type SignalLimits } from './options.ts';
import type { Pending, PendingGroup, PendingSignals } from './pending.ts';
import { SETTLING_SHARE, settledRows } from './settled-rows.ts';
import type { TraceSeals } from './trace-seals.ts';
import { encodeWal } from './wal-codec.ts';

const SLICE_MS = 8;
/** A batch is closed at this size of its records in memory. */
const BATCH_BYTES = 16 * 1024 * 1024;
/** Groups with fewer rows wait for more, for an hour at most: small batches compress badly. */
const FEW_ROWS = 1_024;
export const WAIT_MS = 3_600_000;
/** Waiting groups may take this share of the memory. */
const WAITING_SHARE = 0.25;
/** Spans of traces that are not sealed yet may take this share. */
const OPEN_SHARE = 0.5;
const DAY_MS = 86_400_000;

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

interface Drawer<S extends RecordSignal> {
  readonly kind: RecordKind;
  readonly day: string;
  readonly service: string;
  readonly records: RecordOf[S][];
  readonly sequences: number[];
  readonly sizes: number[];
  readonly bytes: { sum: number };
}

interface Closing {
  readonly views: readonly MemoryBatch<RecordSignal>[];
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

  memory<S extends RecordSignal>(signal: S, services: readonly string[] | undefined): MemoryBatch<S>[] {
    const closing = (this.#closing.get(signal)?.views ?? []) as unknown as MemoryBatch<S>[];
    const fits = ({ service }: MemoryBatch<S>): boolean => services === undefined || services.includes(service);
    const pending = this.#parts.pending[signal] as unknown as Pending<S>;
    return [...closing.filter(fits), ...pending.views(services)];
  }

  /** Bytes of records that are being turned into batches. */
  closingBytes(signal: RecordSignal): number {
    return this.#closing.get(signal)?.bytes ?? 0;
  }

  undelivered(signal: RecordSignal): EncodedBatch[] {
    const waiting = [...this.#undelivered.values()].filter(({ kind }) => signalOf(kind) === signal);
    return waiting.map(({ batch }) => batch);
  }

  /**
   * One signal at a time: the caller waits for the end. Returns whether records left the memory. Throws the disk's error; then
   * nothing has changed.
   */
  async run(signal: RecordSignal, mode: FlushMode): Promise<boolean> {
    const { journal, options } = this.#parts;
    const { clock } = options;
    const covered = journal.lastId;
    const { drawers, stay } = this.#draw(signal, mode);
    if (drawers.length === 0) {
      this.#putBack(signal, stay);
      return false;
    }
    const views = drawers.map((one) => new MemoryBatch(signal, one.service, one.records, one.sequences));
    this.#closing.set(signal, { views, bytes: drawers.reduce((sum, { bytes }) => sum + bytes.sum, 0) });
    // What stays is in memory again at once, and in the write-ahead rows until the transaction below.
    this.#putBack(signal, stay);
    try {
      const deliveries: Delivery[] = [];
      let sliceEnds = clock.monotonic() + SLICE_MS;
      for (const [at, drawer] of drawers.entries()) {
        const steps = encodeBatch(views[at].rows);
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
      const carried = stay.map(({ records, sequences }) => encodeWal(signal, { records, sequences }));
      journal.turnIntoBatches(signal, covered, deliveries, carried, this.#parts.sequenceOf(signal));
      for (const delivery of deliveries) this.#undelivered.set(delivery.id, delivery);
    } catch (error) {
      for (const { service, records, sequences, sizes } of drawers)
        this.#putBack(signal, [groupOf(service, records, sequences, sizes, clock.monotonic())]);
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

  #putBack<S extends RecordSignal>(signal: S, groups: readonly PendingGroup<S>[]): void {
    const pending = this.#parts.pending[signal] as unknown as Pending<S>;
    for (const { service, records, sequences, sizes, sinceMs } of groups) {
      for (let at = 0; at < records.length; at += 1) {
        pending.add({ service, record: records[at], sequence: sequences[at], sizeBytes: sizes[at] }, sinceMs);
      }
    }
  }

  /** Takes everything out of memory and sorts it: what becomes batches, and what stays. */
  #draw<S extends RecordSignal>(
    signal: S,
    mode: FlushMode,
  ): { readonly drawers: Drawer<S>[]; readonly stay: PendingGroup<S>[] } {
    const { pending: all, options } = this.#parts;
    const pending = all[signal] as unknown as Pending<S>;
    const nowMs = options.clock.monotonic();
    const waitingMax = options.memoryBytes[signal] * WAITING_SHARE;
    const groups = [...pending.groups()].sort((a, b) => b.records.length - a.records.length);
    for (const { service } of groups) pending.take(service);
    if (signal === 'traces') this.#seal(groups as unknown as PendingGroup<'traces'>[], mode, nowMs);
    const desk = new Desk(signal, options);
    const stay: PendingGroup<S>[] = [];
    let waiting = 0;
    let settlingRoom = options.memoryBytes[signal] * SETTLING_SHARE;
    for (const group of groups) {
      const waits = mode !== 'all' && group.records.length < FEW_ROWS && nowMs - group.sinceMs < WAIT_MS;
      if (waits && waiting + group.bytes <= waitingMax) {
        waiting += group.bytes;
        stay.push(group);
      } else {
        let end = group.records.length;
        if (signal === 'requests' && mode !== 'all') {
          const rows = group as unknown as PendingGroup<'requests'>;
          const { settled, waitingBytes } = settledRows(rows, options.clock, settlingRoom);
          settlingRoom -= waitingBytes;
          end = settled;
        }
        stay.push(...this.#sort(signal, group, desk, end));
      }
    }
    return { drawers: desk.drawers(), stay };
  }

  /** When memory is short and most of it is open traces, they are sealed early. */
  #seal(groups: readonly PendingGroup<'traces'>[], mode: FlushMode, nowMs: number): void {
    const { seals, options } = this.#parts;
    seals.seal(mode === 'all' ? Infinity : nowMs);
    if (mode !== 'pressure') return;
    let open = 0;
    for (const { records, sizes } of groups)
      for (let at = 0; at < records.length; at += 1) if (seals.of(records[at]) === undefined) open += sizes[at];
    if (open > options.memoryBytes.traces * OPEN_SHARE) seals.seal(Infinity);
  }

  /** Puts the group's records before `end` into drawers; returns the others, and the spans of open traces. */
  #sort<S extends RecordSignal>(signal: S, group: PendingGroup<S>, desk: Desk<S>, end: number): PendingGroup<S>[] {
    const { seals } = this.#parts;
    const { service, records, sequences, sizes, sinceMs } = group;
    const open = groupOf<S>(service, [], [], [], sinceMs);
    for (let at = 0; at < records.length; at += 1) {
      const record = records[at];
      const seal = signal === 'traces' ? seals.of(record as SpanRecord) : 'kept';
      if (seal === undefined || at >= end) {
        open.records.push(record);
        open.sequences.push(sequences[at]);
        open.sizes.push(sizes[at]);
        open.bytes += sizes[at];
        continue;
      }
      const kind: RecordKind = signal === 'traces' && seal === 'ordinary' ? 'traces-ordinary' : signal;
      desk.put(kind, service, record, sequences[at], sizes[at]);
    }
    return open.records.length === 0 ? [] : [open];
  }
}

function groupOf<S extends RecordSignal>(
  service: string,
  records: RecordOf[S][],
  sequences: number[],
  sizes: number[],
  sinceMs: number,
): PendingGroup<S> {
  const bytes = sizes.reduce((sum, size) => sum + size, 0);
  return { service, records, sequences, sizes, bytes, sinceMs, view: undefined };
}

/** Sorts records into batches by kind, service and day. */
class Desk<S extends RecordSignal> {
  readonly #signal: S;
  readonly #limits: SignalLimits;
  readonly #nowMs: number;
  readonly #open = new Map<string, Drawer<S>>();
  readonly #full: Drawer<S>[] = [];
  /** The day of the record before: nearly all are of one. */
  #last = { number: NaN, day: '' };

  constructor(signal: S, { limits, clock }: RecordStoreOptions) {
    this.#signal = signal;
    this.#limits = limits[signal];
    this.#nowMs = clock.now();
  }

  /**
   * Records older than the retention, and of the far future, are kept as long as those of today: otherwise old lines would
   * be deleted on arrival and their days could be any number. They are in batches of their own.
   */
  put(kind: RecordKind, service: string, record: RecordOf[S], sequence: number, size: number): void {
    const ms = Number(SHAPES[this.#signal].timeOf(record) / 1_000_000n);
    const own = this.#limits.services[service]?.retentionMs;
    const retentionMs = own ?? this.#limits.retentionMs;
    const stray = ms < this.#nowMs - retentionMs || ms > this.#nowMs + DAY_MS;
    const day = this.#dayOf(stray ? this.#nowMs : ms);
    const key = `${kind}\n${day}\n${stray ? 'stray' : ''}\n${service}`;
    let drawer = this.#open.get(key);
    if (drawer === undefined) {
      drawer = { kind, day, service, records: [], sequences: [], sizes: [], bytes: { sum: 0 } };
      this.#open.set(key, drawer);
    }
    drawer.records.push(record);
    drawer.sequences.push(sequence);
    drawer.sizes.push(size);
    drawer.bytes.sum += size;
    if (drawer.records.length < BATCH_ROWS[this.#signal] && drawer.bytes.sum < BATCH_BYTES) return;
    this.#full.push(drawer);
    this.#open.delete(key);
  }

  #dayOf(ms: number): string {
    const number = Math.floor(ms / DAY_MS);
    if (number !== this.#last.number) this.#last = { number, day: recordDay(ms) };
    return this.#last.day;
  }

  drawers(): Drawer<S>[] {
    return [...this.#full, ...this.#open.values()];
  }
}
