/**
 * A column of a batch: the values of one field by row, in the densest of a few forms. Whatever a column is given, it gives
 * back the same: values that no form fits are stored as JSON (`record-codec.ts`).
 *
 *   same        one value for all rows
 *   dictionary  the distinct values once, and a number per row
 *   whole       whole numbers, or decimals of up to six places as whole numbers
 *   floats      eight bytes each
 *   texts       UTF-8 or packed digits
 *   mixed       any values as JSON texts, which are a column again
 */
import type { RecordColumn } from '../../../../model/record-source.ts';
import type { AttributeValue } from '../../../../model/records.ts';
import type { ByteReader, ByteWriter } from '../../codec/bytes.ts';
import { packValue, unpackValue, type Packed } from '../../codec/record-codec.ts';
import { readTexts, writeTexts } from './text-column.ts';
import { readWhole, WHOLE_MAX, writeWhole } from './whole-numbers.ts';

export type Cell = AttributeValue | undefined;

const SAME = 1;
const DICTIONARY = 2;
const WHOLE = 3;
const FLOATS = 4;
const TEXTS = 5;
const MIXED = 6;
/** Added to the kind when some rows have no value. */
const GAPS = 16;
const DECIMALS_MAX = 6;
/** A dictionary of more numbers than this says nothing that the numbers do not say. */
const NUMBERS_MAX = 256;
/** A dictionary must have fewer entries than this share of the rows. */
const DISTINCT_SHARE = 0.8;
/** Rows after which a dictionary that nearly every row extends is given up. */
const TRIAL_ROWS = 2_048;
const TRIAL_SHARE = 0.97;
/** From this many entries on, numbers count back from the newest entry: values that repeat soon get small numbers. */
const BACKWARD_FROM = 256;

/** At least one cell must be defined. Returns the distinct values where they were found on the way, else all cells. */
export function writeColumn(writer: ByteWriter, cells: readonly Cell[]): readonly Cell[] {
  const [first] = cells;
  if (first !== undefined && isScalar(first) && cells.every((cell) => Object.is(cell, first))) {
    writer.u8(SAME);
    writer.text(JSON.stringify(packValue(first)));
    return [first];
  }
  const type = commonType(cells);
  if (type === 'mixed') {
    writer.u8(MIXED);
    writeColumn(
      writer,
      cells.map((cell) => (cell === undefined ? undefined : JSON.stringify(packValue(cell)))),
    );
    return cells;
  }
  const distinct = writeDictionary(writer, cells, type);
  if (distinct !== undefined) return distinct;
  const present = cells.includes(undefined) ? writeGaps(writer, cells) : undefined;
  writeValues(writer, type, present ?? (cells as readonly AttributeValue[]), present !== undefined);
  return cells;
}

const isScalar = (value: AttributeValue): boolean => value === null || typeof value !== 'object';

/** Numbers are those that a `numbers` column can give back: not NaN, which means "no value" there, and not -0. */
function commonType(cells: readonly Cell[]): 'number' | 'string' | 'mixed' {
  let numbers = 0;
  let strings = 0;
  for (const cell of cells) {
    if (cell === undefined) continue;
    if (typeof cell === 'string') {
      if (!cell.isWellFormed()) return 'mixed';
      strings += 1;
    } else if (typeof cell === 'number' && !Number.isNaN(cell) && !Object.is(cell, -0)) numbers += 1;
    else return 'mixed';
    if (numbers > 0 && strings > 0) return 'mixed';
  }
  return numbers > 0 ? 'number' : 'string';
}

