/** Writes a column of ids from their bytes. What it writes is what `writeColumn` writes for the same ids as texts. */
import type { ByteWriter } from '../../codec/bytes.ts';
import { GAPS, TEXTS } from './column-forms.ts';
import type { Cell } from './column.ts';
import { isTooVaried, writeColumn } from './column-writer.ts';
import { IdTable, type IdRows } from './id-rows.ts';
import { DIGITS, DIGITS_LENGTH_MAX, SAMPLE } from './text-column.ts';

/** At least one row must have an id. */
export function writeIdColumn(writer: ByteWriter, ids: IdRows): void {
  const { count, width, bytes } = ids;
  const rows = presentRows(ids);
  if (width * 2 > DIGITS_LENGTH_MAX || !digitsDiffer(ids, rows) || !areVaried(ids)) {
    // Few or similar ids have denser forms.
    const cells: Cell[] = Array.from({ length: count }, (_, row) => ids.textAt(row));
    writeColumn(writer, cells);
    return;
  }
  if (rows.length < count) writeGaps(writer, ids, rows.length);
  writer.u8(TEXTS);
  writer.u8(DIGITS);
  writer.u8(width * 2);
  // No place is the same in all texts.
  writer.bytes(new Uint8Array(width * 2));
  if (rows.length === count) writer.bytes(bytes);
  else for (const row of rows) writer.bytes(bytes.subarray(row * width, (row + 1) * width));
}

function presentRows(ids: IdRows): Uint32Array {
  const rows = new Uint32Array(ids.count);
  let present = 0;
  for (let row = 0; row < ids.count; row += 1) if (ids.has(row)) rows[present++] = row;
  return rows.subarray(0, present);
}

function writeGaps(writer: ByteWriter, ids: IdRows, present: number): void {
  const bits = new Uint8Array(Math.ceil(ids.count / 8));
  for (let row = 0; row < ids.count; row += 1) if (ids.has(row)) bits[row >> 3] |= 1 << (row & 7);
  writer.u8(GAPS);
  writer.bytes(bits);
  writer.varint(present);
}

/** Whether the ids are too many for a dictionary. */
function areVaried(ids: IdRows): boolean {
  const table = new IdTable(ids);
  let [distinct, gap] = [0, false];
  for (let row = 0; row < ids.count; row += 1) {
    const isGap = !ids.has(row);
    const isNew = isGap ? !gap : table.firstOf(row) === row;
    gap ||= isGap;
    if (!isNew) continue;
    if (isTooVaried('string', distinct, row, ids.count)) return true;
    distinct += 1;
  }
  return false;
}

/** Whether the first ids differ at each digit. */
function digitsDiffer({ bytes, width }: IdRows, rows: Uint32Array): boolean {
  const [first, ...others] = rows.subarray(0, SAMPLE);
  for (let at = 0; at < width; at += 1) {
    const mine = bytes[first * width + at];
    let differing = 0;
    for (const row of others) differing |= bytes[row * width + at] ^ mine;
    if ((differing & 0xf0) === 0 || (differing & 0x0f) === 0) return false;
  }
  return true;
}
