/**
 * Ids of the rows of a batch as their bytes, one after another. What a batch needs of them (which are equal, the numbers of its
 * index, the parents among them) is worked out on the bytes: as texts of digits they took a sixth of the encoding.
 */
import { randomHex } from '../../../../base/random.ts';
import { idNumberOfBytes, mixed } from '../../../../model/text/id-numbers.ts';

export class IdRows {
  /** Bytes of an id. */
  readonly width: number;
  readonly bytes: Buffer;
  /** Rows. */
  readonly count: number;

  /** `bytes`: of all rows, zeros for a row without an id. */
  constructor(width: number, bytes: Buffer) {
    this.width = width;
    this.bytes = bytes;
    this.count = bytes.length / width;
  }

  has(row: number): boolean {
    const { bytes, width } = this;
    const from = row * width;
    for (let at = from; at < from + width; at += 1) if (bytes[at] !== 0) return true;
    return false;
  }

  textAt(row: number): string | undefined {
    return this.has(row) ? this.bytes.toString('hex', row * this.width, (row + 1) * this.width) : undefined;
  }

  /** As `idNumber` of the text. */
  numberAt(row: number): number {
    return idNumberOfBytes(this.bytes, row * this.width, this.width);
  }
}

/** Senders choose ids: without a secret they could choose many for one slot. */
const SEED = Number.parseInt(randomHex(4), 16);

/** Rows by their ids, which are of one width. */
export class IdTable {
  readonly #ids: IdRows;
  readonly #mask: number;
  /** One more than the row; 0 for none. */
  readonly #slots: Int32Array;

  constructor(ids: IdRows) {
    this.#ids = ids;
    let size = 16;
    while (size < ids.count * 2) size *= 2;
    this.#mask = size - 1;
    this.#slots = new Int32Array(size);
  }

  /** The slot of an equal id, or the free one where it belongs. */
  #slotOf(of: IdRows, row: number): number {
    const { bytes, width } = this.#ids;
    const from = row * width;
    const end = from + width;
    let [hash, at] = [SEED, from];
    for (; at + 4 <= end; at += 4) hash = mixed(hash ^ wordAt(of.bytes, at));
    for (; at < end; at += 1) hash = mixed(hash ^ of.bytes[at]);
    let slot = hash & this.#mask;
    for (;;) {
      const other = this.#slots[slot];
      if (other === 0 || isEqual(bytes, (other - 1) * width, of.bytes, from, width)) return slot;
      slot = (slot + 1) & this.#mask;
    }
  }

  /** The first row that was added with the id of this one; the row itself, which is then added, when there was none. */
  firstOf(row: number): number {
    const slot = this.#slotOf(this.#ids, row);
    if (this.#slots[slot] === 0) this.#slots[slot] = row + 1;
    return this.#slots[slot] - 1;
  }

  /** Adds a row in place of an earlier one with its id. */
  put(row: number): void {
    this.#slots[this.#slotOf(this.#ids, row)] = row + 1;
  }

  /** The row with the id that another column has in `row`; -1 for none. */
  find(of: IdRows, row: number): number {
    return this.#slots[this.#slotOf(of, row)] - 1;
  }
}

const wordAt = (bytes: Buffer, at: number): number =>
  bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24);

function isEqual(a: Buffer, from: number, b: Buffer, at: number, width: number): boolean {
  for (let i = 0; i < width; i += 1) if (a[from + i] !== b[at + i]) return false;
  return true;
}
