/** Records in the form that the page reads: times as offsets, nanoseconds as digits, big integers as text. Pure. */
import { fingerprintOf } from '../alerts/notify/steps/fingerprint.ts';
import type { Alert } from '../../model/alert.ts';
import type { TraceSummary } from '../../model/ports.ts';
import type { AttributeValue, Attributes, LogRecord, SpanRecord } from '../../model/records.ts';
import { serviceOf } from '../../model/records.ts';
import { levelName } from '../../model/text/severity.ts';
import { criticalPath, errorOrigins } from '../insight/trace-shape.ts';
import type { AlertView, LogView, Severity, SpanView, TraceAnswer, TraceSummaryView } from './contract.ts';

const MAX_MESSAGE_LENGTH = 16_384;
const MAX_SPANS = 5_000;

/** Nanoseconds → milliseconds, with the fraction that a double can represent. */
export function millisOf(nanos: bigint): number {
  return Number(nanos / 1_000_000n) + Number(nanos % 1_000_000n) / 1e6;
}

function plain(value: AttributeValue): AttributeValue {
  if (typeof value === 'bigint') return value.toString();
  if (Array.isArray(value)) return value.map((item: AttributeValue) => plain(item));
  if (typeof value === 'object' && value !== null) return attributesOf(value as Attributes);
  return value;
}

/** A copy without a prototype that JSON can represent. Keys come from outside and may be `__proto__`. */
export function attributesOf(attributes: Attributes): Attributes {
  const out = Object.create(null) as Record<string, AttributeValue>;
  for (const [key, value] of Object.entries(attributes)) out[key] = plain(value);
  return out;
}

/** An attribute as one text: an object or list as JSON, all other values unchanged. */
function textOf(value: AttributeValue): string {
  const written = typeof value === 'string' ? value : JSON.stringify(plain(value));
  return written.length > MAX_MESSAGE_LENGTH ? `${written.slice(0, MAX_MESSAGE_LENGTH)}…` : written;
}

export function logView(record: LogRecord, id?: string): LogView {
  return {
    ...(id === undefined ? {} : { id }),
    timeMs: millisOf(record.timeUnixNano),
    timeUnixNano: record.timeUnixNano.toString(),
    severityNumber: record.severityNumber,
    severity: levelName(record.severityNumber) || 'unknown',
    service: serviceOf(record.resource),
    message: textOf(record.body),
    attributes: attributesOf(record.attributes),
    traceId: record.traceId,
    spanId: record.spanId,
  };
}

function spanView(span: SpanRecord, startUnixNano: bigint): SpanView {
  return {
    spanId: span.spanId,
    parentSpanId: span.parentSpanId,
    service: serviceOf(span.resource),
    name: span.name,
    kind: span.kind,
    startOffsetMs: millisOf(span.startUnixNano - startUnixNano),
    // A span may end before it began, because of clock differences or a faulty sender. Its duration is then zero.
    durationMs: Math.max(0, millisOf(span.endUnixNano - span.startUnixNano)),
    startUnixNano: span.startUnixNano.toString(),
    status: span.status,
    statusMessage: span.statusMessage,
    attributes: attributesOf(span.attributes),
    events: span.events.map(({ name, timeUnixNano, attributes }) => ({
      name,
      offsetMs: millisOf(timeUnixNano - startUnixNano),
      attributes: attributesOf(attributes),
    })),
    resource: attributesOf(span.resource.attributes),
  };
}

/** The whole trace: at most 5,000 spans, sorted by start, and `logs`, oldest first. */
export function traceAnswer(traceId: string, spans: readonly SpanRecord[], logs: readonly LogRecord[]): TraceAnswer {
  const sorted = [...spans].sort((a, b) => Number(a.startUnixNano - b.startUnixNano)).slice(0, MAX_SPANS);
  const start = sorted[0]?.startUnixNano ?? 0n;
  let end = start;
  for (const { endUnixNano } of sorted) if (endUnixNano > end) end = endUnixNano;
  return {
    traceId,
    startMs: millisOf(start),
    durationMs: millisOf(end - start),
    spans: sorted.map((span) => spanView(span, start)),
    criticalPath: criticalPath(sorted).map(({ spanId, nanos }) => ({ spanId, ms: Number(nanos) / 1e6 })),
    errorOrigins: errorOrigins(sorted).map(({ spanId }) => spanId),
    logs: [...logs].sort((a, b) => Number(a.timeUnixNano - b.timeUnixNano)).map((line) => logView(line)),
  };
}

export function summaryView(summary: TraceSummary, spans: readonly SpanRecord[]): TraceSummaryView {
  const ids = new Set(['', ...spans.map(({ spanId }) => spanId)]);
  return {
    traceId: summary.traceId,
    service: summary.root.service,
    name: summary.root.name,
    startMs: millisOf(summary.startUnixNano),
    durationMs: summary.durationMs,
    spans: summary.spans,
    errors: summary.errors,
    services: summary.services,
    whole:
      spans.some(({ parentSpanId }) => parentSpanId === '') && spans.every(({ parentSpanId }) => ids.has(parentSpanId)),
  };
}

function severityOf(text: string): Severity {
  if (/^(critical|crit|error|page|high)$/i.test(text)) return 'critical';
  return /^(info|none|low)$/i.test(text) ? 'info' : 'warning';
}

export function alertView(alert: Alert): AlertView {
  return {
    fingerprint: fingerprintOf(alert.labels),
    name: alert.labels.get('alertname'),
    severity: severityOf(alert.labels.get('severity')),
    state: alert.resolvedAtMs === undefined ? alert.state : 'resolved',
    labels: alert.labels.toJSON(),
    annotations: alert.annotations,
    activeAtMs: alert.activeAtMs,
    firedAtMs: alert.firedAtMs ?? null,
    resolvedAtMs: alert.resolvedAtMs ?? null,
    value: Number.isFinite(alert.value) ? alert.value : null,
    reason: alert.reason,
  };
}

const RANK: Readonly<Record<AlertView['state'], number>> = { firing: 0, pending: 1, resolved: 2, inactive: 3 };
const WEIGHT: Readonly<Record<Severity, number>> = { critical: 0, warning: 1, info: 2 };

/** Sorted by severity, worst first, then newest first. */
export function alertViews(alerts: readonly Alert[]): AlertView[] {
  return alerts
    .map(alertView)
    .sort(
      (a, b) => RANK[a.state] - RANK[b.state] || WEIGHT[a.severity] - WEIGHT[b.severity] || b.activeAtMs - a.activeAtMs,
    );
}
