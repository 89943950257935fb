import { assert as holds, constant, constantFrom, option, property, record, subarray } from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { systemClock } from '../../../src/base/clock.ts';
import type { CacheFill, CacheLookup, CacheRequest, CachedResponse } from '../../../src/model/response-cache.ts';
import { hasTag } from '../../../src/stack/cache/responses/validators.ts';
import { parseDirectives, seconds } from '../../../src/stack/cache/rules/directives.ts';
import { judge } from '../../../src/stack/cache/rules/freshness.ts';
import { HttpResponseCache } from '../../../src/stack/cache/responses/response-cache.ts';
import { MemoryEntries } from '../../../src/stack/cache/responses/response-entries.ts';
import { RedisEntries, decodeKept, encodeKept } from '../../../src/stack/cache/responses/redis-entries.ts';
import { REDIS_DEFAULTS, RedisStore } from '../../../src/stack/cache/store/redis-store.ts';
import { silentLogger } from '../../../src/base/logger.ts';
import { until } from '../../support/until.ts';
import { raw } from '../balancer/rig.ts';
import { recordTelemetry } from '../../support/telemetry/recorded-telemetry.ts';
import { NO_REDIS, startRedis } from '../../support/programs/redis-server.ts';

const telemetry = recordTelemetry();
const START = Date.UTC(2026, 0, 1);
let nowMs = START;
let timers: { atMs: number; callback: () => void }[] = [];
const clock: Clock = {
  now: () => nowMs,
  monotonic: () => nowMs - START,
  after(delayMs, callback) {
    const timer = { atMs: nowMs + delayMs, callback };
    timers.push(timer);
    return () => (timers = timers.filter((other) => other !== timer));
  },
};
function advance(ms: number): void {
  nowMs += ms;
  const due = timers.filter(({ atMs }) => atMs <= nowMs);
  timers = timers.filter(({ atMs }) => atMs > nowMs);
  for (const { callback } of due) callback();
}

const FUTURE = new Date(START + 60_000).toUTCString();
const LONG_AGO = new Date(START - 1e10).toUTCString();
const LIMITS = {
  maxEntryBytes: 10_000,
  maxFillingBytes: 30_000,
  maxWaiters: 300,
  waitMs: 1_000,
  targets: ['cdn-cache-control'],
};
let names = 0;
let cache: HttpResponseCache;
beforeEach(() => {
  nowMs = START;
  timers = [];
  cache = new HttpResponseCache({
    name: `r${(names += 1)}`,
    entries: new MemoryEntries(100_000, clock),
    clock,
    ...LIMITS,
  });
});
afterEach(() => cache[Symbol.dispose]());

function get(target: string, headers: Record<string, string> = {}, method = 'GET'): CacheRequest {
  return {
    method,
    scheme: 'http',
    host: 'a.test',
    target,
    headers: Object.assign(Object.create(null), headers) as Record<string, string>,
  };
}
const date = (): string => new Date(nowMs).toUTCString();
const headersOf = (fields: Record<string, string>): string[] => Object.entries({ Date: date(), ...fields }).flat();

function lookup(request: CacheRequest): CacheLookup {
  const found = cache.lookup(request);
  if (found instanceof Promise) throw new Error('the look-up waits');
  return found;
}
function fillOf(found: CacheLookup): CacheFill {
  const fill = found.kind === 'miss' ? found.fill : found.kind === 'stale' ? found.refresh : undefined;
  if (fill === undefined) throw new Error(`no fill in ${found.kind}`);
  return fill;
}
/** Answers a fill as an upstream would. Returns whether the response is to be stored. */
function answer(fill: CacheFill, fields: Record<string, string>, body = 'body', status = 200): boolean {
  const wanted = fill.head(status, headersOf(fields));
  if (wanted) fill.chunk(Buffer.from(body));
  fill.end();
  return wanted;
}
function fetchOnce(request: CacheRequest, fields: Record<string, string>, body = 'body', status = 200): boolean {
  return answer(fillOf(lookup(request)), fields, body, status);
}
function responseOf(found: CacheLookup): CachedResponse {
  if (found.kind !== 'hit' && found.kind !== 'stale') throw new Error(`${found.kind}: ${found.cacheStatus}`);
  return found.response;
}
function field(response: CachedResponse, name: string): string | undefined {
  const at = response.headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name.toLowerCase());
  return at < 0 ? undefined : response.headers[at + 1];
}

