/**
 * Whole numbers as planes of bytes: all lowest bytes, then all second bytes, and so on. zstd codes bytes by their frequency,
 * so a plane that is nearly constant costs nearly nothing; bits packed more closely would hide the bytes from it. Numbers
 * are stored as their distance to the smallest, or to the number before where that is the smaller range, and divided by
 * their common divisor (times in milliseconds are stored as such, whatever the unit of the column).
 */
import type { ByteReader, ByteWriter } from '../../codec/bytes.ts';

/** |value| <= this, so that every difference is exact. */
export const WHOLE_MAX = 2 ** 52;
/** Differences are worth it only where they shrink the range by this factor: a difference must be added up to be read. */
const DIFFERENCE_GAIN = 16;

interface Extent {
  readonly min: number;
  readonly max: number;
}

function extentOf(values: Float64Array, from: number): Extent {
  let min = Infinity;
  let max = -Infinity;
  for (let i = from; i < values.length; i += 1) {
    const value = values[i];
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return min > max ? { min: 0, max: 0 } : { min, max };
}

function divisorOf(values: Float64Array, from: number, min: number): number {
  let divisor = 0;
  for (let i = from; i < values.length && divisor !== 1; i += 1) {
    let rest = values[i] - min;
    while (rest !== 0) [divisor, rest] = [rest, divisor % rest];
  }
  return Math.max(1, divisor);
}

function differencesOf(values: Float64Array): Float64Array {
  const differences = new Float64Array(values.length);
  for (let i = 1; i < values.length; i += 1) differences[i] = values[i] - values[i - 1];
  return differences;
}

function planesFor(range: number): number {
  let planes = 0;
  for (let rest = range; rest >= 1; rest = Math.floor(rest / 256)) planes += 1;
  return planes;
}

export function writeWhole(writer: ByteWriter, values: Float64Array): void {
  const plain = extentOf(values, 0);
  const differences = differencesOf(values);
  const between = extentOf(differences, 1);
  const differs = values.length > 1 && (between.max - between.min) * DIFFERENCE_GAIN < plain.max - plain.min;
  const numbers = differs ? differences : values;
  const from = differs ? 1 : 0;
  const { min, max } = differs ? between : plain;
  const divisor = divisorOf(numbers, from, min);
  const planes = planesFor((max - min) / divisor);
  writer.u8(planes * 2 + (differs ? 1 : 0));
  if (differs) writer.svarint(values[0]);
  writer.svarint(min);
  writer.varint(divisor);
  const bytes = new Uint8Array((values.length - from) * planes);
  const count = values.length - from;
  for (let i = 0; i < count; i += 1) {
    let rest = (numbers[i + from] - min) / divisor;
    for (let plane = 0; plane < planes; plane += 1) {
      const next = Math.floor(rest / 256);
      bytes[plane * count + i] = rest - next * 256;
      rest = next;
    }
  }
  writer.bytes(bytes);
}

export function readWhole(reader: ByteReader, length: number): Float64Array {
  const values = new Float64Array(length);
  const head = reader.u8();
  const planes = head >> 1;
  const differs = (head & 1) === 1;
  const from = differs ? 1 : 0;
  if (differs && length === 0) throw new RangeError('a column of differences is empty');
  if (differs) values[0] = reader.svarint();
  const min = reader.svarint();
  const divisor = reader.varint();
  const count = length - from;
  const bytes = reader.bytes(count * planes);
  addPlanes(bytes, planes, differs ? values.subarray(1) : values);
  if (min !== 0 || divisor !== 1) for (let i = from; i < length; i += 1) values[i] = values[i] * divisor + min;
  if (differs) for (let i = 1; i < length; i += 1) values[i] += values[i - 1];
  return values;
}

/** `values` are zeros. Up to three planes are put together in one walk. */
function addPlanes(bytes: Uint8Array, planes: number, values: Float64Array): void {
  const count = values.length;
  const [second, third] = [count, count * 2];
  if (planes === 1) for (let i = 0; i < count; i += 1) values[i] = bytes[i];
  else if (planes === 2) for (let i = 0; i < count; i += 1) values[i] = bytes[i] | (bytes[second + i] << 8);
  else if (planes === 3)
    for (let i = 0; i < count; i += 1) values[i] = bytes[i] | (bytes[second + i] << 8) | (bytes[third + i] << 16);
  else
    for (let plane = 0, scale = 1; plane < planes; plane += 1, scale *= 256) {
      const base = plane * count;
      for (let i = 0; i < count; i += 1) values[i] += bytes[base + i] * scale;
    }
}

/** Numbers that are one byte each as they stand in the blob; undefined, with nothing read, when they are written otherwise. */
export function readByteNumbers(reader: ByteReader, count: number): Uint8Array | undefined {
  const start = reader.pos;
  if (reader.u8() === 2 && reader.svarint() === 0 && reader.varint() === 1) return reader.bytes(count);
  reader.pos = start;
  return undefined;
}
