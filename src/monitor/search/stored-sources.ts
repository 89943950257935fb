/** Lines and single traces from the store of records, for callers that ask by fixed conditions and not with a filter. */
import { attributeText } from '../../model/attribute-text.ts';
import type { LogQuery, LogSource, SpanSource, TraceQuery, TraceSummary } from '../../model/ports.ts';
import { attributeAt } from '../../model/record-fields.ts';
import { comparePositions, type PlacedRecord } from '../store/recent/record-rows.ts';
import type { RecordColumn, RecordSource } from '../../model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../model/records.ts';

const MAX_SPANS = 20_000;
const WHOLE_ID = /^[0-9a-f]{32}$/;

export class StoredLogs implements LogSource {
  readonly #records: RecordSource;

  constructor(records: RecordSource) {
    this.#records = records;
  }

  async search(query: LogQuery): Promise<LogRecord[]> {
    const { service, traceId, fromMs = -Infinity, toMs = Infinity, limit } = query;
    const run = this.#records.scan({
      signal: 'logs',
      fromMs,
      toMs: toMs + 1,
      services: service === undefined ? undefined : [service],
      ids: traceId === undefined ? [] : [[traceId]],
    });
    const accepts = testOf(query);
    const found: PlacedRecord<'logs'>[] = [];
    for await (const batch of run) {
      // Later batches have nothing newer: when enough matches are newer than this one, they are the result.
      if (found.filter(({ position }) => position.timeUnixNano > batch.newestUnixNano).length >= limit) break;
      // The column alone says which records are of the trace: a record is decoded only when it is one of them.
      const ids = traceId === undefined ? undefined : batch.column('trace');
      for (let row = batch.end - 1; row >= batch.begin; row -= 1) {
        if (traceId !== undefined && textAt(ids, row) !== traceId) continue;
        const record = batch.record(row);
        if (accepts(record)) found.push({ position: batch.positionOf(row), record });
      }
      found.sort((a, b) => comparePositions(b.position, a.position));
      found.length = Math.min(found.length, limit);
    }
    return found.map(({ record }) => record);
  }
}

function testOf({
  traceId,
  minSeverity = 0,
  attribute,
  text,
  toMs = Infinity,
}: LogQuery): (record: LogRecord) => boolean {
  const wanted = text?.toLowerCase() ?? '';
  return (record) => {
    if (traceId !== undefined && record.traceId !== traceId) return false;
    if (record.severityNumber < minSeverity || Number(record.timeUnixNano / 1_000_000n) > toMs) return false;
    if (attribute !== undefined) {
      const value = attributeAt(record.attributes, attribute.name);
      if (value === undefined || attributeText(value) !== attribute.value) return false;
    }
    if (wanted === '') return true;
    const values = [record.body, ...Object.values(record.attributes)];
    return values.some((value) => attributeText(value).toLowerCase().includes(wanted));
  };
}

/** The list of recent traces is in memory; the spans of one trace are in the store. */
export class StoredSpans implements SpanSource {
  readonly #records: RecordSource;
  readonly #recent: SpanSource;

  constructor(records: RecordSource, recent: SpanSource) {
    this.#records = records;
    this.#recent = recent;
  }

  find(query: TraceQuery): readonly TraceSummary[] | Promise<readonly TraceSummary[]> {
    return this.#recent.find(query);
  }

  /** By start. A span that was sent twice is there once. */
  async trace(traceId: string): Promise<readonly SpanRecord[]> {
    if (!WHOLE_ID.test(traceId)) return this.#recent.trace(traceId);
    const spans = new Map<string, SpanRecord>();
    const run = this.#records.scan({ signal: 'traces', fromMs: -Infinity, toMs: Infinity, ids: [[traceId]] });
    for await (const batch of run) {
      const ids = batch.column('trace');
      for (let row = batch.begin; row < batch.end && spans.size < MAX_SPANS; row += 1) {
        if (textAt(ids, row) !== traceId) continue;
        const span = batch.record(row);
        spans.set(`${span.spanId} ${span.kind}`, span);
      }
    }
    return [...spans.values()].sort((a, b) => Number(a.startUnixNano - b.startUnixNano));
  }
}

function textAt(column: RecordColumn | undefined, row: number): unknown {
  if (column === undefined || column.kind === 'numbers') return undefined;
  if (column.kind === 'same') return column.value;
  return column.kind === 'dictionary' ? column.values[column.codes[row]] : column.at(row);
}
