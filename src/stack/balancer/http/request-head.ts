/**
 * The second check of a request's head. llhttp has parsed the head strictly. This check refuses heads that llhttp accepts
 * and that a proxy must not forward (RFC 9112 sections 3.2, 6.1 and 6.3, RFC 9110 section 7), and returns the facts that the
 * rest of the data path needs. Pure. A request that is refused here is never forwarded.
 */
import type { ErrorCode } from '../../../base/errors.ts';
import { isHostField } from '../../../model/text/host-field.ts';
import { FIELD, fieldMeaning, listedFields, listHas } from './fields.ts';

export interface HeadLimits {
  readonly fields: number;
  readonly target: number;
  readonly body: number;
}

/** As `http.IncomingMessage` gives them. */
export interface ParsedHead {
  readonly method: string;
  readonly url: string;
  readonly major: number;
  readonly minor: number;
  readonly raw: readonly string[];
}

export interface RequestHead {
  readonly kind: 'ok';
  readonly method: string;
  /** Origin form (or `*`): path and query. */
  readonly target: string;
  /** Lower case with port; empty for HTTP/1.0 without Host. */
  readonly host: string;
  readonly http11: boolean;
  readonly keepAlive: boolean;
  /** -1: chunked; 0: none. */
  readonly bodyBytes: number;
  /** Lower case, such as `websocket`. Only when `Connection` lists `upgrade`. */
  readonly upgrade: string | undefined;
  readonly requestId: string | undefined;
  readonly userAgent: string | undefined;
  /** Whether the head contains a field of a trace propagator (`traceparent`, `b3`, …). */
  readonly traced: boolean;
  /** Lower-case names that `Connection` listed: dropped with the hop-by-hop fields. */
  readonly listed: readonly string[];
  readonly raw: readonly string[];
  /** `Host` for the upstream when the route sets one; `host` stays the host that the client asked for. */
  readonly hostForUpstream?: string | undefined;
}

export interface Refusal {
  readonly kind: 'refused';
  readonly code: ErrorCode;
  readonly detail: string;
}

const refuse = (code: ErrorCode, detail: string): Refusal => ({ kind: 'refused', code, detail });
const TARGET = /^[\x21\x24-\x7e]+$/;
const TARGET_WITH_HASH_OR_QUOTE = /^[\x21-\x7e]+$/;
const REQUEST_ID = /^[A-Za-z0-9._:+/=-]{8,128}$/;
const NONE: readonly string[] = [];

/** Syntax of `Host` (RFC 9112 section 3.2): no user, no path, a valid port. Valid values are cached in lower case. */
const hosts = new Map<string, string>();
function checkedHost(value: string): string | undefined {
  const known = hosts.get(value);
  if (known !== undefined) return known;
  if (!isHostField(value)) return undefined;
  const lower = value.toLowerCase();
  if (hosts.size < 1024) hosts.set(value, lower);
  return lower;
}

interface Seen {
  host: string | undefined;
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  upgrade: string | undefined;
  requestId: string | undefined;
  userAgent: string | undefined;
  traced: boolean;
  trouble: string | undefined;
}

function once(seen: Seen, key: 'host' | 'length' | 'coding' | 'upgrade', value: string, name: string): void {
  if (seen[key] !== undefined) seen.trouble = `There is more than one ${name} field.`;
  seen[key] = value;
}

function scan(raw: readonly string[]): Seen {
  const seen: Seen = {
    host: undefined,
    length: undefined,
    coding: undefined,
    connection: undefined,
    upgrade: undefined,
    requestId: undefined,
    userAgent: undefined,
    traced: false,
    trouble: undefined,
  };
  for (let at = 0; at < raw.length; at += 2) {
    const meaning = fieldMeaning(raw[at]);
    if (meaning === FIELD.pass) continue;
    const value = raw[at + 1];
    if (meaning === FIELD.host) once(seen, 'host', value, 'Host');
    else if (meaning === FIELD.contentLength) once(seen, 'length', value, 'Content-Length');
    else if (meaning === FIELD.transferEncoding) once(seen, 'coding', value, 'Transfer-Encoding');
    else if (meaning === FIELD.upgrade) once(seen, 'upgrade', value, 'Upgrade');
    else if (meaning === FIELD.connection)
      seen.connection = seen.connection === undefined ? value : `${seen.connection},${value}`;
    else if (meaning === FIELD.requestId) seen.requestId = value;
    else if (meaning === FIELD.userAgent) seen.userAgent = value;
    else if (meaning === FIELD.trace) seen.traced = true;
    else if (meaning === FIELD.invalid) seen.trouble = 'A field name is not a token.';
  }
  return seen;
}

function bodyOf(seen: Seen, http11: boolean, limit: number): number | Refusal {
  if (seen.coding !== undefined) {
    if (seen.length !== undefined) {
      return refuse('bad_request', 'Content-Length and Transfer-Encoding are both present.');
    }
    if (!http11) return refuse('bad_request', 'HTTP/1.0 does not support Transfer-Encoding.');
    if (seen.coding.toLowerCase() === 'chunked') return -1;
    // A body whose last coding is not chunked has no known end (RFC 9112 section 6.1); other codings are not implemented.
    return /^[a-z]+ *, *chunked$/i.test(seen.coding)
      ? refuse('not_implemented', 'Only the transfer coding "chunked" is supported.')
      : refuse('bad_request', 'Transfer-Encoding is not exactly "chunked".');
  }
  if (seen.length === undefined) return 0;
  if (!/^[0-9]{1,15}$/.test(seen.length)) return refuse('bad_request', 'Content-Length is not a number.');
  const bytes = Number(seen.length);
  if (limit > 0 && bytes > limit) return refuse('payload_too_large', `The body is larger than ${limit} bytes.`);
  return bytes;
}

