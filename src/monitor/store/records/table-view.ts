/** Rows of a table in memory as a batch: ordered when it is made, read by the columns that a search asks for. */
import type {
  RecordBatch,
  RecordColumn,
  RecordOf,
  RecordPosition,
  RecordScan,
  RecordSignal,
} from '../../../model/record-source.ts';
import { REST } from './columns/attribute-columns.ts';
import { encodeTable, extentOf, type EncodedBatch } from './columns/batch-writer.ts';
import { SHAPES } from './columns/record-columns.ts';
import type { RecordTable } from './columns/record-table.ts';
import { fieldReading, type ReadColumns } from './field-columns.ts';
import type { MemoryView } from './memory-batch.ts';
import { rowRange } from './row-range.ts';
import { newestOf, type Extent } from './stored-batch.ts';

export class TableView<S extends RecordSignal> implements MemoryView<S> {
  readonly service: string;
  readonly #table: RecordTable<S>;
  /** Ordered. Rows that the table gets later are not in the view. */
  readonly #order: Uint32Array;

  constructor(service: string, table: RecordTable<S>, rows?: Uint32Array) {
    this.service = service;
    this.#table = table;
    this.#order = table.ordered(rows);
  }

  get count(): number {
    return this.#order.length;
  }

  get extent(): Extent {
    return extentOf(this.#table, this.#order);
  }

  encode(): Generator<undefined, EncodedBatch> {
    return encodeTable(this.service, this.#table, this.#order);
  }

  batch(scan: RecordScan): RecordBatch<S> | undefined {
    const { service, count } = this;
    const [table, order] = [this.#table, this.#order];
    const { signal } = table;
    const positionOf = (row: number): RecordPosition => ({
      timeUnixNano: table.timeAt(order[row]),
      sequence: table.sequenceAt(order[row]),
    });
    const { begin, end } = rowRange(scan, count, positionOf);
    if (begin === end) return undefined;
    return {
      signal,
      service,
      count,
      begin,
      end,
      newestUnixNano: newestOf(this.extent, scan),
      positionOf,
      ...fieldReading(signal, service, new TableColumns(table, order)),
    };
  }
}

/** Columns in the order of the view, each made once. */
class TableColumns<S extends RecordSignal> implements ReadColumns<S> {
  readonly rows: number;
  readonly attributes: readonly string[];
  readonly hasRest: boolean;
  readonly #table: RecordTable<S>;
  readonly #order: Uint32Array;
  readonly #columns = new Map<string, RecordColumn | undefined>();

  constructor(table: RecordTable<S>, order: Uint32Array) {
    this.#table = table;
    this.#order = order;
    this.rows = order.length;
    this.attributes = table.attributes;
    this.hasRest = table.columns.has(REST);
  }

  readonly column = (name: string): RecordColumn | undefined => {
    if (!this.#columns.has(name)) this.#columns.set(name, this.#table.column(name, this.#order));
    return this.#columns.get(name);
  };

  record(row: number): RecordOf[S] {
    return SHAPES[this.#table.signal].read(this.column, this.attributes, row);
  }
}