describe('a response that may be reused', () => {
  it('says truly why it was not used, and 416 for a range beyond its end', () => {
    const why = (headers: Record<string, string>, target = '/why'): string | undefined => {
      const found = lookup(get(target, headers));
      if (found.kind !== 'miss') throw new Error(found.kind);
      found.fill?.abort();
      return /fwd=([a-z-]+)/.exec(found.cacheStatus)?.[1];
    };
    expect(why({ 'cache-control': 'no-cache' })).toBe('uri-miss');
    fetchOnce(get('/why'), { 'Cache-Control': 'max-age=60' }, '0123456789');
    // RFC 9211 section 2.2: the stored response is fresh, but the request does not allow its use.
    expect(why({ 'cache-control': 'no-cache' })).toBe('request');
    advance(2_000);
    expect(why({ 'cache-control': 'max-age=1' })).toBe('request');
    expect(why({ 'cache-control': 'min-fresh=100' })).toBe('request');
    expect(why({ pragma: 'no-cache' })).toBe('request');
    const ranged = (range: string) => responseOf(lookup(get('/why', { range })));
    for (const range of ['bytes=10-', 'bytes=50-60', 'bytes=-0']) {
      const beyond = ranged(range);
      expect([beyond.status, field(beyond, 'content-range'), beyond.body.length]).toEqual([416, 'bytes */10', 0]);
    }
    expect(ranged('bytes=9-').status).toBe(206);
    // Not valid: ignored.
    for (const range of ['bytes=60-50', 'bytes=-', 'lines=50-', 'bytes=50-,60-'])
      expect(ranged(range).status, range).toBe(200);
    advance(60_000);
    expect(why({})).toBe('stale');
  });

  it('is kept in memory of its own, also when it was joined from parts', () => {
    // A part of one of Node's shared blocks would keep 64 KiB.
    fetchOnce(get('/own'), { 'Cache-Control': 'max-age=60' }, 'x'.repeat(100));
    expect(responseOf(lookup(get('/own'))).body.buffer.byteLength).toBe(100);
    const part = (from: number, to: number) => ({
      'Cache-Control': 'max-age=60',
      ETag: '"own"',
      'Content-Range': `bytes ${from}-${to}/200`,
    });
    fetchOnce(get('/parts', { range: 'bytes=0-99' }), part(0, 99), 'x'.repeat(100), 206);
    fetchOnce(get('/parts', { range: 'bytes=100-199' }), part(100, 199), 'y'.repeat(100), 206);
    expect(responseOf(lookup(get('/parts'))).body.buffer.byteLength).toBe(200);
  });

  it('answers while it is fresh, with Age and Cache-Status, and not afterwards', () => {
    expect(lookup(get('/x'))).toMatchObject({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss' });
    cache = newCache();
    fetchOnce(get('/x'), {
      'Cache-Control': 'max-age=10',
      'Content-Type': 'text/plain',
      'Content-Length': '4',
      'X-A': 'b',
    });
    advance(4_000);
    const hit = lookup(get('/x'));
    expect(hit.kind).toBe('hit');
    const response = responseOf(hit);
    expect(response).toMatchObject({ status: 200, cacheStatus: 'vitrine; hit; ttl=6' });
    expect([field(response, 'age'), field(response, 'x-a'), field(response, 'content-length')]).toEqual([
      '4',
      'b',
      undefined,
    ]);
    expect(response.body.toString()).toBe('body');
    advance(6_000);
    expect(lookup(get('/x')).kind).toBe('miss');
  });

  it.each([
    ['max-age', { 'Cache-Control': 'max-age=60' }, 200],
    ['MAX-AGE in capitals', { 'Cache-Control': 'MAX-AGE=60' }, 200],
    ['s-maxage before max-age', { 'Cache-Control': 'max-age=0, s-maxage=60' }, 200],
    ['must-revalidate while fresh', { 'Cache-Control': 'max-age=60, must-revalidate' }, 200],
    ['Expires', { Expires: new Date(START + 60_000).toUTCString() }, 200],
    ['Expires in asctime form', { Expires: 'Thu Aug 18 02:01:18 2050' }, 200],
    ['a heuristic', { 'Last-Modified': new Date(START - 1_000_000).toUTCString() }, 200],
    ['404', { 'Cache-Control': 'max-age=60' }, 404],
    ['a redirect', { 'Cache-Control': 'max-age=60', Location: '/y' }, 302],
    ['must-understand that is understood', { 'Cache-Control': 'max-age=60, no-store, must-understand' }, 200],
    ['a quoted value', { 'Cache-Control': 'max-age="60"' }, 200],
    ['a failure with a lifetime', { 'Cache-Control': 'max-age=60' }, 500],
    ['an unknown status with a lifetime', { 'Cache-Control': 'max-age=60' }, 599],
    ['a targeted field', { 'Cache-Control': 'no-store', 'CDN-Cache-Control': 'max-age=60' }, 200],
    ['a targeted field with parameters', { 'CDN-Cache-Control': 'max-age=60;a=b, foo=?0' }, 200],
    [
      'Cache-Control beside a malformed targeted field',
      { 'Cache-Control': 'max-age=60', 'CDN-Cache-Control': 'max-age =0' },
      200,
    ],
    [
      'Last-Modified of a file',
      { 'Last-Modified': LONG_AGO, 'Content-Type': 'text/html', 'Accept-Ranges': 'bytes' },
      200,
    ],
    ['an Age that is no number', { 'Cache-Control': 'max-age=60', Age: 'old' }, 200],
    ['the first of several ages', { 'Cache-Control': 'max-age=60', Age: '0, 60' }, 200],
  ] as const)('by %s', (_name, fields, status) => {
    expect(fetchOnce(get('/x'), fields, 'body', status)).toBe(true);
    expect(lookup(get('/x')).kind).toBe('hit');
  });

  it.each([
    ['no-store', { 'Cache-Control': 'max-age=60, no-store' }, 200],
    ['No-Store in any case', { 'Cache-Control': 'max-age=60, No-Store' }, 200],
    ['private', { 'Cache-Control': 'max-age=60, private' }, 200],
    ['private with fields', { 'Cache-Control': 'max-age=60, private="x, y"' }, 200],
    ['Set-Cookie', { 'Cache-Control': 'public, max-age=60', 'Set-Cookie': 'a=b' }, 200],
    ['Vary: *', { 'Cache-Control': 'max-age=60', Vary: 'accept, *' }, 200],
    ['an invalid Expires', { Expires: '0' }, 200],
    ['an Expires that only looks like a date', { Expires: '18 Aug 2050 02:01:18' }, 200],
    ['nothing about freshness', {}, 200],
    ['the strictest of several', { 'Cache-Control': 'max-age=60, max-age=0' }, 200],
    ['an age beyond its freshness', { 'Cache-Control': 'max-age=60', Age: '60' }, 200],
    [
      'a date beyond its freshness',
      { 'Cache-Control': 'max-age=60', Date: new Date(START - 61_000).toUTCString() },
      200,
    ],
    ['a part', { 'Cache-Control': 'max-age=60', 'Content-Range': 'bytes 0-1/4' }, 206],
    ['a 206 without Content-Range', { 'Cache-Control': 'max-age=60' }, 206],
    ['a failure without a lifetime', { 'Last-Modified': new Date(START - 1e9).toUTCString() }, 500],
    ['must-understand that is not understood', { 'Cache-Control': 'max-age=60, must-understand' }, 599],
    ['a targeted no-store', { 'Cache-Control': 'max-age=60', 'CDN-Cache-Control': 'no-store' }, 200],
    ['a targeted field without a lifetime beside Expires', { 'CDN-Cache-Control': 'foo', Expires: FUTURE }, 200],
    ['an Expires in another zone', { Expires: 'Thu, 18 Aug 2050 02:01:18 CET' }, 200],
    ['a negative Age', { 'Cache-Control': 'max-age=60', Age: '-60' }, 200],
    ['an Age with a fraction', { 'Cache-Control': 'max-age=60', Age: '60.0' }, 200],
    ['Last-Modified of JSON', { 'Last-Modified': LONG_AGO, 'Content-Type': 'application/json' }, 200],
    ['Last-Modified of HTML', { 'Last-Modified': LONG_AGO, 'Content-Type': 'text/html; charset=utf-8' }, 200],
    ['Last-Modified at the epoch', { 'Last-Modified': new Date(0).toUTCString() }, 200],
    ['too many tags', { 'Cache-Control': 'max-age=60', 'Cache-Tag': 'a'.repeat(300) }, 200],
  ] as const)('does not, by %s', (_name, fields, status) => {
    fetchOnce(get('/x'), fields, 'body', status);
    expect(lookup(get('/x')).kind).toBe('miss');
  });

  it('answers HEAD, one range, and a conditional request from a stored GET', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=60', ETag: '"v1"', 'Content-Type': 'text/plain' }, '0123456789');
    const head = responseOf(lookup(get('/x', {}, 'HEAD')));
    expect([head.status, head.body.length, field(head, 'content-length')]).toEqual([200, 0, '10']);
    const part = responseOf(lookup(get('/x', { range: 'bytes=2-4' })));
    expect([part.status, part.body.toString(), field(part, 'content-range')]).toEqual([206, '234', 'bytes 2-4/10']);
    expect(responseOf(lookup(get('/x', { range: 'bytes=-3' }))).body.toString()).toBe('789');
    for (const odd of ['bytes=5-2', 'bytes=0-1,3-4', 'items=0-1', 'bytes=-']) {
      expect(responseOf(lookup(get('/x', { range: odd }))).status).toBe(200);
    }
    const same = responseOf(lookup(get('/x', { 'if-none-match': '"v0", W/"v1"' })));
    expect([same.status, same.body.length, field(same, 'etag'), field(same, 'content-type')]).toEqual([
      304,
      0,
      '"v1"',
      undefined,
    ]);
    expect(responseOf(lookup(get('/x', { 'if-none-match': '"v2"' }))).status).toBe(200);
    fetchOnce(get('/m'), { 'Cache-Control': 'max-age=60', 'Last-Modified': date() });
    expect(responseOf(lookup(get('/m', { 'if-modified-since': date() }))).status).toBe(304);
    expect(lookup(get('/none', {}, 'HEAD'))).toEqual({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss' });
  });

  it('is selected by the fields in Vary only', () => {
    const language = (value: string) => get('/x', { 'accept-language': value });
    fetchOnce(language('en'), { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }, 'hello');
    expect(lookup(language('fr'))).toMatchObject({ kind: 'miss', cacheStatus: 'vitrine; fwd=vary-miss' });
    cache.invalidate(get('/other', {}, 'POST'), 200, []);
    const fill = lookup(language('de'));
    answer(fillOf(fill), { 'Cache-Control': 'max-age=60', Vary: 'Accept-Language' }, 'hallo');
    expect(responseOf(lookup(language('en'))).body.toString()).toBe('hello');
    expect(responseOf(lookup(language('de'))).body.toString()).toBe('hallo');
    cache.invalidate(get('/x', {}, 'POST'), 204, []);
    expect(lookup(language('en')).kind).toBe('miss');
  });

  it('respects the Cache-Control of the request', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=60', ETag: '"1"' });
    advance(10_000);
    const asking = (value: string) => lookup(get('/x', { 'cache-control': value }));
    expect(asking('max-age=20').kind).toBe('hit');
    expect(asking('min-fresh=40').kind).toBe('hit');
    for (const directive of ['no-cache', 'max-age=5']) {
      const found = asking(directive);
      expect(found.kind).toBe('miss');
      expect(fillOf(found).conditional).toEqual({ 'if-none-match': '"1"', 'if-modified-since': undefined });
      fillOf(found).abort();
    }
    const soon = asking('min-fresh=55');
    expect(soon.kind).toBe('miss');
    fillOf(soon).abort();
    expect(asking('no-store')).toEqual({ kind: 'bypass', cacheStatus: 'vitrine; fwd=request' });
    fillOf(lookup(get('/x', { pragma: 'no-cache' }))).abort();
    advance(60_000);
    expect(asking('max-stale').kind).toBe('stale');
    expect(asking('max-stale=5').kind).toBe('miss');
    expect(responseOf(lookup(get('/none', { 'cache-control': 'only-if-cached' }))).status).toBe(504);
  });
});

describe('a stale response', () => {
  it('is validated and updated by 304', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=10', ETag: '"1"', 'X-Old': 'kept', 'X-New': 'old' });
    advance(20_000);
    const found = lookup(get('/x'));
    expect(found).toMatchObject({ kind: 'miss', cacheStatus: 'vitrine; fwd=stale' });
    const fill = fillOf(found);
    expect(fill.conditional).toEqual({ 'if-none-match': '"1"', 'if-modified-since': undefined });
    const response = fill.validated(headersOf({ 'Cache-Control': 'max-age=10', 'X-New': 'new', ETag: '"1"' }));
    fill.end();
    expect(response?.body.toString()).toBe('body');
    expect(response && [field(response, 'x-old'), field(response, 'x-new'), field(response, 'age')]).toEqual([
      'kept',
      'new',
      '0',
    ]);
    expect(lookup(get('/x')).kind).toBe('hit');
  });

  it('without an ETag is validated by its date, in place of the client’s own conditions', () => {
    const modified = new Date(START - 1_000).toUTCString();
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1', 'Last-Modified': modified });
    advance(2_000);
    const fill = fillOf(lookup(get('/x')));
    expect(fill.conditional).toEqual({ 'if-none-match': undefined, 'if-modified-since': modified });
    fill.abort();
    const asked = fillOf(lookup(get('/x', { 'if-none-match': '"q"' })));
    expect(asked.conditional).toEqual({ 'if-none-match': undefined, 'if-modified-since': modified });
    expect(asked.validated(headersOf({}))?.status).toBe(200);
  });

  it('takes no fields from a 304 about another representation, and is removed when the 304 forbids storing', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1', ETag: '"1"' });
    advance(2_000);
    const other = fillOf(lookup(get('/x')));
    const same = other.validated(headersOf({ ETag: '"2"', 'X-Of': 'another', 'Cache-Control': 'max-age=99' }));
    other.end();
    expect(same && [field(same, 'etag'), field(same, 'x-of'), same.body.toString()]).toEqual([
      '"1"',
      undefined,
      'body',
    ]);
    expect(responseOf(lookup(get('/x'))).cacheStatus).toBe('vitrine; hit; ttl=1');
    cache = newCache();
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1', ETag: '"1"' });
    advance(2_000);
    const closed = fillOf(lookup(get('/x')));
    expect(closed.validated(headersOf({ 'Cache-Control': 'no-store' }))?.status).toBe(200);
    closed.end();
    expect(lookup(get('/x'))).toMatchObject({ cacheStatus: 'vitrine; fwd=uri-miss' });
  });

  it('is used while one request refreshes it', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1, stale-while-revalidate=10' }, 'old');
    advance(2_000);
    const first = lookup(get('/x'));
    const second = lookup(get('/x'));
    expect([first.kind, second.kind]).toEqual(['stale', 'stale']);
    expect(responseOf(first)).toMatchObject({ cacheStatus: 'vitrine; hit; ttl=-1' });
    expect(second.kind === 'stale' && second.refresh).toBe(undefined);
    answer(fillOf(first), { 'Cache-Control': 'max-age=1' }, 'new');
    expect(responseOf(lookup(get('/x'))).body.toString()).toBe('new');
    advance(20_000);
    expect(lookup(get('/x')).kind).toBe('miss');
  });

  it('is used when the upstream fails, if it allows that, and never if it forbids that', () => {
    const failing = (
      control: string,
      requestHeaders: Record<string, string> = {},
      status: number | undefined = 503,
    ) => {
      cache = newCache();
      fetchOnce(get('/x'), { 'Cache-Control': control, ETag: '"1"' });
      advance(2_000);
      const fill = fillOf(lookup(get('/x', requestHeaders)));
      const response = fill.failed(status);
      fill.abort();
      return response?.cacheStatus;
    };
    expect(failing('max-age=1, stale-if-error=10')).toBe('vitrine; fwd=stale; fwd-status=503; ttl=-1');
    expect(failing('max-age=1', { 'cache-control': 'stale-if-error=10' })).toContain('fwd=stale');
    expect(failing('max-age=1, stale-if-error=1')).toBeUndefined();
    expect(failing('max-age=1, stale-if-error=0')).toBeUndefined();
    expect(failing('max-age=1')).toBeUndefined();
    expect(failing('max-age=1, stale-if-error=10, must-revalidate')).toBeUndefined();
    expect(failing('max-age=1, stale-if-error=10, proxy-revalidate')).toBeUndefined();
    expect(failing('no-cache, stale-if-error=10')).toBeUndefined();
  });

  it('is removed by an answer that may not be stored', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1, stale-if-error=100', ETag: '"1"' });
    advance(2_000);
    fetchOnce(get('/x'), { 'Cache-Control': 'no-store' });
    expect(lookup(get('/x'))).toMatchObject({ cacheStatus: 'vitrine; fwd=uri-miss' });
  });
});

