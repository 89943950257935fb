/**
 * Makes a log record of each call of `console`, in the trace of the caller. The output itself is not changed. Loggers that
 * write to streams (pino, winston, bunyan) do not use `console`; they have their own instrumentations, so no line is recorded
 * twice. Lines that exporters write are left out, because each record would cause another.
 */
import { format } from 'node:util';
import { context, logs, SeverityNumber } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { redactText } from './redact.ts';

/** Characters of a line that are kept. */
const MAX_LENGTH = 16_384;

const LEVELS = [
  ['debug', SeverityNumber.DEBUG, 'DEBUG'],
  ['log', SeverityNumber.INFO, 'INFO'],
  ['info', SeverityNumber.INFO, 'INFO'],
  ['warn', SeverityNumber.WARN, 'WARN'],
  ['error', SeverityNumber.ERROR, 'ERROR'],
] as const;

function exceptionOf(values: readonly unknown[]): Record<string, string> {
  const error = values.find((value) => value instanceof Error);
  if (error === undefined) return {};
  const exception = { 'exception.type': error.name, 'exception.message': error.message.slice(0, MAX_LENGTH) };
  return error.stack === undefined
    ? exception
    : { ...exception, 'exception.stacktrace': error.stack.slice(0, MAX_LENGTH) };
}

/** Starts the observation of `target`, the application's console. Call it after an SDK is registered. Returns a function that stops it. */
export function observeConsole(target: Console = console): () => void {
  const logger = logs.getLogger('console');
  const originals: (() => void)[] = [];
  let busy = false;
  for (const [level, severityNumber, severityText] of LEVELS) {
    const original = target[level];
    const observed = function (this: unknown, ...values: unknown[]): void {
      original.apply(this, values);
      if (busy || isTracingSuppressed(context.active())) return;
      busy = true;
      try {
        const body = redactText(format(...values).slice(0, MAX_LENGTH));
        logger.emit({ body, severityNumber, severityText, attributes: exceptionOf(values) });
      } catch {
        // A value cannot be formatted. The application's own console has already printed it or thrown its error.
      } finally {
        busy = false;
      }
    };
    target[level] = observed;
    originals.push(() => {
      // Other code may have replaced the method since.
      if (target[level] === observed) target[level] = original;
    });
  }
  return () => {
    for (const restore of originals) restore();
  };
}
