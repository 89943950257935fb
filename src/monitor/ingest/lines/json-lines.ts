/**
 * NDJSON as parsed lines with their numbers. The whole lines of a chunk are decoded together, and each is parsed out of that text:
 * decoding line by line costs more than half as much as parsing. A chunk that cannot be read so is read line by line, so that
 * each line that is wrong is named.
 */
import { TextDecoder } from 'node:util';
import { LineSplitter, type Line } from '../request/line-splitter.ts';

export const MAX_LINE_BYTES = 256 * 1024;
const LF = 0x0a;
const OPENING_BRACE = 0x7b;
const BYTE_ORDER_MARK = '\uFEFF';
const BLANK_TEXT = /^[ \r\t]*$/;
const NO_JSON = 'the line is not JSON in UTF-8';
export const TOO_LONG = `the line is longer than ${MAX_LINE_BYTES} bytes`;
/** Leaves out a mark at the beginning; `asItIs` leaves it in. */
const utf8 = new TextDecoder('utf-8', { fatal: true });
const asItIs = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export interface ParsedLine {
  /** From 1. */
  readonly number: number;
  readonly json: unknown;
  /** Why there is no value. */
  readonly fault: string | undefined;
}

export class JsonLines {
  readonly #splitter = new LineSplitter(MAX_LINE_BYTES);

  /** The lines that `chunk` completes, without blank ones. */
  *push(chunk: Buffer): Generator<ParsedLine> {
    const first = this.#splitter.isInside ? chunk.indexOf(LF) + 1 : 0;
    const end = chunk.lastIndexOf(LF) + 1;
    const text = end > first ? decoded(chunk.subarray(first, end)) : undefined;
    if (text === undefined) {
      yield* each(this.#splitter.push(chunk));
      return;
    }
    if (first > 0) yield* each(this.#splitter.push(chunk.subarray(0, first)));
    let number = this.#splitter.number;
    for (let from = 0; from < text.length; number += 1) {
      const to = text.indexOf('\n', from);
      const line = text.slice(from, to);
      from = to + 1;
      if (!isBlankText(line)) yield parse(line, number);
    }
    this.#splitter.number = number;
    // Completes no line.
    for (const _ of this.#splitter.push(chunk.subarray(end)));
  }

  /** The last line, when it did not end in a newline. */
  *end(): Generator<ParsedLine> {
    yield* each(this.#splitter.end());
  }
}

/** The text of whole lines; undefined when it must be read line by line. */
function decoded(bytes: Buffer): string | undefined {
  if (bytes.length > MAX_LINE_BYTES) return undefined;
  const text = textOf(bytes, asItIs);
  // A line may begin with one, and is read without it.
  return text?.includes(BYTE_ORDER_MARK) === true ? undefined : text;
}

function textOf(bytes: Buffer, decoder: typeof utf8): string | undefined {
  try {
    return decoder.decode(bytes);
  } catch {
    // The caller names the line.
    return undefined;
  }
}

function* each(lines: Iterable<Line>): Generator<ParsedLine> {
  for (const { number, bytes } of lines) {
    if (bytes === undefined) yield { number, json: undefined, fault: TOO_LONG };
    else if (!isBlank(bytes)) yield parse(textOf(bytes, utf8), number);
  }
}

export function isBlank(bytes: Buffer): boolean {
  for (const byte of bytes) if (byte !== 0x20 && byte !== 0x0d && byte !== 0x09) return false;
  return true;
}

const isBlankText = (text: string): boolean => text.charCodeAt(0) !== OPENING_BRACE && BLANK_TEXT.test(text);

function parse(text: string | undefined, number: number): ParsedLine {
  try {
    if (text !== undefined) return { number, json: JSON.parse(text) as unknown, fault: undefined };
  } catch {
    // The caller counts the line.
  }
  return { number, json: undefined, fault: NO_JSON };
}