/** The target in origin form with its authority if it was absolute, or a refusal. */
function targetOf(method: string, url: string): { target: string; authority?: string } | Refusal {
  if (url.startsWith('/')) {
    return TARGET.test(url) || (TARGET_WITH_HASH_OR_QUOTE.test(url) && !url.includes('#'))
      ? { target: url }
      : refuse('bad_request', 'The request target contains a character that is not allowed.');
  }
  if (url === '*') {
    return method === 'OPTIONS' ? { target: '*' } : refuse('bad_request', 'Only OPTIONS may request "*".');
  }
  const absolute = /^https?:\/\/([^/?#]+)([/?][\x21-\x7e]*)?$/i.exec(url);
  if (!absolute || url.includes('#')) return refuse('bad_request', 'The request target is not a path.');
  const rest = absolute[2] ?? (method === 'OPTIONS' ? '*' : '/');
  return { target: rest.startsWith('?') ? `/${rest}` : rest, authority: absolute[1].toLowerCase() };
}

function hostOf(seen: Seen, http11: boolean, authority: string | undefined): string | Refusal {
  if (seen.host === undefined) {
    if (http11) return refuse('bad_request', 'HTTP/1.1 requires a Host field.');
    return authority === undefined
      ? ''
      : (checkedHost(authority) ?? refuse('bad_request', 'The target has no valid host.'));
  }
  const host = checkedHost(seen.host);
  if (host === undefined) return refuse('bad_request', 'Host is not a name or address with an optional port.');
  // The host of an absolute target replaces the field (RFC 9112 section 3.2.2).
  if (authority !== undefined) return checkedHost(authority) ?? refuse('bad_request', 'The target has no valid host.');
  return host;
}

interface ConnectionWishes {
  readonly keepAlive: boolean;
  readonly listed: readonly string[];
  readonly upgrade: string | undefined;
}

const KEEP: ConnectionWishes = { keepAlive: true, listed: NONE, upgrade: undefined };
const CLOSE: ConnectionWishes = { keepAlive: false, listed: NONE, upgrade: undefined };

/** Undefined when `Connection` lists a field that is not hop-by-hop. */
function connectionOf(seen: Seen, http11: boolean): ConnectionWishes | undefined {
  const { connection, upgrade } = seen;
  if (connection === undefined) return http11 ? KEEP : CLOSE;
  if (http11 && upgrade === undefined && connection === 'keep-alive') return KEEP;
  const listed = listedFields(connection);
  if (listed === undefined) return undefined;
  return {
    keepAlive: http11 ? !listHas(connection, 'close') : listHas(connection, 'keep-alive'),
    listed,
    upgrade: upgrade !== undefined && listHas(connection, 'upgrade') ? upgrade.trim().toLowerCase() : undefined,
  };
}

/** Limits and methods, which are checked before anything else. */
function earlyRefusal(parsed: ParsedHead, limits: HeadLimits): Refusal | undefined {
  const { method, major, minor } = parsed;
  if (major !== 1 || minor > 1) return refuse('http_version', 'Only HTTP/1.1 and HTTP/1.0 are supported.');
  if (method === 'TRACE' || method === 'CONNECT') return refuse('method_not_allowed', `${method} is not forwarded.`);
  if (parsed.url.length > limits.target) {
    return refuse('uri_too_long', `The request target is longer than ${limits.target} bytes.`);
  }
  if (parsed.raw.length > limits.fields * 2) {
    return refuse('header_too_large', `There are more than ${limits.fields} header fields.`);
  }
  return undefined;
}

export function checkRequestHead(parsed: ParsedHead, limits: HeadLimits): RequestHead | Refusal {
  const early = earlyRefusal(parsed, limits);
  if (early) return early;
  const http11 = parsed.minor === 1;
  const seen = scan(parsed.raw);
  if (seen.trouble !== undefined) return refuse('bad_request', seen.trouble);
  const target = targetOf(parsed.method, parsed.url);
  if ('kind' in target) return target;
  const host = hostOf(seen, http11, target.authority);
  if (typeof host !== 'string') return host;
  const bodyBytes = bodyOf(seen, http11, limits.body);
  if (typeof bodyBytes !== 'number') return bodyBytes;
  const connection = connectionOf(seen, http11);
  if (connection === undefined) return refuse('bad_request', 'Connection lists a field that is not hop-by-hop.');
  if (connection.upgrade === 'websocket' && bodyBytes !== 0) {
    return refuse('bad_request', 'A request with a body cannot be upgraded.');
  }
  return {
    kind: 'ok',
    method: parsed.method,
    target: target.target,
    host,
    http11,
    keepAlive: connection.keepAlive,
    bodyBytes,
    upgrade: connection.upgrade,
    requestId: seen.requestId !== undefined && REQUEST_ID.test(seen.requestId) ? seen.requestId : undefined,
    userAgent: seen.userAgent,
    traced: seen.traced,
    listed: connection.listed,
    raw: parsed.raw,
  };
}
