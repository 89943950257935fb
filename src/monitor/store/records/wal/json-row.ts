/**
 * Rows of the write-ahead table as earlier versions wrote them, one JSON text a row, compressed when it is long: a data directory
 * of such a version opens with all that it holds. Rows are written in another form now (`wal-codec.ts`).
 */
import {
  newBag,
  type Attributes,
  type AttributeValue,
  type LogRecord,
  type SpanRecord,
} from '../../../../model/records.ts';
import type { RecordOf, RecordSignal } from '../../../../model/record-source.ts';
import type { RequestRow } from '../../../../model/request-row.ts';
import { unpackValue, type Packed } from '../../codec/record-codec.ts';

type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };

/** Records and their numbers. Throws RangeError or SyntaxError when the row is damaged. */
export function decodeJsonRow<S extends RecordSignal>(
  signal: S,
  bytes: Buffer,
): { records: RecordOf[S][]; sequences: number[] } {
  const { s, o, r } = JSON.parse(bytes.toString('utf8')) as { s: number[]; o: Json[][]; r: Json[][] };
  const origins = o.map(([attributes, name, version]) => ({
    resource: { attributes: unpackAttributes(attributes) },
    scope: { name: name as string, version: version as string },
  }));
  return { records: r.map((packed) => unpackRecord(signal, packed, origins)), sequences: s };
}

type Origin = Pick<LogRecord, 'resource' | 'scope'>;

/** An object is plain JSON, an array is packed. */
function unpackAttributes(packed: Json): Attributes {
  return (Array.isArray(packed) ? unpackValue(packed as Packed) : bagOf(packed)) as Attributes;
}

/** Bags: keys come from outside. */
function bagOf(value: Json): AttributeValue {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return (value as readonly Json[]).map(bagOf);
  const bag = newBag();
  for (const [key, inner] of Object.entries(value)) bag[key] = bagOf(inner);
  return bag;
}

function unpackRecord<S extends RecordSignal>(signal: S, packed: Json[], origins: readonly Origin[]): RecordOf[S] {
  if (signal === 'logs') return unpackLine(packed, origins) as RecordOf[S];
  if (signal === 'traces') return unpackSpan(packed, origins) as RecordOf[S];
  return unpackRequest(packed) as RecordOf[S];
}

function unpackLine(packed: Json[], origins: readonly Origin[]): LogRecord {
  const [origin, time, observed, severityNumber, severityText, body, attributes, traceId, spanId] = packed;
  return {
    timeUnixNano: BigInt(time as string),
    observedUnixNano: BigInt(observed as string),
    severityNumber: severityNumber as number,
    severityText: severityText as string,
    body: Array.isArray(body) ? unpackValue(body[0]) : body,
    attributes: unpackAttributes(attributes),
    traceId: traceId as string,
    spanId: spanId as string,
    ...origins[origin as number],
  };
}

function unpackSpan(packed: Json[], origins: readonly Origin[]): SpanRecord {
  const [origin, traceId, spanId, parentSpanId, name, kind, start, end, status, statusMessage, attributes] = packed;
  const events = packed[11] as [string, string, Json][];
  const links = packed[12] as [string, string, Json][];
  return {
    traceId: traceId as string,
    spanId: spanId as string,
    parentSpanId: parentSpanId as string,
    name: name as string,
    kind: kind as SpanRecord['kind'],
    startUnixNano: BigInt(start as string),
    endUnixNano: BigInt(end as string),
    status: status as SpanRecord['status'],
    statusMessage: statusMessage as string,
    attributes: unpackAttributes(attributes),
    events: events.map(([event, time, values]) => ({
      name: event,
      timeUnixNano: BigInt(time),
      attributes: unpackAttributes(values),
    })),
    links: links.map(([trace, linked, values]) => ({
      traceId: trace,
      spanId: linked,
      attributes: unpackAttributes(values),
    })),
    ...origins[origin as number],
  };
}

function unpackRequest([start, times, rest]: Json[]): RequestRow {
  const [queue, cache, connect, upstream, transfer] = (times as (number | null)[]).map((ms) => ms ?? undefined);
  const row = rest as unknown as Omit<RequestRow, 'startUnixNano' | 'phases'>;
  const { requestBytes, responseBytes } = row;
  const phases = { queue, cache, connect, upstream, transfer };
  return { ...row, requestBytes, responseBytes, startUnixNano: BigInt(start as string), phases };
}
