/**
 * Writes protocol buffers (protobuf.dev/programming-guides/encoding) front to back into one growing buffer. The length of a
 * nested message is known only at its end: two bytes are reserved for it and filled as a padded varint, which every decoder
 * reads; a longer message is moved. No intermediate objects are created.
 */
const SHORT_LIMIT = 1 << 14;
const TWO_32 = 2 ** 32;

export class ProtobufWriter {
  #buffer: Buffer;
  #at = 0;

  constructor(capacity = 16_384) {
    this.#buffer = Buffer.allocUnsafe(capacity);
  }

  get size(): number {
    return this.#at;
  }

  /** Returns a copy of the written bytes and resets the writer. */
  take(): Buffer {
    const taken = Buffer.from(this.#buffer.subarray(0, this.#at));
    this.#at = 0;
    return taken;
  }

  /** Discards the bytes that were written after the writer had `size` bytes. */
  backTo(size: number): void {
    this.#at = size;
  }

  /** Begins a nested message (wire type 2). Pass the returned value to `close`. */
  open(field: number): number {
    this.#reserve(8);
    this.#varint(field * 8 + 2);
    this.#at += 2;
    return this.#at;
  }

  close(start: number): void {
    const length = this.#at - start;
    if (length < SHORT_LIMIT) {
      this.#buffer[start - 2] = (length & 127) | 128;
      this.#buffer[start - 1] = length >> 7;
      return;
    }
    this.#reserve(3);
    this.#buffer.copyWithin(start + 3, start, this.#at);
    for (let byte = 0; byte < 4; byte += 1) this.#buffer[start - 2 + byte] = ((length >>> (7 * byte)) & 127) | 128;
    this.#buffer[start + 2] = length >>> 28;
    this.#at += 3;
  }

  string(field: number, text: string): void {
    this.#reserve(16 + text.length * 3);
    this.#varint(field * 8 + 2);
    this.#text(text);
  }

  bytes(field: number, bytes: Uint8Array): void {
    this.#reserve(16 + bytes.length);
    this.#varint(field * 8 + 2);
    this.#varint(bytes.length);
    this.#buffer.set(bytes, this.#at);
    this.#at += bytes.length;
  }

  /** Writes an id, given as hexadecimal text, as bytes. */
  hex(field: number, text: string): void {
    this.#reserve(16 + text.length);
    this.#varint(field * 8 + 2);
    this.#varint(text.length >> 1);
    this.#at += this.#buffer.write(text, this.#at, 'hex');
  }

  /** A non-negative whole number, or a bool. */
  uint(field: number, value: number): void {
    this.#reserve(20);
    this.#varint(field * 8);
    this.#varint(value);
  }

  /** A whole number of type int64: two's complement. */
  int64(field: number, value: number): void {
    if (value >= 0) {
      this.uint(field, value);
      return;
    }
    this.#reserve(20);
    this.#varint(field * 8);
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) this.#buffer[this.#at++] = Number(rest & 127n) | 128;
    this.#buffer[this.#at++] = Number(rest);
  }

  /** sint32: zigzag. */
  sint32(field: number, value: number): void {
    this.uint(field, value >= 0 ? value * 2 : -value * 2 - 1);
  }

  double(field: number, value: number): void {
    this.#reserve(16);
    this.#varint(field * 8 + 1);
    this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  fixed32(field: number, value: number): void {
    this.#reserve(16);
    this.#varint(field * 8 + 5);
    this.#at = this.#buffer.writeUInt32LE(value, this.#at);
  }

  fixed64(field: number, value: number): void {
    this.#reserve(16);
    this.#varint(field * 8 + 1);
    this.#halves(Math.floor(value / TWO_32), value % TWO_32);
  }

  /** `[seconds, nanoseconds]` as nanoseconds since the epoch. A double cannot hold the value, so it is written in two halves. */
  time(field: number, [seconds, nanos]: readonly [number, number]): void {
    this.#reserve(16);
    this.#varint(field * 8 + 1);
    const high = Math.floor(seconds / 65_536) * 1e9;
    const low = (seconds % 65_536) * 1e9 + Math.round(nanos) + (high % 65_536) * 65_536;
    this.#halves(Math.floor(high / 65_536) + Math.floor(low / TWO_32), low % TWO_32);
  }

  packedDoubles(field: number, values: readonly number[]): void {
    this.#packed(field, values.length * 8);
    for (const value of values) this.#at = this.#buffer.writeDoubleLE(value, this.#at);
  }

  packedFixed64(field: number, values: readonly number[]): void {
    this.#packed(field, values.length * 8);
    for (const value of values) this.#halves(Math.floor(value / TWO_32), value % TWO_32);
  }

  packedVarints(field: number, values: readonly number[]): void {
    const start = this.open(field);
    this.#reserve(values.length * 10);
    for (const value of values) this.#varint(value);
    this.close(start);
  }

  #packed(field: number, sizeBytes: number): void {
    this.#reserve(16 + sizeBytes);
    this.#varint(field * 8 + 2);
    this.#varint(sizeBytes);
  }

  #halves(high: number, low: number): void {
    this.#buffer.writeUInt32LE(low, this.#at);
    this.#at = this.#buffer.writeUInt32LE(high, this.#at + 4);
  }

  #text(text: string): void {
    const { length } = text;
    const start = this.#at;
    if (length < 128) {
      const buffer = this.#buffer;
      let at = start + 1;
      let i = 0;
      for (; i < length; i += 1) {
        const code = text.charCodeAt(i);
        if (code > 127) break;
        buffer[at++] = code;
      }
      if (i === length) {
        buffer[start] = length;
        this.#at = at;
        return;
      }
    }
    this.#varint(Buffer.byteLength(text));
    this.#at += this.#buffer.write(text, this.#at, 'utf8');
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > 127) {
      this.#buffer[this.#at++] = (rest % 128) | 128;
      rest = Math.floor(rest / 128);
    }
    this.#buffer[this.#at++] = rest;
  }

  #reserve(sizeBytes: number): void {
    if (this.#at + sizeBytes <= this.#buffer.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#buffer.length * 2, this.#at + sizeBytes));
    this.#buffer.copy(larger, 0, 0, this.#at);
    this.#buffer = larger;
  }
}
