/**
 * Values that an exporter may not be able to serialise, replaced before the exporter sees them. The SDK cleans the
 * attributes of spans and log records, but it takes over names of spans, bodies of log records and attributes of metrics as
 * they are given. One symbol, function or BigInt among them makes JSON and protobuf serialisers throw, which loses the whole
 * batch, and for cumulative metrics every later batch too. Sound items are returned as they are, so that each costs a check
 * and no copy.
 */
import type { AnyValue, Attributes, HrTime } from '@opentelemetry/api';
import { isAnyValue } from '@opentelemetry/core';
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs';
import type { MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { LeanSpan } from '../spans/lean-span.ts';

/** The text of any value. Never throws: `toString` of a user's object may. */
function textOf(value: unknown): string {
  try {
    return typeof value === 'function' ? '[function]' : String(value);
  } catch {
    return '[unreadable]';
  }
}

const isText = (value: unknown): boolean => typeof value === 'string';

const isTime = ([seconds, nanos]: HrTime): boolean => Number.isFinite(seconds) && Number.isFinite(nanos);

/**
 * A span whose name and status message are texts and whose times are numbers; a time that is not a number becomes the start
 * time.
 */
export function soundSpan(span: ReadableSpan): ReadableSpan {
  // A lean span computes its times whenever they are read.
  if (span instanceof LeanSpan && span.isPlain) return span;
  const { name, status, startTime, endTime, duration, events } = span;
  const { message } = status;
  const isSound =
    isText(name) &&
    (message === undefined || isText(message)) &&
    isTime(startTime) &&
    isTime(endTime) &&
    events.every(({ time }) => isTime(time));
  if (isSound) return span;
  const start: HrTime = isTime(startTime) ? startTime : [0, 0];
  const replaced: Partial<Record<PropertyKey, unknown>> = {
    name: isText(name) ? name : textOf(name),
    status: message === undefined || isText(message) ? status : { code: status.code, message: textOf(message) },
    startTime: start,
    endTime: isTime(endTime) ? endTime : start,
    duration: isTime(duration) ? duration : [0, 0],
    events: events.map((event) => (isTime(event.time) ? event : { ...event, time: start })),
  };
  return new Proxy(span, {
    get(target, key) {
      if (key in replaced) return replaced[key];
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

/** Gives a log record a body that every exporter can write. */
export function soundenLog(record: ReadableLogRecord & { setBody?(body: AnyValue): unknown }): void {
  if (record.body !== undefined && !isAnyValue(record.body)) record.setBody?.(textOf(record.body));
}

const isSimple = (value: unknown): boolean =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean';
const isSoundAttribute = (value: unknown): boolean =>
  value === undefined || isSimple(value) || (Array.isArray(value) && value.every((item) => isSimple(item)));

function soundAttributes(attributes: Attributes): Attributes {
  const isSound = Object.values(attributes).every((value) => isSoundAttribute(value));
  if (isSound) return attributes;
  return Object.fromEntries(
    Object.entries(attributes).map(([key, value]) => [key, isSoundAttribute(value) ? value : textOf(value)]),
  );
}

function soundMetric(metric: MetricData): MetricData {
  const dataPoints = metric.dataPoints.map((point) => {
    const attributes = soundAttributes(point.attributes);
    return attributes === point.attributes ? point : { ...point, attributes };
  });
  return dataPoints.every((point, at) => point === metric.dataPoints[at])
    ? metric
    : ({ ...metric, dataPoints } as MetricData);
}

/** A collection whose attributes are texts, numbers, truth values and lists of them. */
export function soundMetrics({ resource, scopeMetrics }: ResourceMetrics): ResourceMetrics {
  return { resource, scopeMetrics: scopeMetrics.map((each) => ({ ...each, metrics: each.metrics.map(soundMetric) })) };
}
