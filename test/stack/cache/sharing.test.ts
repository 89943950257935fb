/** Many requests for one key, conditions, parts, updates and purges: what the response cache shares and when it does not. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CacheFill, CacheLookup, CacheRequest, CachedResponse } from '../../../src/model/response-cache.ts';
import { HttpResponseCache } from '../../../src/stack/cache/responses/response-cache.ts';
import { MemoryEntries } from '../../../src/stack/cache/responses/response-entries.ts';
import { movedClock } from '../../support/moved-clock.ts';

const START = Date.UTC(2026, 0, 1);
const WAIT_MS = 1_000;
let clock = movedClock(START);
let cache: HttpResponseCache;
beforeEach(() => {
  clock = movedClock(START);
  cache = new HttpResponseCache({
    name: 'sharing',
    entries: new MemoryEntries(200_000, clock),
    clock,
    maxEntryBytes: 20_000,
    maxFillingBytes: 60_000,
    maxWaiters: 300,
    waitMs: WAIT_MS,
    targets: ['cdn-cache-control'],
  });
});
afterEach(() => cache[Symbol.dispose]());

function get(target: string, headers: Record<string, string> = {}, method = 'GET'): CacheRequest {
  const own = Object.assign(Object.create(null), headers) as Record<string, string>;
  return { method, scheme: 'http', host: 'a.test', target, headers: own };
}
const date = (): string => new Date(clock.now()).toUTCString();
const flat = (fields: Record<string, string>): string[] => Object.entries({ Date: date(), ...fields }).flat();

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
function answer(fill: CacheFill, fields: Record<string, string>, body = 'body', status = 200): boolean {
  const wanted = fill.head(status, flat(fields));
  if (wanted) fill.chunk(Buffer.from(body));
  fill.end();
  return wanted;
}
function responseOf(found: CacheLookup): CachedResponse {
  if (found.kind !== 'hit' && found.kind !== 'stale') throw new Error(`${found.kind}: ${found.cacheStatus}`);
  return found.response;
}
function field(response: CachedResponse | undefined, name: string): string | undefined {
  const headers = response?.headers ?? [];
  const at = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === name.toLowerCase());
  return at < 0 ? undefined : headers[at + 1];
}
const KEEP = { 'Cache-Control': 'max-age=60' };
/** All promises that can settle without the clock have settled. */
const settledTurns = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
const waiting = (count: number, request = get('/x')): Promise<CacheLookup>[] =>
  Array.from({ length: count }, async () => cache.lookup(request));

describe('requests that wait', () => {
  it('are sent in growing numbers while the upstream fails, and share its first answer', async () => {
    let fill = fillOf(lookup(get('/x')));
    const found: CacheLookup[] = [];
    const others = waiting(50);
    for (const one of others) void one.then((known) => found.push(known));
    const sent: number[] = [];
    for (let failures = 0; failures < 4; failures += 1) {
      const before = found.length;
      fill.failed(503);
      expect(fill.head(503, flat({}))).toBe(false);
      fill.abort();
      await settledTurns();
      sent.push(found.length - before);
      const next = found.slice(before).find((known) => known.kind === 'miss' && known.fill !== undefined);
      fill = fillOf(next as CacheLookup);
    }
    // A failing upstream gets one, then twice as many after each failure, and never all at once.
    expect(sent).toEqual([1, 2, 4, 8]);
    answer(fill, KEEP);
    const all = await Promise.all(others);
    expect(all.filter(({ kind }) => kind === 'hit')).toHaveLength(50 - 15);
  });

  it('wait again after one failure: it says nothing about the next answer', async () => {
    const first = fillOf(lookup(get('/x')));
    first.failed(503);
    first.head(503, flat({}));
    first.abort();
    const second = fillOf(lookup(get('/x')));
    const others = waiting(10);
    answer(second, KEEP);
    for (const one of await Promise.all(others)) expect(one.kind).toBe('hit');
  });

  it('are forwarded together once the longest wait is over', async () => {
    const fill = fillOf(lookup(get('/x')));
    const others = waiting(5);
    await clock.advance(WAIT_MS);
    for (const one of await Promise.all(others)) expect(one).toMatchObject({ kind: 'miss' });
    fill.abort();
  });

  it('ask once for each variant', async () => {
    const language = (value: string) => get('/x', { 'accept-language': value });
    const first = fillOf(lookup(language('en')));
    const others = [...waiting(5, language('en')), ...waiting(5, language('de'))];
    answer(first, { ...KEEP, Vary: 'Accept-Language' });
    const asking = await Promise.race(others.slice(5));
    answer(fillOf(asking), { ...KEEP, Vary: 'Accept-Language' }, 'hallo');
    const found = await Promise.all(others);
    expect(found.filter(({ kind }) => kind === 'hit')).toHaveLength(9);
  });

  it('do not wait for each other when each must validate', async () => {
    answer(fillOf(lookup(get('/x'))), { 'Cache-Control': 'no-cache', ETag: '"1"' });
    const first = fillOf(lookup(get('/x')));
    expect(lookup(get('/x')).kind).toBe('miss');
    first.abort();
  });
});

