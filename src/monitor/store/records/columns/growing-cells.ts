/**
 * The cells of a growing column in one of four forms, each in flat memory: codes of distinct values, numbers, ids as bytes, and
 * texts one after another. A form says whether a value fits it, and gives back exactly what it was given.
 */
import type { AttributeValue } from '../../../../model/records.ts';
import { packValue, unpackValue, type Packed } from '../../codec/record-codec.ts';
import type { Cell } from './column.ts';

/** Counts the bytes that columns take. */
export interface Meter {
  bytes: number;
}

export interface CellForm {
  /** False when the value does not fit; nothing has changed then. */
  set(row: number, value: AttributeValue): boolean;
  at(row: number): Cell;
}

type Whole = Uint8Array | Uint16Array | Uint32Array;
type Numeric = Whole | Int32Array | Float64Array;

const LEAST_ROWS = 32;

/** At least `rows` long, with the old content; what is new is 0. */
function grown<T extends Numeric>(array: T, rows: number, meter: Meter): T {
  if (rows <= array.length) return array;
  const make = array.constructor as new (length: number) => T;
  const larger = new make(Math.max(LEAST_ROWS, rows, array.length * 2));
  larger.set(array);
  meter.bytes += larger.byteLength - array.byteLength;
  return larger;
}

/** A value that is no scalar, as the JSON of its packed form. */
class PackedText {
  readonly json: string;

  constructor(json: string) {
    this.json = json;
  }

  get value(): AttributeValue {
    return unpackValue(JSON.parse(this.json) as Packed);
  }
}

const isScalar = (value: AttributeValue): boolean => value === null || typeof value !== 'object';
const packedText = (value: AttributeValue): string => JSON.stringify(packValue(value));

/** Distinct values from which on they may be too many, and the share of the rows that is too much. */
const DISTINCT_MAX = 256;
const DISTINCT_SHARE = 0.75;
const VALUE_BYTES = 80;
const NEGATIVE_ZERO = Symbol('-0');

/** `codes[row]` is the place of the row's value in `values`; 0 is no value. */
export class CodeCells implements CellForm {
  readonly #meter: Meter;
  readonly #limited: boolean;
  readonly #values: (AttributeValue | PackedText)[] = [null];
  readonly #codeOf = new Map<AttributeValue | symbol, number>();
  readonly #packed = new Map<string, number>();
  #codes: Whole = new Uint8Array();
  #filled = 0;
  #last: AttributeValue = null;
  #lastCode = 0;

  /** `limited`: refuses a value when nearly each row has another one. */
  constructor(meter: Meter, limited: boolean) {
    this.#meter = meter;
    this.#limited = limited;
  }

