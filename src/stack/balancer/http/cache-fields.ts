/** Converts between the data path's header text and the response cache's lists. */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { fieldMeaning, FIELD } from './fields.ts';
import type { RequestHead } from './request-head.ts';

/** Only these are looked up; the cache decides what may be stored. */
export function mayBeCached(head: RequestHead): boolean {
  return (head.method === 'GET' || head.method === 'HEAD') && head.bodyBytes === 0;
}

/** `partition`: what is kept for it is found by requests of the same one alone. */
export function cacheRequest(head: RequestHead, scheme: string, partition?: string): CacheRequest {
  const headers = Object.create(null) as Record<string, string>;
  for (let at = 0; at < head.raw.length; at += 2) {
    const name = head.raw[at].toLowerCase();
    const before = headers[name];
    headers[name] = before === undefined ? head.raw[at + 1] : `${before}, ${head.raw[at + 1]}`;
  }
  const kept = partition === undefined ? scheme : `${scheme}+${partition}`;
  return { method: head.method, scheme: kept, host: head.host, target: head.target, headers };
}

/** Header lines of a kept answer without framing, and the length it stated. */
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
