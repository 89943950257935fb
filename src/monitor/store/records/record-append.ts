/** What an append writes: the records that can be kept, with their numbers, and one write-ahead row. */
import type { AppendResult, Rejection } from '../../../model/ports.ts';
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import { serviceOf, type LogRecord, type SpanRecord } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { RECORD_BYTES_MAX } from './options.ts';
import { memoryBytesOf, type Entering } from './pending.ts';
import { encodeWal } from './wal-codec.ts';

interface Append<S extends RecordSignal> {
  readonly entering: readonly Entering<S>[];
  readonly data: Uint8Array;
  readonly result: AppendResult;
}

/** `first` is the number of the first record. */
export function prepareAppend<S extends RecordSignal>(
  signal: S,
  given: readonly RecordOf[S][],
  first: number,
): Append<S> {
  const rejected: Rejection[] = [];
  let records = given;
  const refuse = (fit: readonly RecordOf[S][], message: string): void => {
    if (fit.length < records.length) rejected.push({ reason: 'invalid', count: records.length - fit.length, message });
    records = fit;
  };
  if (signal === 'traces') refuse(records.filter(hasIds), 'a span has no trace id or no span id');
  let { data, lengths } = encoded(signal, records, first);
  const fit = records.filter((_, at) => lengths[at] <= RECORD_BYTES_MAX);
  if (fit.length < records.length) {
    refuse(fit, `a record is larger than ${RECORD_BYTES_MAX} bytes`);
    ({ data, lengths } = encoded(signal, records, first));
  }
  return {
    entering: records.map((record, at) => enteringOf(signal, record, first + at, lengths[at])),
    data,
    result: { accepted: records.length, rejected },
  };
}

const hasIds = (span: unknown): boolean => (span as SpanRecord).traceId !== '' && (span as SpanRecord).spanId !== '';

function encoded<S extends RecordSignal>(
  signal: S,
  records: readonly RecordOf[S][],
  first: number,
): ReturnType<typeof encodeWal> {
  return encodeWal(signal, { records, sequences: records.map((_, at) => first + at) });
}

/** `length`: of the record's text. */
export function enteringOf<S extends RecordSignal>(
  signal: S,
  record: RecordOf[S],
  sequence: number,
  length: number,
): Entering<S> {
  const service =
    signal === 'requests' ? (record as RequestRow).service : serviceOf((record as LogRecord | SpanRecord).resource);
  return { service, record, sequence, sizeBytes: memoryBytesOf(length) };
}
