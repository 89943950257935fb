/** A batch on disk as a search reads it. */
import type { RecordBatch, RecordPosition, RecordScan, RecordSignal } from '../../../model/record-source.ts';
import type { BatchReader } from './columns/batch-reader.ts';
import { timeAt } from './columns/times.ts';
import { fieldReading } from './field-columns.ts';
import { rowRange } from './row-range.ts';

export interface Extent {
  readonly firstMs: number;
  readonly lastMs: number;
}

/** Undefined when no row is in the scan's range. Throws RangeError when the batch cannot be read at all. */
export function storedBatch<S extends RecordSignal>(
  signal: S,
  service: string,
  reader: BatchReader<S>,
  extent: Extent,
  scan: RecordScan,
): RecordBatch<S> | undefined {
  const { rows } = reader;
  reader.checkPositions();
  const positionOf = (row: number): RecordPosition => ({
    timeUnixNano: timeAt(reader.column('.t'), reader.column('.tn'), row),
    sequence: reader.sequences()[row],
  });
  const { begin, end } = isInside(extent, scan) ? { begin: 0, end: rows } : rowRange(scan, rows, positionOf);
  if (begin === end) return undefined;
  return {
    signal,
    service,
    count: rows,
    begin,
    end,
    newestUnixNano: newestOf(extent, scan),
    positionOf,
    ...fieldReading(signal, service, reader),
  };
}

function isInside({ firstMs, lastMs }: Extent, { fromMs, toMs, before }: RecordScan): boolean {
  const cursorMs = before === undefined ? Infinity : Number(before.timeUnixNano / 1_000_000n) - 1;
  return firstMs >= fromMs && lastMs < toMs && lastMs < cursorMs;
}

/** An upper bound, as sorting of candidates uses it. */
export function newestMsOf({ lastMs }: Pick<Extent, 'lastMs'>, { toMs, before }: RecordScan): number {
  const cursorMs = before === undefined ? Infinity : Number(before.timeUnixNano / 1_000_000n) + 1;
  return Math.min(lastMs, toMs, cursorMs);
}

export function newestOf(extent: Pick<Extent, 'lastMs'>, scan: RecordScan): bigint {
  return BigInt(Math.ceil(newestMsOf(extent, scan))) * 1_000_000n;
}
