/**
 * Records that are in the write-ahead table and in no batch yet, by service. They are what a search sees of the last minutes,
 * and they are never changed: a search keeps the rows that it began with. docs/adr/0073-records-wait-as-columns.md
 */
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import type { Meter } from './columns/growing-cells.ts';
import { RecordTable } from './columns/record-table.ts';
import { MemoryBatch, type MemoryView } from './memory-batch.ts';
import { TableView } from './table-view.ts';

/** What a record takes in memory that waits as an object, from the length of its text: objects take more than their text. */
const OBJECT_BYTES = 300;
const TEXT_SHARE = 1.5;

export interface Entering<S extends RecordSignal> {
  readonly service: string;
  readonly record: RecordOf[S];
  readonly sequence: number;
  /** Of the record's text. */
  readonly length: number;
}

/** The waiting rows of one service. */
export interface WaitingRows<S extends RecordSignal> {
  readonly count: number;
  readonly bytes: number;
  add(entering: Entering<S>): void;
  record(row: number): RecordOf[S];
  sequenceAt(row: number): number;
  /** Of the record's text. */
  lengthAt(row: number): number;
  /** Milliseconds of the row's position. */
  msAt(row: number): number;
  /** Of a span. */
  traceAt(row: number): { readonly traceId: string; readonly failed: boolean };
  /** All rows, or some. */
  view(service: string, rows?: Uint32Array): MemoryView<S>;
}

class TableRows<S extends RecordSignal> implements WaitingRows<S> {
  readonly table: RecordTable<S>;
  readonly #meter: Meter = { bytes: 0 };

  constructor(signal: S) {
    this.table = new RecordTable(signal, this.#meter);
  }

  get count(): number {
    return this.table.count;
  }

  get bytes(): number {
    return this.#meter.bytes;
  }

  add({ record, sequence, length }: Entering<S>): void {
    this.table.add(record, sequence, length);
  }

  record(row: number): RecordOf[S] {
    return this.table.record(row);
  }

  sequenceAt(row: number): number {
    return this.table.sequenceAt(row);
  }

  lengthAt(row: number): number {
    return this.table.sizeAt(row);
  }

  msAt(row: number): number {
    return this.table.msAt(row);
  }

  traceAt(row: number): { readonly traceId: string; readonly failed: boolean } {
    return { traceId: this.table.cell('.i', row) as string, failed: this.table.cell('.q', row) === 'error' };
  }

  view(service: string, rows?: Uint32Array): MemoryView<S> {
    return new TableView(service, this.table, rows);
  }
}

/** Ledger rows wait as the objects that the ledger completes when the application's span comes. */
class ObjectRows implements WaitingRows<'requests'> {
  readonly #rows: RequestRow[] = [];
  readonly #sequences: number[] = [];
  readonly #lengths: number[] = [];
  bytes = 0;

  get count(): number {
    return this.#rows.length;
  }

  add({ record, sequence, length }: Entering<'requests'>): void {
    this.#rows.push(record);
    this.#sequences.push(sequence);
    this.#lengths.push(length);
    this.bytes += OBJECT_BYTES + length * TEXT_SHARE;
  }

  record(row: number): RequestRow {
    return this.#rows[row];
  }

  sequenceAt(row: number): number {
    return this.#sequences[row];
  }

  lengthAt(row: number): number {
    return this.#lengths[row];
  }

  msAt(row: number): number {
    return Number(this.#rows[row].startUnixNano / 1_000_000n);
  }

  traceAt(row: number): { readonly traceId: string; readonly failed: boolean } {
    return { traceId: this.#rows[row].traceId, failed: this.#rows[row].reason !== '' };
  }

  view(service: string, rows?: Uint32Array): MemoryView<'requests'> {
    if (rows === undefined) return new MemoryBatch('requests', service, this.#rows, this.#sequences);
    const chosen = [...rows];
    return new MemoryBatch(
      'requests',
      service,
      chosen.map((row) => this.#rows[row]),
      chosen.map((row) => this.#sequences[row]),
    );
  }
}

export interface PendingGroup<S extends RecordSignal> {
  readonly service: string;
  readonly rows: WaitingRows<S>;
  /** Monotonic time at which the oldest record came. */
  sinceMs: number;
  view: MemoryView<S> | undefined;
}

export class Pending<S extends RecordSignal> {
  readonly signal: S;
  readonly #groups = new Map<string, PendingGroup<S>>();
  #bytes = 0;
  #rows = 0;

  constructor(signal: S) {
    this.signal = signal;
  }

  get bytes(): number {
    return this.#bytes;
  }

  get rows(): number {
    return this.#rows;
  }

  groups(): Iterable<PendingGroup<S>> {
    return this.#groups.values();
  }

  *records(): Generator<RecordOf[S]> {
    for (const { rows } of this.#groups.values()) for (let row = 0; row < rows.count; row += 1) yield rows.record(row);
  }

  oldestMs(): number {
    let oldest = Infinity;
    for (const { sinceMs } of this.#groups.values()) oldest = Math.min(oldest, sinceMs);
    return oldest;
  }

  add(entering: Entering<S>, nowMs: number): void {
    const { service } = entering;
    let group = this.#groups.get(service);
    if (group === undefined) {
      group = { service, rows: this.#rowsOf(), sinceMs: nowMs, view: undefined };
      this.#groups.set(service, group);
    }
    const { rows } = group;
    this.#bytes -= rows.bytes;
    rows.add(entering);
    this.#bytes += rows.bytes;
    group.sinceMs = Math.min(group.sinceMs, nowMs);
    group.view = undefined;
    this.#rows += 1;
  }

  #rowsOf(): WaitingRows<S> {
    return this.signal === 'requests' ? (new ObjectRows() as unknown as WaitingRows<S>) : new TableRows<S>(this.signal);
  }

  /** Takes a group out; the caller puts back what stays. */
  take(service: string): PendingGroup<S> | undefined {
    const group = this.#groups.get(service);
    if (group === undefined) return undefined;
    this.#groups.delete(service);
    this.#bytes -= group.rows.bytes;
    this.#rows -= group.rows.count;
    return group;
  }

  /** The records of all services, each service as one batch. */
  views(services: readonly string[] | undefined): MemoryView<S>[] {
    const views: MemoryView<S>[] = [];
    for (const group of this.#groups.values()) {
      if (services !== undefined && !services.includes(group.service)) continue;
      group.view ??= group.rows.view(group.service);
      views.push(group.view);
    }
    return views;
  }
}

export type PendingSignals = { readonly [S in RecordSignal]: Pending<S> };
