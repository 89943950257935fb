/** The rows of a sorted batch that a scan asks for. */
import type { RecordPosition, RecordScan } from '../../../model/record-source.ts';

const FAR = 2n ** 80n;

/** Nanoseconds of a time in milliseconds, which may be infinite. */
export function nanosOf(ms: number): bigint {
  if (!Number.isFinite(ms)) return ms > 0 ? FAR : -FAR;
  return BigInt(Math.round(ms * 1000)) * 1000n;
}

export function isBefore(a: RecordPosition, b: RecordPosition): boolean {
  return a.timeUnixNano === b.timeUnixNano ? a.sequence < b.sequence : a.timeUnixNano < b.timeUnixNano;
}

/** The first row for which `isPast` holds; rows that are past come after all others. */
export function firstRow(count: number, isPast: (row: number) => boolean): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (isPast(middle)) high = middle;
    else low = middle + 1;
  }
  return low;
}

export function rowRange(
  { fromMs, toMs, before }: Pick<RecordScan, 'fromMs' | 'toMs' | 'before'>,
  count: number,
  positionOf: (row: number) => RecordPosition,
): { readonly begin: number; readonly end: number } {
  const [from, to] = [nanosOf(fromMs), nanosOf(toMs)];
  const begin = firstRow(count, (row) => positionOf(row).timeUnixNano >= from);
  const end = firstRow(count, (row) => {
    const position = positionOf(row);
    return position.timeUnixNano >= to || (before !== undefined && !isBefore(position, before));
  });
  return { begin, end: Math.max(begin, end) };
}
