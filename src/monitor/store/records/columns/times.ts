/**
 * Times in nanoseconds as two columns: microseconds, which a double holds exactly for the next century, and the nanoseconds
 * below them, which are zero for most senders. Times outside that range are kept as big integers.
 */
import type { RecordColumn } from '../../../../model/record-source.ts';
import { cellAt, type Cell } from './column.ts';
import type { GrowingColumn } from './growing-column.ts';
import type { BatchColumns, Table } from './record-shape.ts';
import { WHOLE_MAX } from './whole-numbers.ts';

const NANOS = 1000n;
const LIMIT = BigInt(WHOLE_MAX) * NANOS;
const WORD = 2 ** 32;
/** A time and its two words: dividing these as doubles is exact here, and far cheaper than dividing big integers. */
const words = new DataView(new ArrayBuffer(8));

/** Adds a time to the two columns. */
export function addTime(table: Pick<Table, 'set'>, name: string, row: number, time: bigint): void {
  if (time >= LIMIT || time <= -LIMIT) {
    table.set(name, row, time, 'numbers');
    return;
  }
  let [micros, below] = [0, 0];
  if (time >= 0n) {
    words.setBigUint64(0, time);
    const high = words.getUint32(0);
    const rest = (high % 1_000) * WORD + words.getUint32(4);
    micros = Math.floor(high / 1_000) * WORD + Math.floor(rest / 1_000);
    below = rest % 1_000;
  } else {
    const whole = time / NANOS;
    micros = Number(whole);
    below = Number(time - whole * NANOS);
  }
  // -0 is not a number that columns give back.
  table.set(name, row, micros + 0, 'numbers');
  if (below !== 0) table.set(`${name}n`, row, below, 'numbers');
}

export function timeOfRow(columns: ReadonlyMap<string, GrowingColumn>, name: string, row: number): bigint {
  const time = columns.get(name)?.at(row);
  if (typeof time === 'bigint') return time;
  return bigintOf(time) * NANOS + bigintOf(columns.get(`${name}n`)?.at(row) ?? 0);
}

/** In a batch, all times are of one kind: when one is a big integer, all are. */
export function finishTimes(columns: BatchColumns, name: string): void {
  const cells = columns.get(name)?.() ?? [];
  const below = columns.get(`${name}n`)?.();
  if (!cells.some((cell) => typeof cell === 'bigint')) {
    columns.set(name, () => cells);
    columns.set(`${name}n`, () => cells.map((_, row) => below?.[row] ?? 0));
    return;
  }
  columns.set(name, () =>
    cells.map((cell, row) => (typeof cell === 'bigint' ? cell : bigintOf(cell) * NANOS + bigintOf(below?.[row] ?? 0))),
  );
  columns.delete(`${name}n`);
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