describe('requests for a missing key', () => {
  it('wait for the first one and get its answer', async () => {
    const first = fillOf(lookup(get('/x')));
    const others = Array.from({ length: 199 }, async () => cache.lookup(get('/x')));
    expect(cache.lookup(get('/x'))).toBeInstanceOf(Promise);
    expect(lookup(get('/y')).kind).toBe('miss');
    answer(first, { 'Cache-Control': 'max-age=10' });
    for (const other of await Promise.all(others)) {
      expect(other).toMatchObject({
        kind: 'hit',
        response: { cacheStatus: 'vitrine; fwd=uri-miss; collapsed; ttl=10' },
      });
    }
    // The result for /y is not known yet.
    expect(cache.totals).toMatchObject({ hit: 200, miss: 1 });
  });

  it('continue when the answer cannot be stored, and do not wait again for a while', async () => {
    const first = fillOf(lookup(get('/x')));
    const waiting = cache.lookup(get('/x'));
    expect(first.head(200, headersOf({ 'Cache-Control': 'no-store' }))).toBe(false);
    expect(await waiting).toEqual({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss' });
    first.end();
    const next = fillOf(lookup(get('/x')));
    expect(lookup(get('/x')).kind).toBe('miss');
    next.abort();
    advance(11_000);
    const later = fillOf(lookup(get('/x')));
    expect(cache.lookup(get('/x'))).toBeInstanceOf(Promise);
    later.abort();
  });

  it('elect another one when the first one is aborted', async () => {
    const first = fillOf(lookup(get('/x')));
    const others = [cache.lookup(get('/x')), cache.lookup(get('/x'))];
    first.head(200, headersOf({ 'Cache-Control': 'max-age=10' }));
    first.chunk(Buffer.from('half'));
    first.abort();
    const second = await others[0];
    answer(fillOf(second), { 'Cache-Control': 'max-age=10' });
    expect((await others[1]).kind).toBe('hit');
  });

  it('are forwarded after the longest wait, beyond the limit, or when the answer is probably personal', async () => {
    const first = fillOf(lookup(get('/x')));
    const waiting = Array.from({ length: LIMITS.maxWaiters }, async () => cache.lookup(get('/x')));
    expect(lookup(get('/x')).kind).toBe('miss');
    expect(lookup(get('/x', { cookie: 'a=b' })).kind).toBe('miss');
    expect(lookup(get('/x', { authorization: 'Bearer x' })).kind).toBe('miss');
    advance(LIMITS.waitMs);
    for (const other of await Promise.all(waiting))
      expect(other).toEqual({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss' });
    first.abort();
  });

  it('share the stale answer when the upstream fails', async () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=1, stale-if-error=60' });
    advance(2_000);
    const fill = fillOf(lookup(get('/x')));
    const waiting = cache.lookup(get('/x'));
    expect(fill.failed(undefined)).toBeDefined();
    fill.abort();
    expect(await waiting).toMatchObject({
      kind: 'stale',
      response: { cacheStatus: 'vitrine; fwd=stale; collapsed; ttl=-1' },
    });
  });
});

describe('the cache never stores', () => {
  const kept = (): boolean => responseOf(lookup(get('/x', { 'cache-control': 'only-if-cached' }))).status === 200;
  const begin = (fields: Record<string, string> = {}): CacheFill => {
    const fill = fillOf(lookup(get('/x')));
    expect(fill.head(200, headersOf({ 'Cache-Control': 'max-age=60', ...fields }))).toBe(true);
    return fill;
  };

  it('a body that was cut short', () => {
    const cut = begin();
    cut.chunk(Buffer.from('ha'));
    cut.abort();
    expect(kept()).toBe(false);
  });

  it('a body whose length differs from the stated length', () => {
    const short = begin({ 'Content-Length': '10' });
    short.chunk(Buffer.from('ha'));
    short.end();
    expect(kept()).toBe(false);
  });

  it('a response that is too large, alone or together with others, and counts it', async () => {
    const name = `r${names}`;
    const fill = fillOf(lookup(get('/large')));
    expect(fill.head(200, headersOf({ 'Cache-Control': 'max-age=60', 'Content-Length': '10001' }))).toBe(false);
    const growing = begin();
    expect(growing.chunk(Buffer.alloc(10_000))).toBe(true);
    expect(growing.chunk(Buffer.alloc(1))).toBe(false);
    growing.end();
    expect(kept()).toBe(false);
    const fills = ['/1', '/2', '/3', '/4'].map((target) => fillOf(lookup(get(target))));
    for (const one of fills) one.head(200, headersOf({ 'Cache-Control': 'max-age=60' }));
    expect(fills.map((one) => one.chunk(Buffer.alloc(9_000)))).toEqual([true, true, true, false]);
    for (const one of fills) one.end();
    const labels = { 'vitrine.cache.name': name, reason: 'too_large' };
    expect(await telemetry.total('vitrine.cache.evictions', labels)).toBe(3);
    const after = begin();
    expect(after.chunk(Buffer.alloc(10_000))).toBe(true);
    after.abort();
  });

  it('a response that a write invalidated before it was complete', () => {
    const fill = begin();
    fill.chunk(Buffer.from('old'));
    cache.invalidate(get('/x', {}, 'PUT'), 200, []);
    fill.chunk(Buffer.from('!'));
    fill.end();
    expect(kept()).toBe(false);
  });
});

describe('a write', () => {
  it('that succeeds removes its target and the URLs in its answer on the same host', () => {
    for (const target of ['/a', '/b?q=1', '/c', '/d']) fetchOnce(get(target), { 'Cache-Control': 'max-age=60' });
    const post = get('/a', {}, 'POST');
    cache.invalidate(post, 500, ['Location', '/b?q=1']);
    expect(lookup(get('/a')).kind).toBe('hit');
    cache.invalidate(post, 201, ['Location', '/b?q=1', 'Content-Location', 'http://other.test/d']);
    const state = (target: string): string => lookup(get(target)).kind;
    expect(['/a', '/b?q=1', '/c', '/d'].map(state)).toEqual(['miss', 'miss', 'hit', 'hit']);
  });
});

describe('the key', () => {
  const POISONS: readonly Record<string, string>[] = [
    { 'x-original-url': '/admin' },
    { 'x-rewrite-url': '/admin' },
    { 'x-http-method-override': 'POST' },
    { 'x-http-method': 'DELETE' },
    { 'x-method-override': 'PUT' },
    { 'x-host': 'evil' },
    { 'x-original-host': 'evil' },
    { 'content-length': '5' },
    { 'transfer-encoding': 'chunked' },
    { 'if-match': '"x"' },
  ];
  it.each(POISONS)('cannot be poisoned with %j', (headers) => {
    expect(lookup(get('/x', headers))).toMatchObject({ kind: 'bypass' });
  });
  it('is exact in host, scheme and target', () => {
    fetchOnce(get('/x'), { 'Cache-Control': 'max-age=60' });
    for (const target of ['/X', '/x/', '//x', '/x?', '/%78', '/x;a', '/x#', '/./x'])
      expect(lookup(get(target)).kind).toBe('miss');
    for (const change of [{ host: 'a.test:80' }, { host: 'b.test' }, { scheme: 'https' }]) {
      expect(lookup({ ...get('/x'), ...change }).kind).toBe('miss');
    }
    expect(lookup(get('/x', { 'content-length': '0' })).kind).toBe('hit');
    expect(lookup(get('/x', { 'x-forwarded-prefix': '/shop' })).kind).toBe('miss');
    expect(lookup({ ...get('/x'), ambiguous: true }).kind).toBe('bypass');
    expect(lookup(get('/x', {}, 'POST'))).toEqual({ kind: 'bypass', cacheStatus: 'vitrine; fwd=method' });
  });
});

it('never gives one user an answer made for another', () => {
  const maybe = <T>(value: T) => option(constant(value), { nil: undefined });
  const users = constantFrom('ann', 'bob', undefined);
  const pair = record({
    first: users,
    second: users,
    by: constantFrom('authorization', 'cookie'),
    control: subarray([
      'max-age=60',
      'private',
      'no-store',
      'no-cache',
      'must-understand',
      'stale-while-revalidate=60',
    ]),
    setCookie: maybe('s=1'),
    vary: constantFrom(undefined, 'Cookie', 'authorization, cookie', 'Accept', '*'),
    expires: maybe(new Date(START + 60_000).toUTCString()),
    modified: maybe(new Date(START - 1e9).toUTCString()),
    status: constantFrom(200, 301, 404),
  });
  holds(
    property(pair, (run) => {
      cache = newCache('pairs');
      const request = (user: string | undefined) => get('/me', user === undefined ? {} : { [run.by]: user });
      // The upstream makes an answer for this user and does not mark it as public.
      const fields: Record<string, string> = { 'Cache-Control': run.control.join(', ') };
      if (run.setCookie) fields['Set-Cookie'] = run.setCookie;
      if (run.vary) fields.Vary = run.vary;
      if (run.expires) fields.Expires = run.expires;
      if (run.modified) fields['Last-Modified'] = run.modified;
      fetchOnce(request(run.first), fields, run.first ?? 'nobody', run.status);
      const found = lookup(request(run.second));
      if (found.kind !== 'hit' && found.kind !== 'stale') return;
      const seen = found.response.body.toString();
      expect(seen === 'nobody' || seen === run.second).toBe(true);
    }),
    { numRuns: 10_000 },
  );
}, 60_000);

it('records counts and durations of look-ups', async () => {
  const name = `r${names}`;
  fetchOnce(get('/x'), { 'Cache-Control': 'max-age=60' });
  lookup(get('/x'));
  const labels = { 'vitrine.cache.name': name };
  expect(await telemetry.total('vitrine.cache.lookups', { ...labels, 'vitrine.cache.result': 'hit' })).toBe(1);
  expect(await telemetry.total('vitrine.cache.lookup.duration', labels)).toBe(2);
  expect(await telemetry.total('vitrine.cache.entries', labels)).toBe(1);
});

describe('a look-up for an answer that cannot be stored', () => {
  it('counts as bypass once the answer is known, and so does its duration', async () => {
    const name = `r${names}`;
    const own = { authorization: 'Bearer a' };
    const pending = fillOf(lookup(get('/own', own)));
    expect(cache.totals).toMatchObject({ miss: 0, bypass: 0 });
    // Another user's request, while the first one is in flight.
    lookup(get('/own', { authorization: 'Bearer b' }));
    expect(cache.totals).toMatchObject({ miss: 0, bypass: 1 });
    expect(answer(pending, {})).toBe(false);
    fetchOnce(get('/never'), { 'Cache-Control': 'no-store' });
    lookup({ ...get('/x'), method: 'HEAD' });
    lookup(get('/x', { range: 'bytes=0-1, 5-6' }));
    expect(cache.totals).toMatchObject({ hit: 0, miss: 0, bypass: 5 });
    const labels = { 'vitrine.cache.name': name, 'vitrine.cache.result': 'bypass' };
    expect(await telemetry.total('vitrine.cache.lookup.duration', labels)).toBe(5);
  });

  it('counts as bypass for the requests that waited, and for later ones while the key is remembered', async () => {
    const first = fillOf(lookup(get('/never')));
    const second = cache.lookup(get('/never'));
    answer(first, { 'Cache-Control': 'no-store' });
    expect(await second).toMatchObject({ kind: 'miss', cacheStatus: 'vitrine; fwd=uri-miss' });
    expect(cache.totals).toMatchObject({ miss: 0, bypass: 2 });
    lookup(get('/never'));
    lookup(get('/never'));
    expect(cache.totals).toMatchObject({ miss: 0, bypass: 3 });
  });

  it('is a miss when the answer never arrived, was invalidated meanwhile, or could have been stored', () => {
    fillOf(lookup(get('/a'))).abort();
    const changed = fillOf(lookup(get('/b')));
    cache.invalidate({ ...get('/b'), method: 'POST' }, 201, []);
    answer(changed, { 'Cache-Control': 'max-age=60' });
    fetchOnce(get('/c'), { 'Cache-Control': 'max-age=60' });
    expect(cache.totals).toMatchObject({ miss: 3, bypass: 0 });
  });
});

describe('the pure functions', () => {
  it('parse directives strictly', () => {
    const read = parseDirectives('Max-Age=5, private="a, no-store", foo , s-maxage = 7,max-age=3');
    expect([...read]).toEqual([
      ['max-age', '3'],
      ['private', 'a, no-store'],
      ['foo', ''],
      ['s-maxage', '7'],
    ]);
    expect([seconds('5'), seconds('-5'), seconds('1.5'), seconds('99999999999'), seconds(undefined)]).toEqual([
      5, 0, 0, 2_147_483_648, 0,
    ]);
    expect(parseDirectives('x'.repeat(5_000)).size).toBe(0);
  });
  it('compare tags weakly', () => {
    expect([hasTag('"a", W/"b"', '"b"'), hasTag('"a"', 'W/"a"'), hasTag('"ab"', '"a"')]).toEqual([true, true, false]);
  });
  it('compute the age of a response on arrival', () => {
    const fields = ['Date', date(), 'Age', '30', 'Cache-Control', 'max-age=60'];
    const arrival = { request: get('/x'), status: 200, fields, sentMs: START - 2_000, nowMs: START, targets: [] };
    const freshness = judge(arrival);
    expect(freshness && START - freshness.bornMs).toBe(32_000);
  });
  it('decode what they encoded and reject other bytes', () => {
    const fields = ['Date', date(), 'Cache-Control', 'max-age=60'];
    const freshness = judge({ request: get('/x'), status: 200, fields, sentMs: START, nowMs: START, targets: [] });
    if (freshness === undefined) throw new Error('not kept');
    const kept = {
      kind: 'response',
      status: 200,
      headers: ['A', 'b'],
      body: Buffer.from([0, 1, 255]),
      etag: '"1"',
      lastModified: undefined,
      freshness,
      part: undefined,
      tags: ['a'],
    } as const;
    expect(decodeKept(encodeKept(kept))).toEqual({ ...kept });
    for (const bytes of [
      Buffer.alloc(0),
      Buffer.from('hello world'),
      Buffer.from([1, 0, 0, 0, 200, 1]),
      Buffer.from([1, 0, 0, 0, 1, 65]),
    ]) {
      expect(decodeKept(bytes)).toBeUndefined();
    }
  });
});

describe.skipIf(NO_REDIS !== undefined)('over Redis', () => {
  it('shares responses between processes, and forwards requests when Redis dies', async () => {
    await using redis = await startRedis();
    await using one = openShared(redis.url);
    await using two = openShared(redis.url);
    await until(() => one.store.health().status === 'healthy' && two.store.health().status === 'healthy');
    const request = get('/x', { accept: 'text/html' });
    const fill = fillOf(await one.shared.lookup(request));
    nowMs = Date.now();
    expect(answer(fill, { 'Cache-Control': 'max-age=60', Vary: 'Accept' }, 'shared')).toBe(true);
    await until(async () => (await two.shared.lookup(request)).kind === 'hit');
    expect(responseOf(await two.shared.lookup(request)).body.toString()).toBe('shared');
    expect(await two.shared.lookup(get('/x', { accept: 'text/plain' }))).toMatchObject({
      cacheStatus: 'vitrine; fwd=vary-miss',
    });
    two.shared.invalidate(get('/x', {}, 'DELETE'), 204, []);
    await until(async () => (await one.shared.lookup(request)).kind === 'miss');
    await redis.kill();
    await until(async () => (await one.shared.lookup(request)).kind === 'error');
  });

  it('purges for all processes by URL, prefix and tag, and does not touch other keys', async () => {
    await using redis = await startRedis();
    await using one = openShared(redis.url);
    await using two = openShared(redis.url);
    await until(() => [one, two].every(({ store }) => store.health().status === 'healthy'));
    nowMs = Date.now();
    const kinds = async (...targets: readonly string[]): Promise<string[]> =>
      Promise.all(targets.map(async (target) => (await two.shared.lookup(get(target, { accept: 'a' }))).kind));
    const store = async (target: string, fields: Record<string, string> = {}): Promise<void> => {
      const found = await one.shared.lookup(get(target, { accept: 'a' }));
      answer(fillOf(found), { 'Cache-Control': 'max-age=60', ...fields });
      await until(async () => (await one.shared.lookup(get(target, { accept: 'a' }))).kind === 'hit');
    };
    const odd = '/img/a*b?[c]';
    await store('/img/1', { 'Cache-Tag': 'shop', Vary: 'Accept' });
    await store(odd, { 'Surrogate-Key': 'other shop' });
    await store('/img/axb?c');
    await store('/css');
    expect(await kinds('/img/1', odd, '/img/axb?c', '/css')).toEqual(['hit', 'hit', 'hit', 'hit']);
    expect((await two.shared.purge({ url: `http://a.test${odd}` })).purged).toBe(1);
    expect(await kinds('/img/1', odd, '/img/axb?c')).toEqual(['hit', 'miss', 'hit']);
    expect(await two.shared.purge({ tag: 'shop' })).toEqual({ purged: 1, id: undefined });
    expect(await kinds('/img/1', '/img/axb?c')).toEqual(['miss', 'hit']);
    expect((await two.shared.purge({ prefix: '/img/' })).purged).toBeGreaterThanOrEqual(1);
    expect(await kinds('/img/axb?c', '/css')).toEqual(['miss', 'hit']);
    await redis.kill();
    expect((await one.shared.purge({ tag: 'shop' })).purged).toBeUndefined();
  });

  it('sends the commands of one turn in one write', async () => {
    await using redis = await startRedis();
    await using one = openShared(redis.url);
    await until(() => one.store.health().status === 'healthy');
    const before = await readsOf(redis.port);
    await Promise.all(Array.from({ length: 200 }, async (_, i) => one.shared.lookup(get(`/${i}`))));
    // Each look-up is a command; one read holds many of them.
    expect((await readsOf(redis.port)) - before).toBeLessThan(50);
  });
});

/** How many reads from sockets a Redis server made. */
async function readsOf(port: number): Promise<number> {
  const { text } = await raw(port, 'INFO stats\r\n', /total_reads_processed:\d+\r/);
  return Number(/total_reads_processed:(\d+)/.exec(text)?.[1]);
}

/** One process's cache over a shared Redis. */
function openShared(url: string) {
  const logger = silentLogger;
  const store = new RedisStore({
    ...REDIS_DEFAULTS,
    commandTimeoutMs: 500,
    url,
    namespace: 'http',
    clock: systemClock,
    logger,
  });
  const entries = new RedisEntries(store, systemClock);
  const shared = new HttpResponseCache({ name: 'shared', entries, clock: systemClock, ...LIMITS });
  return { store, shared, [Symbol.asyncDispose]: async () => store.disconnect() };
}

function newCache(name = `r${(names += 1)}`): HttpResponseCache {
  cache[Symbol.dispose]();
  return new HttpResponseCache({
    name,
    entries: new MemoryEntries(100_000, clock),
    clock,
    ...LIMITS,
  });
}
