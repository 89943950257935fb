/** Writes a column in the densest of its forms (`column.ts`). */
import type { RecordColumn } from '../../../../model/record-source.ts';
import type { AttributeValue } from '../../../../model/records.ts';
import type { ByteWriter } from '../../codec/bytes.ts';
import { packValue } from '../../codec/record-codec.ts';
import { SAME, DICTIONARY, WHOLE, FLOATS, TEXTS, MIXED, GAPS, DECIMALS_MAX } from './column-forms.ts';
import type { Cell } from './column.ts';
import { writeTexts } from './text-column.ts';
import { WHOLE_MAX, writeWhole } from './whole-numbers.ts';

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
    return writeSame(writer, first);
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

/** Numbers of the distinct values by row, in the order in which the values come first. */
interface Coded {
  readonly values: readonly Cell[];
  readonly codes: Float64Array;
  /** How far back in `values`, as it was at that row, the row's value stands; 0 when it is new. */
  readonly backward: Float64Array;
}

/** Writes nothing and returns undefined where a dictionary does not pay; else returns its values. */
function writeDictionary(
  writer: ByteWriter,
  cells: readonly Cell[],
  type: 'number' | 'string',
): readonly Cell[] | undefined {
  const codeOf = new Map<Cell, number>();
  const codes = new Float64Array(cells.length);
  const backward = new Float64Array(cells.length);
  for (let row = 0; row < cells.length; row += 1) {
    let code = codeOf.get(cells[row]);
    if (code === undefined) {
      code = codeOf.size;
      if (isTooVaried(type, code, row, cells.length)) return undefined;
      codeOf.set(cells[row], code);
    } else backward[row] = codeOf.size - code;
    codes[row] = code;
  }
  return writeCoded(writer, type, { values: [...codeOf.keys()], codes, backward });
}

/** Whether one more value in this row, after `distinct` others, is too much for a dictionary. */
export const isTooVaried = (type: 'number' | 'string', distinct: number, row: number, rows: number): boolean =>
  distinct >= dictionaryLimit(type, rows) || (row >= TRIAL_ROWS && distinct > row * TRIAL_SHARE);

const dictionaryLimit = (type: 'number' | 'string', rows: number): number =>
  type === 'number' ? Math.min(NUMBERS_MAX, rows * DISTINCT_SHARE) : rows * DISTINCT_SHARE;

function writeCoded(
  writer: ByteWriter,
  type: 'number' | 'string',
  { values, codes, backward }: Coded,
): readonly Cell[] {
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

/**
 * Writes a column that is a dictionary already, without looking its values up again; the bytes are those of `writeColumn`.
 * Undefined, with nothing written, where that function chooses another form, or when no row has a value.
 */
export function writeDictionaryColumn(
  writer: ByteWriter,
  { values: given, codes: givenCodes }: Extract<RecordColumn, { kind: 'dictionary' }>,
): readonly Cell[] | undefined {
  const rows = givenCodes.length;
  const codeOf = new Int32Array(given.length).fill(-1);
  const values: Cell[] = [];
  const [codes, backward] = [new Float64Array(rows), new Float64Array(rows)];
  for (let row = 0; row < rows; row += 1) {
    const from = givenCodes[row];
    let code = codeOf[from];
    if (code < 0) {
      code = values.length;
      codeOf[from] = code;
      values.push(given[from]);
    } else backward[row] = values.length - code;
    codes[row] = code;
  }
  const [first] = values;
  if (values.length === 1) return first === undefined || !isScalar(first) ? undefined : writeSame(writer, first);
  const type = commonType(values);
  return type === 'mixed' || values.length > dictionaryLimit(type, rows)
    ? undefined
    : writeCoded(writer, type, { values, codes, backward });
}

function writeSame(writer: ByteWriter, value: AttributeValue): readonly Cell[] {
  writer.u8(SAME);
  writer.text(JSON.stringify(packValue(value)));
  return [value];
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