/** Writes nothing and returns undefined where a dictionary does not pay; else returns its values. */
function writeDictionary(
  writer: ByteWriter,
  cells: readonly Cell[],
  type: 'number' | 'string',
): readonly Cell[] | undefined {
  const codeOf = new Map<Cell, number>();
  const codes = new Float64Array(cells.length);
  const share = cells.length * DISTINCT_SHARE;
  const limit = type === 'number' ? Math.min(NUMBERS_MAX, share) : share;
  const backward = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row += 1) {
    let code = codeOf.get(cells[row]);
    if (code === undefined) {
      code = codeOf.size;
      if (code >= limit || (row >= TRIAL_ROWS && code > row * TRIAL_SHARE)) return undefined;
      codeOf.set(cells[row], code);
    } else backward[row] = codeOf.size - code;
    codes[row] = code;
  }
  const values = [...codeOf.keys()];
  const absentAt = values.indexOf(undefined);
  const distinct = values.filter((value) => value !== undefined);
  writer.u8(DICTIONARY);
  writer.varint(distinct.length);
  writer.varint(absentAt + 1);
  writeValues(writer, type, distinct, false);
  const counts = values.length >= BACKWARD_FROM;
  writer.u8(counts ? 1 : 0);
  writeWhole(writer, counts ? backward : codes);
  return distinct;
}

/** One bit per row; returns the values of the rows that have one. */
function writeGaps(writer: ByteWriter, cells: readonly Cell[]): AttributeValue[] {
  const present: AttributeValue[] = [];
  const bits = new Uint8Array(Math.ceil(cells.length / 8));
  for (let row = 0; row < cells.length; row += 1) {
    const cell = cells[row];
    if (cell === undefined) continue;
    bits[row >> 3] |= 1 << (row & 7);
    present.push(cell);
  }
  writer.u8(GAPS);
  writer.bytes(bits);
  return present;
}

function writeValues(
  writer: ByteWriter,
  type: 'number' | 'string',
  values: readonly AttributeValue[],
  gaps: boolean,
): void {
  if (gaps) writer.varint(values.length);
  if (type === 'string') {
    writer.u8(TEXTS);
    writeTexts(writer, values as readonly string[]);
    return;
  }
  const numbers = Float64Array.from(values as readonly number[]);
  const places = placesOf(numbers);
  if (places === undefined) {
    writer.u8(FLOATS);
    for (const number of numbers) writer.f64(number);
    return;
  }
  writer.u8(WHOLE);
  writer.u8(places);
  const scale = 10 ** places;
  writeWhole(writer, places === 0 ? numbers : numbers.map((number) => Math.round(number * scale)));
}

/** Decimal places that are enough for all numbers, undefined when there are too many. */
function placesOf(numbers: Float64Array): number | undefined {
  let places = 0;
  let scale = 1;
  for (const number of numbers) {
    for (;;) {
      const whole = Math.round(number * scale);
      if (Math.abs(whole) > WHOLE_MAX) return undefined;
      // -0 of a tiny negative number would come back as 0 and is caught by the comparison.
      if (whole / scale === number) break;
      places += 1;
      scale *= 10;
      if (places > DECIMALS_MAX) return undefined;
    }
  }
  // A number that fits fewer places must also fit the most places that any number needs.
  for (const number of numbers) {
    const whole = Math.round(number * scale);
    if (Math.abs(whole) > WHOLE_MAX || whole / scale !== number) return undefined;
  }
  return places;
}

export function readColumn(reader: ByteReader, count: number): RecordColumn {
  const kind = reader.u8();
  if (kind === SAME) return { kind: 'same', value: unpackValue(JSON.parse(reader.text()) as Packed) };
  if (kind === MIXED) return mixedOf(readColumn(reader, count));
  if (kind === DICTIONARY) return readDictionary(reader, count);
  if (kind !== GAPS) return readValues(reader, kind, count);
  const bits = reader.bytes(Math.ceil(count / 8));
  const present = reader.varint();
  const values = readValues(reader, reader.u8(), present);
  return spread(values, bits, count, present);
}

type ValuesColumn = Extract<RecordColumn, { kind: 'numbers' | 'values' }>;

