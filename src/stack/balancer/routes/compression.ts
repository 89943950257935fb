/**
 * Decides whether an answer is compressed for a client, and changes its fields accordingly. Pure; compiled when the
 * configuration is loaded. The rules are those of RFC 9110: the coding is negotiated (section 12.5.3), `Vary` names
 * `Accept-Encoding` on every answer that could have been compressed (section 12.5.5), and a strong `ETag` becomes a weak
 * one, because other bytes than those of the upstream are sent (section 8.8.3.3).
 */
import type { CompressOptions, Coding } from '../options/compress-options.ts';
import type { RequestHead } from '../http/request-head.ts';
import { fieldOf } from './request-facts.ts';

/** What the decision depends on. */
export interface Compressible {
  readonly status: number;
  /** Lines ended by CRLF. */
  readonly fields: string;
  /** Length of the whole body; negative when it is not known. For HEAD: of the body that GET would get. */
  readonly length: number;
}

export interface Compressed {
  /** Undefined: the body is sent as it is, and only `fields` differ. */
  readonly coding: Coding | undefined;
  readonly fields: string;
}

export interface Compression {
  /** Undefined when the answer is left alone. `room`: called last; false when no body can be compressed now. */
  decide(request: RequestHead, answer: Compressible, room: () => boolean): Compressed | undefined;
}

const ACCEPT_CACHE = 256;
const WEIGHT = /^q=(?:0(?:\.[0-9]{0,3})?|1(?:\.0{0,3})?)$/i;
const NO_TRANSFORM = /(?:^|[,\s])no-transform(?:$|[,\s])/i;
const VARIES = /(?:^|[,\s])(?:\*|accept-encoding)(?:$|[,\s])/i;
/** Fields whose values describe the bytes of the body (RFC 9530): with other bytes they would be wrong. */
const DIGESTS = new Set(['content-digest', 'repr-digest', 'digest', 'content-md5']);
const ALIASES: Readonly<Record<string, string>> = { 'x-gzip': 'gzip' };

/** Coding → weight from 0 to 1. Elements that are not valid are ignored. */
function weights(accept: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const element of accept.toLowerCase().split(',')) {
    const [name, ...parameters] = element.split(';').map((part) => part.trim());
    const weight = parameters.at(0);
    if (name === '' || parameters.length > 1 || (weight !== undefined && !WEIGHT.test(weight))) continue;
    found.set(ALIASES[name] ?? name, weight === undefined ? 1 : Number(weight.slice(2)));
  }
  return found;
}

/** The coding that the client wants most; of equal ones the first of `codings`. */
export function negotiate(accept: string, codings: readonly Coding[]): Coding | undefined {
  const wanted = weights(accept);
  const rest = wanted.get('*') ?? 0;
  let best: Coding | undefined;
  // A client that would rather have the body as it is says so by a weight.
  let weight = wanted.get('identity') ?? 0;
  for (const coding of codings) {
    const own = wanted.get(coding) ?? rest;
    if (own <= 0 || own < weight || (own === weight && best !== undefined)) continue;
    best = coding;
    weight = own;
  }
  return best;
}

/** The fields that the decision reads. */
interface Seen {
  type: string;
  etag: string | undefined;
  varies: boolean;
  /** The body must not be changed. */
  fixed: boolean;
}

function readFields(fields: string): Seen {
  const seen: Seen = { type: '', etag: undefined, varies: false, fixed: false };
  for (let at = 0; at < fields.length;) {
    const end = fields.indexOf('\r\n', at);
    const colon = fields.indexOf(':', at);
    const name = fields.slice(at, colon).toLowerCase();
    const value = fields.slice(colon + 1, end).trim();
    if (name === 'content-type') seen.type = value.split(';', 1)[0].trim().toLowerCase();
    else if (name === 'etag') seen.etag = value;
    else if (name === 'vary') seen.varies ||= VARIES.test(value);
    else if (name === 'cache-control') seen.fixed ||= NO_TRANSFORM.test(value);
    else if (name === 'content-encoding') seen.fixed ||= value.toLowerCase() !== 'identity' && value !== '';
    else seen.fixed ||= name === 'content-range' || DIGESTS.has(name);
    at = end + 2;
  }
  return seen;
}

/** `coding`: that of the body. `weak`: the answer's `ETag` is made weak. */
function changedFields(fields: string, { varies, etag }: Seen, coding: Coding | undefined, weak: boolean): string {
  let out = '';
  for (let at = 0; at < fields.length;) {
    const end = fields.indexOf('\r\n', at) + 2;
    const name = fields.slice(at, fields.indexOf(':', at)).toLowerCase();
    // A part of the compressed bytes cannot be had, so the answer must not offer one.
    const gone = coding !== undefined && (name === 'accept-ranges' || name === 'content-encoding');
    if (name === 'etag' && weak && etag?.startsWith('"') === true) out += `ETag: W/${etag}\r\n`;
    else if (!gone) out += fields.slice(at, end);
    at = end;
  }
  if (coding !== undefined) out += `Content-Encoding: ${coding}\r\n`;
  return varies ? out : `${out}Vary: Accept-Encoding\r\n`;
}

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);

function typeTest(types: readonly string[]): (type: string) => boolean {
  const all = new RegExp(`^(?:${types.map((one) => one.split('*').map(escaped).join('[^/]*')).join('|')})$`);
  return (type) => type !== 'text/event-stream' && all.test(type);
}

/** Undefined when the route does not compress. */
export function compileCompression(options: CompressOptions | undefined): Compression | undefined {
  if (options === undefined) return undefined;
  const { codings, min_size: least, types } = options;
  const listed = typeTest(types);
  // Clients send few different lists.
  const known = new Map<string, Coding | undefined>();
  const codingFor = (request: RequestHead): Coding | undefined => {
    // The framing of HTTP/1.0 needs a length, or a connection for each answer.
    if (!request.http11) return undefined;
    const accept = allOf(request.raw, 'accept-encoding');
    if (accept === '') return undefined;
    if (known.has(accept)) return known.get(accept);
    const coding = negotiate(accept, codings);
    if (known.size < ACCEPT_CACHE) known.set(accept, coding);
    return coding;
  };
  return {
    decide(request, { status, fields, length }, room) {
      if (status < 200 || status === 204 || status === 206 || (length >= 0 && length < least && status !== 304))
        return undefined;
      const seen = readFields(fields);
      if (seen.fixed) return undefined;
      if (NO_TRANSFORM.test(fieldOf(request.raw, 'cache-control') ?? '')) return undefined;
      // The client may hold the compressed answer, and its `ETag` is then the weak one.
      if (status === 304) {
        const weak = codingFor(request) !== undefined;
        return { coding: undefined, fields: changedFields(fields, seen, undefined, weak) };
      }
      if (length === 0 || !listed(seen.type)) return undefined;
      const wanted = codingFor(request);
      const coding = wanted !== undefined && room() ? wanted : undefined;
      return { coding, fields: changedFields(fields, seen, coding, coding !== undefined) };
    },
  };
}

/** All values of a field as one list. */
function allOf(raw: readonly string[], name: string): string {
  let list = '';
  for (let at = 0; at < raw.length; at += 2) {
    if (raw[at].length === name.length && raw[at].toLowerCase() === name)
      list += list === '' ? raw[at + 1] : `,${raw[at + 1]}`;
  }
  return list;
}
