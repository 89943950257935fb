/**
 * Values of records as bytes, one after another, for rows of the write-ahead table. They are written for every record that comes
 * and read only after a kill, so writing is what must be fast: short texts are copied character by character, which costs less
 * than a call for each, and a field's name is written once a row. Whatever is written comes back the same: -0, NaN, big
 * integers and texts that are not well-formed Unicode too.
 */
import type { Attributes, AttributeValue } from '../../../../model/records.ts';
import { hexByteAt } from '../../../../model/text/hex-byte.ts';
import { ID_IS_TEXT, LETTER } from './letters.ts';

/** An id of this many digits or fewer is its bytes. */
const ID_DIGITS_MAX = 64;
/** A longer text is encoded by a call. */
const SHORT_TEXT = 48;
const FIRST_BYTES = 16 * 1024;
/** A larger buffer is given back when its row was written. */
const KEPT_BYTES = 1024 * 1024;
/** Bytes of a varint, and of a number with its letter. */
const NUMBER_BYTES = 10;

/** A place to which a writer can be set back. */
export interface Mark {
  readonly length: number;
  readonly names: number;
}

export class ValueWriter {
  #bytes = Buffer.allocUnsafeSlow(FIRST_BYTES);
  #view = new DataView(this.#bytes.buffer);
  #pos = 0;
  /** Names of fields that this row has had, by their number from 1. */
  readonly #names = new Map<string, number>();

  get mark(): Mark {
    return { length: this.#pos, names: this.#names.size };
  }

  get length(): number {
    return this.#pos;
  }

  back({ length, names }: Mark): void {
    this.#pos = length;
    for (const [name, number] of this.#names) if (number > names) this.#names.delete(name);
  }

  /** The written bytes as a view, which the next write changes. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#pos);
  }

  clear(): void {
    this.#pos = 0;
    this.#names.clear();
    if (this.#bytes.length > KEPT_BYTES) this.#take(Buffer.allocUnsafeSlow(FIRST_BYTES));
  }

  #take(bytes: Buffer<ArrayBuffer>): void {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  #need(more: number): void {
    if (this.#pos + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(this.#bytes.length * 2, this.#pos + more));
    larger.set(this.#bytes.subarray(0, this.#pos));
    this.#take(larger);
  }

  /** A whole number from 0 to 2^53. */
  whole(value: number): void {
    this.#need(NUMBER_BYTES);
    this.#varint(value);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#pos++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#pos++] = rest;
  }

  /** Nanoseconds. */
  time(time: bigint): void {
    this.#need(NUMBER_BYTES);
    const fits = BigInt.asUintN(64, time) === time;
    this.#bytes[this.#pos++] = fits ? 1 : 0;
    if (!fits) {
      this.text(`${time}`);
      return;
    }
    this.#view.setBigUint64(this.#pos, time, true);
    this.#pos += 8;
  }

  /** Lower-case hexadecimal digits as their bytes, any other text as it is. */
  id(id: string): void {
    const { length } = id;
    this.#need(1 + ID_DIGITS_MAX);
    const start = this.#pos++;
    if (length % 2 === 0 && length <= ID_DIGITS_MAX && this.#digits(id)) {
      this.#bytes[start] = length;
      return;
    }
    this.#bytes[start] = ID_IS_TEXT;
    this.#pos = start + 1;
    this.text(id);
  }

  #digits(id: string): boolean {
    const bytes = this.#bytes;
    let to = this.#pos;
    for (let at = 0; at < id.length; at += 2) {
      const byte = hexByteAt(id, at);
      if (byte < 0) return false;
      bytes[to++] = byte;
    }
    this.#pos = to;
    return true;
  }

  text(text: string): void {
    const { length } = text;
    this.#need(length * 3 + NUMBER_BYTES);
    if (length <= SHORT_TEXT && this.#ascii(text)) return;
    if (!text.isWellFormed()) {
      this.#bytes[this.#pos++] = LETTER.utf16;
      this.#varint(length * 2);
      this.#pos += this.#bytes.write(text, this.#pos, 'utf16le');
      return;
    }
    const bytes = Buffer.byteLength(text, 'utf8');
    this.#bytes[this.#pos++] = bytes === length ? LETTER.ascii : LETTER.utf8;
    this.#varint(bytes);
    this.#pos += this.#bytes.write(text, this.#pos, 'utf8');
  }

  /** False, with nothing written, when the text has other characters. */
  #ascii(text: string): boolean {
    const bytes = this.#bytes;
    const { length } = text;
    let to = this.#pos + 2;
    for (let at = 0; at < length; at += 1) {
      const code = text.charCodeAt(at);
      if (code > 127) return false;
      bytes[to++] = code;
    }
    bytes[this.#pos] = LETTER.ascii;
    bytes[this.#pos + 1] = length;
    this.#pos = to;
    return true;
  }

  #name(name: string): void {
    const known = this.#names.get(name);
    this.whole(known ?? 0);
    if (known !== undefined) return;
    this.#names.set(name, this.#names.size + 1);
    this.text(name);
  }

  value(value: AttributeValue): void {
    if (typeof value === 'string') this.text(value);
    else if (typeof value === 'number') this.#number(value);
    else if (typeof value === 'object' && value !== null) this.#nested(value);
    else {
      this.#need(1);
      if (typeof value === 'bigint') {
        this.#bytes[this.#pos++] = LETTER.big;
        this.text(`${value}`);
      } else this.#bytes[this.#pos++] = value === null ? LETTER.null : value ? LETTER.true : LETTER.false;
    }
  }

  #number(value: number): void {
    this.#need(NUMBER_BYTES);
    if (Number.isSafeInteger(value) && !Object.is(value, -0)) {
      this.#bytes[this.#pos++] = value < 0 ? LETTER.negative : LETTER.whole;
      this.#varint(Math.abs(value));
      return;
    }
    this.#bytes[this.#pos] = LETTER.float;
    this.#view.setFloat64(this.#pos + 1, value, true);
    this.#pos += 9;
  }

  #nested(value: Extract<AttributeValue, object>): void {
    this.#need(1);
    if (!Array.isArray(value)) {
      this.#bytes[this.#pos++] = LETTER.map;
      this.map(value as Attributes);
      return;
    }
    this.#bytes[this.#pos++] = LETTER.list;
    const list = value as readonly AttributeValue[];
    this.whole(list.length);
    for (const item of list) this.value(item);
  }

  map(map: Attributes): void {
    const names = Object.keys(map);
    this.whole(names.length);
    for (let at = 0; at < names.length; at += 1) {
      this.#name(names[at]);
      this.value(map[names[at]]);
    }
  }
}
