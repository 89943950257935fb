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
import type { ByteReader } from '../../codec/bytes.ts';
import { unpackValue, type Packed } from '../../codec/record-codec.ts';
import { SAME, DICTIONARY, WHOLE, FLOATS, TEXTS, MIXED, GAPS, DECIMALS_MAX } from './column-forms.ts';
import { readTexts } from './text-column.ts';
import { readByteNumbers, readWhole } from './whole-numbers.ts';

export type Cell = AttributeValue | undefined;

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
  const bytes = backward ? undefined : readByteNumbers(reader, count);
  if (bytes !== undefined) {
    for (let row = 0; row < count; row += 1)
      if (bytes[row] >= values.length) throw new RangeError('a dictionary has no value for a row');
    return { kind: 'dictionary', values, codes: bytes };
  }
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
