/**
 * A chunk: some hundred samples of one series as bytes. Times and values each pick the smallest of a few exact forms:
 *
 * - times: distance to a straight line (scrapes with jitter: a few bits), differences, or raw floats;
 * - values: decimals as whole numbers (v · 10^e, themselves or their differences: counters and rounded gauges), with
 *   values that are none (NaN, Inf, -0) as exceptions; or Gorilla's XOR for everything else.
 *
 * Layout: head (bits 0–2: stale, start and histogram lists follow; bits 4–7: version), count, times, values, lists,
 * four spare bytes so that decoders may load whole words.
 */
import type { Histogram } from '../../../model/histogram.ts';
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Columns } from './columns.ts';
import { readHistogram, writeHistogram } from './histogram-codec.ts';
import { packedSize, packIntegers, unpackIntegers } from './packed-integers.ts';
import { decodeXor, encodeXor } from './xor-floats.ts';

const VERSION = 1;
const HAS_STALE = 1;
const HAS_START = 2;
const HAS_HISTOGRAMS = 4;
const SPARE_BYTES = 4;
/** More samples than any chunk of this store has; a larger count means a damaged blob. */
const COUNT_MAX = 1 << 20;
/** Whole numbers up to here have exact differences. */
const EXACT_MAX = 2 ** 51;
const POWERS = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9];
/** Bytes per value below which XOR is not tried. */
const GOOD_ENOUGH = 2.5;

const TIMES_LINE = 0;
const TIMES_DIFFERENCES = 1;
const TIMES_RAW = 2;
const VALUES_XOR = 0;
const VALUES_WHOLE = 1;
const VALUES_DIFFERENCES = 2;

let scratchA = new Float64Array(1024);
let scratchB = new Float64Array(1024);
let medianScratch = new Float64Array(1024);

function needScratch(count: number): void {
  if (scratchA.length >= count) return;
  scratchA = new Float64Array(count * 2);
  scratchB = new Float64Array(count * 2);
  medianScratch = new Float64Array(count * 2);
}

/** The usual distance of two samples: the mean of those differences that are near the median, so gaps do not count. */
function usualStep(differences: Float64Array, count: number): number {
  medianScratch.set(differences.subarray(0, count));
  const median = medianScratch.subarray(0, count).sort()[count >>> 1];
  let sum = 0;
  let near = 0;
  for (let i = 0; i < count; i += 1) {
    if (Math.abs(differences[i] - median) > median / 2) continue;
    sum += differences[i];
    near += 1;
  }
  return near === 0 ? median : Math.round(sum / near);
}

function writeTimes(writer: ByteWriter, t: Float64Array, from: number, to: number): void {
  const count = to - from;
  const first = t[from];
  writer.f64(first);
  if (!(t[to - 1] - first <= EXACT_MAX && Math.abs(first) <= EXACT_MAX * 4)) {
    writer.u8(TIMES_RAW);
    for (let i = from + 1; i < to; i += 1) writer.f64(t[i]);
    return;
  }
  for (let i = 1; i < count; i += 1) scratchA[i - 1] = t[from + i] - t[from + i - 1];
  const step = count > 1 ? usualStep(scratchA, count - 1) : 0;
  for (let i = 1; i < count; i += 1) scratchB[i - 1] = t[from + i] - first - step * i;
  const line = packedSize(scratchB, count - 1);
  const byDifference = packedSize(scratchA, count - 1);
  if (line <= byDifference && step * count <= EXACT_MAX) {
    writer.u8(TIMES_LINE);
    writer.varint(step);
    packIntegers(writer, scratchB, count - 1);
  } else {
    writer.u8(TIMES_DIFFERENCES);
    packIntegers(writer, scratchA, count - 1);
  }
}

function readTimes(reader: ByteReader, out: Float64Array, at: number, count: number): void {
  const first = reader.f64();
  const mode = reader.u8();
  out[at] = first;
  if (mode === TIMES_RAW) {
    for (let i = 1; i < count; i += 1) out[at + i] = reader.f64();
    return;
  }
  const step = mode === TIMES_LINE ? reader.varint() : 0;
  unpackIntegers(reader, out, at + 1, count - 1);
  if (mode === TIMES_LINE) {
    for (let i = 1; i < count; i += 1) out[at + i] += first + step * i;
  } else {
    for (let i = 1; i < count; i += 1) out[at + i] += out[at + i - 1];
  }
}

/** Whether `value` is `whole / power` exactly for a whole number that stays exact. */
function isDecimal(value: number, whole: number, power: number): boolean {
  return whole / power === value && whole <= EXACT_MAX && whole >= -EXACT_MAX && (value !== 0 || 1 / value > 0);
}

/** Smallest power of ten that makes (nearly) all values whole, its whole numbers in scratchA; undefined when none does. */
function scaleToWhole(
  v: Float64Array,
  from: number,
  to: number,
): { exponent: number; exceptions: number[] } | undefined {
  const allowed = (to - from) >>> 4;
  for (let exponent = 0; exponent < POWERS.length; exponent += 1) {
    const power = POWERS[exponent];
    const exceptions: number[] = [];
    let last = 0;
    for (let i = from; i < to && exceptions.length <= allowed; i += 1) {
      const whole = Math.round(v[i] * power);
      if (isDecimal(v[i], whole, power)) last = whole;
      else exceptions.push(i - from);
      scratchA[i - from] = last;
    }
    if (exceptions.length <= allowed) return { exponent, exceptions };
  }
  return undefined;
}

