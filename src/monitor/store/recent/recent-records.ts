/**
 * The recent lines and spans in memory as a source of records. It sorts the numbers of the records in the range, and unpacks
 * a batch at a time, so a search with few results unpacks little.
 */
import { batchOfRows, comparePositions, recordService, recordTime, type PlacedRecord } from './record-rows.ts';
import type {
  RecordBatch,
  RecordOf,
  RecordRun,
  RecordScan,
  RecordSignal,
  RecordSource,
  RecordStats,
  SignalStats,
} from '../../../model/record-source.ts';
import type { MemoryLogs } from './memory-logs.ts';
import type { MemorySpans } from './memory-spans.ts';

const BATCH_LINES = 1_000;
const BATCH_TRACES = 200;

export class RecentRecords implements RecordSource {
  readonly #logs: MemoryLogs;
  readonly #spans: MemorySpans;

  constructor(logs: MemoryLogs, spans: MemorySpans) {
    this.#logs = logs;
    this.#spans = spans;
  }

  scan<S extends RecordSignal>(scan: RecordScan & { readonly signal: S }): RecordRun<S> {
    const chunks = this.#chunks(scan) as Generator<Chunk<S>>;
    const progress = { records: 0, bytes: 0, batches: 0, skippedBatches: 0, lostRecords: 0, reachedMs: scan.toMs };
    return {
      progress,
      async *[Symbol.asyncIterator]() {
        for (const { rows, newestUnixNano } of chunks) {
          if (scan.abort?.aborted === true) return;
          progress.reachedMs = Number(newestUnixNano / 1_000_000n) + 1;
          for (const batch of batchesOf(scan, rows)) {
            progress.batches += 1;
            progress.records += batch.count;
            yield { ...batch, newestUnixNano };
          }
          // A search must not hold up the page and the rules.
          await new Promise(setImmediate);
        }
        progress.reachedMs = scan.fromMs;
      },
    };
  }

  *#chunks({ signal, fromMs, toMs }: RecordScan): Generator<Chunk<'logs'> | Chunk<'traces'>> {
    if (signal === 'logs') yield* this.#lines(this.#logs.numbersBetween(fromMs, toMs));
    if (signal === 'traces') yield* this.#traces(this.#spans.tracesBetween(fromMs, toMs));
  }

  /** Lines of one millisecond stay together, because their order is not known before they are unpacked. */
  *#lines(numbers: readonly number[]): Generator<Chunk<'logs'>> {
    for (let from = 0; from < numbers.length;) {
      let to = Math.min(from + BATCH_LINES, numbers.length);
      const lastMs = this.#logs.timeMsOf(numbers[to - 1]);
      while (to < numbers.length && this.#logs.timeMsOf(numbers[to]) === lastMs) to += 1;
      const rows: PlacedRecord<'logs'>[] = [];
      for (const sequence of numbers.slice(from, to)) {
        const record = this.#logs.recordAt(sequence);
        if (record !== undefined) rows.push(placed('logs', record, sequence));
      }
      if (rows.length > 0) yield { rows, newestUnixNano: newestOf(rows) };
      from = to;
    }
  }

  /** Spans of different traces overlap; no span begins after its trace ends, so that end is the bound of a chunk. */
  *#traces(traces: readonly { readonly id: string; readonly endUnixNano: bigint }[]): Generator<Chunk<'traces'>> {
    for (let from = 0; from < traces.length; from += BATCH_TRACES) {
      const rows = traces
        .slice(from, from + BATCH_TRACES)
        .flatMap(({ id }) => this.#spans.numbered(id))
        .map(({ number, span }) => placed('traces', span, number));
      if (rows.length > 0) yield { rows, newestUnixNano: traces[from].endUnixNano };
    }
  }

  services(signal: RecordSignal, fromMs: number, toMs: number): readonly string[] {
    const names = new Set<string>();
    for (const { rows } of this.#chunks({ signal, fromMs, toMs })) {
      for (const { record } of rows) names.add(recordService(signal, record));
    }
    return [...names].sort();
  }

  missing(): { readonly rows: number; readonly exact: boolean } {
    return { rows: 0, exact: true };
  }

  stats(): RecordStats {
    const { records, sizeBytes } = this.#logs.stats;
    const spans = this.#spans.stats;
    return {
      logs: inMemory(records, sizeBytes),
      traces: inMemory(spans.spans, spans.sizeBytes),
      requests: inMemory(0, 0),
    };
  }
}

interface Chunk<S extends RecordSignal> {
  readonly rows: readonly PlacedRecord<S>[];
  /** No later chunk has a newer row. */
  readonly newestUnixNano: bigint;
}

function placed<S extends RecordSignal>(signal: S, record: RecordOf[S], sequence: number): PlacedRecord<S> {
  return { position: { timeUnixNano: recordTime(signal, record), sequence }, record };
}

const newestOf = (rows: readonly PlacedRecord<RecordSignal>[]): bigint =>
  rows.reduce((newest, { position }) => (position.timeUnixNano > newest ? position.timeUnixNano : newest), 0n);

/** The rows in the scan's range by service, each service's oldest first. */
function batchesOf<S extends RecordSignal>(
  scan: RecordScan & { readonly signal: S },
  rows: readonly PlacedRecord<S>[],
): RecordBatch<S>[] {
  const byService = new Map<string, PlacedRecord<S>[]>();
  for (const row of rows) {
    const ms = Number(row.position.timeUnixNano) / 1e6;
    if (ms < scan.fromMs || ms >= scan.toMs) continue;
    if (scan.before !== undefined && comparePositions(row.position, scan.before) >= 0) continue;
    const service = recordService(scan.signal, row.record);
    if (scan.services !== undefined && !scan.services.includes(service)) continue;
    const own = byService.get(service);
    if (own === undefined) byService.set(service, [row]);
    else own.push(row);
  }
  return [...byService].map(([service, own]) =>
    batchOfRows(
      scan.signal,
      service,
      own.sort((a, b) => comparePositions(a.position, b.position)),
    ),
  );
}

function inMemory(records: number, bytes: number): SignalStats {
  return {
    records,
    diskBytes: 0,
    memoryRecords: records,
    memoryBytes: bytes,
    oldestMs: undefined,
    lostRecords: 0,
    services: [],
  };
}
