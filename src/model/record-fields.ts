/**
 * The filter grammar's short field names, and the values they stand for. One table for records in memory and batches on
 * disk, so that both give the same answer.
 */
import type { RecordOf, RecordSignal } from './record-source.ts';
import { serviceOf, type AttributeValue, type Attributes, type LogRecord, type SpanRecord } from './records.ts';
import type { RequestRow } from './request-row.ts';

/** Attributes that a short name of a line or span stands for; the first that a record has is its value. */
export const SHORT_FIELDS: Readonly<Record<string, readonly string[]>> = {
  service: ['service.name'],
  instance: ['service.instance.id', 'instance'],
  version: ['service.version', 'version'],
  route: ['http.route', 'route'],
  method: ['http.request.method', 'http.method', 'method', 'req.method'],
  path: ['url.path', 'http.target', 'path', 'req.url'],
  status: ['http.response.status_code', 'http.status_code', 'status', 'statusCode', 'res.statusCode'],
  duration: ['duration', 'duration_ms', 'responseTime', 'response_time'],
  upstream: ['vitrine.upstream', 'upstream'],
  cache: ['vitrine.cache.result', 'cache'],
  tries: ['vitrine.tries', 'tries'],
  reason: ['error.type', 'reason'],
  user: ['user.id', 'enduser.id', 'userId', 'user_id', 'user'],
  code: ['vitrine.support_code', 'support_code', 'code'],
};

/** Names of a record's own parts, which are no attributes. */
const LINE_PARTS: Readonly<Record<string, (line: LogRecord) => AttributeValue | undefined>> = {
  message: ({ body }) => body,
  level: ({ severityNumber }) => severityNumber,
  trace: ({ traceId }) => traceId || undefined,
  span: ({ spanId }) => spanId || undefined,
};

const SPAN_PARTS: Readonly<Record<string, (span: SpanRecord) => AttributeValue | undefined>> = {
  name: ({ name }) => name,
  kind: ({ kind }) => kind,
  trace: ({ traceId }) => traceId,
  span: ({ spanId }) => spanId,
  parent: ({ parentSpanId }) => parentSpanId || undefined,
  'span.status': ({ status }) => status,
  'span.message': ({ statusMessage }) => statusMessage || undefined,
  duration: spanDurationMs,
};

export const REQUEST_FIELDS: Readonly<Record<string, (row: RequestRow) => AttributeValue | undefined>> = {
  service: ({ service }) => service,
  instance: ({ instance }) => instance || undefined,
  version: ({ version }) => version || undefined,
  trace: ({ traceId }) => traceId || undefined,
  route: ({ route }) => route || undefined,
  method: ({ method }) => method,
  path: ({ path }) => path || undefined,
  status: ({ status }) => status || undefined,
  reason: ({ reason }) => reason || undefined,
  upstream: ({ upstream }) => upstream || undefined,
  tries: ({ tries }) => tries,
  cache: ({ cache }) => cache || undefined,
  duration: ({ durationMs }) => durationMs,
  queue: ({ phases }) => phases.queue,
  'phase.cache': ({ phases }) => phases.cache,
  connect: ({ phases }) => phases.connect,
  'phase.upstream': ({ phases }) => phases.upstream,
  transfer: ({ phases }) => phases.transfer,
  'request.bytes': ({ requestBytes }) => requestBytes,
  'response.bytes': ({ responseBytes }) => responseBytes,
  code: ({ code }) => code || undefined,
  'request.id': ({ requestId, traceId }) => requestId || traceId || undefined,
  user: ({ user }) => user || undefined,
  synthetic: ({ synthetic }) => synthetic || undefined,
};

export function spanDurationMs({ startUnixNano, endUnixNano }: SpanRecord): number {
  return Math.max(0, Number(endUnixNano - startUnixNano) / 1e6);
}

/** Parts of a line or span that are no attributes, by the name of their field. */
export function partsOf<S extends 'logs' | 'traces'>(
  signal: S,
): Readonly<Record<string, (record: RecordOf[S]) => AttributeValue | undefined>> {
  return (signal === 'logs' ? LINE_PARTS : SPAN_PARTS) as Readonly<
    Record<string, (record: RecordOf[S]) => AttributeValue | undefined>
  >;
}

const own = <T>(table: Readonly<Record<string, T>>, name: string): T | undefined =>
  Object.hasOwn(table, name) ? table[name] : undefined;

/** Names of attributes that hold a field of a line or span, the winning first. */
export function attributesOfField(field: string): readonly string[] {
  return own(SHORT_FIELDS, field) ?? [field];
}

/** The value of a field in one record, undefined when it has none. Times are not fields: they are the record's position. */
export function fieldValue<S extends RecordSignal>(
  signal: S,
  record: RecordOf[S],
  field: string,
): AttributeValue | undefined {
  if (signal === 'requests') return own(REQUEST_FIELDS, field)?.(record as RequestRow);
  const line = record as LogRecord | SpanRecord;
  const part = own(partsOf(signal), field);
  if (part !== undefined) return part(line);
  if (field === 'service') return serviceOf(line.resource);
  for (const name of attributesOfField(field)) {
    const value = attributeAt(line.attributes, name);
    if (value !== undefined) return value;
    const shared = attributeAt(line.resource.attributes, name);
    if (shared !== undefined) return shared;
  }
  return undefined;
}

/** `req.url` is the attribute of that name, or `url` in the map `req`. */
export function attributeAt(attributes: Attributes, name: string): AttributeValue | undefined {
  if (Object.hasOwn(attributes, name)) return attributes[name];
  for (let dot = name.indexOf('.'); dot > 0; dot = name.indexOf('.', dot + 1)) {
    const head = name.slice(0, dot);
    const inner = Object.hasOwn(attributes, head) ? attributes[head] : undefined;
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) continue;
    const value = attributeAt(inner as Attributes, name.slice(dot + 1));
    if (value !== undefined) return value;
  }
  return undefined;
}