function writeWhole(
  writer: ByteWriter,
  v: Float64Array,
  from: number,
  count: number,
  { exponent, exceptions }: { exponent: number; exceptions: number[] },
): void {
  scratchB[0] = scratchA[0];
  for (let i = 1; i < count; i += 1) scratchB[i - 1] = scratchA[i] - scratchA[i - 1];
  const whole = packedSize(scratchA, count);
  const differences = packedSize(scratchB, count - 1) + 4;
  writer.u8(whole <= differences ? VALUES_WHOLE : VALUES_DIFFERENCES);
  writer.u8(exponent);
  writer.varint(exceptions.length);
  for (const at of exceptions) {
    writer.varint(at);
    writer.f64(v[from + at]);
  }
  if (whole <= differences) {
    packIntegers(writer, scratchA, count);
  } else {
    writer.svarint(scratchA[0]);
    packIntegers(writer, scratchB, count - 1);
  }
}

function writeValues(writer: ByteWriter, v: Float64Array, from: number, to: number): void {
  const scale = scaleToWhole(v, from, to);
  const start = writer.length;
  if (scale !== undefined) {
    writeWhole(writer, v, from, to - from, scale);
    if (writer.length - start <= GOOD_ENOUGH * (to - from)) return;
  }
  const whole = scale === undefined ? undefined : writer.view().slice(start);
  writer.truncate(start);
  writer.u8(VALUES_XOR);
  encodeXor(writer, v, from, to);
  if (whole !== undefined && whole.length <= writer.length - start) {
    writer.truncate(start);
    writer.bytes(whole);
  }
}

function readValues(reader: ByteReader, out: Float64Array, at: number, count: number): void {
  const mode = reader.u8();
  if (mode === VALUES_XOR) {
    decodeXor(reader, out, at, count);
    return;
  }
  const power = POWERS[reader.u8()];
  const exceptions: number[] = [];
  for (let left = reader.varint(); left > 0; left -= 1) exceptions.push(reader.varint(), reader.f64());
  if (mode === VALUES_WHOLE) {
    unpackIntegers(reader, out, at, count);
  } else {
    out[at] = reader.svarint();
    unpackIntegers(reader, out, at + 1, count - 1);
    for (let i = at + 1; i < at + count; i += 1) out[i] += out[i - 1];
  }
  if (power !== 1) for (let i = at; i < at + count; i += 1) out[i] /= power;
  for (let i = 0; i < exceptions.length; i += 2) out[at + exceptions[i]] = exceptions[i + 1];
}

/** Writes all of `columns` (at least one sample) as one chunk. */
export function encodeChunk(writer: ByteWriter, columns: Columns): void {
  const { count, staleAt, stAt, st, hAt, h } = columns;
  needScratch(count);
  const head =
    (staleAt.length > 0 ? HAS_STALE : 0) | (st.length > 0 ? HAS_START : 0) | (h.length > 0 ? HAS_HISTOGRAMS : 0);
  writer.u8((VERSION << 4) | head);
  writer.varint(count);
  writeTimes(writer, columns.t, 0, count);
  writeValues(writer, columns.v, 0, count);
  if (staleAt.length > 0) {
    writer.varint(staleAt.length);
    for (const at of staleAt) writer.varint(at);
  }
  if (st.length > 0) {
    writer.varint(st.length);
    for (let i = 0; i < st.length; i += 1) {
      writer.varint(stAt[i]);
      writer.f64(st[i]);
    }
  }
  if (h.length > 0) {
    writer.varint(h.length);
    for (let i = 0; i < h.length; i += 1) {
      writer.varint(hAt[i]);
      writeHistogram(writer, h[i], i === 0 ? undefined : h[i - 1]);
    }
  }
  writer.u32(0);
}

function readLists(reader: ByteReader, head: number, columns: Columns, at: number): void {
  if ((head & HAS_STALE) !== 0) {
    for (let left = reader.varint(); left > 0; left -= 1) columns.staleAt.push(at + reader.varint());
  }
  // Without a list, the start timestamp of the part before must not apply to this one.
  if ((head & HAS_START) === 0) {
    columns.noteStart(at, 0);
  } else {
    for (let left = reader.varint(), first = true; left > 0; left -= 1, first = false) {
      const index = at + reader.varint();
      if (first && index > at) columns.noteStart(at, 0);
      columns.noteStart(index, reader.f64());
    }
  }
  if ((head & HAS_HISTOGRAMS) === 0) return;
  let before: Histogram | undefined;
  for (let left = reader.varint(); left > 0; left -= 1) {
    columns.hAt.push(at + reader.varint());
    before = readHistogram(reader, before);
    columns.h.push(before);
  }
}

/**
 * Adds the samples of a chunk to `columns`; times stay strictly rising when chunks overlap. Throws RangeError when the
 * bytes are not a chunk.
 */
export function decodeChunk(bytes: Uint8Array, columns: Columns): void {
  const reader = new ByteReader(bytes);
  const head = reader.u8();
  if (head >>> 4 !== VERSION) throw new RangeError(`a chunk of version ${head >>> 4} cannot be read`);
  const count = reader.varint();
  if (count === 0 || count > COUNT_MAX) throw new RangeError(`a chunk of ${count} samples cannot be right`);
  columns.reserve(count);
  const at = columns.count;
  readTimes(reader, columns.t, at, count);
  readValues(reader, columns.v, at, count);
  columns.count += count;
  readLists(reader, head, columns, at);
  reader.skip(SPARE_BYTES);
  columns.dropOverlap(at);
}

const chunkWriter = new ByteWriter(16 * 1024);

/** A chunk in bytes of its own. */
export function chunkOf(columns: Columns): Uint8Array {
  chunkWriter.truncate();
  encodeChunk(chunkWriter, columns);
  return chunkWriter.take();
}
