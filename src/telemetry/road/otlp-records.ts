/**
 * Encodes spans and log records as OTLP protobuf (opentelemetry-proto 1.x: trace.proto, logs.proto, common.proto). This costs
 * several times less than the exporters' intermediate objects. The numbers are field numbers of the messages.
 */
import { diag, SpanStatusCode } from '@opentelemetry/api';
import type { InstrumentationScope } from '@opentelemetry/core';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ProtobufWriter } from './protobuf-writer.ts';

type Values = Readonly<Record<string, unknown>>;

const MAX_DEPTH = 8;

/** AnyValue. A value of an unsupported type is written as an empty AnyValue. */
function writeAny(w: ProtobufWriter, field: number, value: unknown, depth = 0): void {
  const start = w.open(field);
  if (typeof value === 'string') w.string(1, value);
  else if (typeof value === 'boolean') w.uint(2, value ? 1 : 0);
  else if (typeof value === 'number') {
    if (Number.isSafeInteger(value)) w.int64(3, value);
    else w.double(4, value);
  } else if (typeof value === 'bigint') w.string(1, value.toString());
  else if (value instanceof Uint8Array) w.bytes(7, value);
  else if (typeof value === 'object' && value !== null && depth < MAX_DEPTH) writeNested(w, value, depth);
  w.close(start);
}

function writeNested(w: ProtobufWriter, value: object, depth: number): void {
  const start = w.open(Array.isArray(value) ? 5 : 6);
  if (Array.isArray(value)) for (const item of value) writeAny(w, 1, item, depth + 1);
  else writeAttributes(w, 1, value as Values, depth + 1);
  w.close(start);
}

/** Repeated KeyValue. */
export function writeAttributes(w: ProtobufWriter, field: number, attributes: Values, depth = 0): void {
  for (const key in attributes) {
    const value = attributes[key];
    if (value === undefined || value === null) continue;
    const start = w.open(field);
    w.string(1, key);
    writeAny(w, 2, value, depth);
    w.close(start);
  }
}

function writeSpan(w: ProtobufWriter, span: ReadableSpan): void {
  const start = w.open(2);
  const { traceId, spanId, traceState, traceFlags } = span.spanContext();
  w.hex(1, traceId);
  w.hex(2, spanId);
  if (traceState !== undefined) w.string(3, traceState.serialize());
  const parent = span.parentSpanContext;
  if (parent !== undefined) w.hex(4, parent.spanId);
  w.string(5, span.name);
  w.uint(6, span.kind + 1);
  w.time(7, span.startTime);
  w.time(8, span.endTime);
  writeAttributes(w, 9, span.attributes);
  if (span.droppedAttributesCount > 0) w.uint(10, span.droppedAttributesCount);
  for (const event of span.events) {
    const at = w.open(11);
    w.time(1, event.time);
    w.string(2, event.name);
    if (event.attributes !== undefined) writeAttributes(w, 3, event.attributes);
    w.close(at);
  }
  if (span.droppedEventsCount > 0) w.uint(12, span.droppedEventsCount);
  for (const { context, attributes } of span.links) {
    const at = w.open(13);
    w.hex(1, context.traceId);
    w.hex(2, context.spanId);
    if (attributes !== undefined) writeAttributes(w, 4, attributes);
    w.close(at);
  }
  if (span.droppedLinksCount > 0) w.uint(14, span.droppedLinksCount);
  const { code, message } = span.status;
  const status = w.open(15);
  if (message !== undefined) w.string(2, message);
  if (code !== SpanStatusCode.UNSET) w.uint(3, code);
  w.close(status);
  // SPAN_FLAGS_CONTEXT_HAS_IS_REMOTE_MASK (0x100) and whether the parent is remote (0x200).
  w.fixed32(16, traceFlags | 0x100 | (parent?.isRemote ? 0x200 : 0));
  w.close(start);
}

function writeLog(w: ProtobufWriter, record: ReadableLogRecord): void {
  const start = w.open(2);
  w.time(1, record.hrTime);
  if (record.severityNumber !== undefined) w.uint(2, record.severityNumber);
  if (record.severityText !== undefined) w.string(3, record.severityText);
  if (record.body !== undefined && record.body !== null) writeAny(w, 5, record.body);
  writeAttributes(w, 6, record.attributes);
  if (record.droppedAttributesCount > 0) w.uint(7, record.droppedAttributesCount);
  if (record.spanContext !== undefined) {
    w.fixed32(8, record.spanContext.traceFlags);
    w.hex(9, record.spanContext.traceId);
    w.hex(10, record.spanContext.spanId);
  }
  w.time(11, record.hrTimeObserved);
  if (record.eventName !== undefined) w.string(12, record.eventName);
  w.close(start);
}

/** Field 1 of every ResourceSpans, ResourceLogs and ResourceMetrics. */
export function writeResource(w: ProtobufWriter, resource: Resource): void {
  const start = w.open(1);
  writeAttributes(w, 1, resource.attributes);
  w.close(start);
}

/** Field 1 of every ScopeSpans, ScopeLogs and ScopeMetrics. */
export function writeScope(w: ProtobufWriter, { name, version }: InstrumentationScope): void {
  const start = w.open(1);
  w.string(1, name);
  if (version !== undefined) w.string(2, version);
  w.close(start);
}

/** Writes one item; an item that cannot be written is left out, and the other items are kept. */
export function attempt(w: ProtobufWriter, write: () => void): void {
  const { size } = w;
  try {
    write();
  } catch (error) {
    w.backTo(size);
    diag.debug('An item could not be encoded and is left out.', error);
  }
}

interface Scoped {
  readonly resource: Resource;
  readonly instrumentationScope: InstrumentationScope;
}

/** Both requests have the same structure: resource, its scopes, their records. All records come from one process. */
function encode<T extends Scoped>(records: readonly T[], write: (w: ProtobufWriter, record: T) => void): Buffer {
  const scopes = new Map<InstrumentationScope, T[]>();
  for (const record of records) {
    const own = scopes.get(record.instrumentationScope);
    if (own === undefined) scopes.set(record.instrumentationScope, [record]);
    else own.push(record);
  }
  const w = new ProtobufWriter(Math.min(1_048_576, 1_024 + records.length * 512));
  const whole = w.open(1);
  writeResource(w, records[0].resource);
  for (const [scope, own] of scopes) {
    const start = w.open(2);
    writeScope(w, scope);
    for (const record of own) attempt(w, () => write(w, record));
    w.close(start);
  }
  w.close(whole);
  return w.take();
}

/** ExportTraceServiceRequest; `spans` must not be empty. */
export const encodeSpans = (spans: readonly ReadableSpan[]): Buffer => encode(spans, writeSpan);

/** ExportLogsServiceRequest; `records` must not be empty. */
export const encodeLogs = (records: readonly ReadableLogRecord[]): Buffer => encode(records, writeLog);
