/** What an append writes: the records that can be kept, with their numbers. */
import type { AppendResult, Rejection } from '../../../model/ports.ts';
import type { RecordOf, RecordSignal } from '../../../model/record-source.ts';
import { serviceOf, type LogRecord, type SpanRecord } from '../../../model/records.ts';
import type { RequestRow } from '../../../model/request-row.ts';
import { RECORD_BYTES_MAX } from './options.ts';
import type { Entering } from './pending.ts';
import type { WalWriter } from './wal/wal-codec.ts';

interface Append<S extends RecordSignal> {
  readonly entering: readonly Entering<S>[];
  readonly result: AppendResult;
}

/** Adds the records to the row that is committed next. `first` is the number of the first record. */
export function prepareAppend<S extends RecordSignal>(
  writer: WalWriter<S>,
  given: readonly RecordOf[S][],
  first: number,
): Append<S> {
  const { signal } = writer;
  const entering: Entering<S>[] = [];
  /** Places in `given`, rising. */
  const refusedAt: number[] = [];
  let withoutIds = 0;
  for (const [at, record] of given.entries()) {
    if (signal === 'traces' && !hasIds(record as SpanRecord)) {
      withoutIds += 1;
      refusedAt.push(at);
      continue;
    }
    const sequence = first + entering.length;
    const length = writer.add(record, sequence, RECORD_BYTES_MAX);
    if (length > RECORD_BYTES_MAX) refusedAt.push(at);
    else entering.push(enteringOf(signal, record, sequence, length));
  }
  const rejected: Rejection[] = [];
  const refuse = (count: number, message: string): void => {
    if (count > 0) rejected.push({ reason: 'invalid', count, message });
  };
  refuse(withoutIds, 'a span has no trace id or no span id');
  refuse(refusedAt.length - withoutIds, `a record is larger than ${RECORD_BYTES_MAX} bytes`);
  const numberOf = (at: number): number | undefined =>
    refusedAt.includes(at) ? undefined : first + at - refusedAt.filter((refused) => refused < at).length;
  return { entering, result: { accepted: entering.length, rejected, numberOf } };
}

const hasIds = ({ traceId, spanId }: SpanRecord): boolean => traceId !== '' && spanId !== '';

/** `length`: the bytes of the record in its write-ahead row. */
export function enteringOf<S extends RecordSignal>(
  signal: S,
  record: RecordOf[S],
  sequence: number,
  length: number,
): Entering<S> {
  const service =
    signal === 'requests' ? (record as RequestRow).service : serviceOf((record as LogRecord | SpanRecord).resource);
  return { service, record, sequence, length };
}
