/** Records of one service as columns that grow: how records wait in memory, and the first step of a batch. */
import { newBag, type Attributes, type AttributeValue } from '../../../../model/records.ts';
import type { RecordColumn, RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import { ATTRIBUTE, INNER, REST } from './attribute-columns.ts';
import type { Cell } from './column.ts';
import type { Meter } from './growing-cells.ts';
import { GrowingColumn, type Expected } from './growing-column.ts';
import { SHAPES } from './record-columns.ts';
import type { Table } from './record-shape.ts';
import { addTime, timeOfRow } from './times.ts';

const COLUMNS_MAX = 400;
const DEPTH_MAX = 8;
const NAME_MAX = 256;
const COLUMN_BYTES = 300;
/** Number of arrival and size of a row. */
const ROW_BYTES = 12;

/** Columns by the names of a map, and of the maps inside it. */
class Branch {
  readonly columns = new Map<string, GrowingColumn>();
  readonly maps = new Map<string, Branch>();
}

export class RecordTable<S extends RecordSignal> implements Table {
  readonly signal: S;
  readonly columns = new Map<string, GrowingColumn>();
  readonly #meter: Meter;
  /** Columns of attributes by the attributes' own names: most records have the names of those before. */
  readonly #known = new Branch();
  /** The values of one map, and their columns. */
  readonly #values: AttributeValue[] = [];
  readonly #columns: GrowingColumn[] = [];
  #sequences = new Float64Array(16);
  #sizes = new Uint32Array(16);
  #count = 0;

  constructor(signal: S, meter: Meter = { bytes: 0 }) {
    this.signal = signal;
    this.#meter = meter;
  }

  get count(): number {
    return this.#count;
  }

  /** `size`: the bytes of the record in its write-ahead row. */
  add(record: RecordOf[S], sequence: number, size = 0): void {
    const row = this.#count;
    if (row === this.#sequences.length) this.#grow();
    this.#sequences[row] = sequence;
    this.#sizes[row] = size;
    this.#meter.bytes += ROW_BYTES;
    SHAPES[this.signal].add(this, row, record);
    this.#count += 1;
  }

  #grow(): void {
    const [sequences, sizes] = [new Float64Array(this.#count * 2), new Uint32Array(this.#count * 2)];
    sequences.set(this.#sequences);
    sizes.set(this.#sizes);
    this.#sequences = sequences;
    this.#sizes = sizes;
  }

  sequenceAt(row: number): number {
    return this.#sequences[row];
  }

  sizeAt(row: number): number {
    return this.#sizes[row];
  }

  timeAt(row: number): bigint {
    return timeOfRow(this.columns, '.t', row);
  }

  msAt(row: number): number {
    const micros = this.columns.get('.t')?.numberAt(row) ?? Number.NaN;
    return Number.isNaN(micros) ? Number(this.timeAt(row) / 1_000_000n) : Math.floor(micros / 1_000);
  }

  cell(name: string, row: number): Cell {
    return this.columns.get(name)?.at(row);
  }

  record(row: number): RecordOf[S] {
    const one = Uint32Array.of(row);
    return SHAPES[this.signal].read((name) => this.column(name, one), this.attributes, 0);
  }

  /** A column of the rows, in their order. */
  column(name: string, rows: Uint32Array): RecordColumn | undefined {
    return this.columns.get(name)?.column(rows);
  }

  get attributes(): string[] {
    return [...this.columns.keys()].filter((name) => name.startsWith(ATTRIBUTE));
  }

  /** The rows, or those of them that are given, by time and number of arrival. */
  ordered(rows: Uint32Array = Uint32Array.from({ length: this.#count }, (_, row) => row)): Uint32Array {
    const [micros, nanos] = [this.columns.get('.t'), this.columns.get('.tn')];
    const times = Float64Array.from(rows, (row) => micros?.numberAt(row) ?? Number.NaN);
    // A row on a whole microsecond has no cell, which reads as NaN.
    const below = (row: number): number => nanos?.numberAt(row) || 0;
    const compare = times.includes(Number.NaN)
      ? (a: number, b: number): number => {
          const [x, y] = [this.timeAt(a), this.timeAt(b)];
          if (x !== y) return x < y ? -1 : 1;
          return this.#sequences[a] - this.#sequences[b];
        }
      : (a: number, b: number): number =>
          (micros as GrowingColumn).numberAt(a) - (micros as GrowingColumn).numberAt(b) ||
          below(a) - below(b) ||
          this.#sequences[a] - this.#sequences[b];
    for (let at = 1; at < rows.length; at += 1) if (compare(rows[at - 1], rows[at]) > 0) return rows.toSorted(compare);
    return rows;
  }

  set(name: string, row: number, value: AttributeValue, expected?: Expected): void {
    this.#column(name, row, expected).set(row, value);
  }

  setTime(name: string, row: number, time: bigint): void {
    addTime(this, name, row, time);
  }

  #column(name: string, row: number, expected?: Expected): GrowingColumn {
    let column = this.columns.get(name);
    if (column === undefined) {
      column = new GrowingColumn(this.#meter, row, expected);
      this.columns.set(name, column);
      this.#meter.bytes += COLUMN_BYTES;
    }
    return column;
  }

  /** One column per attribute; maps become one column per inner value. What has no column goes into `REST`. */
  setAttributes(row: number, attributes: Attributes): void {
    let rest: Record<string, AttributeValue> | undefined;
    for (const name of Object.keys(attributes)) {
      const value = attributes[name];
      if (typeof value !== 'object' || value === null) {
        const column = this.#known.columns.get(name);
        if (column !== undefined) {
          column.set(row, value);
          continue;
        }
      } else if (this.#setMap(row, name, value)) continue;
      if (fits(name, value, 0) && this.#spread(ATTRIBUTE + name, row, value)) continue;
      rest ??= newBag();
      rest[name] = value;
    }
    if (rest !== undefined) this.set(REST, row, rest);
  }

  /** False, with nothing set, when there are too many columns. */
  #spread(column: string, row: number, value: AttributeValue): boolean {
    const leaves: [string, AttributeValue][] = [];
    collect(column, value, leaves);
    let fresh = 0;
    for (const [name] of leaves) if (!this.columns.has(name)) fresh += 1;
    if (fresh > 0 && this.columns.size + fresh > COLUMNS_MAX) return false;
    for (const [name, leaf] of leaves) {
      this.set(name, row, leaf);
      this.#note(name, row);
    }
    return true;
  }

  /** Remembers a column by the names that lead to it. */
  #note(column: string, row: number): void {
    const names = column.slice(ATTRIBUTE.length).split(INNER);
    let branch = this.#known;
    for (const name of names.slice(0, -1)) {
      let inner = branch.maps.get(name);
      if (inner === undefined) branch.maps.set(name, (inner = new Branch()));
      branch = inner;
    }
    branch.columns.set(names[names.length - 1], this.#column(column, row));
  }

  /** False, with nothing set, when one of the values has no column yet. */
  #setMap(row: number, name: string, value: Extract<AttributeValue, object>): boolean {
    const branch = this.#known.maps.get(name);
    if (branch === undefined || Array.isArray(value)) return false;
    this.#values.length = 0;
    this.#columns.length = 0;
    if (!this.#find(branch, value as Attributes)) return false;
    for (let at = 0; at < this.#values.length; at += 1) this.#columns[at].set(row, this.#values[at]);
    return true;
  }

  /** Collects the values of a map with their columns. */
  #find(branch: Branch, map: Attributes): boolean {
    const names = Object.keys(map);
    for (let at = 0; at < names.length; at += 1) {
      const value = map[names[at]];
      if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
        const inner = branch.maps.get(names[at]);
        if (inner === undefined || !this.#find(inner, value as Attributes)) return false;
        continue;
      }
      const column = branch.columns.get(names[at]);
      if (column === undefined) return false;
      this.#values.push(value);
      this.#columns.push(column);
    }
    // An empty map is a value itself.
    return names.length > 0;
  }
}

/** Whether every name in the value can be part of a column's name. */
function fits(name: string, value: AttributeValue, depth: number): boolean {
  if (name.length > NAME_MAX || name.includes(INNER) || !name.isWellFormed()) return false;
  if (!isMap(value)) return true;
  if (depth === DEPTH_MAX) return false;
  return Object.keys(value).every((inner) => fits(inner, value[inner], depth + 1));
}

function isMap(value: AttributeValue): value is { readonly [key: string]: AttributeValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
}

function collect(name: string, value: AttributeValue, leaves: [string, AttributeValue][]): void {
  if (!isMap(value)) {
    leaves.push([name, value]);
    return;
  }
  for (const inner of Object.keys(value)) collect(name + INNER + inner, value[inner], leaves);
}
