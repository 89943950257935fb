/**
 * Makes a log record of each call of `console`, in the trace of the caller. The output itself is not changed. Lines that exporters
 * write are left out, because each record would cause another.
 */
import { format } from 'node:util';
import { logs, SeverityNumber } from '@opentelemetry/api';
import { isQuiet, MAX_LENGTH, quietly } from './line-records.ts';
import { observeOutput } from './stdout-lines.ts';
import { redactText } from './redact.ts';

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

/** Loggers whose instrumentation makes records of the lines that these loggers print. */
const loaded = new Set<string>();
const isPackageLoaded = (name: string): boolean => loaded.has(name);
export const packageLoaded = (name: string): void => void loaded.add(name);

/** Starts the observation of `target`, the application's console. Call it after an SDK is registered. Returns a function that stops it. */
export function observeConsole(target: Console = console): () => void {
  const logger = logs.getLogger('console');
  const originals: (() => void)[] = [];
  let busy = false;
  for (const [level, severityNumber, severityText] of LEVELS) {
    const original = target[level];
    const observed = function (this: unknown, ...values: unknown[]): void {
      // Printed in `quietly`, because the same text reaches stdout, which is observed too.
      quietly(() => original.apply(this, values));
      if (busy || isQuiet()) return;
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
  if (target === console) originals.push(observeOutput(() => isPackageLoaded('bunyan') || isPackageLoaded('pino')));
  return () => {
    for (const restore of originals) restore();
  };
}
