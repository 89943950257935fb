/** The cells of a batch's columns by name, as the rows are read. A column begins with the first row that has a value. */
import { newBag, type Attributes, type AttributeValue } from '../../../../model/records.ts';
import type { Cell } from './column.ts';

/** Between the names of nested maps. */
export const INNER = '\u0001';
/** Columns of attributes begin with this, so that they never meet a record's own parts. */
export const ATTRIBUTE = 'a';
/** Attributes beyond the limit of columns, together as a map. */
export const REST = '.rest';
const COLUMNS_MAX = 400;
const DEPTH_MAX = 8;
const NAME_MAX = 256;

export class Cells {
  readonly rows: number;
  readonly columns = new Map<string, Cell[]>();
  /** Columns of attributes by the attribute's own name: most values are scalars of a name that was seen before. */
  readonly #scalars = new Map<string, Cell[]>();

  constructor(rows: number) {
    this.rows = rows;
  }

  set(name: string, row: number, value: AttributeValue): void {
    this.column(name)[row] = value;
  }

  /** The column to fill: at least one of its cells must get a value. */
  column(name: string): Cell[] {
    let column = this.columns.get(name);
    if (column === undefined) {
      column = Array<Cell>(this.rows).fill(undefined);
      this.columns.set(name, column);
    }
    return column;
  }

  /** One column per attribute; maps become one column per inner value. What has no column goes into `REST`. */
  attributes(row: number, attributes: Attributes): void {
    let rest: Record<string, AttributeValue> | undefined;
    for (const name of Object.keys(attributes)) {
      const value = attributes[name];
      if (typeof value !== 'object' || value === null) {
        const column = this.#scalars.get(name);
        if (column !== undefined) {
          column[row] = value;
          continue;
        }
      }
      if (this.#fits(name, value, 0) && this.#spread(ATTRIBUTE + name, row, value)) continue;
      rest ??= newBag();
      rest[name] = value;
    }
    if (rest !== undefined) this.set(REST, row, rest);
  }

  /** Whether every name in the value can be part of a column's name. */
  #fits(name: string, value: AttributeValue, depth: number): boolean {
    if (name.length > NAME_MAX || name.includes(INNER) || !name.isWellFormed()) return false;
    if (!isMap(value)) return true;
    if (depth === DEPTH_MAX) return false;
    return Object.keys(value).every((inner) => this.#fits(inner, value[inner], depth + 1));
  }

  /** False, with nothing set, when there are too many columns. */
  #spread(column: string, row: number, value: AttributeValue): boolean {
    const leaves: [string, AttributeValue][] = [];
    collect(column, value, leaves);
    let fresh = 0;
    for (const [name] of leaves) if (!this.columns.has(name)) fresh += 1;
    if (fresh > 0 && this.columns.size + fresh > COLUMNS_MAX) return false;
    for (const [name, leaf] of leaves) this.set(name, row, leaf);
    if (leaves.length === 1 && leaves[0][0] === column) {
      this.#scalars.set(column.slice(ATTRIBUTE.length), this.columns.get(column) ?? []);
    }
    return true;
  }
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

/** Puts a value of the column `name` back into the attributes of a record. */
export function restoreAttribute(
  attributes: Record<string, AttributeValue>,
  name: string,
  value: AttributeValue,
): void {
  const names = name.slice(ATTRIBUTE.length).split(INNER);
  let map = attributes;
  for (const inner of names.slice(0, -1)) {
    map[inner] ??= newBag();
    map = map[inner] as Record<string, AttributeValue>;
  }
  map[names[names.length - 1]] = value;
}
