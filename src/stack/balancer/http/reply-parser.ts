/**
 * Parses HTTP/1.1 answers of upstreams (RFC 9112) strictly: an ambiguous answer is an error, and an error here becomes a
 * 502. Body bytes are views into the read buffer; a listener copies the bytes that it keeps.
 */
import { FIELD, fieldMeaning, mayTrail } from './fields.ts';
import { bad, BAD_HEAD, parseReplyHead, type ReplyHead } from './reply-head.ts';

export interface ReplyListener {
  onInterim(head: ReplyHead): void;
  onHead(head: ReplyHead): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

/** Bytes of a head, of all interim answers together, and of chunk extensions or trailers. */
const HEAD_LIMIT = 64 * 1024;
const OVERHEAD_LIMIT = 16 * 1024;
const INTERIM_LIMIT = 16;
const CR = 13;
const LF = 10;
/** A size and its extensions, which are dropped (RFC 9112 section 7.1.1). */
const SIZE_LINE =
  /^([0-9A-Fa-f]{1,13})(?:[ \t]*;[ \t]*[!#$%&'*+.^_`|~0-9A-Za-z-]+(?:[ \t]*=[ \t]*(?:[!#$%&'*+.^_`|~0-9A-Za-z-]+|"(?:[\t !#-[\]-~\x80-\xff]|\\[\t -~\x80-\xff])*"))?)*$/;
type State = 'head' | 'length' | 'close' | 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'tunnel';

export class ReplyParser {
  #state: State = 'done';
  #listener: ReplyListener | undefined;
  #head: Buffer | undefined;
  #method = '';
  #left = 0;
  #line = '';
  #overhead = 0;
  /** Lines of the trailer section that may be forwarded, each ended by CRLF. */
  trailers = '';
  #interim = 0;
  #upgrading = false;

  /** The next answer is to a request of this method. `upgrading`: 101 is allowed. */
  expect(method: string, listener: ReplyListener, upgrading = false): void {
    this.#state = 'head';
    this.#method = method;
    this.#listener = listener;
    this.#head = undefined;
    this.trailers = '';
    this.#interim = 0;
    this.#upgrading = upgrading;
  }

  /** Whether the message is over. This includes 101: the bytes after it are not HTTP. */
  get done(): boolean {
    return this.#state === 'done' || this.#state === 'tunnel';
  }

  /**
   * Takes the first `size` bytes. Returns how many of them belong to the message: fewer than given when the message has
   * ended. Throws VitrineError `bad_gateway`; the parser must not be given more bytes after that.
   */
  execute(bytes: Buffer, size = bytes.length): number {
    let at = 0;
    while (at < size && !this.done) at = this.#step(bytes, at, size);
    return at;
  }

  /** The connection was closed. Returns whether the message was complete. */
  finish(): boolean {
    if (this.#state === 'close') this.#end();
    return this.done;
  }

  #step(bytes: Buffer, at: number, size: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at, size);
      case 'length':
      case 'data':
        return this.#readCounted(bytes, at, size);
      case 'close':
        this.#listener?.onBody(bytes.subarray(at, size));
        return size;
      default:
        return this.#readLine(bytes, at, size);
    }
  }

  #readHead(bytes: Buffer, from: number, size: number): number {
    const kept = this.#head;
    const all = kept === undefined ? bytes : Buffer.concat([kept, bytes.subarray(from, size)]);
    const start = kept === undefined ? from : 0;
    const allEnd = kept === undefined ? size : all.length;
    const end = endOfHead(all, start, allEnd);
    if (end < 0 || end - start > HEAD_LIMIT) {
      if (allEnd - start > HEAD_LIMIT) throw bad('its head is too long');
      if (/(?<!\r)\n/.test(all.toString('latin1', start, allEnd))) throw bad('a line ends without CR');
      this.#head = kept === undefined ? Buffer.from(all.subarray(start, allEnd)) : all;
      return size;
    }
    const used = kept === undefined ? end + 4 : from + end + 4 - kept.length;
    this.#head = undefined;
    this.#takeHead(all.toString('latin1', start, end + 2));
    return used;
  }

  #takeHead(text: string): void {
    const head = parseReplyHead(text, this.#method);
    if (head.status < 200) {
      if (head.status === 101) {
        if (!this.#upgrading) throw bad('101 to a request that asked for no upgrade');
        this.#state = 'tunnel';
        this.#listener?.onHead(head);
        return;
      }
      this.#interim += 1;
      if (this.#interim > INTERIM_LIMIT) throw bad('it has too many interim answers');
      this.#listener?.onInterim(head);
      return;
    }
    this.#overhead = 0;
    this.#left = head.bodyBytes;
    if (head.bodyBytes > 0) this.#state = 'length';
    else if (head.bodyBytes === -1) this.#state = 'size';
    else if (head.bodyBytes === -2) this.#state = 'close';
    this.#line = '';
    this.#listener?.onHead(head);
    if (head.bodyBytes === 0) this.#end();
  }

  #readCounted(bytes: Buffer, at: number, size: number): number {
    const take = Math.min(this.#left, size - at);
    this.#left -= take;
    const last = this.#left === 0;
    const chunked = this.#state === 'data';
    if (last && chunked) this.#state = 'data-end';
    this.#listener?.onBody(bytes.subarray(at, at + take));
    if (last && !chunked) this.#end();
    return at + take;
  }

  /**
   * Lines between chunks: the size line with its extension, the empty line after data, and trailers. Each must end with
   * CRLF; no other line end is accepted.
   */
  #readLine(bytes: Buffer, at: number, size: number): number {
    const found = bytes.indexOf(LF, at);
    const lf = found < size ? found : -1;
    const end = lf < 0 ? size : lf + 1;
    this.#line += bytes.toString('latin1', at, end);
    this.#overhead += end - at;
    if (this.#overhead > OVERHEAD_LIMIT) throw bad('its chunk lines or trailers are too long');
    if (lf < 0) return end;
    const line = this.#line;
    this.#line = '';
    if (BAD_HEAD.test(line) || !line.endsWith('\r\n')) throw bad('a line of its body is not valid');
    this.#takeLine(line.slice(0, -2));
    return end;
  }

  #takeLine(line: string): void {
    if (this.#state === 'size') {
      const found = SIZE_LINE.exec(line);
      if (!found) throw bad('a chunk size is not a number');
      this.#left = Number.parseInt(found[1], 16);
      // Only the overhead beyond a plain size line counts towards the limit, or a long body of normal chunks would reach it.
      this.#overhead = Math.max(0, this.#overhead - found[1].length - 4);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    } else if (this.#state === 'data-end') {
      if (line !== '') throw bad('a chunk is longer than its size');
      this.#state = 'size';
    } else if (line === '') {
      this.#end();
    } else this.trailers += trailerLine(line);
  }

  #end(): void {
    this.#state = 'done';
    this.#listener?.onEnd();
  }
}

/** A trailer field that may be forwarded, or nothing (RFC 9110 section 6.5.1). */
function trailerLine(line: string): string {
  const colon = line.indexOf(':');
  const name = line.slice(0, Math.max(0, colon));
  const meaning = fieldMeaning(name);
  if (meaning === FIELD.invalid) throw bad('a trailer is not a field');
  // Another reader could take it for the framing of this message or the next.
  if (meaning === FIELD.contentLength || meaning === FIELD.transferEncoding) throw bad('a trailer frames a message');
  return mayTrail(name) ? `${name}: ${line.slice(colon + 1).trim()}\r\n` : '';
}

/** Where CR LF CR LF begins, or -1. Most bytes are neither CR nor LF, so the search can skip four at a time. */
function endOfHead(bytes: Buffer, from: number, size: number): number {
  for (let at = from + 3; at < size;) {
    const byte = bytes[at];
    if (byte === CR) at += 1;
    else if (byte !== LF) at += 4;
    else if (bytes[at - 1] === CR && bytes[at - 2] === LF && bytes[at - 3] === CR) return at - 3;
    else at += 2;
  }
  return -1;
}
