/** A source of records over plain arrays: the reference that the store is compared with, and a stand-in for it. */
import type { LogSink, SpanSink } from '../../../src/model/ports.ts';
import type {
  RecordBatch,
  RecordEraser,
  RecordOf,
  RecordPosition,
  RecordRun,
  RecordScan,
  RecordSignal,
  RecordSource,
  RecordStats,
  SignalStats,
} from '../../../src/model/record-source.ts';
import { serviceOf, type LogRecord, type SpanRecord } from '../../../src/model/records.ts';
import { batchOfRows } from '../../../src/monitor/store/recent/record-rows.ts';
import type { RequestRow } from '../../../src/model/request-row.ts';

export function timeOf<S extends RecordSignal>(signal: S, record: RecordOf[S]): bigint {
  if (signal !== 'logs') return (record as SpanRecord | RequestRow).startUnixNano;
  const { timeUnixNano, observedUnixNano } = record as LogRecord;
  return timeUnixNano === 0n ? observedUnixNano : timeUnixNano;
}

const serviceOfRecord = <S extends RecordSignal>(signal: S, record: RecordOf[S]): string =>
  signal === 'requests' ? (record as RequestRow).service : serviceOf((record as LogRecord | SpanRecord).resource);

interface Placed<S extends RecordSignal> {
  readonly position: RecordPosition;
  readonly record: RecordOf[S];
}

const order = (a: RecordPosition, b: RecordPosition): number =>
  a.timeUnixNano === b.timeUnixNano ? a.sequence - b.sequence : Number(a.timeUnixNano - b.timeUnixNano);

export class ArrayRecords implements RecordSource, RecordEraser {
  readonly #records: { [S in RecordSignal]: Placed<S>[] } = { logs: [], traces: [], requests: [] };
  readonly #batchRows: number;
  #next = 1;

  constructor(batchRows = 100) {
    this.#batchRows = batchRows;
  }

  /** The lines as a sink takes them. */
  readonly logSink: LogSink = {
    append: (records) => {
      const first = this.#next;
      this.add('logs', records);
      return { accepted: records.length, rejected: [], numberOf: (at) => first + at };
    },
  };

  readonly spanSink: SpanSink = {
    append: (records) => {
      this.add('traces', records);
      return { accepted: records.length, rejected: [] };
    },
  };

  add<S extends RecordSignal>(signal: S, records: readonly RecordOf[S][]): void {
    for (const record of records) {
      const position = { timeUnixNano: timeOf(signal, record), sequence: this.#next };
      this.#next += 1;
      this.#records[signal].push({ position, record });
    }
  }

  scan<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S> {
    const batches = this.#batches(scan);
    const progress = { records: 0, bytes: 0, batches: 0, skippedBatches: 0, lostRecords: 0, reachedMs: Infinity };
    return {
      progress,
      async *[Symbol.asyncIterator]() {
        for (const batch of batches) {
          if (scan.abort?.aborted === true) return;
          progress.reachedMs = Number(batch.newestUnixNano / 1_000_000n);
          progress.batches += 1;
          progress.records += batch.count;
          yield batch;
        }
        progress.reachedMs = scan.fromMs;
      },
    };
  }

  #batches<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordBatch<S>[] {
    const byService = new Map<string, Placed<S>[]>();
    for (const placed of this.#records[scan.signal] as unknown as Placed<S>[]) {
      const service = serviceOfRecord(scan.signal, placed.record);
      if (scan.services !== undefined && !scan.services.includes(service)) continue;
      const rows = byService.get(service) ?? [];
      if (inRange(scan, placed.position)) rows.push(placed);
      byService.set(service, rows);
    }
    const batches: RecordBatch<S>[] = [];
    for (const [service, rows] of byService) {
      rows.sort((a, b) => order(a.position, b.position));
      for (let at = 0; at < rows.length; at += this.#batchRows)
        batches.push(batchOfRows(scan.signal, service, rows.slice(at, at + this.#batchRows)));
    }
    return batches.sort((a, b) => Number(b.newestUnixNano - a.newestUnixNano));
  }

  services(signal: RecordSignal): readonly string[] {
    const records = this.#records[signal] as readonly Placed<RecordSignal>[];
    return [...new Set(records.map(({ record }) => serviceOfRecord(signal, record)))].sort();
  }

  missing(): { rows: number; exact: boolean } {
    return { rows: 0, exact: true };
  }

  stats(): RecordStats {
    const of = (signal: RecordSignal): SignalStats => ({
      records: this.#records[signal].length,
      diskBytes: 0,
      memoryRecords: this.#records[signal].length,
      memoryBytes: 0,
      oldestMs: undefined,
      lostRecords: 0,
      services: [],
    });
    return { logs: of('logs'), traces: of('traces'), requests: of('requests') };
  }

  async erase<S extends RecordSignal>(
    scan: RecordScan & { readonly signal: S },
    chosen: (batch: RecordBatch<S>) => readonly number[],
    dryRun: boolean,
  ): Promise<number> {
    const gone = new Set<number>();
    for (const batch of this.#batches(scan)) {
      for (const row of chosen(batch)) gone.add(batch.positionOf(row).sequence);
    }
    const records = this.#records[scan.signal] as unknown as Placed<S>[];
    if (!dryRun) records.splice(0, Infinity, ...records.filter(({ position }) => !gone.has(position.sequence)));
    return gone.size;
  }
}

/** Exact: a double of milliseconds since 1970 rounds to about 240 ns. */
function isAtOrAfter(timeUnixNano: bigint, ms: number): boolean {
  const whole = Number(timeUnixNano / 1_000_000n);
  const begin = Math.floor(ms);
  return whole === begin ? Number(timeUnixNano % 1_000_000n) / 1e6 >= ms - begin : whole > begin;
}

function inRange({ fromMs, toMs, before }: RecordScan, position: RecordPosition): boolean {
  const isFrom = (ms: number): boolean => isAtOrAfter(position.timeUnixNano, ms);
  return isFrom(fromMs) && !isFrom(toMs) && (before === undefined || order(position, before) < 0);
}
