/** The cells of a growing column of ids: their bytes in flat memory. */
import type { AttributeValue } from '../../../../model/records.ts';
import { hexByteAt } from '../../../../model/text/hex-byte.ts';
import type { Cell } from './column.ts';
import type { CellForm, Meter } from './growing-cells.ts';
import { IdRows } from './id-rows.ts';

const ID_LENGTH_MAX = 64;
const ID_BYTES_MIN = 8;

/** Ids of lower-case hexadecimal digits, all of one even length, as their bytes. An id of zeros does not fit: it is no value. */
export class IdCells implements CellForm {
  readonly #meter: Meter;
  #bytes = Buffer.alloc(0);
  /** Bytes of an id; 0 before the first. */
  #width = 0;

  constructor(meter: Meter) {
    this.#meter = meter;
  }

  set(row: number, value: AttributeValue): boolean {
    if (typeof value !== 'string') return false;
    const width = value.length / 2;
    if (this.#width !== 0 ? width !== this.#width : !Number.isInteger(width) || width < 4 || width > ID_LENGTH_MAX)
      return false;
    const from = row * width;
    if (from + width > this.#bytes.length) this.#grow(from + width);
    let any = 0;
    for (let at = 0; at < width; at += 1) {
      const byte = hexByteAt(value, at * 2);
      if (byte < 0) {
        this.#bytes.fill(0, from, from + width);
        return false;
      }
      any |= byte;
      this.#bytes[from + at] = byte;
    }
    if (any === 0) return false;
    this.#width = width;
    return true;
  }

  #grow(length: number): void {
    const larger = Buffer.alloc(Math.max(512, length, this.#bytes.length * 2));
    larger.set(this.#bytes);
    this.#meter.bytes += larger.length - this.#bytes.length;
    this.#bytes = larger;
  }

  at(row: number): Cell {
    const width = this.#width;
    const from = row * width;
    const end = from + width;
    if (width === 0 || end > this.#bytes.length) return undefined;
    for (let at = from; at < end; at += 1) if (this.#bytes[at] !== 0) return this.#bytes.toString('hex', from, end);
    return undefined;
  }

  /** The ids of the rows, in their order; undefined for shorter digits, which are no ids. Rows count from `first`. */
  idsOf(rows: Uint32Array, first: number): IdRows | undefined {
    const width = this.#width;
    if (width < ID_BYTES_MIN) return undefined;
    const [from, bytes] = [this.#bytes, Buffer.alloc(rows.length * width)];
    for (let at = 0; at < rows.length; at += 1) {
      const start = (rows[at] - first) * width;
      // A row before the first or after the last has none.
      if (start < 0 || start + width > from.length) continue;
      for (let byte = 0; byte < width; byte += 1) bytes[at * width + byte] = from[start + byte];
    }
    return new IdRows(width, bytes);
  }
}
