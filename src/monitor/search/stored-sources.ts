/** Lines and single traces from the store of records, for callers that ask by fixed conditions and not with a filter. */
import type { Clock } from '../../base/clock.ts';
import { attributeText } from '../../model/attribute-text.ts';
import type { LogQuery, LogSource, SpanSource, TraceQuery, TraceSummary } from '../../model/ports.ts';
import { attributeAt } from '../../model/record-fields.ts';
import { comparePositions, type PlacedRecord } from '../store/recent/record-rows.ts';
import type { RecordColumn, RecordSource } from '../../model/record-source.ts';
import type { LogRecord, SpanRecord } from '../../model/records.ts';
import { idNumber } from '../../model/text/id-numbers.ts';
import type { Condition, Filter, ValueTest } from './filter.ts';
import { traceSummary, searchTraces } from './traces.ts';

const MAX_SPANS = 20_000;
const WHOLE_ID = /^[0-9a-f]{32}$/;
/** How far back traces are looked for whose id is none. */
const RECENT_MS = 600_000;
/** Clocks of senders may be ahead. */
const AHEAD_MS = 60_000;
/** These searches are for a notification or a figure on a page: better without than late. */
const LIMITS = { timeMs: 1_000, bytes: 64 * 1024 ** 2 };

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

const field = (name: string, test: ValueTest): Condition => ({ kind: 'field', field: name, test });
const equal = (name: string, text: string): Condition => field(name, { kind: 'equal', text, folded: false });

function conditionOf({ service, onlyErrors = false, minDurationMs }: TraceQuery): Condition {
  const parts: Condition[] = [];
  if (service !== undefined) parts.push(equal('service', service));
  if (onlyErrors) parts.push(equal('span.status', 'error'));
  if (minDurationMs !== undefined) {
    const to = { kind: 'duration', value: minDurationMs } as const;
    parts.push(field('duration', { kind: 'compare', op: '>=', to }));
  }
  return parts.length === 0 ? { kind: 'all' } : { kind: 'and', parts };
}

export class StoredSpans implements SpanSource {
  readonly #records: RecordSource;
  readonly #clock: Clock;

  constructor(records: RecordSource, clock: Clock) {
    this.#records = records;
    this.#clock = clock;
  }

  async find(query: TraceQuery): Promise<readonly TraceSummary[]> {
    const nowMs = this.#clock.now();
    const filter: Filter = { syntax: { kind: 'all' }, condition: conditionOf(query), nowMs };
    const request = { signal: 'traces', filter, fromMs: query.fromMs, toMs: nowMs + AHEAD_MS, limits: LIMITS } as const;
    const { traces } = await searchTraces(this.#records, request, query.limit, this.#clock);
    return traces.flatMap(({ spans }) => (spans.length === 0 ? [] : [traceSummary(spans)]));
  }

  /** By start. A span that was sent twice is there once. */
  async trace(traceId: string): Promise<readonly SpanRecord[]> {
    const spans = new Map<string, SpanRecord>();
    // The indexes rule nothing out for a text that is no id: then only the newest spans are read.
    const isIndexed = WHOLE_ID.test(traceId) || idNumber(traceId) >= 0;
    const fromMs = isIndexed ? -Infinity : this.#clock.now() - RECENT_MS;
    const run = this.#records.scan({ signal: 'traces', fromMs, toMs: Infinity, ids: [[traceId]] });
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
