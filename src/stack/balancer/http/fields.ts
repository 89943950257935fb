/**
 * The meaning of each header field for a proxy, looked up once per spelling. A field is forwarded, dropped as hop-by-hop
 * (RFC 9110 section 7.6.1), replaced by our own, or used for framing. Spellings are kept in a bounded table,
 * because lower-casing and checking every name of every message would be a large part of the work.
 */

/** Numbers, not an enum: this is compared for every field of every message. */
export const FIELD = {
  pass: 0,
  /** Not a token (RFC 9110 section 5.6.2). */
  invalid: 1,
  host: 2,
  contentLength: 3,
  transferEncoding: 4,
  connection: 5,
  /** Hop-by-hop: never forwarded. */
  hop: 6,
  expect: 7,
  upgrade: 8,
  /** `Forwarded` and similar fields: accepted only from trusted peers. */
  forwarded: 9,
  forwardedFor: 10,
  requestId: 11,
  /** An important name that is spelled with underscores: CGI-like services would read it as the real field. */
  alias: 12,
  cacheStatus: 13,
  date: 14,
  userAgent: 15,
  via: 16,
  /** Written by an OpenTelemetry propagator when that propagator is in use. */
  trace: 17,
  /** Hop-by-hop, except for its value `trailers`: the balancer forwards trailers. */
  te: 18,
  /** Forwarded without the session cookie of Vitrine's own page. */
  cookie: 19,
} as const;

const MEANINGS: Readonly<Record<string, number>> = {
  host: FIELD.host,
  'content-length': FIELD.contentLength,
  'transfer-encoding': FIELD.transferEncoding,
  connection: FIELD.connection,
  'keep-alive': FIELD.hop,
  'proxy-connection': FIELD.hop,
  'proxy-authenticate': FIELD.hop,
  'proxy-authorization': FIELD.hop,
  // Made by the balancer for its own answers: a client's or an upstream's is never forwarded or stored.
  'x-support-code': FIELD.hop,
  te: FIELD.te,
  cookie: FIELD.cookie,
  'http2-settings': FIELD.hop,
  expect: FIELD.expect,
  upgrade: FIELD.upgrade,
  forwarded: FIELD.forwarded,
  'x-forwarded-for': FIELD.forwardedFor,
  'x-forwarded-host': FIELD.forwarded,
  'x-forwarded-proto': FIELD.forwarded,
  'x-forwarded-port': FIELD.forwarded,
  'x-forwarded-server': FIELD.forwarded,
  'x-forwarded-prefix': FIELD.forwarded,
  'x-forwarded-path': FIELD.forwarded,
  'x-forwarded-scheme': FIELD.forwarded,
  'x-forwarded-ssl': FIELD.forwarded,
  'x-real-ip': FIELD.forwarded,
  'x-request-id': FIELD.requestId,
  'cache-status': FIELD.cacheStatus,
  date: FIELD.date,
  'user-agent': FIELD.userAgent,
  via: FIELD.via,
  traceparent: FIELD.trace,
  tracestate: FIELD.trace,
  baggage: FIELD.trace,
  b3: FIELD.trace,
  'x-b3-traceid': FIELD.trace,
  'x-b3-spanid': FIELD.trace,
  'x-b3-parentspanid': FIELD.trace,
  'x-b3-sampled': FIELD.trace,
  'x-b3-flags': FIELD.trace,
  'uber-trace-id': FIELD.trace,
  'x-amzn-trace-id': FIELD.trace,
};
/** Fields that `Connection` must not remove: they carry identity, framing or authorization. */
const NEVER_LISTED = new Set([
  ...Object.keys(MEANINGS).filter(
    (name) => ![FIELD.hop, FIELD.te, FIELD.upgrade, FIELD.connection].includes(MEANINGS[name] as 6),
  ),
  'authorization',
  'set-cookie',
  'cache-control',
  'content-type',
  'content-encoding',
  'range',
]);
/** Fields that the balancer writes itself. Listing them in `Connection` has no effect; a client's values are replaced. */
const OWN: ReadonlySet<number | undefined> = new Set([
  FIELD.host,
  FIELD.forwarded,
  FIELD.forwardedFor,
  FIELD.requestId,
  FIELD.via,
]);
const TOKEN = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const MEANING = new Map(Object.entries(MEANINGS));
const SPELLINGS_LIMIT = 1024;
const spellings = new Map<string, number>();

function lookUp(name: string): number {
  if (!TOKEN.test(name)) return FIELD.invalid;
  const lower = name.toLowerCase();
  const meaning = MEANING.get(lower);
  if (meaning !== undefined) return meaning;
  if (!lower.includes('_')) return FIELD.pass;
  const dashed = lower.replaceAll('_', '-');
  return NEVER_LISTED.has(dashed) || MEANING.has(dashed) ? FIELD.alias : FIELD.pass;
}

/** One of `FIELD`. */
export function fieldMeaning(name: string): number {
  const known = spellings.get(name);
  if (known !== undefined) return known;
  const meaning = lookUp(name);
  if (spellings.size < SPELLINGS_LIMIT && name.length <= 64) spellings.set(name, meaning);
  return meaning;
}

/**
 * Whether a field may be forwarded in a trailer section. A field that frames, routes, authenticates or describes the message
 * may not (RFC 9110 section 6.5.1).
 */
export function mayTrail(name: string): boolean {
  return fieldMeaning(name) === FIELD.pass && !NEVER_LISTED.has(name.toLowerCase());
}

/**
 * Lower-case names in a `Connection` field that must be dropped, without `close`, `keep-alive`, `upgrade` and the fields
 * that the balancer writes itself. Undefined when `Connection` lists a field that it must not list.
 */
export function listedFields(connection: string): readonly string[] | undefined {
  const listed: string[] = [];
  for (const part of connection.toLowerCase().split(',')) {
    const name = part.trim();
    if (name === '' || name === 'close' || name === 'keep-alive' || name === 'upgrade') continue;
    if (OWN.has(MEANING.get(name))) continue;
    if (!TOKEN.test(name) || NEVER_LISTED.has(name)) return undefined;
    listed.push(name);
  }
  return listed;
}

/** Whether a comma list such as `Connection` or `Upgrade` holds `token` (lower case). */
export function listHas(value: string, token: string): boolean {
  return value
    .toLowerCase()
    .split(',')
    .some((part) => part.trim() === token);
}
