/**
 * Reads HTTP/1.1 answers of upstreams (RFC 9112), strictly: what could be understood in two ways is an error, and an error
 * here is a 502. No objects per field: the fields that may pass come out as one string, cut from the head in ranges.
 * Body bytes are views into the read buffer: whoever keeps them copies them.
 */
import { VitrineError } from '../../base/errors.ts';
import { FIELD, fieldMeaning, listHas } from './fields.ts';

export interface ReplyHead {
  readonly status: number;
  /** Reason phrase as sent, maybe empty. */
  readonly reason: string;
  /** `Name: value\r\n` for each field that is not hop-by-hop, framing, or ours to set. */
  readonly fields: string;
  /** Body bytes that follow; -1 for chunked, -2 until the connection closes. 0 for answers that have none. */
  readonly bodyBytes: number;
  /** `Content-Length` as sent, for answers to HEAD and 304, where it says nothing of this message. */
  readonly statedLength: string | undefined;
  readonly hasDate: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: string | undefined;
}

export interface ReplyListener {
  onHead(head: ReplyHead): void;
  onBody(bytes: Buffer): void;
  onEnd(): void;
}

/** Bytes of a head, of all interim answers together, and of chunk extensions or trailers. */
const HEAD_LIMIT = 64 * 1024;
const OVERHEAD_LIMIT = 16 * 1024;
const INTERIM_LIMIT = 16;
const END_OF_HEAD = Buffer.from('\r\n\r\n');
/** A control character, a bare CR or LF, or a folded line. */
const BAD_HEAD = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n)|(?<!\r)\n|\n[ \t]/;

const bad = (detail: string): VitrineError =>
  new VitrineError('bad_gateway', `The upstream's answer is malformed: ${detail}.`);

type State = 'head' | 'length' | 'close' | 'size' | 'data' | 'data-end' | 'trailer' | 'done' | 'tunnel';

export class ReplyParser {
  #state: State = 'done';
  #listener: ReplyListener | undefined;
  #head: Buffer | undefined;
  #method = '';
  #left = 0;
  #line = '';
  #overhead = 0;
  #interim = 0;
  #upgrading = false;

  /** The next answer is to a request of this method. `upgrading`: 101 is allowed. */
  expect(method: string, listener: ReplyListener, upgrading = false): void {
    this.#state = 'head';
    this.#method = method;
    this.#listener = listener;
    this.#head = undefined;
    this.#interim = 0;
    this.#upgrading = upgrading;
  }

  /** Whether the message is over. After 101 it is, too: what follows is not HTTP. */
  get done(): boolean {
    return this.#state === 'done' || this.#state === 'tunnel';
  }

  /**
   * Takes bytes. Returns how many of them belong to the message: fewer than given once it is over.
   * Throws VitrineError `bad_gateway`; nothing more may be given then.
   */
  execute(bytes: Buffer): number {
    let at = 0;
    while (at < bytes.length && !this.done) at = this.#step(bytes, at);
    return at;
  }

  /** The connection was closed. Returns whether the message was complete. */
  finish(): boolean {
    if (this.#state === 'close') this.#end();
    return this.done;
  }

  #step(bytes: Buffer, at: number): number {
    switch (this.#state) {
      case 'head':
        return this.#readHead(bytes, at);
      case 'length':
      case 'data':
        return this.#readCounted(bytes, at);
      case 'close':
        this.#listener?.onBody(at === 0 ? bytes : bytes.subarray(at));
        return bytes.length;
      default:
        return this.#readLine(bytes, at);
    }
  }

  #readHead(bytes: Buffer, from: number): number {
    const kept = this.#head;
    const all =
      kept === undefined ? (from === 0 ? bytes : bytes.subarray(from)) : Buffer.concat([kept, bytes.subarray(from)]);
    const end = all.indexOf(END_OF_HEAD);
    if (end < 0 || end > HEAD_LIMIT) {
      if (all.length > HEAD_LIMIT) throw bad('its head is too long');
      if (/(?<!\r)\n/.test(all.toString('latin1'))) throw bad('a line ends without CR');
      this.#head = kept === undefined ? Buffer.from(all) : all;
      return bytes.length;
    }
    const used = from + end + 4 - (kept?.length ?? 0);
    this.#head = undefined;
    this.#takeHead(all.toString('latin1', 0, end + 2));
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

  #readCounted(bytes: Buffer, at: number): number {
    const take = Math.min(this.#left, bytes.length - at);
    this.#left -= take;
    const last = this.#left === 0;
    const chunked = this.#state === 'data';
    if (last && chunked) this.#state = 'data-end';
    this.#listener?.onBody(at === 0 && take === bytes.length ? bytes : bytes.subarray(at, at + take));
    if (last && !chunked) this.#end();
    return at + take;
  }

