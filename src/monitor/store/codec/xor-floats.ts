/**
 * Floats as the difference of their bits to the previous value (Gorilla, Pelkonen et al., VLDB 2015, section 4.1.2): an
 * equal value is one bit; a similar one is its changed bits within the window of the previous value; any other defines a new
 * window. Exact for every bit pattern that a Float64Array holds. It uses words of 32 bits, because BigInt would cost ten
 * times as much.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';

const floats = new Float64Array(1);
const words = new Uint32Array(floats.buffer);

/** Up to 32 bits, low first; the writer takes 24 at once. */
function put(writer: ByteWriter, value: number, width: number): void {
  if (width <= 16) {
    writer.bits(value & (2 ** width - 1), width);
  } else {
    writer.bits(value & 0xffff, 16);
    writer.bits((value >>> 16) & (2 ** (width - 16) - 1), width - 16);
  }
}

/** The bits of hi:lo from `trailing` on, `length` of them. */
function putWindow(writer: ByteWriter, hi: number, lo: number, trailing: number, length: number): void {
  if (trailing >= 32) {
    put(writer, hi >>> (trailing - 32), length);
    return;
  }
  const low = trailing === 0 ? lo : (lo >>> trailing) | (hi << (32 - trailing));
  put(writer, low, Math.min(length, 32));
  if (length > 32) put(writer, hi >>> trailing, length - 32);
}

export function encodeXor(writer: ByteWriter, values: Float64Array, from: number, to: number): void {
  writer.f64(values[from]);
  floats[0] = values[from];
  let [lastLo, lastHi] = words;
  let leading = 65;
  let trailing = 0;
  for (let i = from + 1; i < to; i += 1) {
    floats[0] = values[i];
    const [lo, hi] = words;
    const xorLo = (lo ^ lastLo) >>> 0;
    const xorHi = (hi ^ lastHi) >>> 0;
    lastLo = lo;
    lastHi = hi;
    if (xorLo === 0 && xorHi === 0) {
      writer.bits(0, 1);
      continue;
    }
    const zerosBefore = Math.min(31, xorHi === 0 ? 32 + Math.clz32(xorLo) : Math.clz32(xorHi));
    const zerosAfter = xorLo === 0 ? 32 + (31 - Math.clz32(xorHi & -xorHi)) : 31 - Math.clz32(xorLo & -xorLo);
    if (zerosBefore >= leading && zerosAfter >= trailing) {
      writer.bits(0b01, 2);
    } else {
      leading = zerosBefore;
      trailing = zerosAfter;
      writer.bits(0b11 | (leading << 2) | ((63 - leading - trailing) << 7), 13);
    }
    putWindow(writer, xorHi, xorLo, trailing, 64 - leading - trailing);
  }
  writer.alignBits();
}

class BitSource {
  readonly #bytes: Uint8Array;
  readonly #start: number;
  bit = 0;

  constructor(bytes: Uint8Array, start: number) {
    this.#bytes = bytes;
    this.#start = start;
  }

  /** Up to 32 bits as a signed word. */
  take(width: number): number {
    const bytes = this.#bytes;
    const at = this.#start + (this.bit >>> 3);
    const shift = this.bit & 7;
    this.bit += width;
    let window = (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24)) >>> shift;
    if (width + shift > 32) window |= bytes[at + 4] << (32 - shift);
    return width === 32 ? window : window & ((1 << width) - 1);
  }

  get end(): number {
    return this.#start + ((this.bit + 7) >>> 3);
  }
}

/** Reads `count` floats into `out` from `at` on. The source must have four bytes to spare after them. */
export function decodeXor(reader: ByteReader, out: Float64Array, at: number, count: number): void {
  const first = reader.f64();
  out[at] = first;
  floats[0] = first;
  let lo = words[0] | 0;
  let hi = words[1] | 0;
  const source = new BitSource(reader.source, reader.pos);
  let trailing = 0;
  let length = 0;
  for (let i = 1; i < count; i += 1) {
    if (source.take(1) === 1) {
      if (source.take(1) === 1) {
        const leading = source.take(5);
        length = source.take(6) + 1;
        trailing = 64 - leading - length;
        if (trailing < 0) throw new RangeError('a window of the blob is wider than a float');
      }
      if (trailing >= 32) {
        hi ^= source.take(length) << (trailing - 32);
      } else {
        const low = source.take(Math.min(length, 32));
        const high = length > 32 ? source.take(length - 32) : 0;
        lo ^= low << trailing;
        hi ^= trailing === 0 ? high : (low >>> (32 - trailing)) | (high << trailing);
      }
      words[0] = lo;
      words[1] = hi;
    }
    out[at + i] = floats[0];
  }
  reader.skip(source.end - reader.pos);
}
