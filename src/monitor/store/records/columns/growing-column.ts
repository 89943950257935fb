/**
 * A column to which rows are added as they come: what waits in memory is kept in such columns, so that the garbage collector
 * has no objects of it to copy and to walk. A column begins as a dictionary and becomes numbers, ids or texts when nearly each
 * row has another value. Values of rows that were added never change, so whoever reads a column may go on while it grows.
 */
import type { RecordColumn } from '../../../../model/record-source.ts';
import type { AttributeValue } from '../../../../model/records.ts';
import type { Cell } from './column.ts';
import type { IdRows } from './id-rows.ts';
import { CodeCells, NumberCells, TextCells, type CellForm, type Meter } from './growing-cells.ts';
import { IdCells } from './id-cells.ts';

/** What a column is known to hold, before its first value. */
export type Expected = 'repeated' | 'numbers' | 'ids';

/** Counts the bytes of one form, and passes them on. */
class FormMeter implements Meter {
  readonly #all: Meter;
  #bytes = 0;

  constructor(all: Meter) {
    this.#all = all;
  }

  get bytes(): number {
    return this.#bytes;
  }

  set bytes(bytes: number) {
    this.#all.bytes += bytes - this.#bytes;
    this.#bytes = bytes;
  }
}

export class GrowingColumn {
  readonly #all: Meter;
  #meter: FormMeter;
  /** The first row with a value: a column that comes late has no cells for the rows before. */
  readonly #first: number;
  #form: CellForm;
  #end: number;

  constructor(meter: Meter, first: number, expected: Expected = 'repeated') {
    this.#all = meter;
    this.#meter = new FormMeter(meter);
    this.#first = first;
    this.#end = first;
    if (expected === 'numbers') this.#form = new NumberCells(this.#meter);
    else this.#form = expected === 'ids' ? new IdCells(this.#meter) : new CodeCells(this.#meter, true);
  }

  /** Rows are set in rising order. */
  set(row: number, value: AttributeValue): void {
    if (!this.#form.set(row - this.#first, value)) this.#change(row, value);
    this.#end = row + 1;
  }

  /** Takes the first other form that holds all values and the new one. */
  #change(row: number, value: AttributeValue): void {
    const former = this.#form;
    for (const make of othersOf(former)) {
      const meter = new FormMeter(this.#all);
      const form = make(meter);
      if (this.#fill(form, former, row, value)) {
        this.#form = form;
        this.#meter.bytes = 0;
        this.#meter = meter;
        return;
      }
      meter.bytes = 0;
    }
  }

  #fill(form: CellForm, former: CellForm, row: number, value: AttributeValue): boolean {
    for (let at = this.#first; at < this.#end; at += 1) {
      const cell = former.at(at - this.#first);
      if (cell !== undefined && !form.set(at - this.#first, cell)) return false;
    }
    return form.set(row - this.#first, value);
  }

  at(row: number): Cell {
    return row < this.#first || row >= this.#end ? undefined : this.#form.at(row - this.#first);
  }

  /** NaN for a row without a value, and for a value that is no number. */
  numberAt(row: number): number {
    if (row < this.#first || row >= this.#end) return Number.NaN;
    if (this.#form instanceof NumberCells) return this.#form.numberAt(row - this.#first);
    const cell = this.#form.at(row - this.#first);
    return typeof cell === 'number' ? cell : Number.NaN;
  }

  /** The cells of the rows, in their order, as a search reads them. */
  column(rows: Uint32Array): RecordColumn {
    if (this.#form instanceof NumberCells)
      return { kind: 'numbers', values: Float64Array.from(rows, (row) => this.numberAt(row)) };
    if (this.#form instanceof CodeCells) return this.#dictionary(this.#form, rows);
    return { kind: 'values', at: (row) => this.at(rows[row]) };
  }

  #dictionary(form: CodeCells, rows: Uint32Array): RecordColumn {
    const codes = new Uint32Array(rows.length);
    let gaps = false;
    for (let at = 0; at < rows.length; at += 1) {
      const row = rows[at];
      const code = row < this.#first || row >= this.#end ? 0 : form.codeAt(row - this.#first);
      codes[at] = code;
      gaps ||= code === 0;
    }
    const values: Cell[] = gaps ? [undefined] : [];
    for (let code = 1; code < form.codes; code += 1) values.push(form.valueOf(code));
    if (!gaps) for (let at = 0; at < codes.length; at += 1) codes[at] -= 1;
    return { kind: 'dictionary', values, codes };
  }

  /** The ids of the rows, in their order; undefined for a column of other values. */
  ids(rows: Uint32Array): IdRows | undefined {
    return this.#form instanceof IdCells ? this.#form.idsOf(rows, this.#first) : undefined;
  }

  /** The cells of the rows, in their order. */
  cells(rows: Uint32Array): Cell[] {
    const cells = Array<Cell>(rows.length);
    for (let at = 0; at < rows.length; at += 1) cells[at] = this.at(rows[at]);
    return cells;
  }
}

function* othersOf(former: CellForm): Generator<(meter: Meter) => CellForm> {
  const type = former instanceof CodeCells ? former.type : former instanceof IdCells ? 'string' : 'mixed';
  if (type === 'number') yield (meter) => new NumberCells(meter);
  if (type === 'string' && !(former instanceof IdCells)) yield (meter) => new IdCells(meter);
  if (type === 'string') yield (meter) => new TextCells(meter, false);
  if (type === 'packed') yield (meter) => new TextCells(meter, true);
  yield (meter) => new CodeCells(meter, false);
}
