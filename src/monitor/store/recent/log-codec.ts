/** A log record as one flat text without its resource and scope, which are kept once for many records. */
import type { LogRecord } from '../../../model/records.ts';
import {
  packAttributes,
  packValue,
  textBytes,
  unpackAttributes,
  unpackValue,
  type NameTable,
  type Origin,
  type Packed,
} from '../codec/record-codec.ts';

export interface PackedLog {
  readonly text: string;
  readonly sizeBytes: number;
}

export function packLog(record: LogRecord, names: NameTable): PackedLog {
  const text = JSON.stringify([
    `${record.timeUnixNano}`,
    `${record.observedUnixNano - record.timeUnixNano}`,
    record.severityNumber,
    names.pack(record.severityText),
    packValue(record.body),
    packAttributes(record.attributes, names),
    record.traceId,
    record.spanId,
  ]);
  return { text, sizeBytes: textBytes(text) };
}

export function unpackLog(text: string, { resource, scope }: Origin, names: NameTable): LogRecord {
  const packed = JSON.parse(text) as readonly Packed[];
  const timeUnixNano = BigInt(packed[0] as string);
  return {
    timeUnixNano,
    observedUnixNano: timeUnixNano + BigInt(packed[1] as string),
    severityNumber: packed[2] as number,
    severityText: names.unpack(packed[3]),
    body: unpackValue(packed[4]),
    attributes: unpackAttributes(packed[5] as readonly Packed[], names),
    traceId: packed[6] as string,
    spanId: packed[7] as string,
    resource,
    scope,
  };
}
