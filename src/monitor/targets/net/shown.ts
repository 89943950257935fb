/**
 * What evidence may show of a request and an answer: no credentials. Header values of a request are shown for a list of
 * harmless names only, because any other field may carry a key; texts are cut.
 */
import type { IncomingHttpHeaders } from 'node:http';

const SHOWN_REQUEST = new Set([
  'accept',
  'accept-encoding',
  'accept-language',
  'content-type',
  'content-length',
  'host',
  'user-agent',
  'traceparent',
  'baggage',
]);
const HIDDEN_ANSWER = new Set(['set-cookie', 'authorization', 'www-authenticate', 'proxy-authenticate', 'cookie']);
const SECRET_PARAMETER = /(?:token|key|secret|password|passwd|auth|signature|sig|session|code)/i;
export const HIDDEN = '<hidden>';
const EXCERPT_BYTES = 2_048;
const MAX_FIELDS = 60;
const MAX_VALUE = 512;

export function shownRequestHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const entries = Object.entries(headers).slice(0, MAX_FIELDS);
  return Object.fromEntries(
    entries.map(([name, value]) => [name, SHOWN_REQUEST.has(name.toLowerCase()) ? value.slice(0, MAX_VALUE) : HIDDEN]),
  );
}

export function shownAnswerHeaders(headers: IncomingHttpHeaders): Record<string, string> {
  const entries = Object.entries(headers).slice(0, MAX_FIELDS);
  return Object.fromEntries(
    entries.map(([name, value]) => [
      name,
      HIDDEN_ANSWER.has(name) ? HIDDEN : [value ?? ''].flat().join(', ').slice(0, MAX_VALUE),
    ]),
  );
}

/** A URL whose parameters with a telling name have no value, and without user and password. */
export function shownUrl(text: string): string {
  const url = URL.parse(text);
  if (url === null) return text.slice(0, MAX_VALUE);
  url.username = '';
  url.password = '';
  for (const name of new Set(url.searchParams.keys())) {
    if (SECRET_PARAMETER.test(name)) url.searchParams.set(name, HIDDEN);
  }
  return url.href.slice(0, 2_048);
}

/** The beginning of an answer as text; bytes that are no text are shown as a count. `hide`: values that must not appear. */
export function excerptOf(body: Buffer, hide: readonly string[] = []): string {
  const head = body.subarray(0, EXCERPT_BYTES);
  if (head.includes(0)) return `${body.length} bytes that are no text`;
  let text = head.toString('utf8');
  for (const secret of hide) if (secret.length >= 4) text = text.replaceAll(secret, HIDDEN);
  return text;
}
