/** Ledger rows in memory as a batch: sorted when it is made, read as they are. */
import { fieldValue, REQUEST_FIELDS } from '../../../model/record-fields.ts';
import type {
  RecordBatch,
  RecordColumn,
  RecordOf,
  RecordPosition,
  RecordScan,
  RecordSignal,
} from '../../../model/record-source.ts';
import type { Attributes, LogRecord, SpanRecord } from '../../../model/records.ts';
import { encodeBatch, type EncodedBatch } from './columns/batch-writer.ts';
import { SHAPES } from './columns/record-columns.ts';
import { rowRange } from './row-range.ts';
import { newestOf, type Extent } from './stored-batch.ts';

/** Records in memory as a search reads them and as a batch is made of them. */
export interface MemoryView<S extends RecordSignal> {
  readonly service: string;
  readonly count: number;
  /** Whole milliseconds around the records. */
  readonly extent: Extent;
  /** The rows of the scan; undefined when there is none. */
  batch(scan: RecordScan): RecordBatch<S> | undefined;
  /** Yields between columns. */
  encode(): Generator<undefined, EncodedBatch>;
}

/** The order of rows by position. */
function sortedOrder(times: readonly bigint[], sequences: readonly number[]): number[] {
  const order = times.map((_, at) => at);
  let sorted = true;
  for (let at = 1; at < times.length && sorted; at += 1) {
    sorted = times[at - 1] < times[at] || (times[at - 1] === times[at] && sequences[at - 1] < sequences[at]);
  }
  if (sorted) return order;
  return order.sort((a, b) => {
    if (times[a] === times[b]) return sequences[a] - sequences[b];
    return times[a] < times[b] ? -1 : 1;
  });
}

export class MemoryBatch<S extends RecordSignal> implements MemoryView<S> {
  readonly signal: S;
  readonly service: string;
  readonly count: number;
  readonly #records: readonly RecordOf[S][];
  readonly #times: readonly bigint[];
  readonly #sequences: readonly number[];

  constructor(signal: S, service: string, records: readonly RecordOf[S][], sequences: readonly number[]) {
    this.signal = signal;
    this.service = service;
    this.count = records.length;
    const times = records.map((record) => SHAPES[signal].timeOf(record));
    const order = sortedOrder(times, sequences);
    this.#records = order.map((at) => records[at]);
    this.#times = order.map((at) => times[at]);
    this.#sequences = order.map((at) => sequences[at]);
  }

  encode(): Generator<undefined, EncodedBatch> {
    const { signal, service } = this;
    return encodeBatch({ signal, service, records: this.#records, sequences: this.#sequences });
  }

  get extent(): Extent {
    return {
      firstMs: Number(this.#times[0] / 1_000_000n) - 1,
      lastMs: Number(this.#times[this.count - 1] / 1_000_000n) + 1,
    };
  }

  batch(scan: RecordScan): RecordBatch<S> | undefined {
    const { signal, service, count } = this;
    const positionOf = (row: number): RecordPosition => ({
      timeUnixNano: this.#times[row],
      sequence: this.#sequences[row],
    });
    const { begin, end } = rowRange(scan, count, positionOf);
    if (begin === end) return undefined;
    const records = this.#records;
    return {
      signal,
      service,
      count,
      begin,
      end,
      newestUnixNano: newestOf(this.extent, scan),
      positionOf,
      fields: () => fieldsOf(signal, records),
      column(field): RecordColumn | undefined {
        const values = records.map((record) => fieldValue(signal, record, field));
        return values.some((value) => value !== undefined) ? { kind: 'values', at: (row) => values[row] } : undefined;
      },
      record: (row) => records[row],
    };
  }
}

function fieldsOf<S extends RecordSignal>(signal: S, records: readonly RecordOf[S][]): readonly string[] {
  if (signal === 'requests') return Object.keys(REQUEST_FIELDS);
  const names = new Set<string>();
  for (const { attributes, resource } of records as readonly (LogRecord | SpanRecord)[]) {
    addNames(attributes, '', names);
    for (const name of Object.keys(resource.attributes)) names.add(name);
  }
  return [...names];
}

/** The inner values of maps are fields, as they are columns on disk. */
function addNames(attributes: Attributes, prefix: string, names: Set<string>): void {
  for (const [name, value] of Object.entries(attributes)) {
    const isMap = typeof value === 'object' && value !== null && !Array.isArray(value) && Object.keys(value).length > 0;
    if (isMap) addNames(value as Attributes, `${prefix}${name}.`, names);
    else names.add(prefix + name);
  }
}
