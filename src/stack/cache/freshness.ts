/**
 * Decides whether a response may be stored and how long it is fresh (RFC 9111 sections 3 and 4.2). This happens once, when
 * the response arrives, so that a look-up only compares numbers. http-cache-semantics has the base rules. Added here:
 * directives in any case or number, the age that a response arrives with, must-revalidate that still allows fresh reuse,
 * and the rules that never give one user's answer to another.
 */
import CachePolicy from 'http-cache-semantics';
import type { CacheRequest } from '../../model/response-cache.ts';
import type { Directives } from './directives.ts';
import { headerObject, parseDirectives, seconds } from './directives.ts';

export interface Freshness {
  /** When the response was generated, derived from its age; milliseconds since the epoch. */
  readonly bornMs: number;
  /** Fresh until its age reaches this. */
  readonly lifetimeMs: number;
  /** How long it may be used after that while it is refreshed, or when the upstream fails (RFC 5861). */
  readonly whileRevalidateMs: number;
  readonly ifErrorMs: number;
  /** Never used stale (must-revalidate, proxy-revalidate, no-cache). */
  readonly strict: boolean;
  /** Request fields that select it, lower case, sorted. */
  readonly vary: readonly string[];
  /** May answer requests with Authorization (RFC 9111 section 3.5). */
  readonly forAuthorized: boolean;
}

/** A response with more selecting fields than this is not stored. */
const MAX_VARY = 20;
/** A response has no lifetime without one of these, an Expires or a Last-Modified (RFC 9111 section 4.2.1, RFC 8246). */
const LIFETIMES = ['max-age', 's-maxage', 'immutable'];
/** Understood by http-cache-semantics, for must-understand (section 5.2.2.3). */
const UNDERSTOOD = new Set([200, 203, 204, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 501]);

/**
 * Undefined when the response must not be stored, or storing it would be useless.
 * `sentMs` is when the request was sent upstream, `nowMs` when the response arrived.
 */
export function judge(
  request: CacheRequest,
  status: number,
  flat: readonly string[],
  sentMs: number,
  nowMs: number,
): Freshness | undefined {
  const headers = headerObject(flat);
  const directives = parseDirectives(headers['cache-control']);
  const vary = varyFields(headers.vary);
  const shared = directives.has('public') || directives.has('s-maxage') || directives.has('must-revalidate');
  if (vary === undefined || isPersonal(request, headers, directives, vary, shared)) return undefined;
  const hasValidator = 'etag' in headers || 'last-modified' in headers;
  // Most answers have no freshness information and no validator: nothing needs to be computed.
  if (!hasValidator && !('expires' in headers) && !LIFETIMES.some((name) => directives.has(name))) return undefined;

  const policy = new CachePolicy(
    { method: 'GET', headers: { 'cache-control': noStoreOnly(request) } },
    { status, headers: { ...headers, ...expiry(headers), vary: '', 'cache-control': canonical(directives, status) } },
    { shared: true },
  );
  if (!policy.storable()) return undefined;
  const lifetimeMs = directives.has('no-cache') ? 0 : Math.max(0, policy.maxAge()) * 1000;
  if (lifetimeMs <= 0 && !hasValidator) return undefined;
  return {
    bornMs: nowMs - initialAgeMs(headers, sentMs, nowMs),
    lifetimeMs,
    whileRevalidateMs: seconds(directives.get('stale-while-revalidate')) * 1000,
    ifErrorMs: seconds(directives.get('stale-if-error')) * 1000,
    strict: directives.has('must-revalidate') || directives.has('proxy-revalidate') || directives.has('no-cache'),
    vary,
    forAuthorized: shared,
  };
}

/** Whether the response may belong to one user. It is not stored then, even where the RFC would allow it. */
function isPersonal(
  request: CacheRequest,
  headers: Readonly<Record<string, string>>,
  directives: Directives,
  vary: readonly string[],
  shared: boolean,
): boolean {
  if ('set-cookie' in headers || directives.has('private')) return true;
  if (shared) return false;
  return 'authorization' in request.headers || ('cookie' in request.headers && !vary.includes('cookie'));
}

/** corrected_initial_age of section 4.2.3. */
function initialAgeMs(headers: Readonly<Record<string, string>>, sentMs: number, nowMs: number): number {
  const dateMs = Date.parse(headers.date ?? '');
  const apparentMs = Number.isNaN(dateMs) ? 0 : Math.max(0, Math.floor(nowMs / 1000) * 1000 - dateMs);
  const age = (headers.age ?? '').split(',')[0].trim();
  return Math.max(apparentMs, seconds(age) * 1000 + (nowMs - sentMs));
}

/** IMF-fixdate, RFC 850 and asctime forms (RFC 9110 section 5.6.7): Date.parse accepts many more forms. */
const HTTP_DATE =
  /^(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT|[A-Z][a-z]+day, \d{2}-[A-Z][a-z]{2}-\d{2} \d{2}:\d{2}:\d{2} GMT|(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) [A-Z][a-z]{2} [ \d]\d \d{2}:\d{2}:\d{2} \d{4})$/;

/** An Expires that is not an HTTP date means a time in the past (section 5.3). */
function expiry({ expires }: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return expires === undefined || HTTP_DATE.test(expires) ? {} : { expires: '0' };
}

/** Undefined for `*`, malformed names, or too many. */
function varyFields(field: string | undefined): readonly string[] | undefined {
  const names = [
    ...new Set(
      (field ?? '')
        .toLowerCase()
        .split(',')
        .map((name) => name.trim()),
    ),
  ]
    .filter(Boolean)
    .sort();
  const sound = names.every((name) => name !== '*' && /^[!#$%&'*+.^_`|~0-9a-z-]+$/.test(name));
  return sound && names.length <= MAX_VARY ? names : undefined;
}

function noStoreOnly(request: CacheRequest): string {
  return parseDirectives(request.headers['cache-control']).has('no-store') ? 'no-store' : '';
}

/** Cache-Control for http-cache-semantics: canonical names, valid numbers, and none of the directives handled here. */
function canonical(directives: Directives, status: number): string {
  const parts: string[] = [];
  for (const [name, value] of directives) {
    if (name === 'max-age' || name === 's-maxage') parts.push(`${name}=${seconds(value)}`);
    else if (name === 'no-store' && directives.has('must-understand') && UNDERSTOOD.has(status)) continue;
    else if (name === 'no-store' || name === 'public' || name === 'immutable') parts.push(name);
  }
  return parts.join(', ');
}
