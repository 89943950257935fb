/**
 * Log records in memory: the newest, bounded in number and bytes (an estimate by text lengths), with an index by trace id.
 * When full, the oldest go, and are counted. Order is that of arrival, which is what "newest" means in a tail.
 */
import type { AppendResult, LogQuery, LogSink, LogSource } from '../../model/joints.ts';
import { serviceOf } from '../../model/records.ts';
import type { LogRecord } from '../../model/records.ts';
import { attributeText, attributesBytes } from './attribute-search.ts';

export interface MemoryLogsOptions {
  readonly maxBytes: number;
  readonly maxRecords: number;
}

export const MEMORY_LOGS_DEFAULTS: MemoryLogsOptions = { maxBytes: 64 * 1024 * 1024, maxRecords: 100_000 };

const RECORD_BYTES = 250;

function recordBytes(record: LogRecord): number {
  const body = typeof record.body === 'string' ? record.body.length : attributeText(record.body).length;
  return RECORD_BYTES + body + attributesBytes(record.attributes);
}

const timeMs = (record: LogRecord): number =>
  Number((record.timeUnixNano === 0n ? record.observedUnixNano : record.timeUnixNano) / 1_000_000n);

export class MemoryLogs implements LogSink, LogSource {
  readonly #options: MemoryLogsOptions;
  /** Ring; a record's number modulo its length is its place. */
  readonly #ring: (LogRecord | undefined)[];
  readonly #sizes: Uint32Array;
  /** Numbers of a trace's records, rising. */
  readonly #byTrace = new Map<string, number[]>();
  #first = 0;
  #next = 0;
  #bytes = 0;
  #evicted = 0;

  constructor(options: MemoryLogsOptions) {
    this.#options = options;
    this.#ring = Array.from({ length: options.maxRecords });
    this.#sizes = new Uint32Array(options.maxRecords);
  }

  get stats(): { records: number; sizeBytes: number; evictedRecords: number } {
    return { records: this.#next - this.#first, sizeBytes: this.#bytes, evictedRecords: this.#evicted };
  }

  append(records: readonly LogRecord[]): AppendResult {
    let tooLarge = 0;
    for (const record of records) {
      const size = recordBytes(record);
      if (size > this.#options.maxBytes) tooLarge += 1;
      else this.#add(record, size);
    }
    const message = `a log record is larger than the ${this.#options.maxBytes} bytes that all records may take`;
    return {
      accepted: records.length - tooLarge,
      rejected: tooLarge === 0 ? [] : [{ reason: 'invalid', count: tooLarge, message }],
    };
  }

  /** Newest first, at most `limit`. Text is looked for in body and attributes without regard to case. */
  search(query: LogQuery): LogRecord[] {
    const accepts = testOf(query);
    const found: LogRecord[] = [];
    const numbers = query.traceId === undefined ? this.#all() : (this.#byTrace.get(query.traceId) ?? []).toReversed();
    for (const number of numbers) {
      if (found.length >= query.limit) break;
      const record = this.#ring[number % this.#ring.length];
      if (record !== undefined && accepts(record)) found.push(record);
    }
    return found;
  }

  *#all(): Generator<number> {
    for (let number = this.#next - 1; number >= this.#first; number -= 1) yield number;
  }

  #add(record: LogRecord, size: number): void {
    while (this.#next - this.#first >= this.#options.maxRecords || this.#bytes + size > this.#options.maxBytes) {
      this.#dropOldest();
    }
    const at = this.#next % this.#ring.length;
    this.#ring[at] = record;
    this.#sizes[at] = size;
    this.#bytes += size;
    if (record.traceId !== '') {
      const numbers = this.#byTrace.get(record.traceId);
      if (numbers === undefined) this.#byTrace.set(record.traceId, [this.#next]);
      else numbers.push(this.#next);
    }
    this.#next += 1;
  }

  #dropOldest(): void {
    const at = this.#first % this.#ring.length;
    const traceId = this.#ring[at]?.traceId ?? '';
    const numbers = this.#byTrace.get(traceId);
    if (numbers !== undefined) {
      numbers.shift();
      if (numbers.length === 0) this.#byTrace.delete(traceId);
    }
    this.#ring[at] = undefined;
    this.#bytes -= this.#sizes[at];
    this.#first += 1;
    this.#evicted += 1;
  }
}

function testOf(query: LogQuery): (record: LogRecord) => boolean {
  const { service, attribute, minSeverity = 0, fromMs = -Infinity, toMs = Infinity } = query;
  const text = query.text?.toLowerCase();
  const tests: ((record: LogRecord) => boolean)[] = [];
  if (minSeverity > 0) tests.push(({ severityNumber }) => severityNumber >= minSeverity);
  if (service !== undefined) tests.push(({ resource }) => serviceOf(resource) === service);
  if (fromMs !== -Infinity || toMs !== Infinity) {
    tests.push((record) => timeMs(record) >= fromMs && timeMs(record) <= toMs);
  }
  if (attribute !== undefined) {
    const { name, value } = attribute;
    tests.push(({ attributes }) => Object.hasOwn(attributes, name) && attributeText(attributes[name]) === value);
  }
  if (text !== undefined && text !== '') {
    const inText = (value: string): boolean => value.toLowerCase().includes(text);
    tests.push(
      ({ body, attributes }) =>
        inText(attributeText(body)) || Object.keys(attributes).some((name) => inText(attributeText(attributes[name]))),
    );
  }
  return (record) => tests.every((test) => test(record));
}
