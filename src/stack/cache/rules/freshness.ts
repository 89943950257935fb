/**
 * Decides whether a response may be stored and how long it is fresh (RFC 9111 sections 3 and 4.2). This happens once, when
 * the response arrives, so that a look-up only compares numbers. Beside the rules of the RFC, a response that may belong to
 * one user is never stored unless its origin declares it shared.
 */
import type { CacheRequest } from '../../../model/response-cache.ts';
import { headerObject, seconds, type Directives } from './directives.ts';
import { heuristicLifetimeMs, HEURISTIC_STATUSES } from './heuristic.ts';
import { parseHttpDate } from './http-date.ts';
import { cachePolicy } from './targeted.ts';
import { varyFields } from './vary.ts';

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
  /** Not used stale without a directive of the response that allows it: s-maxage implies proxy-revalidate. */
  readonly declaredOnly: boolean;
  /** Request fields that select it, lower case, sorted. */
  readonly vary: readonly string[];
  /** May answer requests with Authorization (RFC 9111 section 3.5). */
  readonly forAuthorized: boolean;
}

/** The exchange that a response belongs to. */
export interface Arrival {
  readonly request: CacheRequest;
  readonly status: number;
  /** Flat list of fields, with a Date. */
  readonly fields: readonly string[];
  /** When the request was sent upstream, and when the response arrived. */
  readonly sentMs: number;
  readonly nowMs: number;
  /** Targeted cache control fields, lower case, in order of precedence. */
  readonly targets: readonly string[];
}

/** Statuses whose caching rules are implemented here, for must-understand (section 5.2.2.3). */
const UNDERSTOOD = new Set([200, 203, 204, 206, 300, 301, 302, 303, 307, 308, 404, 405, 410, 414, 451, 501]);

/**
 * Matches the field lines of every response that `judge` may find worth storing: each has a lifetime or a validator. `targets`
 * are tokens.
 */
export function storing(targets: readonly string[]): RegExp {
  const names = ['cache-control', 'expires', 'etag', 'last-modified', ...targets];
  return new RegExp(`(?:^|\\n)(?:${names.join('|')}):`, 'i');
}

/** Undefined when the response must not be stored, or storing it would be useless. */
export function judge(arrival: Arrival): Freshness | undefined {
  const { request, status, fields, sentMs, nowMs } = arrival;
  const headers = headerObject(fields);
  const { directives, targeted } = cachePolicy(headers, arrival.targets);
  const vary = varyFields(headers.vary);
  const shared = directives.has('public') || directives.has('s-maxage') || directives.has('must-revalidate');
  if (vary === undefined || isPersonal(request, headers, directives, vary, shared)) return undefined;
  if (!mayStore(status, directives)) return undefined;
  const explicitMs = directives.has('no-cache') ? 0 : explicitLifetimeMs(headers, directives, targeted, nowMs);
  const lifetimeMs = explicitMs ?? heuristicMs(arrival, headers, directives);
  if (lifetimeMs === undefined || (lifetimeMs <= 0 && !hasValidator(headers))) return undefined;
  return {
    bornMs: nowMs - initialAgeMs(headers, sentMs, nowMs),
    lifetimeMs,
    whileRevalidateMs: seconds(directives.get('stale-while-revalidate')) * 1000,
    ifErrorMs: seconds(directives.get('stale-if-error')) * 1000,
    strict: directives.has('must-revalidate') || directives.has('proxy-revalidate') || directives.has('no-cache'),
    declaredOnly: directives.has('s-maxage'),
    vary,
    forAuthorized: shared,
  };
}

/** Section 3: a final status, and no directive against it. */
function mayStore(status: number, directives: Directives): boolean {
  if (status < 200 || status > 599 || status === 304) return false;
  if (directives.has('must-understand')) return UNDERSTOOD.has(status);
  return !directives.has('no-store');
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

/** Section 4.2.1. Undefined without any explicit lifetime; an invalid one is 0. */
function explicitLifetimeMs(
  headers: Readonly<Record<string, string>>,
  directives: Directives,
  targeted: boolean,
  nowMs: number,
): number | undefined {
  const age = directives.get('s-maxage') ?? directives.get('max-age');
  if (age !== undefined) return seconds(age) * 1000;
  if (targeted || headers.expires === undefined) return undefined;
  const expiresMs = parseHttpDate(headers.expires, nowMs);
  return expiresMs === undefined ? 0 : Math.max(0, expiresMs - (parseHttpDate(headers.date, nowMs) ?? nowMs));
}

function hasValidator(headers: Readonly<Record<string, string>>): boolean {
  return 'etag' in headers || 'last-modified' in headers;
}

/** Undefined for a status without heuristic freshness (section 4.2.2). */
function heuristicMs(
  { request, status, nowMs }: Arrival,
  headers: Readonly<Record<string, string>>,
  directives: Directives,
): number | undefined {
  if (!HEURISTIC_STATUSES.has(status) && !directives.has('public')) return undefined;
  return heuristicLifetimeMs(request.target, headers, directives.has('immutable'), nowMs);
}

const OLDEST = String(Number.MAX_SAFE_INTEGER);

/** corrected_initial_age of section 4.2.3. */
function initialAgeMs(headers: Readonly<Record<string, string>>, sentMs: number, nowMs: number): number {
  const dateMs = parseHttpDate(headers.date, nowMs);
  const apparentMs = dateMs === undefined ? 0 : Math.max(0, Math.floor(nowMs / 1000) * 1000 - dateMs);
  return Math.max(apparentMs, ageValueMs(headers.age) + (nowMs - sentMs));
}

/**
 * The value of Age. Of a list the first member counts, and a value without a number is ignored (section 5.1). A number
 * counts whatever follows it, and a negative one means that a clock is wrong: a response is rather too old than too young.
 */
function ageValueMs(field: string | undefined): number {
  const found = /^\s*(-?)(\d+)/.exec(field ?? '');
  if (!found) return 0;
  return seconds(found[1] === '-' ? OLDEST : found[2]) * 1000;
}
