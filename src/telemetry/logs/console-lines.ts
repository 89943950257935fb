/**
 * What an application writes by `console` also becomes log records, in the trace it was written in. What it prints is left
 * exactly as it was. Loggers that write by streams (pino, winston, bunyan) do not come this way and have instrumentations of
 * their own, so no line is told twice. Lines that exporters write are left out, or they would make records without end.
 */
import { format } from 'node:util';
import { context, logs, SeverityNumber } from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import { redactText } from './redact.ts';

/** Characters of a line; the rest is cut off. */
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

/** Begins; `target` is the application's console. Call once an SDK is registered. Returns what ends it. */
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
        // A value that cannot be shown: the application has had its line, or its error, from its own console.
      } finally {
        busy = false;
      }
    };
    target[level] = observed;
    originals.push(() => {
      // Somebody may have put a console of their own on top since.
      if (target[level] === observed) target[level] = original;
    });
  }
  return () => {
    for (const restore of originals) restore();
  };
}