describe('a client with conditions', () => {
  const HAS = { 'if-none-match': '"1"', 'if-modified-since': new Date(START).toUTCString() };

  it('fills a missing key with the whole response, and gets 304', async () => {
    const first = fillOf(lookup(get('/x', HAS)));
    expect(first.conditional).toEqual({ 'if-none-match': undefined, 'if-modified-since': undefined });
    expect(first.validates).toBe(false);
    const others = [...waiting(10, get('/x', HAS)), ...waiting(10)];
    const fields = flat({ ...KEEP, ETag: '"1"', 'X-A': 'b' });
    expect(first.head(200, fields)).toBe(true);
    const unchanged = first.unchanged(200, fields);
    expect([unchanged?.status, field(unchanged, 'etag'), field(unchanged, 'x-a')]).toEqual([304, '"1"', undefined]);
    first.chunk(Buffer.from('body'));
    first.end();
    const found = (await Promise.all(others)).map((one) => responseOf(one).status);
    expect(found).toEqual([...Array.from({ length: 10 }, () => 304), ...Array.from({ length: 10 }, () => 200)]);
  });

  it('gets a response that is new to it, and 304 even for a response that is not stored', () => {
    const other = fillOf(lookup(get('/x', HAS)));
    other.head(200, flat({ ...KEEP, ETag: '"2"' }));
    expect(other.unchanged(200, flat({ ...KEEP, ETag: '"2"' }))).toBeUndefined();
    other.abort();
    const passing = fillOf(lookup(get('/y', HAS)));
    expect(passing.head(200, flat({ ETag: '"1"' }))).toBe(true);
    passing.abort();
    const never = fillOf(lookup(get('/z', HAS)));
    const fields = flat({ 'Cache-Control': 'no-store', ETag: 'W/"1"' });
    expect(never.head(200, fields)).toBe(false);
    expect([never.unchanged(200, fields)?.status, field(never.unchanged(200, fields), 'age')]).toEqual([
      304,
      undefined,
    ]);
    never.end();
    // The upstream may answer 304 itself the next time.
    expect(fillOf(lookup(get('/z', HAS))).conditional).toBeUndefined();
  });

  it('sends its conditions to the upstream when the answer is personal', () => {
    const own = fillOf(lookup(get('/x', { ...HAS, authorization: 'Bearer a' })));
    expect(own.conditional).toBeUndefined();
    expect(own.head(304, flat({ ETag: '"1"' }))).toBe(false);
    own.end();
    expect(fillOf(lookup(get('/x', HAS))).conditional).toBeDefined();
  });

  it('is judged by every form of a validator', () => {
    const modified = 'Sun, 06 Nov 1994 08:49:37 GMT';
    answer(fillOf(lookup(get('/x'))), { ...KEEP, ETag: 'W/"1"', 'Last-Modified': modified });
    const status = (headers: Record<string, string>): number => responseOf(lookup(get('/x', headers))).status;
    expect(status({ 'if-none-match': '"1"' })).toBe(304);
    expect(status({ 'if-none-match': '*' })).toBe(304);
    expect(status({ 'if-none-match': '"2"', 'if-modified-since': modified })).toBe(200);
    expect(status({ 'if-modified-since': 'Sunday, 06-Nov-94 08:49:37 GMT' })).toBe(304);
    expect(status({ 'if-modified-since': 'Sun Nov  6 08:49:37 1994' })).toBe(304);
    expect(status({ 'if-modified-since': 'Sun, 06 Nov 1994 08:49:36 GMT' })).toBe(200);
    expect(status({ 'if-modified-since': 'yesterday' })).toBe(200);
    expect(status({ range: 'bytes=0-1', 'if-range': 'W/"1"' })).toBe(200);
    expect(status({ range: 'bytes=0-1', 'if-range': modified })).toBe(206);
    expect(status({ range: 'bytes=0-1', 'if-range': 'Sunday, 06-Nov-94 08:49:37 GMT' })).toBe(200);
  });
});

