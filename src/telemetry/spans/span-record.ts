/** Converts spans and log records of the SDK to the types of `model/`. Called when a frame is made, not while a request runs. */
import type { HrTime } from '@opentelemetry/api';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Attributes, AttributeValue, LogRecord, SpanKind, SpanRecord, SpanStatus } from '../../model/records.ts';

/** In the order of the API's enum. */
const KINDS: readonly SpanKind[] = ['internal', 'server', 'client', 'producer', 'consumer'];
const STATUSES: readonly SpanStatus[] = ['unset', 'ok', 'error'];

export function hrToNano(time: HrTime): bigint {
  return BigInt(time[0]) * 1_000_000_000n + BigInt(Math.round(time[1]));
}

export function toSpanRecord(span: ReadableSpan): Omit<SpanRecord, 'resource'> {
  const { traceId, spanId } = span.spanContext();
  return {
    traceId,
    spanId,
    parentSpanId: span.parentSpanContext?.spanId ?? '',
    name: span.name,
    kind: KINDS[span.kind] ?? 'internal',
    startUnixNano: hrToNano(span.startTime),
    endUnixNano: hrToNano(span.endTime),
    status: STATUSES[span.status.code] ?? 'unset',
    statusMessage: span.status.message ?? '',
    attributes: span.attributes as Attributes,
    events: span.events.map((event) => ({
      name: event.name,
      timeUnixNano: hrToNano(event.time),
      attributes: (event.attributes ?? {}) as Attributes,
    })),
    links: span.links.map((link) => ({
      traceId: link.context.traceId,
      spanId: link.context.spanId,
      attributes: (link.attributes ?? {}) as Attributes,
    })),
    scope: { name: span.instrumentationScope.name, version: span.instrumentationScope.version ?? '' },
  };
}

export function toLogRecord(record: ReadableLogRecord): Omit<LogRecord, 'resource'> {
  return {
    timeUnixNano: hrToNano(record.hrTime),
    observedUnixNano: hrToNano(record.hrTimeObserved),
    severityNumber: record.severityNumber ?? 0,
    severityText: record.severityText ?? '',
    body: (record.body ?? null) as AttributeValue,
    attributes: record.attributes as Attributes,
    traceId: record.spanContext?.traceId ?? '',
    spanId: record.spanContext?.spanId ?? '',
    scope: { name: record.instrumentationScope.name, version: record.instrumentationScope.version ?? '' },
  };
}
