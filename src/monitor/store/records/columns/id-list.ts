/**
 * The ids of a batch as a sorted list of 24-bit fingerprints in Elias and Fano's form (Vigna, "Quasi-succinct indices",
 * 2013): the low bits of each as they are, the high bits as a bitmap with two bits an id. At 8,192 ids that is 13 bits an
 * id, and a look-up reads some kilobytes and decodes nothing. A batch without the id passes once in 2^24 / ids times, which
 * costs the reading of one column.
 */
import { mixed } from '../../../../model/text/id-numbers.ts';
import { ByteReader, ByteWriter } from '../../codec/bytes.ts';

const BITS = 24;
const SIZE = 2 ** BITS;

const ONES = Uint8Array.from({ length: 256 }, (_, byte) => {
  let ones = 0;
  for (let bits = byte; bits > 0; bits >>= 1) ones += bits & 1;
  return ones;
});

const fingerprint = (number: number): number => number >>> (32 - BITS);

/** `numbers`: those of `idNumber`, in any order, with repetitions. */
export function writeIdList(numbers: Iterable<number>): Uint8Array {
  const unique = Uint32Array.from(new Set(Array.from(numbers, fingerprint))).sort();
  const writer = new ByteWriter(unique.length * 2 + 16);
  writer.varint(unique.length);
  if (unique.length === 0) return writer.take();
  const low = Math.max(0, Math.floor(Math.log2(SIZE / unique.length)));
  const bitmap = new Uint8Array(Math.ceil((unique.length + (SIZE >>> low) + 1) / 8));
  for (let i = 0; i < unique.length; i += 1) {
    const bit = (unique[i] >>> low) + i;
    bitmap[bit >> 3] |= 1 << (bit & 7);
    writer.bits(unique[i] & (2 ** low - 1), low);
  }
  writer.alignBits();
  writer.bytes(bitmap);
  return writer.take();
}

/** Whether the list may contain the id. Throws RangeError when the list is damaged. */
export function mayHaveId(list: Uint8Array, number: number): boolean {
  const reader = new ByteReader(list);
  const count = reader.varint();
  if (count === 0) return false;
  if (count > SIZE) throw new RangeError('a list of ids is too long');
  const low = Math.max(0, Math.floor(Math.log2(SIZE / count)));
  const lows = reader.skip(Math.ceil((count * low) / 8));
  const bitmap = reader.bytes(list.length - reader.pos);
  const wanted = fingerprint(number);
  const high = wanted >>> low;
  const rest = wanted & (2 ** low - 1);
  // Skips `high` zeros: then come the ones of the ids with these high bits.
  let at = 0;
  let zeros = 0;
  while (at < bitmap.length && zeros + 8 - ONES[bitmap[at]] < high) {
    zeros += 8 - ONES[bitmap[at]];
    at += 1;
  }
  let bit = at * 8;
  for (; zeros < high; bit += 1) if (!isSet(bitmap, bit)) zeros += 1;
  for (let index = bit - high; isSet(bitmap, bit); bit += 1, index += 1) {
    if (index >= count) throw new RangeError('a list of ids is damaged');
    if (bitsAt(list, lows, index * low, low) === rest) return true;
  }
  return false;
}

function isSet(bitmap: Uint8Array, bit: number): boolean {
  return bit >> 3 < bitmap.length && ((bitmap[bit >> 3] >> (bit & 7)) & 1) === 1;
}

function bitsAt(bytes: Uint8Array, start: number, bit: number, width: number): number {
  let value = 0;
  for (let i = 0; i < width;) {
    const at = start + ((bit + i) >> 3);
    const shift = (bit + i) & 7;
    value += (bytes[at] >> shift) * 2 ** i;
    i += 8 - shift;
  }
  return value % 2 ** width;
}

const WORD_BITS = 10;
const HASHES = 6;

/** A Bloom filter of words: ten bits each, so that one in a hundred batches without a word passes. */
export function writeWordFilter(words: ReadonlySet<string>): Uint8Array {
  const filter = new Uint8Array(Math.ceil((words.size * WORD_BITS) / 8));
  const bits = filter.length * 8;
  for (const word of words) {
    for (const bit of bitsOfWord(word, bits)) filter[bit >> 3] |= 1 << (bit & 7);
  }
  return filter;
}

export function mayHaveWord(filter: Uint8Array, word: string): boolean {
  if (filter.length === 0) return false;
  return bitsOfWord(word, filter.length * 8).every((bit) => isSet(filter, bit));
}

function bitsOfWord(word: string, size: number): number[] {
  let hash = 0x811c9dc5;
  for (let at = 0; at < word.length; at += 1) hash = Math.imul(hash ^ word.charCodeAt(at), 0x01000193);
  const first = mixed(hash);
  const step = mixed(first ^ 0x9e3779b9) | 1;
  return Array.from({ length: HASHES }, (_, i) => (first + Math.imul(i, step) + i * i) >>> 0).map((bit) => bit % size);
}
