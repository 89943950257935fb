/**
 * Reads the head of an upstream's answer strictly (RFC 9112 sections 4 to 6). It makes no object per field: the fields that
 * are forwarded become one string, cut from the head in ranges. Pure.
 */
import { VitrineError } from '../../../base/errors.ts';
import { FIELD, fieldMeaning, listHas } from './fields.ts';

export interface ReplyHead {
  readonly status: number;
  /** Reason phrase as sent; may be empty. */
  readonly reason: string;
  /** `Name: value\r\n` for each field that is not hop-by-hop, framing, or set by the balancer. */
  readonly fields: string;
  /** Length of the body that follows; -1 for chunked, -2 when the body ends with the connection, 0 when there is no body. */
  readonly bodyBytes: number;
  /** `Content-Length` as sent, for answers to HEAD and for 304, where it does not describe this message. */
  readonly statedLength: string | undefined;
  /** `Content-Length` in the letters that the upstream used; undefined in the usual ones. */
  readonly lengthName?: string | undefined;
  readonly hasDate: boolean;
  readonly keepAlive: boolean;
  readonly upgrade: string | undefined;
}

/** A control character, a bare CR or LF, or a folded line. */
export const BAD_HEAD = /[^\t\x20-\x7e\x80-\xff\r\n]|\r(?!\n)|(?<!\r)\n|\n[ \t]/;

export const bad = (detail: string): VitrineError =>
  new VitrineError('bad_gateway', `The upstream's answer is malformed: ${detail}.`);

const STATUS = /^HTTP\/1\.([01]) ([1-9][0-9][0-9])(?: ([^\r]*))?$/;

/** `text`: status line and fields, each ended by CRLF. Throws VitrineError `bad_gateway`. */
export function parseReplyHead(text: string, method: string): ReplyHead {
  if (BAD_HEAD.test(text)) throw bad('its head contains a bare CR or LF, a control character or a folded line');
  const firstEnd = text.indexOf('\r\n');
  const found = STATUS.exec(text.slice(0, firstEnd));
  if (!found) throw bad('its status line is not HTTP/1.1');
  const status = Number(found[2]);
  const http11 = found[1] === '1';
  const seen = scanFields(text, firstEnd + 2);
  if (seen.coding !== undefined && seen.length !== undefined) throw bad('it has Content-Length and Transfer-Encoding');
  const keepAlive = keepsAlive(seen.connection, http11);
  const bodyBytes = replyBody(status, method, http11, seen.length, seen.coding);
  return {
    status,
    reason: found[3] ?? '',
    fields: seen.fields,
    bodyBytes,
    statedLength: method === 'HEAD' || status === 304 ? seen.length : undefined,
    lengthName: seen.lengthName,
    hasDate: seen.hasDate,
    keepAlive: keepAlive && bodyBytes !== -2,
    upgrade: seen.upgrade,
  };
}

/** The most frequent values: they list no field that must be dropped. */
const PLAIN = new Set(['keep-alive', 'close', 'Keep-Alive', 'Close']);

function keepsAlive(connection: string | undefined, http11: boolean): boolean {
  if (connection === undefined) return http11;
  if (connection === 'keep-alive') return true;
  return http11 ? !listHas(connection, 'close') : listHas(connection, 'keep-alive');
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
  lengthName: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  hasDate: boolean;
}

function scanFields(text: string, from: number): SeenFields {
  const seen: SeenFields = {
    fields: '',
    length: undefined,
    lengthName: undefined,
    coding: undefined,
    connection: undefined,
    upgrade: undefined,
    hasDate: false,
  };
  let runStart = from;
  for (let at = from; at < text.length;) {
    const end = text.indexOf('\r\n', at);
    const colon = text.indexOf(':', at);
    if (colon <= at || colon > end) throw bad('a line of its head is not a field');
    const meaning = fieldMeaning(text.slice(at, colon));
    if (meaning === FIELD.date) seen.hasDate = true;
    else if (meaning !== FIELD.pass && meaning !== FIELD.via && meaning !== FIELD.userAgent) {
      if (meaning === FIELD.invalid) throw bad('a field name is not a token');
      if (meaning === FIELD.contentLength) seen.lengthName = text.slice(at, colon);
      // A field that is not forwarded ends the run of forwarded fields.
      if (takeField(seen, meaning, text.slice(colon + 1, end).trim())) {
        seen.fields += text.slice(runStart, at);
        runStart = end + 2;
      }
    }
    at = end + 2;
  }
  seen.fields += text.slice(runStart);
  if (seen.connection !== undefined && !PLAIN.has(seen.connection)) dropListed(seen, seen.connection);
  return seen;
}

/** Returns whether the field is removed from the forwarded ones. */
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
    case FIELD.te:
    case FIELD.requestId:
      return true;
    default:
      return false;
  }
}

/** Fields that the upstream's `Connection` names are hop-by-hop. */
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

/** `ReplyHead.fields` as `[name, value, …]`, for the cache. */
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
