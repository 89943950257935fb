/**
 * JSON.parse for large texts, in steps: finds the brackets and commas byte by byte, and gives JSON.parse runs of neighbouring
 * elements of some ten kilobytes. Only lists, objects and strings that are longer than that are put together here. Each byte
 * is read at most three times, whatever the nesting. The result is that of JSON.parse, but such objects have no prototype. Throws SyntaxError where
 * JSON.parse does, TypeError for bytes that are not UTF-8, and RangeError for nesting that is deeper, and names that are
 * longer, than in any telemetry.
 */
import type { Steps } from './steps.ts';

const PIECE_BYTES = 65_536;
/** Names of fields are not put together from pieces. */
const MAX_NAME_BYTES = 1024 * 1024;
/** Values of OTLP may be nested 64 deep, at four brackets each. */
const MAX_BRACKETS = 300;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

interface Frame {
  /** Where its bracket is. */
  readonly at: number;
  readonly list: boolean;
  /** Begin of the elements that are not parsed yet. */
  from: number;
  /** Its last comma, or its bracket. */
  comma: number;
  /** The value stands before `from`, and only a comma may follow. */
  closed: boolean;
  /** Set once it is put together here. */
  items: unknown[] | Record<string, unknown> | undefined;
  /** Under which it belongs into the object around it. */
  key: string;
}

/** `pieceBytes` is for tests. */
export function* parseJson(bytes: Uint8Array, pieceBytes = PIECE_BYTES): Steps<unknown> {
  const from = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0;
  if (bytes.length - from <= pieceBytes) return JSON.parse(utf8.decode(bytes.subarray(from))) as unknown;
  return yield* new Pieces(bytes, from, pieceBytes).read();
}

class Pieces {
  readonly #bytes: Uint8Array;
  readonly #begin: number;
  readonly #pieceBytes: number;
  readonly #open: Frame[] = [];
  /** Begin of the elements of the innermost frame with `items`. */
  #parsedTo: number;
  #root: { readonly value: unknown; readonly end: number } | undefined;

  constructor(bytes: Uint8Array, begin: number, pieceBytes: number) {
    this.#bytes = bytes;
    this.#begin = begin;
    this.#pieceBytes = pieceBytes;
    this.#parsedTo = begin;
  }

  *read(): Steps<unknown> {
    const bytes = this.#bytes;
    let inString = false;
    let quote = 0;
    let stepEnds = this.#begin + this.#pieceBytes;
    for (let at = this.#begin; at < bytes.length; at += 1) {
      if (at >= stepEnds) {
        yield;
        stepEnds = at + this.#pieceBytes;
        if (inString && this.#isLongValue(quote, at)) {
          at = yield* this.#longString(quote);
          inString = false;
          stepEnds = at + this.#pieceBytes;
          continue;
        }
      }
      const byte = bytes[at];
      if (inString) {
        if (byte === 0x5c) at += 1;
        else if (byte === 0x22) inString = false;
      } else if (byte === 0x22) {
        inString = true;
        quote = at;
      } else if (byte === 0x2c) this.#comma(at);
      else if (byte === 0x7b || byte === 0x5b) this.#begins(at, byte === 0x5b);
      else if (byte === 0x7d || byte === 0x5d) this.#ends(at, byte === 0x5d);
    }
    return this.#result();
  }

