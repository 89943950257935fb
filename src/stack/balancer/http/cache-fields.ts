/** Converts between the data path's header text and the response cache's lists. */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { fieldMeaning, FIELD } from './fields.ts';
import type { Peer } from './forward-head.ts';
import type { RequestHead } from './request-head.ts';

/** Only these fields are looked up; the cache decides which of them are stored. */
export function mayBeCached(head: RequestHead): boolean {
  return (head.method === 'GET' || head.method === 'HEAD') && head.bodyBytes === 0;
}

/** The forwarding fields (`Forwarded`, `X-Forwarded-*`) count only when the peer is trusted; otherwise they are left out. */
function headersOf(raw: readonly string[], trusted: boolean): CacheRequest['headers'] {
  const headers = Object.create(null) as Record<string, string>;
  for (let at = 0; at < raw.length; at += 2) {
    const meaning = fieldMeaning(raw[at]);
    if (!trusted && (meaning === FIELD.forwarded || meaning === FIELD.forwardedFor)) continue;
    const name = raw[at].toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? raw[at + 1] : `${before}, ${raw[at + 1]}`;
  }
  return headers;
}

/**
 * The request as the cache reads it. Responses for a `partition` answer only requests of the same partition. `changed`: the
 * fields that the route sends, where it changes them.
 */
export function cacheRequest(
  head: RequestHead,
  peer: Peer,
  partition?: string,
  changed?: () => readonly string[],
): CacheRequest {
  const { trusted, scheme } = peer;
  const headers = headersOf(head.raw, trusted);
  const { method, target } = head;
  const sent = (name: string): string | undefined =>
    sentField(changed === undefined ? headers : headersOf(changed(), trusted), name, peer);
  const plain = { method, scheme, host: head.host, target, headers, sent, ambiguous: false, partition };
  return trusted ? { ...plain, ...originOf(plain, headers) } : plain;
}

/** The balancer adds the client's address. Its scheme and host, which it adds too, are part of the key in any case. */
function sentField(headers: CacheRequest['headers'], name: string, peer: Peer): string | undefined {
  const before = headers[name];
  const own = name === 'x-forwarded-for' ? peer.address : name === 'forwarded' ? peer.forwardedFor : undefined;
  if (own === undefined) return before;
  return before === undefined ? own : `${before}, ${own}`;
}

/** The scheme and host that the first proxy saw, by `X-Forwarded-*` or `Forwarded` (RFC 7239). */
function originOf(
  { scheme, host }: Pick<CacheRequest, 'scheme' | 'host'>,
  headers: CacheRequest['headers'],
): Pick<CacheRequest, 'scheme' | 'host' | 'ambiguous'> {
  const first = (headers.forwarded ?? '').split(',')[0];
  const told = (name: string): string | undefined =>
    new RegExp(`(?:^|;)\\s*${name}=("[^"]*"|[^;\\s]*)`, 'i').exec(first)?.[1].replaceAll('"', '').toLowerCase();
  const named = (name: string): string | undefined => headers[name]?.split(',')[0].trim().toLowerCase();
  const schemes = [named('x-forwarded-proto'), told('proto')];
  const hosts = [named('x-forwarded-host'), told('host')];
  const differ = ([one, other]: readonly (string | undefined)[]): boolean =>
    one !== undefined && other !== undefined && one !== other;
  return {
    scheme: schemes[0] ?? schemes[1] ?? scheme,
    host: hosts[0] ?? hosts[1] ?? host,
    ambiguous: differ(schemes) || differ(hosts),
  };
}

/** Header lines of a stored answer without framing, and the length that the answer stated. */
export function fieldLines(headers: readonly string[]): { text: string; length: string | undefined } {
  let text = '';
  let length: string | undefined;
  for (let at = 0; at < headers.length; at += 2) {
    const meaning = fieldMeaning(headers[at]);
    if (meaning === FIELD.contentLength) length = headers[at + 1];
    else if (meaning !== FIELD.connection && meaning !== FIELD.transferEncoding)
      text += `${headers[at]}: ${headers[at + 1]}\r\n`;
  }
  return { text, length };
}
