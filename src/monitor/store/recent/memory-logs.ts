/**
 * Log records in memory: the newest, each as one flat text (`log-codec.ts`), bounded in number and in the bytes V8 takes.
 * Severity, time, service and trace are tested without unpacking a record; other conditions unpack the records they test.
 * When memory is full, the oldest records are dropped and counted. Records keep their order of arrival.
 */
import type { AppendResult, LogQuery, LogSink, LogSource } from '../../../model/ports.ts';
import { serviceOf } from '../../../model/records.ts';
import type { LogRecord } from '../../../model/records.ts';
import { attributeText } from './attribute-search.ts';
import { packLog, unpackLog } from './log-codec.ts';
import { NameTable, Origins, traceOfValue, type Origin } from '../codec/record-codec.ts';

export interface MemoryLogsOptions {
  readonly maxBytes: number;
  readonly maxRecords: number;
}

export const MEMORY_LOGS_DEFAULTS: MemoryLogsOptions = { maxBytes: 64 * 1024 * 1024, maxRecords: 100_000 };

/** Bytes of a record's entries in the ring buffers. */
const PLACES_BYTES = 32;

const timeMs = (record: LogRecord): number =>
  Number((record.timeUnixNano === 0n ? record.observedUnixNano : record.timeUnixNano) / 1_000_000n);

export class MemoryLogs implements LogSink, LogSource {
  readonly #options: MemoryLogsOptions;
  /** Ring buffers; a record's number modulo their length is its position. */
  readonly #texts: (string | undefined)[];
  readonly #origins: (Origin | undefined)[];
  readonly #sizes: Uint32Array;
  readonly #timesMs: Float64Array;
  readonly #severities: Uint8Array;
  readonly #names = new NameTable();
  readonly #homes = new Origins();
  #first = 0;
  #next = 0;
  #bytes = 0;
  #evicted = 0;

  constructor(options: MemoryLogsOptions) {
    this.#options = options;
    this.#texts = Array.from({ length: options.maxRecords });
    this.#origins = Array.from({ length: options.maxRecords });
    this.#sizes = new Uint32Array(options.maxRecords);
    this.#timesMs = new Float64Array(options.maxRecords);
    this.#severities = new Uint8Array(options.maxRecords);
  }

  get stats(): { records: number; sizeBytes: number; evictedRecords: number } {
    return { records: this.#next - this.#first, sizeBytes: this.#bytes, evictedRecords: this.#evicted };
  }

  append(records: readonly LogRecord[]): AppendResult {
    let tooLarge = 0;
    for (const record of records) {
      if (!this.#add(record)) tooLarge += 1;
    }
    const message = `a log record is larger than the ${this.#options.maxBytes} bytes that all records may take`;
    return {
      accepted: records.length - tooLarge,
      rejected: tooLarge === 0 ? [] : [{ reason: 'invalid', count: tooLarge, message }],
    };
  }

  /** Newest first, at most `limit`. Text is looked for in body and attributes without regard to case. */
  search(query: LogQuery): LogRecord[] {
    const heads = this.#headTest(query);
    const accepts = testOf(query);
    const found: LogRecord[] = [];
    for (let number = this.#next - 1; number >= this.#first && found.length < query.limit; number -= 1) {
      const at = number % this.#texts.length;
      const text = this.#texts[at];
      const origin = this.#origins[at];
      if (text === undefined || origin === undefined || !heads(at, text, origin)) continue;
      const record = unpackLog(text, origin, this.#names);
      if (accepts(record)) found.push(record);
    }
    return found;
  }

  /** A test that needs no unpacking; it may accept records that the full test refuses. */
  #headTest(query: LogQuery): (at: number, text: string, origin: Origin) => boolean {
    const { service, traceId, minSeverity = 0, fromMs = -Infinity, toMs = Infinity, attribute } = query;
    const ofTrace = traceId === undefined ? undefined : JSON.stringify(traceId);
    const ofValue = attribute === undefined ? undefined : traceOfValue(attribute.value);
    return (at, text, { resource }) =>
      this.#severities[at] >= minSeverity &&
      this.#timesMs[at] >= fromMs &&
      this.#timesMs[at] <= toMs &&
      (service === undefined || serviceOf(resource) === service) &&
      (ofTrace === undefined || text.includes(ofTrace)) &&
      (ofValue === undefined || text.includes(ofValue));
  }

  /** False when the record is larger than the whole memory for records. */
  #add(record: LogRecord): boolean {
    const { text, sizeBytes } = packLog(record, this.#names);
    if (sizeBytes > this.#options.maxBytes) return false;
    const { origin, newBytes } = this.#homes.of(record.resource, record.scope);
    const size = sizeBytes + newBytes + PLACES_BYTES;
    while (this.#next - this.#first >= this.#options.maxRecords || this.#bytes + size > this.#options.maxBytes) {
      if (this.#next === this.#first) return false;
      this.#dropOldest();
    }
    const at = this.#next % this.#texts.length;
    this.#texts[at] = text;
    this.#origins[at] = origin;
    this.#sizes[at] = size;
    this.#timesMs[at] = timeMs(record);
    this.#severities[at] = record.severityNumber;
    this.#bytes += size;
    this.#next += 1;
    return true;
  }

  #dropOldest(): void {
    const at = this.#first % this.#texts.length;
    this.#texts[at] = undefined;
    this.#origins[at] = undefined;
    this.#bytes -= this.#sizes[at];
    this.#first += 1;
    this.#evicted += 1;
  }
}

/** The conditions that need the unpacked record. */
function testOf(query: LogQuery): (record: LogRecord) => boolean {
  const { attribute, traceId } = query;
  const text = query.text?.toLowerCase();
  const tests: ((record: LogRecord) => boolean)[] = [];
  if (traceId !== undefined) tests.push((record) => record.traceId === traceId);
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
