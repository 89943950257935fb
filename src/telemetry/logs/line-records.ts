/**
 * Turns lines that an application prints into log records, whichever code printed them. A logger that makes records of its
 * own runs in `quietly`, so that its line is not recorded a second time when it reaches stdout.
 */
import type { AnyValue, Attributes, Logger } from '@opentelemetry/api';
import { context, SeverityNumber, trace, TraceFlags } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { redactFields, redactText } from './redact.ts';

/** Characters of a line; the rest is cut off. */
export const MAX_LENGTH = 16_384;

let quiet = false;

/** Runs `work`, whose lines are not recorded. */
export function quietly<T>(work: () => T): T {
  const before = quiet;
  quiet = true;
  try {
    return work();
  } finally {
    quiet = before;
  }
}

export const isQuiet = (): boolean => quiet || isTracingSuppressed(context.active());

const SEVERITIES: Readonly<Record<string, readonly [SeverityNumber, string]>> = {
  silly: [SeverityNumber.TRACE, 'TRACE'],
  trace: [SeverityNumber.TRACE, 'TRACE'],
  verbose: [SeverityNumber.DEBUG, 'DEBUG'],
  debug: [SeverityNumber.DEBUG, 'DEBUG'],
  http: [SeverityNumber.DEBUG, 'DEBUG'],
  info: [SeverityNumber.INFO, 'INFO'],
  log: [SeverityNumber.INFO, 'INFO'],
  mark: [SeverityNumber.INFO, 'INFO'],
  notice: [SeverityNumber.INFO2, 'INFO'],
  warn: [SeverityNumber.WARN, 'WARN'],
  warning: [SeverityNumber.WARN, 'WARN'],
  error: [SeverityNumber.ERROR, 'ERROR'],
  err: [SeverityNumber.ERROR, 'ERROR'],
  crit: [SeverityNumber.ERROR2, 'ERROR'],
  critical: [SeverityNumber.ERROR2, 'ERROR'],
  alert: [SeverityNumber.ERROR3, 'ERROR'],
  fatal: [SeverityNumber.FATAL, 'FATAL'],
  emerg: [SeverityNumber.FATAL, 'FATAL'],
};

export const severityOf = (level: unknown): readonly [SeverityNumber, string] | undefined =>
  typeof level === 'string' ? SEVERITIES[level.toLowerCase()] : undefined;

/** The known facts about a line. */
export interface Line {
  readonly body: string;
  readonly level?: readonly [SeverityNumber, string] | undefined;
  readonly fields?: Readonly<Record<string, unknown>> | undefined;
}

const HEX = /^[0-9a-f]+$/;

/** The context named by fields that a logger adds to its lines; else the active one. */
function contextOf(fields: Readonly<Record<string, unknown>>): ReturnType<typeof context.active> {
  const active = context.active();
  const { trace_id: traceId, span_id: spanId } = fields;
  if (trace.getSpan(active) !== undefined || typeof traceId !== 'string' || typeof spanId !== 'string') return active;
  if (traceId.length !== 32 || spanId.length !== 16 || !HEX.test(traceId + spanId)) return active;
  return trace.setSpanContext(active, { traceId, spanId, traceFlags: TraceFlags.SAMPLED });
}

/** Never throws, because the application has already printed its line. */
export function emitLine(logger: Logger, { body, level, fields = {} }: Line): void {
  try {
    const { trace_id: _trace, span_id: _span, trace_flags: _flags, ...own } = fields;
    const attributes = redactFields(own) as Record<string, AnyValue> as Attributes;
    const severity = level === undefined ? {} : { severityNumber: level[0], severityText: level[1] };
    const text = redactText(body.slice(0, MAX_LENGTH));
    logger.emit({ body: text, attributes, context: contextOf(fields), ...severity });
  } catch {
    // A field that cannot be read; the line itself was printed.
  }
}
