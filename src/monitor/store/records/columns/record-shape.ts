/** How the records of one signal become columns, and columns records again. */
import type { Attributes, AttributeValue } from '../../../../model/records.ts';
import type { RecordColumn, RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import type { Cell } from './column.ts';
import type { Expected } from './growing-column.ts';
import type { IdRows } from './id-rows.ts';

/** Reads a column of the batch by name. */
export type Columns = (name: string) => RecordColumn | undefined;

/** Takes the cells of a row. A row without a value of a column is not set in it. */
export interface Table {
  set(name: string, row: number, value: AttributeValue, expected?: Expected): void;
  setTime(name: string, row: number, time: bigint): void;
  setAttributes(row: number, attributes: Attributes): void;
}

/** The columns of the batch that is made: their cells are asked for once, when the column is written. */
export type BatchColumns = Map<string, () => readonly Cell[]>;

export interface RecordShape<S extends RecordSignal> {
  /** The time of a record's position. */
  readonly timeOf: (record: RecordOf[S]) => bigint;
  add(table: Table, row: number, record: RecordOf[S]): void;
  /** Puts denser columns in place of those that grew, now that all rows are known. `ids`: the ids of a column as bytes. */
  finish(columns: BatchColumns, ids: (name: string) => IdRows | undefined): void;
  /** `attributes`: names of the batch's attribute columns. */
  read(columns: Columns, attributes: readonly string[], row: number): RecordOf[S];
}
