/**
 * Lines that are not JSON: logfmt (`level=info msg="…" took=5ms`) and plain text. A stack trace in plain text is several lines
 * and one record: the lines of the trace are joined to the line before them.
 */
import { stripVTControlCharacters } from 'node:util';

export type LineFormat = 'auto' | 'json' | 'logfmt' | 'text';

const PAIR = /([A-Za-z_@][\w.@/-]*)(?:=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*)))?(?=\s|$)/gy;
const LOOKS_LIKE_LOGFMT = /^(?:[A-Za-z_@][\w.@/-]*=(?:"(?:[^"\\]|\\.)*"|[^\s"]*)(?:\s+|$)){2}/;
const TIME = /^\[?(\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?)\]?[\s:|-]*/;
const WORD = /\b(FATAL|CRITICAL|PANIC|ERROR|ERR|WARN(?:ING)?|NOTICE|INFO|VERBOSE|DEBUG|TRACE)\b/;
const PREFIX = /^\[?(silly|trace|verbose|debug|info|notice|warn|warning|error|crit|critical|fatal|panic)\]?[:\s]/i;
/** Lines that go on with the record before them: frames, causes and what Python, Java and Node print around them. */
const CONTINUES =
  /^(?:\s+\S|at\s|Caused by:|Suppressed:|\.\.\. \d+ more|Traceback \(most recent call last\)|During handling of the above|goroutine \d+|[})\]]+,?\s*$)/;
/** The last line of a Python traceback stands at the margin: `ValueError: …`. */
const PYTHON_END = /^[A-Za-z_][\w.]*(?:Error|Exception|Warning|Interrupt|Exit)\b(?::|$)/;
/** The escapes of go-logfmt, which writes texts as JSON does; any other character stands for itself. */
const ESCAPES: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', b: '\b', f: '\f' };
const MAX_JOINED_LINES = 500;

export function isLogfmt(text: string): boolean {
  return LOOKS_LIKE_LOGFMT.test(text);
}

/**
 * The pairs of a logfmt line; undefined when the text is something else. A key without a value is true. The length of a line
 * limits their number, and a record has its own limit of fields, which counts those that are left out.
 */
export function logfmtOf(text: string): Record<string, unknown> | undefined {
  const fields = Object.create(null) as Record<string, unknown>;
  let at = 0;
  while (at < text.length) {
    PAIR.lastIndex = at;
    const found = PAIR.exec(text);
    if (found === null) return undefined;
    const [whole, key, quoted, plain] = found;
    if (quoted !== undefined) fields[key] = unescaped(quoted);
    else fields[key] = plain === undefined ? true : valueOf(plain);
    at += whole.length;
    while (/\s/.test(text[at] ?? '')) at += 1;
  }
  return at === 0 ? undefined : fields;
}

const unescaped = (text: string): string =>
  text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, hex: string | undefined, char: string) =>
    hex === undefined ? (ESCAPES[char] ?? char) : String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Numbers of up to 15 digits are numbers; longer ones are ids and keep their digits. */
function valueOf(text: string): unknown {
  if (/^-?\d{1,15}(?:\.\d{1,15})?$/.test(text)) return Number(text);
  if (text === 'true' || text === 'false') return text === 'true';
  return text;
}

/** Message, level and time of a plain line, under the names that `logRecordOf` knows. */
export function plainFields(text: string): Record<string, unknown> {
  const plain = stripVTControlCharacters(text).trimEnd();
  const [stamp, time] = TIME.exec(plain) ?? ['', undefined];
  const rest = plain.slice(stamp.length);
  const level = PREFIX.exec(rest)?.[1] ?? WORD.exec(rest.slice(0, 120))?.[1];
  const at = time === undefined ? Number.NaN : Date.parse(isoTime(time));
  return {
    msg: rest === '' ? plain : rest,
    ...(level === undefined ? {} : { level }),
    ...(Number.isNaN(at) ? {} : { time: at }),
  };
}

const isoTime = (text: string): string => {
  const iso = text.replace(' ', 'T').replace(',', '.');
  return /(?:Z|[+-]\d\d:?\d\d)$/.test(iso) ? iso : `${iso}Z`;
};

/** Joins the lines of stack traces. `push` returns the records that are complete; the last one waits for its continuation. */
export class TraceJoiner {
  #waiting: string[] = [];
  #inPython = false;

  push(line: string): string[] {
    if (this.#waiting.length > 0 && this.#waiting.length < MAX_JOINED_LINES && this.#continues(line)) {
      this.#inPython ||= line.startsWith('Traceback ');
      if (this.#inPython && PYTHON_END.test(line)) this.#inPython = false;
      this.#waiting.push(line);
      return [];
    }
    const done = this.flush();
    this.#waiting.push(line);
    this.#inPython = line.startsWith('Traceback ');
    return done;
  }

  flush(): string[] {
    const done = this.#waiting.length === 0 ? [] : [this.#waiting.join('\n')];
    this.#waiting = [];
    this.#inPython = false;
    return done;
  }

  #continues(line: string): boolean {
    return CONTINUES.test(line) || (this.#inPython && PYTHON_END.test(line));
  }
}
