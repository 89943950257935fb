/**
 * Makes a batch: records of one service, sorted by position, as compressed columns. A wide column is a part of its own, so
 * that a search reads only the columns it needs; narrow columns share parts. Each part is a zstd frame with a checksum, so
 * damage is found when it is read.
 */
import { constants, zstdCompressSync } from 'node:zlib';
import { attributeText } from '../../../../model/attribute-text.ts';
import type { RecordColumn, RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import { codeNumber, idNumber } from '../../../../model/text/id-numbers.ts';
import type { AttributeValue } from '../../../../model/records.ts';
import { filterWordsOf } from '../../../../model/text/words.ts';
import { unpackValue, type Packed } from '../../codec/record-codec.ts';
import { ByteWriter } from '../../codec/bytes.ts';
import { ATTRIBUTE, REST } from './attribute-columns.ts';
import type { Cell } from './column.ts';
import { writeColumn, writeDictionaryColumn } from './column-writer.ts';
import { writeIdColumn } from './id-column.ts';
import { writeIdList, writeWordFilter } from './id-list.ts';
import type { IdRows } from './id-rows.ts';
import { ID_COLUMNS, RESOURCE, SHAPES, WORD_COLUMNS } from './record-columns.ts';
import type { BatchColumns } from './record-shape.ts';
import { RecordTable } from './record-table.ts';
import { writeWhole } from './whole-numbers.ts';

/** Columns larger than this are parts of their own. */
const WIDE_BYTES = 6 * 1024;
/** Narrow columns are put together up to this size. */
const SHARED_BYTES = 32 * 1024;
/** A batch with more distinct words has no filter: every search reads it. */
const WORDS_MAX = 50_000;
const COMPRESS = { params: { [constants.ZSTD_c_compressionLevel]: 1, [constants.ZSTD_c_checksumFlag]: 1 } };
/** The columns of sequence numbers and of the whole set of words. */
export const SEQUENCE = '.s';

export interface Rows<S extends RecordSignal> {
  readonly signal: S;
  readonly service: string;
  readonly records: readonly RecordOf[S][];
  /** Of each record, its number of arrival. */
  readonly sequences: readonly number[];
}

export interface EncodedBatch {
  readonly service: string;
  readonly rows: number;
  /** Whole milliseconds at or before the first and at or after the last row. */
  readonly firstMs: number;
  readonly lastMs: number;
  readonly head: Uint8Array;
  readonly ids: Uint8Array;
  readonly parts: readonly Uint8Array[];
  readonly sizeBytes: number;
}

export function compressed(bytes: Uint8Array): Uint8Array {
  return zstdCompressSync(bytes, COMPRESS);
}

interface Place {
  readonly name: string;
  readonly part: number;
  readonly offset: number;
  readonly length: number;
}

/** Makes a batch of records, in any order. There must be at least one. */
export function* encodeBatch<S extends RecordSignal>(rows: Rows<S>): Generator<undefined, EncodedBatch> {
  const table = new RecordTable(rows.signal);
  for (const [at, record] of rows.records.entries()) table.add(record, rows.sequences[at]);
  yield;
  return yield* encodeTable(rows.service, table, table.ordered());
}

/** Yields between columns, so that the caller can give the thread to others. The rows must be ordered and not empty. */
export function* encodeTable<S extends RecordSignal>(
  service: string,
  table: RecordTable<S>,
  order: Uint32Array,
): Generator<undefined, EncodedBatch> {
  const { signal } = table;
  const columns: BatchColumns = new Map();
  for (const [name, column] of table.columns) columns.set(name, () => column.cells(order));
  const grown = new Map(columns);
  const idRows = new Map<string, IdRows | undefined>();
  const idsOf = (name: string): IdRows | undefined => {
    if (!idRows.has(name)) idRows.set(name, table.columns.get(name)?.ids(order));
    return idRows.get(name);
  };
  SHAPES[signal].finish(columns, idsOf);
  yield;
  const parts: Uint8Array[] = [];
  const places: Place[] = [];
  const shared = new ByteWriter(SHARED_BYTES * 2);
  const one = new ByteWriter(64 * 1024);
  let sharedPlaces: Omit<Place, 'part'>[] = [];
  const closeShared = (): void => {
    if (sharedPlaces.length === 0) return;
    for (const place of sharedPlaces) places.push({ ...place, part: parts.length });
    parts.push(compressed(shared.view()));
    shared.truncate();
    sharedPlaces = [];
  };
  const put = (name: string): void => {
    if (one.length > WIDE_BYTES) {
      places.push({ name, part: parts.length, offset: 0, length: one.length });
      parts.push(compressed(one.view()));
    } else {
      if (shared.length + one.length > SHARED_BYTES) closeShared();
      sharedPlaces.push({ name, offset: shared.length, length: one.length });
      shared.bytes(one.view());
    }
    one.truncate();
  };
  writeWhole(
    one,
    Float64Array.from(order, (row) => table.sequenceAt(row)),
  );
  put(SEQUENCE);
  const found = new Findings(signal);
  for (const [name, cellsOf] of columns) {
    const own = grown.get(name) === cellsOf ? table.columns.get(name) : undefined;
    const ids = own && idsOf(name);
    if (ids === undefined) {
      const values = writeCells(one, own?.column(order), cellsOf);
      if (values === undefined) continue;
      found.note(name, values);
    } else {
      if (!ids.bytes.some(isSet)) continue;
      writeIdColumn(one, ids);
      found.noteIds(name, ids);
    }
    put(name);
    yield;
  }
  closeShared();
  const ids = writeIdList(found.ids);
  yield;
  const head = compressed(headOf(places, found.wordFilter()));
  const sizeBytes = parts.reduce((sum, { length }) => sum + length, head.length + ids.length);
  return { service, rows: order.length, ...extentOf(table, order), head, ids, parts, sizeBytes };
}

const isSet = (byte: number): boolean => byte !== 0;

/** Returns the distinct values where they are known, else all cells; undefined, with nothing written, when no row has a value. */
function writeCells(
  writer: ByteWriter,
  column: RecordColumn | undefined,
  cellsOf: () => readonly Cell[],
): readonly Cell[] | undefined {
  const values = column?.kind === 'dictionary' ? writeDictionaryColumn(writer, column) : undefined;
  if (values !== undefined) return values;
  const cells = cellsOf();
  // Of the rows that were chosen, none may have a value.
  return cells.every((cell) => cell === undefined) ? undefined : writeColumn(writer, cells);
}

/** Whole milliseconds around ordered rows. */
export function extentOf<S extends RecordSignal>(
  table: RecordTable<S>,
  order: Uint32Array,
): { firstMs: number; lastMs: number } {
  const ms = (row: number): number => Number(table.timeAt(row)) / 1e6;
  return { firstMs: Math.floor(ms(order[0])) - 1, lastMs: Math.ceil(ms(order[order.length - 1])) + 1 };
}

function headOf(places: readonly Place[], words: Uint8Array | undefined): Uint8Array {
  const writer = new ByteWriter(2_048);
  writer.varint(places.length);
  for (const { name, part, offset, length } of places) {
    writer.text(name);
    writer.varint(part);
    writer.varint(offset);
    writer.varint(length);
  }
  writer.u8(words === undefined ? 0 : 1);
  writer.bytes(words ?? new Uint8Array());
  return writer.take();
}

/** What a search can look for in a batch: the numbers of its ids, and its words. */
class Findings {
  readonly ids = new Set<number>();
  readonly #signal: RecordSignal;
  readonly #words = new Set<string>();

  constructor(signal: RecordSignal) {
    this.#signal = signal;
  }

  /** `values`: of one column, best each once. Equal values that follow one another are looked at once. */
  note(name: string, values: readonly Cell[]): void {
    const signal = this.#signal;
    if (WORD_COLUMNS[signal].includes(name)) this.#noteWords(values);
    if (name === RESOURCE) {
      for (const text of new Set(values)) addIds(unpackValue(JSON.parse(text as string) as Packed), signal, this.ids);
    }
    if (!this.#hasIds(name)) return;
    let last: Cell;
    for (const cell of values) {
      if (cell === undefined || cell === last || typeof cell === 'number') continue;
      last = cell;
      addIds(cell, signal, this.ids);
    }
  }

  /** As `note` of the ids as texts. */
  noteIds(name: string, ids: IdRows): void {
    if (!this.#hasIds(name)) return;
    for (let row = 0; row < ids.count; row += 1) {
      const number = ids.has(row) ? ids.numberAt(row) : -1;
      if (number >= 0) this.ids.add(number);
    }
  }

  #hasIds(name: string): boolean {
    return ID_COLUMNS[this.#signal].includes(name) || name.startsWith(ATTRIBUTE) || name === REST;
  }

  #noteWords(values: readonly Cell[]): void {
    const words = this.#words;
    const seen = new Set<Cell>();
    for (const cell of values) {
      if (cell === undefined || seen.has(cell)) continue;
      seen.add(cell);
      for (const word of filterWordsOf(attributeText(cell))) words.add(word);
      if (words.size > WORDS_MAX) return;
    }
  }

  /** Undefined when there are too many words. */
  wordFilter(): Uint8Array | undefined {
    return this.#words.size > WORDS_MAX ? undefined : writeWordFilter(this.#words);
  }
}

/** The ids in a value: the value itself, or those in a list or map. */
function addIds(value: AttributeValue, signal: RecordSignal, numbers: Set<number>): void {
  if (typeof value === 'object' && value !== null) {
    for (const inner of Object.values(value)) addIds(inner, signal, numbers);
    return;
  }
  if (typeof value !== 'string') return;
  const number = idNumber(value);
  if (number >= 0) numbers.add(number);
  else if (signal === 'requests') {
    const code = codeNumber(value);
    if (code >= 0) numbers.add(code);
  }
}
