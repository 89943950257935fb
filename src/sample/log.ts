/** JSON lines on standard output, with the trace they belong to. */
import { trace } from '@opentelemetry/api';
import type { Logger as Pino } from 'pino';
import { pino } from 'pino';
import type { Logger } from '../base/logger.ts';

/** Names of fields whose values never reach a line. */
const SECRET = ['password', 'token', 'refresh_token', 'authorization', 'cookie'];

export function jsonLogger(service: string, level: string): Logger {
  const root = pino({
    level,
    base: { service },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
    redact: { paths: SECRET, censor: '<secret>' },
    mixin: traceFields,
  });
  return adapted(root);
}

function traceFields(): Record<string, string> {
  const span = trace.getActiveSpan()?.spanContext();
  return span === undefined ? {} : { trace_id: span.traceId, span_id: span.spanId };
}

function adapted(log: Pino): Logger {
  return {
    debug: (fields, message) => log.debug(fields, message),
    info: (fields, message) => log.info(fields, message),
    warn: (fields, message) => log.warn(fields, message),
    error: (fields, message) => log.error(fields, message),
    child: (fields) => adapted(log.child(fields)),
  };
}