function readValues(reader: ByteReader, kind: number, count: number): ValuesColumn {
  if (kind === TEXTS) return { kind: 'values', at: readTexts(reader, count) };
  if (kind === FLOATS) {
    const values = new Float64Array(count);
    for (let i = 0; i < count; i += 1) values[i] = reader.f64();
    return { kind: 'numbers', values };
  }
  if (kind !== WHOLE) throw new RangeError(`a column has the unknown kind ${kind}`);
  const places = reader.u8();
  if (places > DECIMALS_MAX) throw new RangeError('a column has too many decimal places');
  const values = readWhole(reader, count);
  const scale = 10 ** places;
  if (places > 0) for (let i = 0; i < count; i += 1) values[i] /= scale;
  return { kind: 'numbers', values };
}

/** Values by row, from the values of the rows that have one. */
function spread(column: ValuesColumn, bits: Uint8Array, count: number, present: number): RecordColumn {
  const indexes = new Int32Array(count).fill(-1);
  let next = 0;
  for (let row = 0; row < count; row += 1) if (((bits[row >> 3] >> (row & 7)) & 1) === 1) indexes[row] = next++;
  if (next !== present) throw new RangeError('a column has another number of values than its bits say');
  if (column.kind === 'values')
    return { kind: 'values', at: (row) => (indexes[row] < 0 ? undefined : column.at(indexes[row])) };
  const values = new Float64Array(count).fill(Number.NaN);
  for (let row = 0; row < count; row += 1) if (indexes[row] >= 0) values[row] = column.values[indexes[row]];
  return { kind: 'numbers', values };
}

function readDictionary(reader: ByteReader, count: number): RecordColumn {
  const distinct = reader.varint();
  const absentAt = reader.varint() - 1;
  if (distinct > count) throw new RangeError('a dictionary has more values than the column has rows');
  const column = readValues(reader, reader.u8(), distinct);
  const values: Cell[] = [];
  for (let i = 0; i < distinct; i += 1) values.push(column.kind === 'numbers' ? column.values[i] : column.at(i));
  if (absentAt >= 0) values.splice(absentAt, 0, undefined);
  const backward = reader.u8() === 1;
  const numbers = readWhole(reader, count);
  const codes = codesOf(count, values.length);
  let size = 0;
  for (let row = 0; row < count; row += 1) {
    let code = numbers[row];
    if (backward) code = code === 0 ? size++ : size - code;
    if (!(code >= 0 && code < values.length)) throw new RangeError('a dictionary has no value for a row');
    codes[row] = code;
  }
  return { kind: 'dictionary', values, codes };
}

function codesOf(count: number, values: number): Uint8Array | Uint16Array | Uint32Array {
  if (values <= 0x100) return new Uint8Array(count);
  return values <= 0x1_0000 ? new Uint16Array(count) : new Uint32Array(count);
}

function mixedOf(texts: RecordColumn): RecordColumn {
  const parse = (text: Cell): Cell =>
    text === undefined ? undefined : unpackValue(JSON.parse(text as string) as Packed);
  if (texts.kind === 'same') return { kind: 'same', value: parse(texts.value) as AttributeValue };
  if (texts.kind === 'dictionary') return { ...texts, values: texts.values.map(parse) };
  if (texts.kind === 'numbers') throw new RangeError('a column of JSON texts has numbers');
  return { kind: 'values', at: (row) => parse(texts.at(row)) };
}

/** The value of a row, whatever the form of its column. */
export function cellAt(column: RecordColumn | undefined, row: number): Cell {
  if (column === undefined) return undefined;
  switch (column.kind) {
    case 'same':
      return column.value;
    case 'dictionary':
      return column.values[column.codes[row]];
    case 'numbers': {
      const value = column.values[row];
      return Number.isNaN(value) ? undefined : value;
    }
    default:
      return column.at(row);
  }
}

export const cellText = (cell: Cell): string => (typeof cell === 'string' ? cell : '');
export const cellNumber = (cell: Cell): number => (typeof cell === 'number' ? cell : 0);
