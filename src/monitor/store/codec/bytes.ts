/**
 * Reads and writes bytes for the store's own formats: little-endian, LEB128 lengths, floats as their eight bytes (so NaN,
 * Inf and -0 keep their bits). The writer grows and is reused; the reader throws RangeError at the first read past the end,
 * so a damaged blob is an error and never an endless loop.
 */

export class ByteWriter {
  #bytes: Uint8Array;
  #view: DataView;
  #pos = 0;
  #acc = 0;
  #accBits = 0;

  constructor(capacity = 1024) {
    this.#bytes = new Uint8Array(capacity);
    this.#view = new DataView(this.#bytes.buffer);
  }

  get length(): number {
    return this.#pos;
  }

  /** Discards the bytes after `length`. */
  truncate(length = 0): void {
    this.#pos = length;
    this.#acc = 0;
    this.#accBits = 0;
  }

  #need(extra: number): void {
    if (this.#pos + extra <= this.#bytes.length) return;
    const bytes = new Uint8Array(Math.max(this.#bytes.length * 2, this.#pos + extra));
    bytes.set(this.#bytes.subarray(0, this.#pos));
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer);
  }

  u8(value: number): void {
    this.#need(1);
    this.#bytes[this.#pos++] = value;
  }

  u32(value: number): void {
    this.#need(4);
    this.#view.setUint32(this.#pos, value, true);
    this.#pos += 4;
  }

  f64(value: number): void {
    this.#need(8);
    this.#view.setFloat64(this.#pos, value, true);
    this.#pos += 8;
  }

  /** A whole number from 0 to 2^53. */
  varint(value: number): void {
    this.#need(8);
    let rest = value;
    while (rest >= 0x80) {
      this.#bytes[this.#pos++] = (rest % 0x80) | 0x80;
      rest = Math.floor(rest / 0x80);
    }
    this.#bytes[this.#pos++] = rest;
  }

  /** A whole number of either sign, |value| <= 2^52. */
  svarint(value: number): void {
    this.varint(value < 0 ? -2 * value - 1 : 2 * value);
  }

  bytes(source: Uint8Array): void {
    this.#need(source.length);
    this.#bytes.set(source, this.#pos);
    this.#pos += source.length;
  }

  text(value: string): void {
    const encoded = Buffer.from(value, 'utf8');
    this.varint(encoded.length);
    this.bytes(encoded);
  }

  /** The low `width` (0…24) bits of `value`, least significant first. End a run of bits with `alignBits`. */
  bits(value: number, width: number): void {
    this.#acc |= value << this.#accBits;
    this.#accBits += width;
    if (this.#accBits < 8) return;
    this.#need(4);
    while (this.#accBits >= 8) {
      this.#bytes[this.#pos++] = this.#acc & 0xff;
      this.#acc >>>= 8;
      this.#accBits -= 8;
    }
  }

  alignBits(): void {
    if (this.#accBits > 0) this.u8(this.#acc & 0xff);
    this.#acc = 0;
    this.#accBits = 0;
  }

  /** The written bytes as a view, which the next write may change. */
  view(): Uint8Array {
    return this.#bytes.subarray(0, this.#pos);
  }

  /** A copy of the written bytes. */
  take(): Uint8Array {
    return this.#bytes.slice(0, this.#pos);
  }
}

export class ByteReader {
  readonly source: Uint8Array;
  readonly #view: DataView;
  pos: number;

  constructor(source: Uint8Array, pos = 0) {
    this.source = source;
    this.#view = new DataView(source.buffer, source.byteOffset, source.byteLength);
    this.pos = pos;
  }

  get done(): boolean {
    return this.pos >= this.source.length;
  }

  /** Moves on by `length` and returns the previous position. */
  skip(length: number): number {
    const at = this.pos;
    if (length > this.source.length - at) throw new RangeError(`the blob ends at byte ${this.source.length}`);
    this.pos = at + length;
    return at;
  }

  u8(): number {
    return this.source[this.skip(1)];
  }

  u32(): number {
    return this.#view.getUint32(this.skip(4), true);
  }

  f64(): number {
    return this.#view.getFloat64(this.skip(8), true);
  }

  varint(): number {
    let value = 0;
    let scale = 1;
    for (let i = 0; i < 8; i += 1) {
      const byte = this.u8();
      value += (byte & 0x7f) * scale;
      if (byte < 0x80) return value;
      scale *= 0x80;
    }
    throw new RangeError('a number in the blob is too long');
  }

  svarint(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  bytes(length: number): Uint8Array {
    const at = this.skip(length);
    return this.source.subarray(at, at + length);
  }

  text(): string {
    const part = this.bytes(this.varint());
    return Buffer.from(part.buffer, part.byteOffset, part.byteLength).toString('utf8');
  }
}