describe('a part', () => {
  const ranged = (range: string, headers: Record<string, string> = {}) => get('/x', { range, ...headers });
  const part = (found: CacheLookup, range: string, body: string, etag = '"1"'): boolean =>
    answer(fillOf(found), { ...KEEP, ETag: etag, 'Content-Range': `bytes ${range}/10` }, body, 206);

  it('answers only requests for ranges within it', () => {
    expect(part(lookup(ranged('bytes=4-')), '4-9', '456789')).toBe(true);
    const inner = responseOf(lookup(ranged('bytes=5-7')));
    expect([inner.status, inner.body.toString(), field(inner, 'content-range')]).toEqual([206, '567', 'bytes 5-7/10']);
    expect(responseOf(lookup(ranged('bytes=-2'))).body.toString()).toBe('89');
    expect(lookup(ranged('bytes=3-5'))).toMatchObject({ cacheStatus: 'vitrine; fwd=partial' });
    expect(lookup(ranged('bytes=5-7', { 'if-range': '"2"' })).kind).toBe('miss');
    expect(lookup(get('/x'))).toMatchObject({ cacheStatus: 'vitrine; fwd=uri-miss' });
  });

  it('becomes the whole response with the rest of the same representation', () => {
    part(lookup(ranged('bytes=4-')), '4-9', '456789');
    part(lookup(ranged('bytes=0-5')), '0-5', '012345');
    expect(responseOf(lookup(get('/x'))).body.toString()).toBe('0123456789');
    expect(responseOf(lookup(get('/x'))).status).toBe(200);
  });

  it('is not joined with a part of another representation, and is not stored when it is incomplete', () => {
    part(lookup(ranged('bytes=4-')), '4-9', '456789');
    part(lookup(ranged('bytes=0-5')), '0-5', 'abcdef', '"2"');
    expect(lookup(get('/x')).kind).toBe('miss');
    expect(responseOf(lookup(ranged('bytes=0-1'))).body.toString()).toBe('ab');
    fillOf(lookup(ranged('bytes=8-'))).abort();
    part(lookup(ranged('bytes=8-')), '8-9', '8', '"3"');
    expect(lookup(ranged('bytes=8-8')).kind).toBe('miss');
  });

  it('is removed by a write', () => {
    part(lookup(ranged('bytes=4-')), '4-9', '456789');
    cache.invalidate(get('/x', {}, 'PUT'), 204, []);
    expect(lookup(ranged('bytes=4-5')).kind).toBe('miss');
  });
});

describe('an answer to HEAD', () => {
  const head = (fields: Record<string, string>): void => {
    answer(fillOf(lookup(get('/x'))), { 'Cache-Control': 'max-age=1', ETag: '"1"', 'X-A': 'old' });
    clock.jump(2_000);
    const fill = fillOf(lookup(get('/x', {}, 'HEAD')));
    expect(fill.head(200, flat(fields))).toBe(false);
    fill.abort();
  };

  it('updates the stored response', () => {
    head({ ...KEEP, ETag: '"1"', 'X-A': 'new', 'Content-Length': '4' });
    const found = responseOf(lookup(get('/x')));
    expect([found.body.toString(), field(found, 'x-a')]).toEqual(['body', 'new']);
  });

  it.each<Record<string, string>>([{ ETag: '"2"' }, { 'Content-Length': '5' }])(
    'removes one that it is not about, by %j',
    (fields) => {
      head({ ...KEEP, ...fields });
      expect(lookup(get('/x'))).toMatchObject({ cacheStatus: 'vitrine; fwd=uri-miss' });
    },
  );
});

it('an answer to POST is used for GET when it states that it is the resource', () => {
  const post = (fields: Record<string, string>): CacheFill | undefined =>
    cache.invalidate(get('/x', {}, 'POST'), 200, flat(fields));
  expect(post(KEEP)).toBeUndefined();
  expect(post({ ...KEEP, 'Content-Location': '/y' })).toBeUndefined();
  expect(post({ 'Content-Location': '/x', 'Last-Modified': new Date(0).toUTCString() })).toBeUndefined();
  const fields = { ...KEEP, 'Content-Location': 'http://a.test/x' };
  const fill = post(fields);
  expect(fill && answer(fill, fields, 'posted')).toBe(true);
  expect(responseOf(lookup(get('/x'))).body.toString()).toBe('posted');
});

