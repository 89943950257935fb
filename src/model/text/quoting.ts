/**
 * Strings as Go writes them. `unquote` reads the three forms of PromQL; `quote` writes the form with double quotes.
 * Go strings are bytes. A byte that belongs to no valid UTF-8 sequence is represented by the lone surrogate U+DC80…U+DCFF
 * (as in Python's surrogateescape). The byte therefore survives a round trip, and `isWellFormed()` finds such strings.
 */
import type { Labels } from '../labels.ts';

const SIMPLE: Readonly<Record<string, string>> = {
  a: '\u0007',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
  '\\': '\\',
};
const SIMPLE_OUT = new Map(Object.entries(SIMPLE).map(([letter, char]) => [char, `\\${letter}`]));

/** Decodes UTF-8. Bytes that cannot be decoded become U+DC80…U+DCFF. */
export function decodeBytes(bytes: readonly number[]): string {
  const decoder = new TextDecoder('utf-8', { fatal: true });
  let out = '';
  for (let at = 0; at < bytes.length;) {
    const length = sequenceLength(bytes[at]);
    const slice = Uint8Array.from(bytes.slice(at, at + length));
    try {
      out += decoder.decode(slice);
      at += length;
    } catch {
      out += String.fromCharCode(0xdc00 + bytes[at]);
      at += 1;
    }
  }
  return out;
}

function sequenceLength(first: number): number {
  if (first < 0xc0) return 1;
  if (first < 0xe0) return 2;
  return first < 0xf0 ? 3 : 4;
}

interface Escape {
  readonly text?: string;
  readonly byte?: number;
  readonly length: number;
}

/** The escape that begins after the backslash at `at`, or undefined when the text there is not an escape. */
function readEscape(text: string, at: number, quoteChar: string): Escape | undefined {
  const letter = text[at];
  if (letter === undefined) return undefined;
  if (letter === quoteChar) return { text: letter, length: 1 };
  if (Object.hasOwn(SIMPLE, letter)) return { text: SIMPLE[letter], length: 1 };
  const found = /^(?:x([0-9a-fA-F]{2})|([0-7]{3})|u([0-9a-fA-F]{4})|U([0-9a-fA-F]{8}))/.exec(text.slice(at, at + 9));
  if (!found) return undefined;
  const [all, hex, octal, short, long] = found;
  if (hex !== undefined) return { byte: Number.parseInt(hex, 16), length: all.length };
  if (octal !== undefined) {
    const byte = Number.parseInt(octal, 8);
    return byte > 255 ? undefined : { byte, length: all.length };
  }
  const code = Number.parseInt(short ?? long, 16);
  if (code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) return undefined;
  return { text: String.fromCodePoint(code), length: all.length };
}

/** The value of a quoted string (given with its quotes), or undefined when it contains an invalid escape. */
export function unquote(quoted: string): string | undefined {
  const quoteChar = quoted[0];
  const body = quoted.slice(1, -1);
  if (quoteChar === '`') return body;
  let out = '';
  let bytes: number[] = [];
  for (let at = 0; at < body.length;) {
    if (body[at] !== '\\') {
      if (bytes.length > 0) out += decodeBytes(bytes);
      bytes = [];
      out += body[at];
      at += 1;
      continue;
    }
    const escape = readEscape(body, at + 1, quoteChar);
    if (escape === undefined) return undefined;
    if (escape.byte === undefined) {
      out += decodeBytes(bytes) + (escape.text as string);
      bytes = [];
    } else {
      bytes.push(escape.byte);
    }
    at += 1 + escape.length;
  }
  return out + decodeBytes(bytes);
}

/** Quotes as Go's strconv.Quote does. */
export function quote(text: string): string {
  let out = '"';
  for (const char of text) out += quoteChar(char);
  return `${out}"`;
}

function quoteChar(char: string): string {
  if (char === '"') return '\\"';
  const simple = SIMPLE_OUT.get(char);
  if (simple !== undefined) return simple;
  const code = char.codePointAt(0) as number;
  if (code >= 0x20 && code < 0x7f) return char;
  const hex = (digits: number): string => code.toString(16).padStart(digits, '0');
  if (code < 0x80) return `\\x${hex(2)}`;
  if (code >= 0xdc80 && code <= 0xdcff) return `\\x${(code - 0xdc00).toString(16)}`;
  if (!/[\p{C}\p{Z}]/u.test(char)) return char;
  return code > 0xffff ? `\\U${hex(8)}` : `\\u${hex(4)}`;
}

/** A label set as Go prints it: `{__name__="a", b="c"}`. */
export function labelsText(labels: Labels): string {
  const nameOf = (name: string): string => (/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) ? name : quote(name));
  return `{${[...labels].map(([name, value]) => `${nameOf(name)}=${quote(value)}`).join(', ')}}`;
}
