/**
 * Accepted samples as bytes of the write-ahead row: references as runs when they are consecutive (senders list series in the
 * same order each time), one time for all when all have the same, values as they are in memory. Several batches follow each
 * other in a row.
 */
import { ByteReader, ByteWriter } from './bytes.ts';
import type { Histogram } from '../../../model/histogram.ts';
import type { Exemplar } from '../../../model/series.ts';
import { Labels } from '../../../model/labels.ts';
import type { SampleBatch } from '../../../model/ports.ts';
import { readHistogram, writeHistogram } from './histogram-codec.ts';

const RUNS = 1;
const ONE_TIME = 2;
const STALE = 4;
const START = 8;
const HISTOGRAMS = 16;
const EXEMPLARS = 32;

let refScratch = new Uint32Array(1024);
let floatScratch = new Float64Array(1024);

function bytesOf(array: Uint32Array | Float64Array, count: number): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, count * array.BYTES_PER_ELEMENT);
}

/** Number of runs of consecutive references in refScratch. */
function countRuns(count: number): number {
  let runs = count === 0 ? 0 : 1;
  for (let i = 1; i < count; i += 1) if (refScratch[i] !== refScratch[i - 1] + 1) runs += 1;
  return runs;
}

function writeRuns(writer: ByteWriter, count: number, runs: number): void {
  writer.varint(runs);
  for (let i = 0; i < count;) {
    let end = i + 1;
    while (end < count && refScratch[end] === refScratch[end - 1] + 1) end += 1;
    writer.u32(refScratch[i]);
    writer.varint(end - i);
    i = end;
  }
}

function writeFloats(writer: ByteWriter, source: Float64Array, kept: Uint32Array, count: number): void {
  for (let k = 0; k < count; k += 1) floatScratch[k] = source[kept[k]];
  writer.bytes(bytesOf(floatScratch, count));
}

function oneTime(t: Float64Array, kept: Uint32Array, count: number): boolean {
  for (let k = 1; k < count; k += 1) if (t[kept[k]] !== t[kept[0]]) return false;
  return count > 0;
}

function writeHistograms(writer: ByteWriter, h: NonNullable<SampleBatch['h']>, kept: Uint32Array, count: number): void {
  for (let k = 0; k < count; k += 1) {
    const histogram = h[kept[k]];
    if (histogram === undefined) continue;
    writer.varint(k + 1);
    writeHistogram(writer, histogram, undefined);
  }
  writer.varint(0);
}

/** Writes the samples whose indices are in kept[0, count), and all exemplars. */
export function encodeBatch(writer: ByteWriter, batch: SampleBatch, kept: Uint32Array, count: number): void {
  if (refScratch.length < count) {
    refScratch = new Uint32Array(count * 2);
    floatScratch = new Float64Array(count * 2);
  }
  for (let k = 0; k < count; k += 1) refScratch[k] = batch.refs[kept[k]];
  const runs = countRuns(count);
  const sameTime = oneTime(batch.t, kept, count);
  const optional =
    (batch.stale === undefined ? 0 : STALE) |
    (batch.st === undefined ? 0 : START) |
    (batch.h === undefined ? 0 : HISTOGRAMS) |
    ((batch.exemplars?.length ?? 0) === 0 ? 0 : EXEMPLARS);
  writer.u8((runs * 2 < count ? RUNS : 0) | (sameTime ? ONE_TIME : 0) | optional);
  writer.varint(count);
  if (runs * 2 < count) writeRuns(writer, count, runs);
  else writer.bytes(bytesOf(refScratch, count));
  if (sameTime) writer.f64(batch.t[kept[0]]);
  else writeFloats(writer, batch.t, kept, count);
  writeFloats(writer, batch.v, kept, count);
  writeOptional(writer, batch, kept, count);
}

function writeOptional(writer: ByteWriter, batch: SampleBatch, kept: Uint32Array, count: number): void {
  if (batch.stale !== undefined) for (let k = 0; k < count; k += 1) writer.u8(batch.stale[kept[k]]);
  if (batch.st !== undefined) writeFloats(writer, batch.st, kept, count);
  if (batch.h !== undefined) writeHistograms(writer, batch.h, kept, count);
  const exemplars = batch.exemplars ?? [];
  if (exemplars.length === 0) return;
  writer.varint(exemplars.length);
  for (const { ref, exemplar } of exemplars) {
    writer.u32(ref);
    writer.f64(exemplar.value);
    writer.f64(exemplar.timestampMs);
    writer.text(JSON.stringify(exemplar.labels.pairs));
  }
}

function readRefs(reader: ByteReader, count: number, asRuns: boolean): Uint32Array {
  const refs = new Uint32Array(count);
  if (!asRuns) {
    bytesOf(refs, count).set(reader.bytes(count * 4));
    return refs;
  }
  let at = 0;
  for (let left = reader.varint(); left > 0; left -= 1) {
    const first = reader.u32();
    const length = reader.varint();
    if (at + length > count) throw new RangeError('a run of references is longer than its batch');
    for (let i = 0; i < length; i += 1) refs[at++] = first + i;
  }
  return refs;
}

function readFloats(reader: ByteReader, count: number): Float64Array {
  const out = new Float64Array(count);
  bytesOf(out, count).set(reader.bytes(count * 8));
  return out;
}

function readHistograms(reader: ByteReader, count: number): (Histogram | undefined)[] {
  const out: (Histogram | undefined)[] = Array.from({ length: count });
  for (let at = reader.varint(); at > 0; at = reader.varint()) out[at - 1] = readHistogram(reader, undefined);
  return out;
}

function readExemplars(reader: ByteReader): { ref: number; exemplar: Exemplar }[] {
  const out: { ref: number; exemplar: Exemplar }[] = [];
  for (let left = reader.varint(); left > 0; left -= 1) {
    const ref = reader.u32();
    const value = reader.f64();
    const timestampMs = reader.f64();
    const labels = Labels.fromSorted(JSON.parse(reader.text()) as string[]);
    out.push({ ref, exemplar: { labels, value, timestampMs } });
  }
  return out;
}

/** Reads one batch. Throws RangeError when the bytes end too early. */
export function decodeBatch(reader: ByteReader): SampleBatch {
  const head = reader.u8();
  const count = reader.varint();
  if (count > reader.source.length) throw new RangeError('a batch is longer than its row');
  const refs = readRefs(reader, count, (head & RUNS) !== 0);
  const t = (head & ONE_TIME) === 0 ? readFloats(reader, count) : new Float64Array(count).fill(reader.f64());
  for (let i = 0; i < count; i += 1) t[i] = Math.floor(t[i]);
  return {
    count,
    refs,
    t,
    v: readFloats(reader, count),
    stale: (head & STALE) === 0 ? undefined : reader.bytes(count),
    st: (head & START) === 0 ? undefined : readFloats(reader, count),
    h: (head & HISTOGRAMS) === 0 ? undefined : readHistograms(reader, count),
    exemplars: (head & EXEMPLARS) === 0 ? undefined : readExemplars(reader),
  };
}