  /**
   * Whether the string that begins at `quote` and goes on at `at` is put together: it is an element of a list or a value of an
   * object, and longer than a piece. Throws RangeError for a name that is too long.
   */
  #isLongValue(quote: number, at: number): boolean {
    if (at - quote <= this.#pieceBytes) return false;
    const frame = this.#open.at(-1);
    if (frame !== undefined && (frame.list || !this.#isBlank(Math.max(frame.from, frame.comma + 1), quote)))
      return true;
    if (at - quote > MAX_NAME_BYTES) throw new RangeError(`a name longer than ${MAX_NAME_BYTES} bytes`);
    return false;
  }

  /** Puts the string that begins at `quote` together, and makes it an element. Returns the place of its last quote. */
  *#longString(quote: number): Steps<number> {
    const frame = this.#open[this.#open.length - 1];
    this.#putTogether(this.#open.length - 1);
    if (frame.comma >= frame.from) this.#settle(frame, frame.comma);
    else if (frame.closed) throw unexpected(quote);
    if (frame.list) this.#blank(frame.from, quote);
    const key = frame.list ? '' : this.#keyIn(frame.from, quote);
    let text = '';
    let from = quote + 1;
    let at = from;
    while (this.#bytes[at] !== 0x22) {
      if (at >= this.#bytes.length) throw unexpected(this.#bytes.length);
      at += this.#unitAt(at);
      if (at - from < this.#pieceBytes) continue;
      text += this.#parse('"', from, at, '"') as string;
      from = at;
      yield;
    }
    text += this.#parse('"', from, at, '"') as string;
    if (Array.isArray(frame.items)) frame.items.push(text);
    else if (frame.items !== undefined) frame.items[key] = text;
    frame.from = at + 1;
    frame.closed = true;
    this.#parsedTo = at + 1;
    return at;
  }

  /** Bytes of the escape or the character at `at`: a piece ends behind one. */
  #unitAt(at: number): number {
    const byte = this.#bytes[at];
    if (byte === 0x5c) return this.#bytes[at + 1] === 0x75 ? 6 : 2;
    return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
  }

  #result(): unknown {
    if (this.#open.length > 0) throw unexpected(this.#bytes.length);
    // A text without brackets.
    if (this.#root === undefined) return this.#parse('', this.#begin, this.#bytes.length, '');
    this.#blank(this.#root.end, this.#bytes.length);
    return this.#root.value;
  }

  #begins(at: number, list: boolean): void {
    if (this.#root !== undefined) throw unexpected(at);
    if (this.#open.length === 0) this.#blank(this.#begin, at);
    if (this.#open.length >= MAX_BRACKETS) throw new RangeError(`values nested deeper than ${MAX_BRACKETS} brackets`);
    this.#open.push({ at, list, from: at + 1, comma: at, closed: false, items: undefined, key: '' });
    if (at - this.#parsedTo > this.#pieceBytes) this.#putTogether(this.#open.length - 1);
  }

  #comma(at: number): void {
    const frame = this.#open.at(-1);
    if (frame === undefined) throw unexpected(at);
    if (at - this.#parsedTo > this.#pieceBytes) this.#putTogether(this.#open.length - 1);
    if (frame.items !== undefined && (frame.closed || at - frame.from >= this.#pieceBytes / 2)) this.#settle(frame, at);
    frame.comma = at;
  }

  #ends(at: number, list: boolean): void {
    const frame = this.#open.pop();
    if (frame?.list !== list) throw unexpected(at);
    const around = this.#open.at(-1);
    if (frame.items === undefined) {
      if (around === undefined) this.#root = { value: this.#parse('', frame.at, at + 1, ''), end: at + 1 };
      return;
    }
    if (frame.comma === frame.at && !frame.closed && this.#isBlank(frame.from, at)) frame.from = at;
    else this.#settle(frame, at);
    if (around === undefined) this.#root = { value: frame.items, end: at + 1 };
    else this.#close(around, frame, at);
  }

  /** `frame`, which has ended at `at`, becomes an element of the one around it. */
  #close(around: Frame, { items, key }: Frame, at: number): void {
    if (Array.isArray(around.items)) around.items.push(items);
    else if (around.items !== undefined) around.items[key] = items;
    around.from = at + 1;
    around.closed = true;
    this.#parsedTo = at + 1;
  }

  /** The frames up to this one are put together here, and what stands before it in each is parsed. */
  #putTogether(index: number): void {
    const frame = this.#open[index];
    if (frame.items !== undefined) return;
    if (index > 0) {
      this.#putTogether(index - 1);
      const around = this.#open[index - 1];
      if (around.comma >= around.from) this.#settle(around, around.comma);
      else if (around.closed) throw unexpected(frame.at);
      if (around.list) this.#blank(around.from, frame.at);
      else frame.key = this.#keyIn(around.from, frame.at);
    }
    frame.items = frame.list ? [] : (Object.create(null) as Record<string, unknown>);
    this.#parsedTo = frame.from;
  }

  /** Parses the elements of a frame up to the comma or bracket at `to`. */
  #settle(frame: Frame, to: number): void {
    const { from, items, list } = frame;
    if (frame.closed) this.#blank(from, to);
    else if (this.#isBlank(from, to)) throw unexpected(to);
    else if (list) for (const item of this.#parse('[', from, to, ']') as unknown[]) (items as unknown[]).push(item);
    else Object.assign(items ?? {}, this.#parse('{', from, to, '}'));
    frame.closed = false;
    frame.from = to + 1;
    this.#parsedTo = to + 1;
  }

  /** The key in front of a value: `"key":`. */
  #keyIn(from: number, to: number): string {
    return Object.keys(this.#parse('{', from, to, '0}') as object)[0];
  }

  #parse(before: string, from: number, to: number, after: string): unknown {
    return JSON.parse(before + utf8.decode(this.#bytes.subarray(from, to)) + after) as unknown;
  }

  #isBlank(from: number, to: number): boolean {
    for (let at = from; at < to; at += 1) {
      const byte = this.#bytes[at];
      if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) return false;
    }
    return true;
  }

  #blank(from: number, to: number): void {
    if (!this.#isBlank(from, to)) throw unexpected(from);
  }
}

const unexpected = (at: number): SyntaxError => new SyntaxError(`unexpected character or end at byte ${at}`);
