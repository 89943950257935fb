/**
 * Times in nanoseconds as two columns: microseconds, which a double holds exactly for the next century, and the nanoseconds
 * below them, which are zero for most senders. Times outside that range are kept as big integers.
 */
import type { RecordColumn } from '../../../../model/record-source.ts';
import { cellAt, type Cell } from './column.ts';
import type { Cells } from './cells.ts';
import { WHOLE_MAX } from './whole-numbers.ts';

const NANOS = 1000n;
const LIMIT = BigInt(WHOLE_MAX) * NANOS;
const WORD = 2 ** 32;
/** A time and its two words: dividing these as doubles is exact here, and far cheaper than dividing big integers. */
const words = new DataView(new ArrayBuffer(8));

export function setTimes(cells: Cells, name: string, times: readonly bigint[]): void {
  const whole = times.every((time) => time < LIMIT && time > -LIMIT);
  const column = cells.column(name);
  if (!whole) {
    for (let row = 0; row < times.length; row += 1) column[row] = times[row];
    return;
  }
  const below = cells.column(`${name}n`);
  for (let row = 0; row < times.length; row += 1) {
    const time = times[row];
    if (time >= 0n) {
      words.setBigUint64(0, time);
      const high = words.getUint32(0);
      const low = words.getUint32(4);
      const rest = (high % 1_000) * WORD + low;
      column[row] = Math.floor(high / 1_000) * WORD + Math.floor(rest / 1_000);
      below[row] = rest % 1_000;
    } else {
      const micros = time / NANOS;
      column[row] = Number(micros);
      below[row] = Number(time - micros * NANOS);
    }
  }
}

export function timeAt(micros: RecordColumn | undefined, nanos: RecordColumn | undefined, row: number): bigint {
  const time = cellAt(micros, row);
  if (typeof time === 'bigint') return time;
  return bigintOf(time) * NANOS + bigintOf(cellAt(nanos, row) ?? 0);
}

/** Nanoseconds between two times: a number where that is exact. */
export function nanosBetween(from: bigint, to: bigint): number | bigint {
  const between = to - from;
  return between < BigInt(WHOLE_MAX) && between > -BigInt(WHOLE_MAX) ? Number(between) : between;
}

export function bigintOf(cell: Cell): bigint {
  if (typeof cell === 'bigint') return cell;
  if (typeof cell !== 'number' || !Number.isSafeInteger(cell))
    throw new RangeError('a time of a batch is not a number');
  return BigInt(cell);
}
