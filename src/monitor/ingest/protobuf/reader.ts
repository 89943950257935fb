/**
 * Reads the protobuf wire format (protobuf.dev/programming-guides/encoding) from untrusted bytes. Every read is checked
 * against the end of its message, a declared length alone allocates nothing, and malformed input throws VitrineError
 * `bad_request`. It is written by hand because it reads metrics more than twice as fast as generated decoders: 64-bit values
 * are returned as two halves, repeated names are looked up by their bytes, and attributes can stay bytes.
 */
import { VitrineError } from '../../../base/errors.ts';

export const WIRE = { varint: 0, fixed64: 1, bytes: 2, startGroup: 3, endGroup: 4, fixed32: 5 } as const;

/** Deeper nesting is refused: of groups here, of attribute values by their reader. */
export const MAX_DEPTH = 64;

const INTERN_SLOTS = 4096;
const INTERN_MAX_BYTES = 64;
const TWO_32 = 4_294_967_296;

export function malformed(message: string): VitrineError {
  return new VitrineError('bad_request', `malformed protobuf: ${message}`);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Names seen before by a hash of their bytes; a slot holds one name, so the table cannot grow. */
const internedText: string[] = Array.from({ length: INTERN_SLOTS }, () => '');

export class ProtobufReader {
  readonly bytes: Buffer;
  readonly view: DataView;
  pos: number;
  end: number;
  /** Halves of the last 64-bit value, unsigned. */
  lo = 0;
  hi = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.pos = 0;
    this.end = bytes.byteLength;
  }

  get done(): boolean {
    return this.pos >= this.end;
  }

  /** Field number and wire type as one number. */
  tag(): number {
    const tag = this.uint32();
    if (tag >>> 3 === 0) throw malformed(`field number 0 at byte ${this.pos}`);
    return tag;
  }

  uint32(): number {
    const { bytes } = this;
    let byte = bytes[this.pos++];
    let value = byte & 0x7f;
    for (let shift = 7; byte >= 0x80 && shift < 35; shift += 7) {
      byte = bytes[this.pos++];
      value |= (byte & 0x7f) << shift;
    }
    // Negative enums and int32 are written as ten bytes: the rest carries only the sign.
    for (let rest = 5; byte >= 0x80; rest -= 1) {
      if (rest === 0) throw malformed(`a varint of more than ten bytes at byte ${this.pos}`);
      byte = bytes[this.pos++];
    }
    if (this.pos > this.end) throw malformed('it ends inside a varint');
    return value >>> 0;
  }

  /** Reads a 64-bit varint into `lo` and `hi`. */
  varint64(): void {
    const { bytes } = this;
    let lo = 0;
    let hi = 0;
    let byte = 0x80;
    let shift = 0;
    for (; byte >= 0x80; shift += 7) {
      if (shift > 63) throw malformed(`a varint of more than ten bytes at byte ${this.pos}`);
      byte = bytes[this.pos++];
      const part = byte & 0x7f;
      if (shift < 28) lo |= part << shift;
      else if (shift === 28) {
        lo |= part << 28;
        hi = part >>> 4;
      } else hi |= part << (shift - 32);
    }
    if (this.pos > this.end) throw malformed('it ends inside a varint');
    this.lo = lo >>> 0;
    this.hi = hi >>> 0;
  }

  bool(): boolean {
    this.varint64();
    return this.lo !== 0 || this.hi !== 0;
  }

  sint32(): number {
    const value = this.uint32();
    return (value >>> 1) ^ -(value & 1);
  }

  /** Reads eight bytes into `lo` and `hi`. */
  fixed64(): void {
    const at = this.#advance(8);
    this.lo = this.view.getUint32(at, true);
    this.hi = this.view.getUint32(at + 4, true);
  }

  double(): number {
    return this.view.getFloat64(this.#advance(8), true);
  }

  /** Nanoseconds or any other fixed64, exact. */
  fixed64BigInt(): bigint {
    return this.view.getBigUint64(this.#advance(8), true);
  }

  /** The last 64-bit value as an unsigned number; above 2^53 the nearest. */
  unsigned(): number {
    return this.hi * TWO_32 + this.lo;
  }

  /** The last 64-bit value as a signed number; beyond 2^53 the nearest. */
  signed(): number {
    return (this.hi | 0) * TWO_32 + this.lo;
  }

  /** The last 64-bit value zigzag-decoded (sint64). */
  zigzag(): number {
    const odd = this.lo & 1;
    const half = Math.floor(this.hi / 2) * TWO_32 + (((this.lo >>> 1) | ((this.hi & 1) << 31)) >>> 0);
    return odd === 1 ? -half - 1 : half;
  }

  /** The last 64-bit value signed and exact: a number where one can hold it. */
  exact(): number | bigint {
    const value = this.signed();
    if (Number.isSafeInteger(value)) return value;
    return (BigInt(this.hi | 0) << 32n) | BigInt(this.lo);
  }

  /** Milliseconds of the nanoseconds in `lo` and `hi`, rounded down; exact because no product passes 2^53. */
  nanosAsMs(): number {
    return this.hi * 4294 + Math.floor((this.hi * 967_296 + this.lo) / 1e6);
  }

  /** Reads a length and checks that so many bytes follow. */
  length(): number {
    const length = this.uint32();
    if (length > this.end - this.pos) {
      throw malformed(`a field declares ${length} bytes where ${Math.max(0, this.end - this.pos)} are left`);
    }
    return length;
  }

  /** Skips a length-delimited value. */
  pass(): void {
    const length = this.length();
    this.pos += length;
  }

  /** Enters a nested message: `end` is its end until `leave` is called with the returned value. */
  enter(): number {
    const outer = this.end;
    const length = this.length();
    this.end = this.pos + length;
    return outer;
  }

  leave(outer: number): void {
    if (this.pos !== this.end) throw malformed('a message is longer than its field');
    this.end = outer;
  }

  string(): string {
    const length = this.length();
    const start = this.pos;
    this.pos = start + length;
    return this.#text(start, this.pos);
  }

  /** Like `string`, for names and values that repeat. */
  name(): string {
    const length = this.length();
    const start = this.pos;
    const end = start + length;
    this.pos = end;
    if (length === 0) return '';
    if (length > INTERN_MAX_BYTES) return this.#text(start, end);
    const { bytes } = this;
    let hash = length;
    for (let i = start; i < end; i += 1) hash = (Math.imul(hash, 31) + bytes[i]) | 0;
    const slot = (hash ^ (hash >>> 12)) & (INTERN_SLOTS - 1);
    const known = internedText[slot];
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === bytes[start + i]) i += 1;
      if (i === length) return known;
    }
    const text = this.#text(start, end);
    // Only ASCII is stored: there each character is one byte, as the comparison above requires.
    if (text.length === length) internedText[slot] = text;
    return text;
  }

  #text(start: number, end: number): string {
    const { bytes } = this;
    for (let i = start; i < end; i += 1) if (bytes[i] >= 0x80) return decodeUtf8(bytes.subarray(start, end));
    return bytes.toString('latin1', start, end);
  }

  /** The bytes of a length-delimited field; a view, not a copy. */
  raw(): Buffer {
    const length = this.length();
    this.pos += length;
    return this.bytes.subarray(this.pos - length, this.pos);
  }

  /** The bytes from `start` to `end` as a string of equal length: a key for maps. */
  key(start: number, end: number): string {
    return this.bytes.toString('latin1', start, end);
  }

  hex(): string {
    const length = this.length();
    this.pos += length;
    return this.bytes.toString('hex', this.pos - length, this.pos);
  }

  /**
   * Skips an unknown field. `known` has a bit for each field number (below 32) of this message: a known field gets here only
   * with a wrong wire type, which is an error.
   */
  skip(tag: number, known = 0): void {
    const field = tag >>> 3;
    if (field < 32 && (known >>> field) & 1) throw malformed(`field ${field} has wire type ${tag & 7}`);
    this.#skipWire(tag, 0);
  }

  #skipWire(tag: number, depth: number): void {
    switch (tag & 7) {
      case WIRE.varint:
        this.varint64();
        return;
      case WIRE.fixed64:
        this.#advance(8);
        return;
      case WIRE.bytes:
        this.pass();
        return;
      case WIRE.fixed32:
        this.#advance(4);
        return;
      case WIRE.startGroup:
        this.#skipGroup(tag >>> 3, depth + 1);
        return;
      default:
        throw malformed(`wire type ${tag & 7} at byte ${this.pos}`);
    }
  }

  #skipGroup(field: number, depth: number): void {
    if (depth > MAX_DEPTH) throw malformed(`groups nested deeper than ${MAX_DEPTH}`);
    for (;;) {
      const inner = this.tag();
      if ((inner & 7) === WIRE.endGroup) {
        if (inner >>> 3 !== field) throw malformed('a group ends that did not begin');
        return;
      }
      this.#skipWire(inner, depth);
    }
  }

  #advance(count: number): number {
    const at = this.pos;
    this.pos = at + count;
    if (this.pos > this.end) throw malformed('it ends inside a fixed-size value');
    return at;
  }
}

function decodeUtf8(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes);
  } catch (cause) {
    throw new VitrineError('bad_request', 'malformed protobuf: a string is not UTF-8', { cause });
  }
}

/** A bit mask of field numbers, for `skip`. */
export const fields = (...numbers: readonly number[]): number =>
  numbers.reduce((mask, number) => mask | (1 << number), 0);
