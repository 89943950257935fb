/** A record store in a directory of its own, and what a search reads from it. */
import { isDeepStrictEqual } from 'node:util';
import { fieldValue } from '../../../../src/model/record-fields.ts';
import type {
  RecordBatch,
  RecordOf,
  RecordPosition,
  RecordScan,
  RecordSignal,
  RecordSource,
} from '../../../../src/model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../../../src/model/records.ts';
import { cellAt } from '../../../../src/monitor/store/records/columns/column.ts';
import { openRecordStore } from '../../../../src/monitor/store/records/open-record-store.ts';
import type { RecordStoreOptions } from '../../../../src/monitor/store/records/options.ts';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { ManualClock } from '../store-fixture.ts';

export const NOW = Date.UTC(2026, 10, 20, 12);

export function openTestRecords(dir: string, options: Partial<RecordStoreOptions> = {}): RecordStore {
  return openRecordStore({ dir, clock: new ManualClock(NOW), minFreeBytes: 0, ...options });
}

export interface Found<S extends RecordSignal> {
  readonly position: RecordPosition;
  readonly record: RecordOf[S];
}

/** All records of the scan, newest first, as a search merges them; checks what the port promises on the way. */
export async function found<S extends RecordSignal>(
  source: RecordSource,
  scan: Partial<RecordScan> & { readonly signal: S },
): Promise<Found<S>[]> {
  const rows: Found<S>[] = [];
  let bound: bigint | undefined;
  for await (const batch of source.scan({ fromMs: -Infinity, toMs: Infinity, ...scan })) {
    if (bound !== undefined && batch.newestUnixNano > bound) throw new Error('the bound of the batches rose');
    bound = batch.newestUnixNano;
    checkBatch(batch);
    for (let row = batch.begin; row < batch.end; row += 1)
      rows.push({ position: batch.positionOf(row), record: batch.record(row) });
  }
  return rows.sort((a, b) => {
    const [x, y] = [a.position, b.position];
    if (x.timeUnixNano === y.timeUnixNano) return y.sequence - x.sequence;
    return x.timeUnixNano < y.timeUnixNano ? 1 : -1;
  });
}

function checkBatch<S extends RecordSignal>(batch: RecordBatch<S>): void {
  for (let row = batch.begin; row < batch.end; row += 1) {
    const { timeUnixNano, sequence } = batch.positionOf(row);
    if (timeUnixNano > batch.newestUnixNano) throw new Error('a row is newer than its batch');
    if (row === batch.begin) continue;
    const before = batch.positionOf(row - 1);
    if (before.timeUnixNano > timeUnixNano || (before.timeUnixNano === timeUnixNano && before.sequence >= sequence))
      throw new Error('rows are not in order');
  }
}

/** Fields whose column gives another value than the record itself. */
export function wrongFields<S extends RecordSignal>(batch: RecordBatch<S>, fields: readonly string[]): string[] {
  return fields.filter((field) => {
    const column = batch.column(field);
    for (let row = batch.begin; row < batch.end; row += 1) {
      const [given, wanted] = [cellAt(column, row), fieldValue(batch.signal, batch.record(row), field)];
      if (!isDeepStrictEqual(structuredClone(given), structuredClone(wanted))) return true;
    }
    return false;
  });
}

let next = 0;

export function line(ms: number, given: Partial<LogRecord> & { readonly service?: string } = {}): LogRecord {
  const { service = 'shop', ...rest } = given;
  const time = BigInt(Math.round(ms * 1000)) * 1000n;
  next += 1;
  return {
    timeUnixNano: time,
    observedUnixNano: time,
    severityNumber: 9,
    severityText: 'info',
    body: 'request completed',
    attributes: { n: next, 'http.route': '/a' },
    traceId: '',
    spanId: '',
    resource: { attributes: { 'service.name': service } },
    scope: { name: '', version: '' },
    ...rest,
  };
}

export function span(traceId: string, ms: number, given: Partial<SpanRecord> = {}): SpanRecord {
  const { resource, scope } = line(ms);
  const startUnixNano = BigInt(ms) * 1_000_000n;
  return {
    traceId: traceId.padStart(32, '0'),
    spanId: traceId.padStart(16, '0'),
    parentSpanId: '',
    name: 'GET /a',
    kind: 'server',
    startUnixNano,
    endUnixNano: startUnixNano + 5_000_000n,
    status: 'unset',
    statusMessage: '',
    attributes: {},
    events: [],
    links: [],
    resource,
    scope,
    ...given,
  };
}
