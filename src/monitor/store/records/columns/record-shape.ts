/** How the records of one signal become columns, and columns records again. */
import type { RecordColumn, RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import type { Cells } from './cells.ts';

/** Reads a column of the batch by name. */
export type Columns = (name: string) => RecordColumn | undefined;

export interface RecordShape<S extends RecordSignal> {
  /** The time of a record's position. */
  readonly timeOf: (record: RecordOf[S]) => bigint;
  toCells(cells: Cells, records: readonly RecordOf[S][]): void;
  /** `attributes`: names of the batch's attribute columns. */
  read(columns: Columns, attributes: readonly string[], row: number): RecordOf[S];
}
