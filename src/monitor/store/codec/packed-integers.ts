/**
 * Whole numbers in blocks of 64: the smallest number of the block, the bit width of the largest difference to it, and the
 * differences bit by bit ("frame of reference", as in Parquet and ALP, Afroozeh & Boncz 2023). A block of equal numbers
 * costs two bytes; decoding is a load, a shift and a mask. Numbers must be exact: |value| <= 2^52 and differences within a
 * block below 2^53.
 */
import type { ByteReader, ByteWriter } from './bytes.ts';

const BLOCK = 64;
/** Widths above this are stored in parts of 24 bits, because JavaScript's bit operations end at 32. */
const PART = 24;
const PART_SIZE = 2 ** PART;

function bitWidth(range: number): number {
  return range < PART_SIZE ? 32 - Math.clz32(range) : PART + bitWidth(Math.floor(range / PART_SIZE));
}

function varintSize(value: number): number {
  let size = 1;
  for (let rest = value < 0 ? -2 * value - 1 : 2 * value; rest >= 0x80; rest /= 0x80) size += 1;
  return size;
}

function extent(values: Float64Array, from: number, to: number): { min: number; width: number } {
  let min = values[from];
  let max = min;
  for (let i = from + 1; i < to; i += 1) {
    const value = values[i];
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min, width: bitWidth(max - min) };
}

/** Bytes `packIntegers` would write. */
export function packedSize(values: Float64Array, count: number): number {
  let size = 0;
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    const { min, width } = extent(values, from, to);
    size += varintSize(min) + 1 + Math.ceil(((to - from) * width) / 8);
  }
  return size;
}

export function packIntegers(writer: ByteWriter, values: Float64Array, count: number): void {
  for (let from = 0; from < count; from += BLOCK) {
    const to = Math.min(count, from + BLOCK);
    const { min, width } = extent(values, from, to);
    writer.svarint(min);
    writer.u8(width);
    if (width === 0) continue;
    for (let i = from; i < to; i += 1) {
      let rest = values[i] - min;
      let left = width;
      for (; left > PART; left -= PART) {
        const high = Math.floor(rest / PART_SIZE);
        writer.bits(rest - high * PART_SIZE, PART);
        rest = high;
      }
      writer.bits(rest, left);
    }
    writer.alignBits();
  }
}

function partAt(bytes: Uint8Array, start: number, bit: number, width: number): number {
  const at = start + (bit >>> 3);
  const window = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);
  return (window >>> (bit & 7)) & (PART_SIZE - 1) & ((1 << width) - 1);
}

function wideAt(bytes: Uint8Array, start: number, bit: number, width: number): number {
  let value = 0;
  let scale = 1;
  let at = bit;
  for (let left = width; left > 0; left -= PART) {
    const part = Math.min(left, PART);
    value += partAt(bytes, start, at, part) * scale;
    scale *= PART_SIZE;
    at += part;
  }
  return value;
}

/** Reads `count` numbers into `out` from `at` on. */
export function unpackIntegers(reader: ByteReader, out: Float64Array, at: number, count: number): void {
  const bytes = reader.source;
  for (let from = 0; from < count; from += BLOCK) {
    const length = Math.min(BLOCK, count - from);
    const min = reader.svarint();
    const width = reader.u8();
    const start = reader.skip(Math.ceil((length * width) / 8));
    const target = at + from;
    if (width === 0) {
      out.fill(min, target, target + length);
    } else if (width <= PART) {
      const mask = 2 ** width - 1;
      for (let i = 0, bit = 0; i < length; i += 1, bit += width) {
        const byte = start + (bit >>> 3);
        const window = bytes[byte] | (bytes[byte + 1] << 8) | (bytes[byte + 2] << 16) | (bytes[byte + 3] << 24);
        out[target + i] = min + ((window >>> (bit & 7)) & mask);
      }
    } else {
      for (let i = 0; i < length; i += 1) out[target + i] = min + wideAt(bytes, start, i * width, width);
    }
  }
}
