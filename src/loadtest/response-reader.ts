/**
 * Reads HTTP/1.1 responses from bytes with as little work as framing allows (RFC 9112 section 6): status, length or
 * chunks, and whether the connection stays open. One response at a time; unexpected bytes are an error. A head that is equal
 * to the last one, byte by byte, is not parsed again: most servers change theirs at most once a second.
 */

export interface ReadResponse {
  readonly status: number;
  /** Status line and fields as received. */
  readonly head: string;
  /** '' unless the body was requested; cut at 1 MiB. */
  readonly body: string;
  readonly bytes: number;
  readonly keepAlive: boolean;
}

const MAX_HEAD_BYTES = 64 * 1024;
const MAX_KEPT_BODY_BYTES = 1024 * 1024;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
const END_OF_LINE = Buffer.from('\r\n');
const EMPTY = Buffer.alloc(0);

type Framing =
  | { readonly kind: 'length'; left: number }
  | { readonly kind: 'chunked'; left: number; stage: 'size' | 'data' | 'crlf' | 'trailer' }
  | { readonly kind: 'close' };

interface Head {
  readonly status: number;
  readonly text: string;
  readonly keepAlive: boolean;
}

/** A response with Content-Length whose body is not needed is equal to the last one when its head is. */
interface Known {
  readonly head: Buffer;
  readonly response: ReadResponse;
}

export class ResponseReader {
  #known: Known | undefined;
  #lastText = '';
  #held: Buffer = EMPTY;
  #head: Head | undefined;
  #framing: Framing = { kind: 'close' };
  #wantsBody = false;
  #body: Buffer[] = [];
  #bodyBytes = 0;
  #bytes = 0;

  /** Call this before each response. */
  expect(wantsBody: boolean): void {
    this.#wantsBody = wantsBody;
    this.#held = EMPTY;
    this.#head = undefined;
    if (this.#body.length > 0) this.#body = [];
    this.#bodyBytes = 0;
    this.#bytes = 0;
  }

  /**
   * Returns the response when it is complete. The first `length` bytes of `buffer` are new; they are not kept after the
   * call. Throws Error for bytes that are not HTTP.
   */
  feed(buffer: Buffer, length = buffer.length): ReadResponse | undefined {
    const again = this.#again(buffer, length);
    if (again !== undefined) return again;
    const first = this.#bytes === 0;
    const bytes = length === buffer.length ? buffer : buffer.subarray(0, length);
    this.#bytes += length;
    const response = this.#read(bytes);
    if (first && response !== undefined) this.#learn(bytes, response);
    return response;
  }

  /** The last response, when `length` bytes are exactly that response again. */
  #again(buffer: Buffer, length: number): ReadResponse | undefined {
    const known = this.#known;
    if (known === undefined || this.#bytes > 0 || this.#wantsBody || length !== known.response.bytes) return undefined;
    return known.head.compare(buffer, 0, known.head.length) === 0 ? known.response : undefined;
  }

  /** Called with a response that arrived in one piece. Copies its head when it arrives the second time. */
  #learn(bytes: Buffer, response: ReadResponse): void {
    const { head, keepAlive } = response;
    if (head !== this.#lastText) {
      this.#lastText = head;
      this.#known = undefined;
      return;
    }
    // Interim responses before the response belong to these bytes, not to the head.
    const isAlone = bytes.toString('latin1', 0, head.length) === head;
    if (this.#framing.kind !== 'length' || this.#wantsBody || !keepAlive || !isAlone) return;
    this.#known = { head: Buffer.from(bytes.subarray(0, head.length + 4)), response };
  }

  #read(bytes: Buffer): ReadResponse | undefined {
    let data = this.#held.length === 0 ? bytes : Buffer.concat([this.#held, bytes]);
    this.#held = EMPTY;
    while (this.#head === undefined) {
      const end = data.indexOf(END_OF_HEAD);
      if (end < 0) {
        if (data.length > MAX_HEAD_BYTES) throw new Error('the head is too large');
        this.#held = Buffer.from(data);
        return undefined;
      }
      this.#readHead(data.toString('latin1', 0, end));
      data = data.subarray(end + 4);
    }
    return this.#readBody(data);
  }

