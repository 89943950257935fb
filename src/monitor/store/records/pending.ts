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

/** What a record takes in memory that waits as an object, from the bytes that it takes in a write-ahead row. */
const OBJECT_BYTES = 300;
const ROW_SHARE = 2.6;

/** What a ledger row takes that waits as an object. */
export const objectBytes = (length: number): number => OBJECT_BYTES + length * ROW_SHARE;

export interface Entering<S extends RecordSignal> {
  readonly service: string;
  readonly record: RecordOf[S];
  readonly sequence: number;
  /** Bytes in a write-ahead row. */
  readonly length: number;
  /** Monotonic time at which it came, when that is not now. */
  readonly sinceMs?: number | undefined;
}

/** The waiting rows of one service. */
export interface WaitingRows<S extends RecordSignal> {
  readonly count: number;
  readonly bytes: number;
  /** The rows before this one never change. */
  readonly settled: number;
  /** Makes the rows before `end` rows that never change. */
  settle(end: number): void;
  add(entering: Entering<S>, nowMs: number): void;
  record(row: number): RecordOf[S];
  sequenceAt(row: number): number;
  /** Bytes in a write-ahead row. */
  lengthAt(row: number): number;
  /** When the row came, while it may still change. */
  sinceAt(row: number): number | undefined;
  /** Milliseconds of the row's position. */
  msAt(row: number): number;
  /** Of a span. */
  traceAt(row: number): { readonly traceId: string; readonly failed: boolean };
  views(service: string): MemoryView<S>[];
  /** Some rows, all settled, as one batch. */
  view(service: string, rows: Uint32Array): MemoryView<S>;
}

/** A search gives the thread back between views, so a view has no more rows than it reads in some milliseconds. */
const VIEW_ROWS = 1_000;

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

  get settled(): number {
    return this.count;
  }

  settle(_end: number): void {
    // Columns never change.
  }

  add({ record, sequence, length }: Entering<S>, _nowMs: number): void {
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

  sinceAt(_row: number): number | undefined {
    return undefined;
  }

  msAt(row: number): number {
    return this.table.msAt(row);
  }

  traceAt(row: number): { readonly traceId: string; readonly failed: boolean } {
    return { traceId: this.table.cell('.i', row) as string, failed: this.table.cell('.q', row) === 'error' };
  }

  views(service: string): MemoryView<S>[] {
    const order = this.table.ordered();
    const views: MemoryView<S>[] = [];
    for (let from = 0; from < order.length; from += VIEW_ROWS)
      views.push(new TableView(service, this.table, order.subarray(from, from + VIEW_ROWS)));
    return views;
  }

  view(service: string, rows: Uint32Array): MemoryView<S> {
    return new TableView(service, this.table, rows);
  }
}

/** Rows stay objects for so long at most: the application's span may come as late, and completes them. */
const COMPLETED_MS = 15_000;
/** So many bytes of them may be objects in each service. */
const OBJECTS_BYTES = 2.25 * 1024 * 1024;

/** The newest ledger rows wait as the objects that the ledger completes when the application's span comes, older ones as columns. */
class LedgerRows extends TableRows<'requests'> {
  readonly #objects: { readonly entering: Entering<'requests'>; readonly sinceMs: number }[] = [];
  /** Place of the first in `#objects` that is not in the table. */
  #first = 0;
  #objectBytes = 0;

  constructor() {
    super('requests');
  }

  override get count(): number {
    return this.table.count + this.#objects.length - this.#first;
  }

  override get bytes(): number {
    return super.bytes + this.#objectBytes;
  }

  override get settled(): number {
    return this.table.count;
  }

  override add(entering: Entering<'requests'>, nowMs: number): void {
    this.#objects.push({ entering, sinceMs: entering.sinceMs ?? nowMs });
    this.#objectBytes += objectBytes(entering.length);
    while (this.#objectBytes > OBJECTS_BYTES || nowMs - (this.sinceAt(this.table.count) ?? nowMs) > COMPLETED_MS)
      this.settle(this.table.count + 1);
  }

  override settle(end: number): void {
    while (this.table.count < end) {
      const { entering } = this.#objects[this.#first];
      this.table.add(entering.record, entering.sequence, entering.length);
      this.#objectBytes -= objectBytes(entering.length);
      this.#first += 1;
    }
    if (this.#first * 2 <= this.#objects.length) return;
    this.#objects.splice(0, this.#first);
    this.#first = 0;
  }

  #at(row: number): Entering<'requests'> | undefined {
    return row < this.table.count ? undefined : this.#objects[this.#first + row - this.table.count].entering;
  }

  override sinceAt(row: number): number | undefined {
    return row < this.table.count ? undefined : this.#objects[this.#first + row - this.table.count]?.sinceMs;
  }

  override record(row: number): RequestRow {
    return this.#at(row)?.record ?? super.record(row);
  }

  override sequenceAt(row: number): number {
    return this.#at(row)?.sequence ?? super.sequenceAt(row);
  }

  override lengthAt(row: number): number {
    return this.#at(row)?.length ?? super.lengthAt(row);
  }

  override msAt(row: number): number {
    const record = this.#at(row)?.record;
    return record === undefined ? super.msAt(row) : Number(record.startUnixNano / 1_000_000n);
  }

  override views(service: string): MemoryView<'requests'>[] {
    const objects = this.#objects.slice(this.#first).map(({ entering }) => entering);
    const records = objects.map(({ record }) => record);
    const sequences = objects.map(({ sequence }) => sequence);
    return [
      ...(this.table.count > 0 ? super.views(service) : []),
      ...(records.length > 0 ? [new MemoryBatch('requests', service, records, sequences)] : []),
    ];
  }
}

export interface PendingGroup<S extends RecordSignal> {
  readonly service: string;
  readonly rows: WaitingRows<S>;
  /** Monotonic time at which the oldest record came. */
  sinceMs: number;
  views: MemoryView<S>[] | undefined;
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
      group = { service, rows: this.#rowsOf(), sinceMs: nowMs, views: undefined };
      this.#groups.set(service, group);
    }
    const { rows } = group;
    this.#bytes -= rows.bytes;
    rows.add(entering, nowMs);
    this.#bytes += rows.bytes;
    group.sinceMs = Math.min(group.sinceMs, nowMs);
    group.views = undefined;
    this.#rows += 1;
  }

  #rowsOf(): WaitingRows<S> {
    return this.signal === 'requests' ? (new LedgerRows() as unknown as WaitingRows<S>) : new TableRows<S>(this.signal);
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

  /** The records of all services. */
  views(services: readonly string[] | undefined): MemoryView<S>[] {
    const views: MemoryView<S>[] = [];
    for (const group of this.#groups.values()) {
      if (services !== undefined && !services.includes(group.service)) continue;
      group.views ??= group.rows.views(group.service);
      views.push(...group.views);
    }
    return views;
  }
}

export type PendingSignals = { readonly [S in RecordSignal]: Pending<S> };
