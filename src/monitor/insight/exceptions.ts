/**
 * Exceptions in spans and lines: the `exception` events and attributes of OpenTelemetry, the `err` objects of loggers, and stack
 * traces in plain messages. A stack is normalised to the functions and files of the first frames of the application itself,
 * without lines, columns, hashes and folders of the machine, so that a new build gives the same group.
 */
import { attributeText } from '../../model/attribute-text.ts';
import { attributeAt } from '../../model/record-fields.ts';
import type { Attributes, AttributeValue, LogRecord, SpanRecord } from '../../model/records.ts';
import { maskedWords } from './pattern-miner.ts';

export interface Exception {
  readonly type: string;
  readonly message: string;
  readonly stack: string;
}

const FRAMES = 5;
const MAX_MESSAGE = 1_000;
const MAX_STACK = 16_384;
/** A longer line is no frame. Bounds what a hostile line can cost the expressions below. */
const MAX_LINE = 1_024;
/** `    at f (file.js:1:2)`, `    at file.js:1:2`, `File "a.py", line 3, in f`, `at a.B.c(D.java:1)`. */
const NODE_FRAME = /^\s*at (?:async )?(?:(?:new )?([^(]+?) )?\(?((?:file:\/\/|node:)?[^()\s]+?)(?::\d+){1,2}\)?$/;
const PYTHON_FRAME = /^\s*File "([^"]+)", line \d+, in (\S+)/;
const JAVA_FRAME = /^\s*at ([\w.$<>]+)\((?:([\w.]+)(?::\d+)?|[^)]*)\)$/;
const LIBRARY = /(?:^|[/\\])(?:node_modules|site-packages|dist-packages)(?:[/\\]|$)|^node:|^internal\//;
/** `TypeError: text` at the beginning of a stack or message. */
const HEAD =
  /^(?:Uncaught )?([A-Za-z_$][\w.$]*(?:Error|Exception|Fault|Warning|Failure))(?: \[[\w-]+\])?(?:: ([^\n]*))?/;

/** All exceptions that a span recorded, the last first. */
export function exceptionsOfSpan({ events, attributes, status, statusMessage }: SpanRecord): Exception[] {
  if (events.length === 0 && status !== 'error') return [];
  const found = events
    .filter(({ name }) => name === 'exception')
    .flatMap((event) => fromAttributes(event.attributes) ?? []);
  if (found.length > 0 || status !== 'error') return found.reverse();
  const type = attributes['exception.type'] ?? attributes['error.type'];
  // A status code as the error's type is an answer, not an exception.
  if (typeof type !== 'string' || /^\d{3}$/.test(type)) return [];
  return [{ type, message: statusMessage.slice(0, MAX_MESSAGE), stack: '' }];
}

export function exceptionOfLine({ attributes, body, severityNumber }: LogRecord): Exception | undefined {
  if (namesException(attributes)) {
    const known = fromAttributes(attributes);
    if (known !== undefined) return known;
    for (const name of ['err', 'error', 'exception']) {
      const found = fromObject(attributeAt(attributes, name));
      if (found !== undefined) return found;
    }
    const stack = attributeAt(attributes, 'stack');
    if (typeof stack === 'string') return fromText(stack);
  }
  return severityNumber >= 13 && typeof body === 'string' && body.includes('\n') ? fromText(body) : undefined;
}

/** Whether there is any of the attributes that may tell of an exception: most lines have none, and each line is asked. */
const namesException = (attributes: Attributes): boolean =>
  attributes['err'] !== undefined ||
  attributes['error'] !== undefined ||
  attributes['stack'] !== undefined ||
  attributes['exception'] !== undefined ||
  attributes['exception.type'] !== undefined ||
  attributes['exception.message'] !== undefined;

function fromAttributes(attributes: Attributes): Exception | undefined {
  const type = attributeAt(attributes, 'exception.type');
  const message = attributeAt(attributes, 'exception.message');
  if (type === undefined && message === undefined) return undefined;
  return exception(type, message, attributeAt(attributes, 'exception.stacktrace'));
}

function fromObject(value: AttributeValue | undefined): Exception | undefined {
  if (typeof value === 'string') return value.includes('\n') ? fromText(value) : undefined;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  const { type, name, message, stack, stack_trace: trace } = value as Readonly<Record<string, AttributeValue>>;
  if (message === undefined && stack === undefined && trace === undefined) return undefined;
  return exception(type ?? name, message, stack ?? trace);
}

function fromText(whole: string): Exception | undefined {
  const text = whole.slice(0, MAX_STACK);
  const lines = text.split('\n');
  const at = lines.findIndex((line) => HEAD.test(line));
  if (at < 0 || !lines.some((line) => frameOf(line) !== undefined)) return undefined;
  const [, type, message = ''] = HEAD.exec(lines[at]) ?? [];
  return exception(type, message, text);
}

function exception(
  type: AttributeValue | undefined,
  message: AttributeValue | undefined,
  stack: AttributeValue | undefined,
): Exception {
  const text = typeof stack === 'string' ? stack.slice(0, MAX_STACK) : '';
  const [, named] = HEAD.exec(text) ?? [];
  const own = typeof type === 'string' && type !== '' ? type : (named ?? 'Error');
  const said = message === undefined ? '' : attributeText(message);
  return { type: own.slice(0, 200), message: said.slice(0, MAX_MESSAGE), stack: text };
}

interface Frame {
  readonly fn: string;
  readonly file: string;
  readonly isLibrary: boolean;
}

function frameOf(line: string): Frame | undefined {
  if (line.length > MAX_LINE) return undefined;
  const python = PYTHON_FRAME.exec(line);
  if (python !== null) return frame(python[2], python[1]);
  const java = JAVA_FRAME.exec(line);
  if (java !== null && !/\.[cm]?[jt]sx?$/.test(java[2] ?? '')) return frame(java[1], java[2] ?? '');
  const node = NODE_FRAME.exec(line);
  return node === null ? undefined : frame(node[1] ?? '', node[2]);
}

function frame(fn: string, path: string): Frame {
  const file = path
    .replace(/^file:\/\//, '')
    .split(/[/\\]/)
    .slice(-2)
    .join('/')
    .replace(/[.-][0-9a-f]{8,}(?=[.-]|$)/g, '')
    .replace(/\?.*$/, '');
  return { fn: withoutAlias(fn.trim()), file, isLibrary: LIBRARY.test(path) };
}

/** `Object.f [as g]` → `Object.f`. */
function withoutAlias(fn: string): string {
  const at = fn.endsWith(']') ? fn.indexOf('[as ') : -1;
  return at < 0 ? fn : fn.slice(0, at).trimEnd();
}

/** The frames that tell one error from another. */
export function normalStack(stack: string): readonly string[] {
  const frames = stack.split('\n').flatMap((line) => frameOf(line) ?? []);
  const own = frames.filter(({ isLibrary }) => !isLibrary);
  return (own.length > 0 ? own : frames).slice(0, FRAMES).map(({ fn, file }) => `${fn} ${file}`.trim());
}

/** The text that is the same for all exceptions of a group. */
export function groupText(service: string, { type, message, stack }: Exception): string {
  const frames = normalStack(stack);
  const what = frames.length > 0 ? frames.join('\n') : maskedWords(message).join(' ');
  return `${service}\n${type}\n${what}`;
}