  /** Lines between chunks: size with extension, the empty one after data, trailers. All end with CRLF and nothing else does. */
  #readLine(bytes: Buffer, at: number): number {
    const lf = bytes.indexOf(10, at);
    const end = lf < 0 ? bytes.length : lf + 1;
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
      const found = /^([0-9A-Fa-f]{1,13})(?:[ \t]*;.*)?$/.exec(line);
      if (!found) throw bad('a chunk size is not a number');
      this.#left = Number.parseInt(found[1], 16);
      // Only what a chunk wastes counts towards the limit, else a long body of honest chunks would reach it.
      this.#overhead = Math.max(0, this.#overhead - found[1].length - 4);
      this.#state = this.#left === 0 ? 'trailer' : 'data';
    } else if (this.#state === 'data-end') {
      if (line !== '') throw bad('a chunk is longer than its size');
      this.#state = 'size';
    } else if (line === '') {
      this.#end();
    }
  }

  #end(): void {
    this.#state = 'done';
    this.#listener?.onEnd();
  }
}

const STATUS = /^HTTP\/1\.([01]) ([1-5][0-9][0-9])(?: ([^\r]*))?$/;

/** `text`: status line and fields, each ended by CRLF. Throws VitrineError `bad_gateway`. */
export function parseReplyHead(text: string, method: string): ReplyHead {
  if (BAD_HEAD.test(text)) throw bad('its head holds a bare CR or LF, a control character or a folded line');
  const firstEnd = text.indexOf('\r\n');
  const found = STATUS.exec(text.slice(0, firstEnd));
  if (!found) throw bad('its status line is not HTTP/1.1');
  const status = Number(found[2]);
  const http11 = found[1] === '1';
  const seen = scanFields(text, firstEnd + 2);
  if (seen.coding !== undefined && seen.length !== undefined) throw bad('it has Content-Length and Transfer-Encoding');
  const keepAlive =
    seen.connection === undefined
      ? http11
      : http11
        ? !listHas(seen.connection, 'close')
        : listHas(seen.connection, 'keep-alive');
  const bodyBytes = replyBody(status, method, http11, seen.length, seen.coding);
  return {
    status,
    reason: found[3] ?? '',
    fields: seen.fields,
    bodyBytes,
    statedLength: method === 'HEAD' || status === 304 ? seen.length : undefined,
    hasDate: seen.hasDate,
    keepAlive: keepAlive && bodyBytes !== -2,
    upgrade: seen.upgrade,
  };
}

function replyBody(status: number, method: string, http11: boolean, length?: string, coding?: string): number {
  if (length !== undefined && !/^[0-9]{1,15}$/.test(length)) throw bad('its Content-Length is not one number');
  if (coding !== undefined && (coding.toLowerCase() !== 'chunked' || !http11))
    throw bad('its Transfer-Encoding is not "chunked"');
  if (method === 'HEAD' || status < 200 || status === 204 || status === 304) return 0;
  if (coding !== undefined) return -1;
  return length === undefined ? -2 : Number(length);
}

interface SeenFields {
  fields: string;
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  hasDate: boolean;
}

function scanFields(text: string, from: number): SeenFields {
  const seen: SeenFields = {
    fields: '',
    length: undefined,
    coding: undefined,
    connection: undefined,
    upgrade: undefined,
    hasDate: false,
  };
  let runStart = from;
  for (let at = from; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon <= at || colon > end) throw bad('a line of its head is no field');
    const meaning = fieldMeaning(text.slice(at, colon));
    if (meaning === FIELD.date) seen.hasDate = true;
    else if (meaning !== FIELD.pass && meaning !== FIELD.via && meaning !== FIELD.userAgent) {
      if (meaning === FIELD.invalid) throw bad('a field name is not a token');
      // What does not pass ends the run of what does.
      if (takeField(seen, meaning, text.slice(colon + 1, end).trim())) {
        seen.fields += text.slice(runStart, at);
        runStart = end + 2;
      }
    }
    at = end + 2;
  }
  seen.fields += text.slice(runStart);
  if (seen.connection !== undefined) dropListed(seen, seen.connection);
  return seen;
}

/** Returns whether the field is taken out of what passes. */
function takeField(seen: SeenFields, meaning: number, value: string): boolean {
  switch (meaning) {
    case FIELD.contentLength:
      if (seen.length !== undefined) throw bad('it has more than one Content-Length');
      seen.length = value;
      return true;
    case FIELD.transferEncoding:
      if (seen.coding !== undefined) throw bad('it has more than one Transfer-Encoding');
      seen.coding = value;
      return true;
    case FIELD.connection:
      seen.connection = seen.connection === undefined ? value : `${seen.connection},${value}`;
      return true;
    case FIELD.upgrade:
      seen.upgrade = value.toLowerCase();
      return true;
    case FIELD.hop:
    case FIELD.requestId:
      return true;
    default:
      return false;
  }
}

/** Fields that the upstream's `Connection` names are for us alone. */
function dropListed(seen: SeenFields, connection: string): void {
  const listed = connection
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive' && name !== 'upgrade');
  if (listed.length === 0) return;
  seen.fields = seen.fields
    .split('\r\n')
    .filter((line) => line !== '' && !listed.includes(line.slice(0, line.indexOf(':')).toLowerCase()))
    .map((line) => `${line}\r\n`)
    .join('');
}

/** `[name, value, …]` of `ReplyHead.fields`, for whoever keeps the answer. */
export function fieldList(fields: string): string[] {
  const list: string[] = [];
  for (let at = 0; at < fields.length;) {
    const end = fields.indexOf('\r\n', at);
    const colon = fields.indexOf(':', at);
    list.push(fields.slice(at, colon), fields.slice(colon + 1, end).trim());
    at = end + 2;
  }
  return list;
}
