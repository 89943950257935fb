/** Figures of the record store: what it holds, by signal, service and field. */
import { RECORD_SIGNALS, type RecordSignal, type RecordStats, type SignalStats } from '../../../model/record-source.ts';
import { databaseBytes } from '../disk/day-files.ts';
import { kindsOf, type RecordFiles } from './disk/record-files.ts';
import type { RecordFlush } from './record-flush.ts';
import type { PendingSignals } from './pending.ts';

interface FigureParts {
  readonly files: RecordFiles;
  readonly pending: PendingSignals;
  readonly lost: Readonly<Record<RecordSignal, number>>;
}

interface ServiceSum {
  records: number;
  bytes: number;
}

export function recordStats(parts: FigureParts): RecordStats {
  return Object.fromEntries(
    RECORD_SIGNALS.map((signal) => [signal, signalStats(parts, signal)]),
  ) as unknown as RecordStats;
}

function signalStats({ files, pending, lost }: FigureParts, signal: RecordSignal): SignalStats {
  const services = new Map<string, ServiceSum>();
  const sumOf = (service: string): ServiceSum => {
    const sum = services.get(service) ?? { records: 0, bytes: 0 };
    services.set(service, sum);
    return sum;
  };
  let records = 0;
  let diskBytes = 0;
  let oldestMs: number | undefined;
  for (const known of files.list(kindsOf(signal))) {
    diskBytes += databaseBytes(known.path);
    for (const { service, rows, sizeBytes, firstMs } of files.entries(known)) {
      const sum = sumOf(service);
      sum.records += rows;
      sum.bytes += sizeBytes;
      records += rows;
      oldestMs = Math.min(oldestMs ?? Infinity, firstMs);
    }
  }
  for (const { service, rows } of pending[signal].groups()) sumOf(service).records += rows.count;
  const { rows: memoryRecords, bytes: memoryBytes } = pending[signal];
  return {
    records: records + memoryRecords,
    diskBytes,
    memoryRecords,
    memoryBytes,
    oldestMs,
    lostRecords: lost[signal],
    services: [...services].map(([service, sum]) => ({ service, ...sum })),
  };
}

/** Names of services with records in the range, sorted. */
export function servicesIn(
  signal: RecordSignal,
  { files, flush }: { readonly files: RecordFiles; readonly flush: RecordFlush },
  fromMs: number,
  toMs: number,
): string[] {
  const names = new Set<string>();
  const note = (service: string, firstMs: number, lastMs: number): void => {
    if (lastMs >= fromMs && firstMs < toMs) names.add(service);
  };
  for (const view of flush.memory(signal, undefined)) note(view.service, view.extent.firstMs, view.extent.lastMs);
  for (const { batch } of flush.undelivered(signal)) note(batch.service, batch.firstMs, batch.lastMs);
  for (const known of files.list(kindsOf(signal))) {
    for (const { service, firstMs, lastMs } of files.entries(known)) note(service, firstMs, lastMs);
  }
  return [...names].sort();
}
