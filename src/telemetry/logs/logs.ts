/**
 * The Logger of every process: pino writes JSON lines with the trace context, to `DIR/vitrine.ndjson` and, errors once more,
 * to `DIR/error.ndjson`, and to the console. Each line also goes to the OpenTelemetry logs API, and so to the monitor and to
 * the exporters that OTEL_LOGS_EXPORTER names. Secrets are removed first. Logging never throws, blocks or ends the process.
 */
import path from 'node:path';
import type { AnyValue } from '@opentelemetry/api';
import { context, logs, SeverityNumber, trace } from '@opentelemetry/api';
import pino from 'pino';
import type { Clock } from '../../base/clock.ts';
import { systemClock } from '../../base/clock.ts';
import type { LogFields, Logger } from '../../base/logger.ts';
import type { ConsoleSink, Out } from './log-console.ts';
import { createConsole, prettyLine } from './log-console.ts';
import { LogFile } from './log-file.ts';
import { redactFields, redactText } from './redact.ts';

export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
export const LOG_LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error'];

const SEVERITY: Readonly<Record<LogLevel, SeverityNumber>> = {
  debug: SeverityNumber.DEBUG,
  info: SeverityNumber.INFO,
  warn: SeverityNumber.WARN,
  error: SeverityNumber.ERROR,
};

export interface LogOptions {
  readonly level: LogLevel;
  /** Directory of the files. No files are written when it is undefined. */
  readonly directory?: string | undefined;
  /** The files are `NAME.ndjson` and `NAME-error.ndjson`, for processes that share a directory. Default: `vitrine.ndjson` and `error.ndjson`. */
  readonly name?: string | undefined;
  readonly console:
    | { readonly kind: 'off' }
    | { readonly kind: 'json' | 'pretty'; readonly out: Out; readonly colour?: boolean; readonly level?: LogLevel };
  readonly maxSizeBytes?: number | undefined;
  readonly keep?: number | undefined;
  readonly clock?: Clock | undefined;
  /** Fields of every line, such as `service`. */
  readonly base?: LogFields | undefined;
}

export interface Logs {
  readonly logger: Logger;
  /** Writes a finished line of a child process, as its own `createLogs` made it, to the files and the console of this one. */
  relay(line: string): void;
  /** Lines that could not be written to disk or console. */
  dropped(): number;
  /** Writes the buffered lines. Never rejects. */
  close(): Promise<void>;
}

interface Sinks {
  readonly file: LogFile | undefined;
  readonly errors: LogFile | undefined;
  readonly console: ConsoleSink | undefined;
}

function openSinks(options: LogOptions, clock: Clock): Sinks {
  const { directory, name, maxSizeBytes = 50 * 1_024 * 1_024, keep = 7 } = options;
  const open = (file: string): LogFile | undefined =>
    directory === undefined ? undefined : new LogFile({ file: path.join(directory, file), maxSizeBytes, keep, clock });
  const console = options.console.kind === 'off' ? undefined : createConsole(options.console.out);
  return {
    file: open(`${name ?? 'vitrine'}.ndjson`),
    errors: open(name === undefined ? 'error.ndjson' : `${name}-error.ndjson`),
    console,
  };
}

function traceFields(): LogFields {
  const span = trace.getSpanContext(context.active());
  if (span === undefined || !trace.isSpanContextValid(span)) return {};
  return { trace_id: span.traceId, span_id: span.spanId, trace_flags: span.traceFlags.toString(16).padStart(2, '0') };
}

/** Throws the error of creating the directory (EACCES, ENOSPC …), so that a start without a log is reported. */
export function createLogs(options: LogOptions): Logs {
  const clock = options.clock ?? systemClock;
  const sinks = openSinks(options, clock);
  const isPretty = options.console.kind === 'pretty';
  const colour = options.console.kind === 'pretty' && (options.console.colour ?? false);
  const lowest = options.console.kind === 'off' ? 'error' : (options.console.level ?? 'debug');
  const isShown = (at: LogLevel): boolean => LOG_LEVELS.indexOf(at) >= LOG_LEVELS.indexOf(lowest);
  let level: LogLevel = 'info';
  const writer = pino(
    {
      level: 'trace',
      base: { ...redactFields(options.base ?? {}) },
      timestamp: () => `,"time":"${new Date(clock.now()).toISOString()}"`,
      formatters: { level: (label) => ({ level: label }) },
    },
    {
      write(line: string) {
        sinks.file?.write(line);
        if (level === 'error') sinks.errors?.write(line);
        if (!isPretty && isShown(level)) sinks.console?.write(line);
      },
    },
  );
  const emit = (at: LogLevel, bound: LogFields, fields: LogFields, message: string): void => {
    level = at;
    const safe = redactFields({ ...bound, ...fields });
    const text = redactText(message);
    writer[at]({ ...safe, ...traceFields() }, text);
    if (isPretty && isShown(at)) sinks.console?.write(prettyLine(at, clock.now(), text, safe, colour));
    const attributes = safe as Record<string, AnyValue>;
    logs
      .getLogger('vitrine')
      .emit({ body: text, severityNumber: SEVERITY[at], severityText: at.toUpperCase(), attributes });
  };
  const files = [sinks.file, sinks.errors].filter((file) => file !== undefined);
  return {
    logger: loggerAt(LOG_LEVELS.indexOf(options.level), {}, emit),
    relay: (line) => relayTo(sinks, isPretty, colour, line),
    dropped: () => files.reduce((sum, file) => sum + file.dropped, sinks.console?.dropped ?? 0),
    close: async () => void (await Promise.allSettled(files.map((file) => file.close()))),
  };
}

function relayTo(sinks: Sinks, isPretty: boolean, colour: boolean, line: string): void {
  const { level, time, msg, ...fields } = JSON.parse(line) as Record<string, unknown>;
  const at = LOG_LEVELS.find((known) => known === level) ?? 'info';
  sinks.file?.write(line);
  if (at === 'error') sinks.errors?.write(line);
  sinks.console?.write(isPretty ? prettyLine(at, Date.parse(String(time)), String(msg), fields, colour) : line);
}

type Emit = (level: LogLevel, bound: LogFields, fields: LogFields, message: string) => void;

function loggerAt(lowest: number, bound: LogFields, emit: Emit): Logger {
  const at =
    (level: LogLevel) =>
    (fields: LogFields, message: string): void => {
      if (LOG_LEVELS.indexOf(level) < lowest) return;
      try {
        emit(level, bound, fields, message);
      } catch (error) {
        // The line is kept even when a field throws.
        emit(level, {}, { logging: String(error) }, message);
      }
    };
  return {
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (fields) => loggerAt(lowest, { ...bound, ...fields }, emit),
  };
}
