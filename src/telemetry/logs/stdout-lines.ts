/**
 * Text that an application writes to stdout and stderr also becomes log records, in the trace in which it was written: Nest's
 * Logger, log4js and many others print that way. The output itself is not changed. Text of one write that ends with a line feed is
 * one record, so a stack trace stays in one piece; an incomplete line waits for its end, up to a limit.
 */
import { stripVTControlCharacters } from 'node:util';
import { logs, SeverityNumber, type Logger } from '@opentelemetry/api';
import { emitLine, isQuiet, MAX_LENGTH, quietly, severityOf, type Line } from './line-records.ts';

type Write = NodeJS.WriteStream['write'];
interface Out {
  write: Write;
}

const WORD = /\b(FATAL|CRITICAL|ERROR|WARN(?:ING)?|LOG|INFO|VERBOSE|DEBUG|TRACE|MARK)\b/;
/** winston's `simple` and npm's format: `info: text`. */
const PREFIX = /^(silly|trace|verbose|debug|http|info|notice|warn|warning|error|crit|fatal):/i;
/** Levels of pino and bunyan. */
const NUMBERED: readonly (readonly [number, SeverityNumber, string])[] = [
  [60, SeverityNumber.FATAL, 'FATAL'],
  [50, SeverityNumber.ERROR, 'ERROR'],
  [40, SeverityNumber.WARN, 'WARN'],
  [30, SeverityNumber.INFO, 'INFO'],
  [20, SeverityNumber.DEBUG, 'DEBUG'],
  [0, SeverityNumber.TRACE, 'TRACE'],
];

function levelOf(level: unknown): Line['level'] {
  if (typeof level !== 'number') return severityOf(level);
  const found = NUMBERED.find(([least]) => level >= least);
  return found && [found[1], found[2]];
}

/** A JSON line of a logger; undefined when the text is not such a line. */
function fromJson(text: string): Line | undefined {
  if (!text.startsWith('{') || !text.endsWith('}')) return undefined;
  try {
    const {
      level,
      severity,
      msg,
      message,
      time: _time,
      timestamp: _timestamp,
      ...fields
    } = JSON.parse(text) as Record<string, unknown>;
    const body = msg ?? message;
    if (typeof body !== 'string') return undefined;
    return { body, level: levelOf(level ?? severity), fields };
  } catch {
    return undefined;
  }
}

/** Lines of stderr without a level are warnings: many of these lines are not errors. */
export function lineOf(printed: string, isError: boolean): Line | undefined {
  const body = stripVTControlCharacters(printed).trim();
  if (body === '') return undefined;
  const json = fromJson(body);
  if (json !== undefined) return json;
  const word = PREFIX.exec(body)?.[1] ?? WORD.exec(body.slice(0, 120))?.[1];
  return { body, level: severityOf(word) ?? severityOf(isError ? 'warn' : 'info') };
}

/** Messages of the preload itself. */
const OWN = 'vitrine: ';
/** Loggers whose instrumentation makes the record print JSON lines of this form to stdout. */
const RECORDED = /^\{.*"pid":\d.*"hostname":/;

function observeStream(out: Out, isError: boolean, logger: Logger, recorded: () => boolean): () => void {
  const original = out.write;
  let waiting = '';
  const take = (chunk: unknown): void => {
    const text = typeof chunk === 'string' ? chunk : chunk instanceof Uint8Array ? Buffer.from(chunk).toString() : '';
    if (text === '') return;
    waiting = (waiting + text).slice(0, MAX_LENGTH);
    if (!text.endsWith('\n') && waiting.length < MAX_LENGTH) return;
    const printed = waiting;
    waiting = '';
    if (printed.startsWith(OWN) || (recorded() && RECORDED.test(printed))) return;
    const line = lineOf(printed, isError);
    if (line !== undefined) quietly(() => emitLine(logger, line));
  };
  const observed = function (this: unknown, ...args: Parameters<Write>): boolean {
    const written = Reflect.apply(original, this, args);
    if (!isQuiet()) take(args[0]);
    return written;
  } as Write;
  out.write = observed;
  return () => {
    if (out.write === observed) out.write = original;
  };
}

/**
 * `recorded`: whether a logger is loaded whose instrumentation makes records of its lines. Returns a function that ends the
 * observation.
 */
export function observeOutput(
  recorded: () => boolean,
  outs: { readonly stdout: Out; readonly stderr: Out } = process,
): () => void {
  const ends = [
    observeStream(outs.stdout, false, logs.getLogger('stdout'), recorded),
    observeStream(outs.stderr, true, logs.getLogger('stderr'), recorded),
  ];
  return () => {
    for (const end of ends) end();
  };
}
