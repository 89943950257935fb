/** A batch over plain records: records in memory, and single records of a live tail, are tested as batches on disk are. */
import { fieldValue } from '../../../model/record-fields.ts';
import type {
  RecordBatch,
  RecordColumn,
  RecordOf,
  RecordPosition,
  RecordSignal,
} from '../../../model/record-source.ts';
import { serviceOf, type AttributeValue, type LogRecord, type SpanRecord } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';

export interface PlacedRecord<S extends RecordSignal> {
  readonly position: RecordPosition;
  readonly record: RecordOf[S];
}

/** The time by which a record is ordered. */
export function recordTime<S extends RecordSignal>(signal: S, record: RecordOf[S]): bigint {
  if (signal !== 'logs') return (record as SpanRecord | RequestRow).startUnixNano;
  const { timeUnixNano, observedUnixNano } = record as LogRecord;
  return timeUnixNano === 0n ? observedUnixNano : timeUnixNano;
}

export function recordService<S extends RecordSignal>(signal: S, record: RecordOf[S]): string {
  return signal === 'requests'
    ? (record as RequestRow).service
    : serviceOf((record as LogRecord | SpanRecord).resource);
}

/** Older first, by time and then by arrival. */
export function comparePositions(a: RecordPosition, b: RecordPosition): number {
  if (a.timeUnixNano !== b.timeUnixNano) return a.timeUnixNano < b.timeUnixNano ? -1 : 1;
  return a.sequence - b.sequence;
}

/** `rows` are of one service and sorted, oldest first; there is at least one. */
export function batchOfRows<S extends RecordSignal>(
  signal: S,
  service: string,
  rows: readonly PlacedRecord<S>[],
): RecordBatch<S> {
  return {
    signal,
    service,
    count: rows.length,
    begin: 0,
    end: rows.length,
    newestUnixNano: rows[rows.length - 1].position.timeUnixNano,
    positionOf: (row) => rows[row].position,
    fields: () => [...new Set(rows.flatMap(({ record }) => attributeNames(signal, record)))],
    column: (field) => columnOf(rows.map(({ record }) => fieldValue(signal, record, field))),
    record: (row) => rows[row].record,
  };
}

function attributeNames<S extends RecordSignal>(signal: S, record: RecordOf[S]): string[] {
  if (signal === 'requests') return [];
  const { attributes, resource } = record as LogRecord | SpanRecord;
  return [...Object.keys(attributes), ...Object.keys(resource.attributes)];
}

function columnOf(values: readonly (AttributeValue | undefined)[]): RecordColumn | undefined {
  const first = values[0];
  if (values.every((value) => value === first)) return first === undefined ? undefined : { kind: 'same', value: first };
  return { kind: 'values', at: (row) => values[row] };
}
