/**
 * Records of one append as a row of the write-ahead table: their values one after another (`value-writer.ts`), compressed when they
 * are many. Resources and scopes are written once a row.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import type { RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import { decompressed } from '../columns/batch-reader.ts';
import { decodeJsonRow } from './json-row.ts';
import { OriginTable, readRecord, writeRecord, type Origin } from './record-values.ts';
import { ValueReader } from './value-reader.ts';
import { ValueWriter } from './value-writer.ts';

/** What a row begins with. The first two hold JSON of an earlier version. */
const JSON_RAW = 0;
const JSON_COMPRESSED = 1;
const RAW = 2;
const COMPRESSED = 3;
const COMPRESS_FROM_BYTES = 2_048;
const FAST = { [constants.ZSTD_c_compressionLevel]: 1 };
const CHUNK_BYTES_MIN = 16 * 1024;

export interface WalRecords<S extends RecordSignal = RecordSignal> {
  readonly records: readonly RecordOf[S][];
  readonly sequences: readonly number[];
}

/** Makes one row after another. */
export class WalWriter<S extends RecordSignal> {
  readonly signal: S;
  readonly #values = new ValueWriter();
  readonly #origins = new OriginTable();
  #records = 0;
  #sequence = 0;

  constructor(signal: S) {
    this.signal = signal;
  }

  get records(): number {
    return this.#records;
  }

  /** The bytes that the record takes, which is a measure of its size. A record of more than `limit` is not taken. */
  add(record: RecordOf[S], sequence: number, limit = Infinity): number {
    const values = this.#values;
    const before = values.mark;
    const origins = this.#origins.count;
    // Rises nearly always; the first number of a row is far from 0.
    values.value(sequence - this.#sequence);
    writeRecord(this.signal, values, record, this.#origins);
    const length = values.length - before.length;
    if (length > limit) {
      values.back(before);
      this.#origins.back(origins);
      return length;
    }
    this.#records += 1;
    this.#sequence = sequence;
    return length;
  }

  /** The row as it is so far. */
  row(): Uint8Array {
    const bytes = this.#values.view();
    const short = bytes.length < COMPRESS_FROM_BYTES;
    const body = short ? bytes : compressed(bytes);
    const data = new Uint8Array(body.length + 1);
    data[0] = short ? RAW : COMPRESSED;
    data.set(body, 1);
    return data;
  }

  /** The next record begins another row. */
  clear(): void {
    this.#values.clear();
    this.#origins.back(0);
    this.#records = 0;
    this.#sequence = 0;
  }
}

/** The output is smaller than the input: one chunk of that size holds it. */
const compressed = (bytes: Uint8Array): Uint8Array =>
  zstdCompressSync(bytes, { params: FAST, chunkSize: Math.max(CHUNK_BYTES_MIN, bytes.length >> 1) });

export function encodeWal<S extends RecordSignal>(signal: S, { records, sequences }: WalRecords<S>): Uint8Array {
  const writer = new WalWriter(signal);
  for (let at = 0; at < records.length; at += 1) writer.add(records[at], sequences[at]);
  return writer.row();
}

/** Throws RangeError or SyntaxError when the row is damaged. */
export function decodeWal<S extends RecordSignal>(signal: S, data: Uint8Array): WalRecords<S> {
  const [kind] = data;
  const body = data.subarray(1);
  const bytes = kind === COMPRESSED || kind === JSON_COMPRESSED ? decompressed(body) : Buffer.from(body);
  if (kind === JSON_RAW || kind === JSON_COMPRESSED) return decodeJsonRow(signal, bytes);
  if (kind !== RAW && kind !== COMPRESSED) throw new RangeError(`a row has the unknown kind ${kind}`);
  const values = new ValueReader(bytes);
  const origins: Origin[] = [];
  const [records, sequences]: [RecordOf[S][], number[]] = [[], []];
  for (let sequence = 0; !values.done;) {
    sequence += values.value() as number;
    sequences.push(sequence);
    records.push(readRecord(signal, values, origins));
  }
  return { records, sequences };
}
