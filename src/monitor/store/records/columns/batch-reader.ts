/** Reads the head, single columns and records of a batch. A part is decompressed and checked when it is first needed. */
import { zstdDecompressSync } from 'node:zlib';
import type { RecordColumn, RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import { ByteReader } from '../../codec/bytes.ts';
import { SEQUENCE } from './batch-writer.ts';
import { ATTRIBUTE, REST } from './attribute-columns.ts';
import { readColumn } from './column.ts';
import { mayHaveWord } from './id-list.ts';
import { SHAPES } from './record-columns.ts';
import { readWhole } from './whole-numbers.ts';

/** A part that claims to be larger is damaged. */
const PART_BYTES_MAX = 512 * 1024 * 1024;
const COLUMNS_MAX = 4_096;

interface Place {
  readonly part: number;
  readonly offset: number;
  readonly length: number;
}

/** Throws RangeError for a damaged frame. */
export function decompressed(bytes: Uint8Array): Buffer {
  try {
    return zstdDecompressSync(bytes, { maxOutputLength: PART_BYTES_MAX });
  } catch (cause) {
    throw new RangeError('a part of a batch is damaged', { cause });
  }
}

export class BatchHead {
  readonly places = new Map<string, Place>();
  readonly #words: Uint8Array | undefined;

  constructor(bytes: Uint8Array) {
    const reader = new ByteReader(decompressed(bytes));
    const count = reader.varint();
    if (count > COLUMNS_MAX) throw new RangeError('a batch has too many columns');
    for (let i = 0; i < count; i += 1) {
      const name = reader.text();
      this.places.set(name, { part: reader.varint(), offset: reader.varint(), length: reader.varint() });
    }
    const filtered = reader.u8() === 1;
    const words = reader.bytes(reader.source.length - reader.pos);
    this.#words = filtered ? words : undefined;
  }

  mayHaveWord(word: string): boolean {
    return this.#words === undefined || mayHaveWord(this.#words, word);
  }

  get attributes(): string[] {
    return [...this.places.keys()].filter((name) => name.startsWith(ATTRIBUTE));
  }
}

export class BatchReader<S extends RecordSignal> {
  readonly head: BatchHead;
  readonly rows: number;
  readonly #signal: S;
  readonly #partOf: (part: number) => Uint8Array;
  readonly #parts = new Map<number, Buffer>();
  readonly #columns = new Map<string, RecordColumn | undefined>();
  readonly #attributes: readonly string[];
  #sequenceBytes: ByteReader | undefined;
  #sequences: Float64Array | undefined;
  /** Compressed bytes of the parts that were read. */
  readBytes = 0;
  /** Whether a column could not be read. It is then taken as absent. */
  damaged = false;

  constructor(signal: S, rows: number, head: BatchHead, partOf: (part: number) => Uint8Array) {
    this.#signal = signal;
    this.rows = rows;
    this.head = head;
    this.#partOf = partOf;
    this.#attributes = head.attributes;
  }

  get attributes(): readonly string[] {
    return this.#attributes;
  }

  get hasRest(): boolean {
    return this.head.places.has(REST);
  }

  /** Throws RangeError when times or numbers of arrival are damaged: without them, the batch is lost. */
  checkPositions(): void {
    this.#sequenceBytes ??= this.#bytesOf(SEQUENCE) ?? fail('numbers of arrival');
    if (this.column('.t') === undefined) fail('times');
  }

  /** Numbers of arrival. Their part was checked, and a search that needs no positions does not decode them. */
  sequences(): Float64Array {
    this.#sequenceBytes ??= this.#bytesOf(SEQUENCE) ?? fail('numbers of arrival');
    this.#sequences ??= readWhole(this.#sequenceBytes, this.rows);
    return this.#sequences;
  }

  /** Undefined when the batch has no such column or it is damaged. */
  readonly column = (name: string): RecordColumn | undefined => {
    if (this.#columns.has(name)) return this.#columns.get(name);
    let column: RecordColumn | undefined;
    try {
      const reader = this.#bytesOf(name);
      column = reader === undefined ? undefined : readColumn(reader, this.rows);
    } catch (error) {
      if (!(error instanceof RangeError || error instanceof SyntaxError)) throw error;
      this.damaged = true;
    }
    this.#columns.set(name, column);
    return column;
  };

  record(row: number): RecordOf[S] {
    return SHAPES[this.#signal].read(this.column, this.#attributes, row);
  }

  #bytesOf(name: string): ByteReader | undefined {
    const place = this.head.places.get(name);
    if (place === undefined) return undefined;
    let part = this.#parts.get(place.part);
    if (part === undefined) {
      const bytes = this.#partOf(place.part);
      part = decompressed(bytes);
      this.readBytes += bytes.length;
      this.#parts.set(place.part, part);
    }
    if (place.offset + place.length > part.length) throw new RangeError('a column of a batch is cut short');
    return new ByteReader(part.subarray(place.offset, place.offset + place.length));
  }
}

function fail(what: string): never {
  throw new RangeError(`a batch has no ${what}`);
}
