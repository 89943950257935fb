/**
 * The head that is sent to the upstream: the client's fields without the hop-by-hop ones, and with the fields that the
 * balancer adds: the client's address (`Forwarded`, RFC 7239, and the `X-Forwarded-*` family), `Via` and the request id.
 * A client cannot forge, delete or alias any of these unless its address is trusted. Pure.
 */
import { SESSION_COOKIE } from '../../../model/exposure.ts';
import { FIELD, fieldMeaning } from './fields.ts';
import type { RequestHead } from './request-head.ts';

/** Facts about the client's connection; the strings are made once per connection. */
export interface Peer {
  readonly address: string;
  readonly trusted: boolean;
  /** `https` when the connection to us is TLS. */
  readonly scheme: 'http' | 'https';
  /** Whether the client runs on this machine. */
  readonly local: boolean;
  /** `for=192.0.2.1` or `for="[2001:db8::1]"`. */
  readonly forwardedFor: string;
  /**
   * The text that was last written after the client's own fields: nearly all requests of a connection name the same host.
   */
  readonly last: { host: string | undefined; http11: boolean; text: string };
}

export function makePeer(address: string, trusted: boolean, scheme: 'http' | 'https' = 'http'): Peer {
  const forwardedFor = address.includes(':') ? `for="[${address}]"` : `for=${address}`;
  const local = address === '::1' || address.startsWith('127.');
  return { address, trusted, scheme, local, forwardedFor, last: { host: undefined, http11: true, text: '' } };
}

/** Fields the propagator writes itself (`traceparent`, …): the client's own are dropped. */
export type OwnFields = ReadonlySet<string>;

/** Lower-case fields that replace those of the client, or remove them where the value is undefined. */
export type Replaced = Readonly<Record<string, string | undefined>>;

/** By `FIELD`: 1 for fields that are forwarded unchanged. */
const PASSES = new Uint8Array(32);
for (const meaning of [FIELD.pass, FIELD.userAgent, FIELD.date, FIELD.cacheStatus, FIELD.trace]) PASSES[meaning] = 1;

const TRAILERS = /(?:^|,)[ \t]*trailers[ \t]*(?:,|$)/i;
/** Over TLS the name has a prefix. */
const SESSION = new RegExp(`^[ \\t]*(?:__Host-)?${SESSION_COOKIE}[ \\t]*=`);

/** The `Cookie` field without the page's session cookie; nothing when the field held no other cookie. */
function cookieLine(name: string, value: string): string {
  if (!value.includes(SESSION_COOKIE)) return `${name}: ${value}\r\n`;
  const parts = value.split(';');
  const kept = parts.filter((part) => !SESSION.test(part));
  if (kept.length === parts.length) return `${name}: ${value}\r\n`;
  return kept.length === 0 ? '' : `${name}: ${kept.join(';').trim()}\r\n`;
}

interface Passing {
  fields: string;
  forwarded: string;
  chain: string;
  via: string;
}

function passing(head: RequestHead, trusted: boolean, own: OwnFields, conditional: Replaced | undefined): Passing {
  const { raw, listed } = head;
  const strict = listed.length > 0 || conditional !== undefined;
  const out: Passing = { fields: '', forwarded: '', chain: '', via: '' };
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at];
    const meaning = fieldMeaning(name);
    if (PASSES[meaning] === 1) {
      if (strict && dropped(name, listed, conditional)) continue;
      if (meaning === FIELD.trace && own.has(name.toLowerCase())) continue;
      out.fields += `${name}: ${raw[at + 1]}\r\n`;
    } else if (meaning === FIELD.cookie) {
      if (!(strict && dropped(name, listed, conditional))) out.fields += cookieLine(name, raw[at + 1]);
    } else rewritten(out, meaning, `${name}: ${raw[at + 1]}\r\n`, raw[at + 1], trusted);
  }
  return out;
}

/** Fields that are not forwarded as they are. */
function rewritten(out: Passing, meaning: number, line: string, value: string, trusted: boolean): void {
  if (meaning === FIELD.via) out.via += `${value}, `;
  else if (meaning === FIELD.te) out.fields += TRAILERS.test(value) ? 'TE: trailers\r\n' : '';
  else if (trusted && meaning === FIELD.forwardedFor) out.chain += `${value}, `;
  else if (trusted && meaning === FIELD.forwarded) out.forwarded += line;
}

/** The head up to the propagation fields, the framing and the empty line, without these. */
export function forwardHead(
  head: RequestHead,
  peer: Peer,
  requestId: string,
  own: OwnFields,
  conditional: Replaced | undefined,
  fallbackHost: string,
): string {
  const host = head.host === '' ? fallbackHost : head.host;
  const { fields, forwarded, chain, via } = passing(head, peer.trusted, own, conditional);
  let out = `${head.method} ${head.target} HTTP/1.1\r\nHost: ${head.hostForUpstream ?? host}\r\n${fields}`;
  if (conditional !== undefined) {
    for (const name of Object.keys(conditional)) {
      if (conditional[name] !== undefined) out += `${name}: ${conditional[name]}\r\n`;
    }
  }
  const plain = forwarded === '' && chain === '' && via === '';
  const hop = plain ? plainHop(peer, host, head.http11) : hopFields(peer, host, head.http11, forwarded, chain, via);
  return `${out}${hop}X-Request-Id: ${requestId}\r\n`;
}

function hopFields(peer: Peer, host: string, http11: boolean, forwarded: string, chain: string, via: string): string {
  const fields = forwarded === '' ? ownForwarded(peer, host) : passedForwarded(forwarded, peer, host);
  return `X-Forwarded-For: ${chain}${peer.address}\r\n${fields}Via: ${via}1.${http11 ? '1' : '0'} vitrine\r\n`;
}

function plainHop(peer: Peer, host: string, http11: boolean): string {
  const { last } = peer;
  if (last.host !== host || last.http11 !== http11) {
    last.host = host;
    last.http11 = http11;
    // Converted through bytes, so that V8 keeps one flat string and not a tree of pieces.
    last.text = Buffer.from(hopFields(peer, host, http11, '', '', ''), 'latin1').toString('latin1');
  }
  return last.text;
}

function dropped(name: string, listed: readonly string[], conditional: Replaced | undefined): boolean {
  const lower = name.toLowerCase();
  return listed.includes(lower) || (conditional !== undefined && lower in conditional);
}

/**
 * `host` may contain characters that `Forwarded` must quote (such as the colon of a port), but no quote: `Host` was checked.
 */
function ownForwarded(peer: Peer, host: string): string {
  return `Forwarded: ${peer.forwardedFor};host="${host}";proto=${peer.scheme}\r\nX-Forwarded-Host: ${host}\r\nX-Forwarded-Proto: ${peer.scheme}\r\n`;
}

/** A trusted peer's fields are kept; missing ones are added, and `Forwarded` gets our hop. */
function passedForwarded(fields: string, peer: Peer, host: string): string {
  const lower = fields.toLowerCase();
  const has = (name: string): boolean => lower.startsWith(`${name}:`) || lower.includes(`\n${name}:`);
  let out = fields;
  out += has('forwarded')
    ? `Forwarded: ${peer.forwardedFor}\r\n`
    : `Forwarded: ${peer.forwardedFor};host="${host}"\r\n`;
  if (!has('x-forwarded-host')) out += `X-Forwarded-Host: ${host}\r\n`;
  if (!has('x-forwarded-proto')) out += `X-Forwarded-Proto: ${peer.scheme}\r\n`;
  return out;
}