  set(row: number, value: AttributeValue): boolean {
    let code = this.#lastCode;
    if (value !== this.#last || code === 0 || value === 0) {
      code = this.#codeFor(value);
      if (code === 0) return false;
      this.#last = value;
      this.#lastCode = code;
    }
    if (row >= this.#codes.length) this.#codes = grown(this.#codes, row + 1, this.#meter);
    this.#codes[row] = code;
    this.#filled += 1;
    return true;
  }

  #codeFor(value: AttributeValue): number {
    const scalar = isScalar(value);
    const key = scalar ? (Object.is(value, -0) ? NEGATIVE_ZERO : value) : packedText(value);
    const known = scalar ? this.#codeOf.get(key) : this.#packed.get(key as string);
    if (known !== undefined) return known;
    const code = this.#values.length;
    if (this.#limited && code > DISTINCT_MAX && code > this.#filled * DISTINCT_SHARE) return 0;
    this.#widen(code);
    this.#values.push(scalar ? value : new PackedText(key as string));
    if (scalar) this.#codeOf.set(key, code);
    else this.#packed.set(key as string, code);
    this.#meter.bytes += VALUE_BYTES + (typeof key === 'string' ? key.length : 0);
    return code;
  }

  #widen(code: number): void {
    if (code !== 0x100 && code !== 0x1_0000) return;
    const wider = code === 0x100 ? new Uint16Array(this.#codes.length) : new Uint32Array(this.#codes.length);
    wider.set(this.#codes);
    this.#meter.bytes += wider.byteLength - this.#codes.byteLength;
    this.#codes = wider;
  }

  at(row: number): Cell {
    const code = this.codeAt(row);
    return code === 0 ? undefined : this.valueOf(code);
  }

  codeAt(row: number): number {
    return row < this.#codes.length ? this.#codes[row] : 0;
  }

  /** Codes are less than this. */
  get codes(): number {
    return this.#values.length;
  }

  valueOf(code: number): AttributeValue {
    const value = this.#values[code];
    return value instanceof PackedText ? value.value : value;
  }

  /** What all values have in common. */
  get type(): 'number' | 'string' | 'packed' | 'mixed' {
    if (this.#codeOf.size === 0) return 'packed';
    if (this.#packed.size > 0 || this.#codeOf.has(NEGATIVE_ZERO) || this.#codeOf.has(Number.NaN)) return 'mixed';
    const values = this.#values.slice(1);
    if (values.every((value) => typeof value === 'number')) return 'number';
    return values.every((value) => typeof value === 'string' && value.isWellFormed()) ? 'string' : 'mixed';
  }
}

export class NumberCells implements CellForm {
  readonly #meter: Meter;
  #values = new Float64Array();

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  set(row: number, value: AttributeValue): boolean {
    if (typeof value !== 'number' || Number.isNaN(value) || Object.is(value, -0)) return false;
    const { length } = this.#values;
    if (row >= length) this.#values = grown(this.#values, row + 1, this.#meter).fill(Number.NaN, length);
    this.#values[row] = value;
    return true;
  }

  at(row: number): Cell {
    const value = this.numberAt(row);
    return Number.isNaN(value) ? undefined : value;
  }

  /** NaN for a row without a value. */
  numberAt(row: number): number {
    return row < this.#values.length ? this.#values[row] : Number.NaN;
  }
}

const BAD_DIGIT = 0xff;
const DIGITS = new Uint8Array(128).fill(BAD_DIGIT);
for (let value = 0; value < 16; value += 1) DIGITS[value.toString(16).charCodeAt(0)] = value;
const ID_LENGTH_MAX = 64;

/** Ids of lower-case hexadecimal digits, all of one even length, as their bytes. An id of zeros does not fit: it is no value. */
export class IdCells implements CellForm {
  readonly #meter: Meter;
  #bytes = Buffer.alloc(0);
  /** Bytes of an id; 0 before the first. */
  #width = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  set(row: number, value: AttributeValue): boolean {
    if (typeof value !== 'string') return false;
    const width = value.length / 2;
    if (this.#width !== 0 ? width !== this.#width : !Number.isInteger(width) || width < 4 || width > ID_LENGTH_MAX)
      return false;
    const from = row * width;
    if (from + width > this.#bytes.length) this.#grow(from + width);
    let any = 0;
    for (let at = 0; at < width; at += 1) {
      const byte = byteAt(value, at * 2);
      if (byte < 0) {
        this.#bytes.fill(0, from, from + width);
        return false;
      }
      any |= byte;
      this.#bytes[from + at] = byte;
    }
    if (any === 0) return false;
    this.#width = width;
    return true;
  }

  #grow(length: number): void {
    const larger = Buffer.alloc(Math.max(512, length, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#meter.bytes += larger.length - this.#bytes.length;
    this.#bytes = larger;
  }

  at(row: number): Cell {
    const width = this.#width;
    const from = row * width;
    const end = from + width;
    if (width === 0 || end > this.#bytes.length) return undefined;
    for (let at = from; at < end; at += 1) if (this.#bytes[at] !== 0) return this.#bytes.toString('hex', from, end);
    return undefined;
  }
}

/** The byte of two digits; -1 when they are none. */
function byteAt(text: string, at: number): number {
  const [high, low] = [text.charCodeAt(at), text.charCodeAt(at + 1)];
  if (high > 127 || low > 127) return -1;
  const value = (DIGITS[high] << 4) | DIGITS[low];
  return value > 0xff || DIGITS[low] === BAD_DIGIT ? -1 : value;
}

const SHORT_TEXT = 48;

/** Texts in UTF-8, one after another. `packed`: they are the JSON of values that are no scalars. */
export class TextCells implements CellForm {
  readonly #meter: Meter;
  readonly #packed: boolean;
  #bytes = Buffer.alloc(0);
  #used = 0;
  #starts = new Uint32Array();
  /** One more than the length in bytes; 0 for a row without a value. */
  #lengths = new Uint32Array();
  #ascii = true;

  constructor(meter: Meter, packed: boolean) {
    this.#meter = meter;
    this.#packed = packed;
  }

  set(row: number, value: AttributeValue): boolean {
    if (this.#packed === isScalar(value)) return false;
    const text = this.#packed ? packedText(value) : value;
    if (typeof text !== 'string' || !text.isWellFormed()) return false;
    if (row >= this.#starts.length) {
      this.#starts = grown(this.#starts, row + 1, this.#meter);
      this.#lengths = grown(this.#lengths, row + 1, this.#meter);
    }
    if (this.#used + text.length * 3 > this.#bytes.length) this.#grow(this.#used + text.length * 3);
    const length = this.#write(text);
    this.#ascii &&= length === text.length;
    this.#starts[row] = this.#used;
    this.#lengths[row] = length + 1;
    this.#used += length;
    return true;
  }

  /** A call for each short text costs more than its characters. */
  #write(text: string): number {
    const [bytes, from, { length }] = [this.#bytes, this.#used, text];
    if (length > SHORT_TEXT) return bytes.write(text, from, 'utf8');
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 127) return bytes.write(text, from, 'utf8');
      bytes[from + at] = code;
    }
    return length;
  }

  #grow(length: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(1_024, length, this.#bytes.length * 2));
    larger.set(this.#bytes.subarray(0, this.#used));
    this.#meter.bytes += larger.length - this.#bytes.length;
    this.#bytes = larger;
  }

  at(row: number): Cell {
    const length = row < this.#lengths.length ? this.#lengths[row] : 0;
    if (length === 0) return undefined;
    const start = this.#starts[row];
    const text = this.#bytes.toString(this.#ascii ? 'latin1' : 'utf8', start, start + length - 1);
    return this.#packed ? unpackValue(JSON.parse(text) as Packed) : text;
  }
}