describe('a stale response without stale-if-error', () => {
  const failing = (control: string, status: number | undefined): string | undefined => {
    answer(fillOf(lookup(get(`/${control}`))), { 'Cache-Control': control });
    clock.jump(2_000);
    const fill = fillOf(lookup(get(`/${control}`)));
    const found = fill.failed(status);
    fill.abort();
    return found?.cacheStatus;
  };

  it('answers when no upstream can be reached, unless the response forbids it', () => {
    expect(failing('max-age=1', undefined)).toBe('vitrine; fwd=stale; detail=unreachable; ttl=-1');
    expect(failing('max-age=1', 503)).toBeUndefined();
    for (const strict of ['max-age=1, must-revalidate', 'max-age=1, proxy-revalidate', 's-maxage=1'])
      expect(failing(strict, undefined)).toBeUndefined();
    expect(failing('s-maxage=1, stale-if-error=9', 503)).toBeDefined();
  });

  it('answers for an hour at most', () => {
    answer(fillOf(lookup(get('/x'))), { 'Cache-Control': 'max-age=1' });
    clock.jump(3_602_000);
    const fill = fillOf(lookup(get('/x')));
    expect(fill.failed(undefined)).toBeUndefined();
  });
});

describe('operators', () => {
  const store = (target: string, fields: Record<string, string> = {}): boolean =>
    answer(fillOf(lookup(get(target, { accept: 'a' }))), { ...KEEP, ...fields });
  const kind = (target: string): string => lookup(get(target, { accept: 'a', 'cache-control': 'only-if-cached' })).kind;
  const kept = (target: string): boolean =>
    kind(target) === 'hit' &&
    responseOf(lookup(get(target, { accept: 'a', 'cache-control': 'only-if-cached' }))).status === 200;

  it('purge by URL, prefix and tag, and undo it', async () => {
    store('/img/1', { 'Cache-Tag': 'shop, img', Vary: 'Accept' });
    store('/img/2', { 'Surrogate-Key': 'shop' });
    store('/css');
    expect(await cache.purge({ url: 'http://a.test/css' })).toMatchObject({ purged: 1 });
    expect([kept('/css'), kept('/img/1')]).toEqual([false, true]);
    const prefix = await cache.purge({ prefix: '/img' });
    expect([prefix.purged, kept('/img/1'), kept('/img/2')]).toEqual([2, false, false]);
    store('/img/2');
    expect(cache.undo(prefix.id ?? '')).toBe(1);
    expect([kept('/img/1'), cache.undo(prefix.id ?? '')]).toEqual([true, undefined]);
    expect((await cache.purge({ tag: 'img' })).purged).toBe(1);
    expect([kept('/img/1'), kept('/img/2')]).toEqual([false, true]);
    expect(await cache.purge({ tag: 'nothing' })).toEqual({ purged: 0, id: undefined });
    await expect(cache.purge({ url: 'nothing' })).rejects.toMatchObject({ code: 'bad_request' });
  });

  it('cannot undo a purge for ever', async () => {
    store('/x');
    const { id } = await cache.purge({ prefix: '/' });
    clock.jump(600_000);
    expect(cache.undo(id ?? '')).toBeUndefined();
    const ids: string[] = [];
    for (let i = 0; i < 30; i += 1) {
      store('/x');
      ids.push((await cache.purge({ prefix: '/' })).id ?? '');
    }
    expect([cache.undo(ids[9]), cache.undo(ids[10])]).toEqual([undefined, 1]);
  });

  it('purge responses that are still being received', async () => {
    const [one, two] = ['/one', '/two'].map((target) => fillOf(lookup(get(target))));
    one.head(200, flat({ ...KEEP, 'Cache-Tag': 'a' }));
    await cache.purge({ tag: 'a' });
    one.chunk(Buffer.from('old'));
    one.end();
    answer(two, { ...KEEP, 'Cache-Tag': 'a' });
    expect([kept('/one'), kept('/two')]).toEqual([false, false]);
  });

  it('see hot and most-missed keys', () => {
    store('/hot');
    for (let i = 0; i < 3; i += 1) lookup(get('/hot', { accept: 'a' }));
    store('/once');
    const { hot, missed, countError, entries } = cache.figures(1);
    expect(hot).toEqual([{ key: 'http a.test /hot', count: 3 }]);
    expect([missed.length, countError, entries]).toEqual([1, { hot: 0, missed: 0 }, 2]);
  });
});
