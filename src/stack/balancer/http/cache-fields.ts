/** Converts between the data path's header text and the response cache's lists. */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { fieldMeaning, FIELD } from './fields.ts';
import type { Peer } from './forward-head.ts';
import type { RequestHead } from './request-head.ts';

/** Only these fields are looked up; the cache decides which of them are stored. */
export function mayBeCached(head: RequestHead): boolean {
  return (head.method === 'GET' || head.method === 'HEAD') && head.bodyBytes === 0;
}

/**
 * The request as the cache reads it. The forwarding fields (`Forwarded`, `X-Forwarded-*`) count only when the peer is
 * trusted; otherwise they are left out. Responses for a `partition` answer only requests of the same partition.
 */
export function cacheRequest(head: RequestHead, { trusted, scheme }: Peer, partition?: string): CacheRequest {
  const headers = Object.create(null) as Record<string, string>;
  for (let at = 0; at < head.raw.length; at += 2) {
    const meaning = fieldMeaning(head.raw[at]);
    if (!trusted && (meaning === FIELD.forwarded || meaning === FIELD.forwardedFor)) continue;
    const name = head.raw[at].toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? head.raw[at + 1] : `${before}, ${head.raw[at + 1]}`;
  }
  const { method, target } = head;
  const plain = { method, scheme, host: head.host, target, headers, ambiguous: false, partition };
  return trusted ? { ...plain, ...originOf(plain, headers) } : plain;
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