  /** The connection ended: returns the response if its body ends with the connection. */
  end(): ReadResponse | undefined {
    return this.#head !== undefined && this.#framing.kind === 'close' ? this.#whole(false) : undefined;
  }

  #readHead(text: string): void {
    const status = Number(text.slice(9, 12));
    if (!text.startsWith('HTTP/1.') || !(status >= 100 && status < 600)) throw new Error('this is not HTTP');
    // Interim responses are skipped (RFC 9110 section 15.2).
    if (status < 200) return;
    const keepAlive = text.charCodeAt(7) === 0x31 && !/\r\nconnection:[^\r\n]*\bclose\b/i.test(text);
    this.#head = { status, text, keepAlive };
    if (status === 204 || status === 304) this.#framing = { kind: 'length', left: 0 };
    else if (/\r\ntransfer-encoding:[^\r\n]*\bchunked/i.test(text)) {
      this.#framing = { kind: 'chunked', left: 0, stage: 'size' };
    } else {
      const length = /\r\ncontent-length:[ \t]*(\d{1,15})[ \t]*(?:\r\n|$)/i.exec(text);
      this.#framing = length ? { kind: 'length', left: Number(length[1]) } : { kind: 'close' };
    }
  }

  #readBody(data: Buffer): ReadResponse | undefined {
    const framing = this.#framing;
    if (framing.kind === 'close') {
      this.#keep(data);
      return undefined;
    }
    if (framing.kind === 'chunked') return this.#readChunks(data, framing);
    if (data.length > framing.left) throw new Error('more came than was announced');
    framing.left -= data.length;
    this.#keep(data);
    return framing.left === 0 ? this.#whole(true) : undefined;
  }

  #readChunks(all: Buffer, framing: Extract<Framing, { kind: 'chunked' }>): ReadResponse | undefined {
    let data = all;
    for (;;) {
      if (framing.stage === 'data') {
        const taken = Math.min(framing.left, data.length);
        this.#keep(data.subarray(0, taken));
        framing.left -= taken;
        data = data.subarray(taken);
        if (framing.left > 0) return undefined;
        framing.stage = 'crlf';
      }
      const end = data.indexOf(END_OF_LINE);
      if (end < 0) {
        if (data.length > MAX_HEAD_BYTES) throw new Error('a chunk line is too long');
        this.#held = Buffer.from(data);
        return undefined;
      }
      const line = data.toString('latin1', 0, end);
      data = data.subarray(end + 2);
      if (framing.stage === 'size') {
        framing.left = chunkSize(line);
        framing.stage = framing.left === 0 ? 'trailer' : 'data';
      } else if (framing.stage === 'crlf') {
        if (line !== '') throw new Error('a chunk is longer than announced');
        framing.stage = 'size';
      } else if (line === '') {
        if (data.length > 0) throw new Error('more came than was announced');
        return this.#whole(true);
      }
    }
  }

  #keep(data: Buffer): void {
    if (!this.#wantsBody || data.length === 0 || this.#bodyBytes + data.length > MAX_KEPT_BODY_BYTES) return;
    this.#bodyBytes += data.length;
    // A copy: the bytes belong to the shared buffer of the sockets.
    this.#body.push(Buffer.from(data));
  }

  #whole(framed: boolean): ReadResponse {
    const { status = 0, text = '', keepAlive = false } = this.#head ?? {};
    const body = this.#body.length === 0 ? '' : Buffer.concat(this.#body).toString('utf8');
    return { status, head: text, body, bytes: this.#bytes, keepAlive: keepAlive && framed };
  }
}

function chunkSize(line: string): number {
  const found = /^([0-9a-f]{1,8})[ \t]*(?:;.*)?$/i.exec(line);
  if (!found) throw new Error('a chunk size is malformed');
  return Number.parseInt(found[1], 16);
}

/** The value of a field in a head as `ReadResponse` has it, undefined when it is not there. */
export function fieldOf(head: string, name: string): string | undefined {
  const at = head.toLowerCase().indexOf(`\r\n${name}:`);
  if (at < 0) return undefined;
  const end = head.indexOf('\r\n', at + 2);
  return head.slice(at + name.length + 3, end < 0 ? undefined : end).trim();
}
