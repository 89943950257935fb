import { afterEach, describe, expect, it } from 'vitest';
import { TopKeys } from '../../../src/stack/cache/figures/top-keys.ts';
import { coversKey, primaryOf, purgeMatch } from '../../../src/stack/cache/responses/purge-match.ts';
import { byteRange, contentRange, joinParts } from '../../../src/stack/cache/rules/byte-range.ts';
import { parseHttpDate } from '../../../src/stack/cache/rules/http-date.ts';
import { judge, storing } from '../../../src/stack/cache/rules/freshness.ts';
import { heuristicLifetimeMs } from '../../../src/stack/cache/rules/heuristic.ts';
import { parseTargeted } from '../../../src/stack/cache/rules/targeted.ts';
import { tagsOf } from '../../../src/stack/cache/rules/tags.ts';
import { normalValue, varyFields } from '../../../src/stack/cache/rules/vary.ts';

const NOW = Date.UTC(2026, 0, 1);

it('normalises a value of many spaces at once', () => {
  const spaces = ' '.repeat(200_000);
  expect(normalValue('accept-language', ` de${spaces}x ,\ten ; q=1.0,`)).toBe(`de${spaces}x,en`);
  expect(normalValue('x-own', `a , ${spaces}b`)).toBe('a,b');
});

describe('an HTTP date', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  it.each(['UTC', 'America/New_York', 'Asia/Kolkata'])('has one meaning in the zone %s', (name) => {
    process.env['TZ'] = name;
    const expected = Date.UTC(1994, 10, 6, 8, 49, 37);
    for (const text of [
      'Sun, 06 Nov 1994 08:49:37 GMT',
      'Sunday, 06-Nov-94 08:49:37 GMT',
      'Sun Nov  6 08:49:37 1994',
      'sun, 06 nov 1994 08:49:37 gmt',
    ]) {
      expect(parseHttpDate(text, NOW)).toBe(expected);
    }
  });

  it('with a two-digit year is at most fifty years ahead', () => {
    expect(parseHttpDate('Sunday, 06-Nov-76 08:49:37 GMT', NOW)).toBe(Date.UTC(2076, 10, 6, 8, 49, 37));
    expect(parseHttpDate('Sunday, 06-Nov-77 08:49:37 GMT', NOW)).toBe(Date.UTC(1977, 10, 6, 8, 49, 37));
  });

  it.each([
    '0',
    '',
    'Sun, 06 Nov 1994 08:49:37',
    'Sun, 06 Nov 1994 08:49:37 CET',
    'Sun, 06 Nov 1994 08:49:37 +0100',
    'Sun, 31 Feb 1994 08:49:37 GMT',
    'Sun, 06 Nov 1994 25:49:37 GMT',
    '06 Nov 1994 08:49:37 GMT',
    '1994-11-06T08:49:37Z',
    'Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT',
  ])('is not %j', (text) => expect(parseHttpDate(text, NOW)).toBeUndefined());
});

describe('a targeted field', () => {
  it.each([
    ['max-age=60', [['max-age', '60']]],
    [
      'max-age=60 , no-store',
      [
        ['max-age', '60'],
        ['no-store', ''],
      ],
    ],
    [
      'max-age=60;p=1;q="a,b", private',
      [
        ['max-age', '60'],
        ['private', ''],
      ],
    ],
    ['no-store=?0, max-age=1, max-age=2', [['max-age', '2']]],
    ['max-age="60", s-maxage=1.5, stale-if-error=-1', []],
    [
      'foo="a\\"b", bar=tok/en, max-age=99999999999',
      [
        ['foo', 'a\\"b'],
        ['bar', 'tok/en'],
        ['max-age', '99999999999'],
      ],
    ],
  ])('%s', (field, expected) => expect([...(parseTargeted(field) ?? [['none', '']])]).toEqual(expected));

  it.each([
    '',
    '  ',
    'Max-Age=60',
    'max-age =60',
    'max-age= 60',
    'max-age=60,',
    ',max-age=60',
    'max-age=60 private',
    'a=1000000000000000',
    'a="b',
  ])('with the syntax %j is ignored', (field) => expect(parseTargeted(field)).toBeUndefined());

  it('is read in linear time', () => {
    const start = performance.now();
    parseTargeted('a;'.repeat(2_000));
    parseTargeted(`a="${'\\\\'.repeat(2_000)}`);
    expect(performance.now() - start).toBeLessThan(1_000);
  });
});

describe('heuristic freshness', () => {
  const day = 86_400_000;
  const lifetime = (ageMs: number, fields: Record<string, string> = {}, target = '/x'): number =>
    heuristicLifetimeMs(
      target,
      { date: new Date(NOW).toUTCString(), 'last-modified': new Date(NOW - ageMs).toUTCString(), ...fields },
      false,
      NOW,
    );

  it('is a tenth of the age, at most a day', () => {
    expect(lifetime(100_000)).toBe(10_000);
    expect(lifetime(365 * day)).toBe(day);
    expect(heuristicLifetimeMs('/x', {}, true, NOW)).toBe(day);
  });

  it('is none for generated answers, unless they announce ranges as files do', () => {
    for (const type of [
      'application/json',
      'text/html; charset=utf-8',
      'application/problem+json',
      'text/event-stream',
    ])
      expect([
        lifetime(day, { 'content-type': type }),
        lifetime(day, { 'content-type': type, 'accept-ranges': 'bytes' }),
      ]).toEqual([0, day / 10]);
    expect([lifetime(day, {}, '/x?q=1'), lifetime(day, { 'content-type': 'text/css' })]).toEqual([0, day / 10]);
  });

  it('is none for a date that is not a modification', () => {
    expect([lifetime(0), lifetime(-day), lifetime(NOW)]).toEqual([0, 0, 0]);
  });
});

describe('selecting fields', () => {
  it('have equal values when their meaning is equal', () => {
    const same = (name: string, ...values: string[]): number =>
      new Set(values.map((value) => normalValue(name, value))).size;
    expect(same('accept-language', 'en, de', 'de,en', 'eN ,  De', 'de;q=1.0, en ; q=1')).toBe(1);
    expect(same('accept-language', 'en, de;q=0.5', 'en;q=0.5, de', 'en, de')).toBe(3);
    expect(same('foo', '1, 2', '1,2', ' 1 ,2 ')).toBe(1);
    expect(same('foo', 'a,b', 'b,a', 'A,b')).toBe(3);
    expect(same('accept', 'text/html;a="b, c"', 'text/html;a="c, b"')).toBe(2);
  });

  it('are named once, in order, up to a limit', () => {
    expect(varyFields('B, a,b')).toEqual(['a', 'b']);
    expect(varyFields('a, *')).toBeUndefined();
    expect(varyFields(Array.from({ length: 21 }, (_, i) => `x${i}`).join())).toBeUndefined();
  });
});

describe('byte ranges', () => {
  it('are single and satisfiable, or ignored', () => {
    expect(byteRange('bytes=2-4', 10)).toEqual({ first: 2, last: 4 });
    expect(byteRange('bytes=8-', 10)).toEqual({ first: 8, last: 9 });
    expect(byteRange('bytes=-20', 10)).toEqual({ first: 0, last: 9 });
    for (const odd of ['bytes=10-', 'bytes=4-2', 'bytes=-0', 'bytes=-', 'bytes=0-1,2-3', 'x=0-1'])
      expect(byteRange(odd, 10)).toBeUndefined();
  });

  it('in Content-Range name a part of a known length', () => {
    expect(contentRange('bytes 4-8/10')).toEqual({ first: 4, last: 8, total: 10 });
    for (const odd of ['bytes 4-10/10', 'bytes 4-2/10', 'bytes 4-8/*', 'bytes */10', '', 'bytes 4-8/10, bytes 1-2/10'])
      expect(contentRange(odd)).toBeUndefined();
  });

  it('join where they touch or overlap', () => {
    const part = (first: number, text: string) => ({
      part: { first, last: first + text.length - 1, total: 10 },
      body: Buffer.from(text),
    });
    expect(joinParts(part(0, '0123'), part(4, '45'))).toEqual(part(0, '012345'));
    expect(joinParts(part(3, '3456'), part(1, '1234'))).toEqual(part(1, '123456'));
    expect(joinParts(part(0, '01234'), part(1, '12'))).toEqual(part(0, '01234'));
    expect(joinParts(part(0, '012'), part(4, '45'))).toBeUndefined();
  });
});

describe('a purge', () => {
  it('covers the keys that it names', () => {
    const covered = (target: Parameters<typeof purgeMatch>[0], key: string): boolean =>
      coversKey(purgeMatch(target), key);
    expect(covered({ url: 'https://A.test/x?y' }, 'https a.test /x?y')).toBe(true);
    expect(covered({ url: 'https://a.test/x' }, 'https a.test /x#proxy')).toBe(true);
    expect(covered({ url: 'https://a.test/x' }, 'https a.test /xy')).toBe(false);
    expect(covered({ url: 'http://a.test' }, 'http a.test /')).toBe(true);
    expect(covered({ prefix: 'http://a.test/img' }, 'http a.test /img/1')).toBe(true);
    expect(covered({ prefix: 'http://a.test/img' }, 'http b.test /img/1')).toBe(false);
    expect(covered({ prefix: '/img' }, 'https b.test /img/1')).toBe(true);
    expect(covered({ prefix: '/img' }, 'https b.test /a/img/1')).toBe(false);
    expect(primaryOf('http a.test /x 00ff ["a b"]')).toBe('http a.test /x');
  });

  it.each([
    { url: '/x' },
    { url: 'ftp://a/x' },
    { url: 'http://a/ x' },
    { prefix: 'x' },
    { tag: 'a b' },
    { tag: '' },
    { url: 'http://a/x#y' },
  ])('of %j is refused', (target) => expect(() => purgeMatch(target)).toThrow(/must be/));

  it('finds tags of both kinds, up to a limit', () => {
    expect(tagsOf({ 'cache-tag': 'a, b', 'surrogate-key': 'b c' })).toEqual(['a', 'b', 'c']);
    expect(tagsOf({})).toEqual([]);
    expect(tagsOf({ 'cache-tag': Array.from({ length: 101 }, (_, i) => `t${i}`).join() })).toBeUndefined();
  });
});

describe('the most frequent keys', () => {
  it('are found in bounded memory, with a known error', () => {
    const keys = new TopKeys(20);
    let total = 0;
    for (let round = 0; round < 500; round += 1) {
      for (let copies = 0; copies < 3; copies += 1) keys.add('hot');
      keys.add('warm');
      for (let i = 0; i < 4; i += 1) keys.add(`cold-${round}-${i}`);
      total += 8;
    }
    expect(keys.size).toBeLessThanOrEqual(20);
    const [first, second] = keys.top(2);
    expect([first.key, second.key]).toEqual(['hot', 'warm']);
    expect(keys.error).toBeLessThanOrEqual(total / 21);
    expect(first.count).toBeLessThanOrEqual(1_500);
    expect(first.count).toBeGreaterThanOrEqual(1_500 - keys.error);
  });
});

describe('an answer without a lifetime and a validator', () => {
  const FIELDS: readonly (readonly [string, string])[] = [
    ['Cache-Control', 'max-age=60'],
    ['cache-control', 'no-cache'],
    ['Expires', 'Thu, 01 Jan 2099 00:00:00 GMT'],
    ['ETag', '"1"'],
    ['LAST-MODIFIED', 'Thu, 01 Jan 2015 00:00:00 GMT'],
    ['CDN-Cache-Control', 'max-age=60'],
    ['X-Own-Target', 'max-age=60'],
    ['Date', new Date(NOW).toUTCString()],
    ['Age', '0'],
    ['Content-Type', 'image/png'],
    ['Accept-Ranges', 'bytes'],
    ['Vary', 'Accept'],
    ['X-Etag-Note', 'etag: no'],
    ['Content-Length', '10'],
  ];
  const targets = ['cdn-cache-control', 'x-own-target'];
  const pattern = storing(targets);

  it('is recognized by its lines, and is never one that would be stored', () => {
    const seen = { possible: 0, impossible: 0 };
    const request = { method: 'GET', scheme: 'http', host: 'a', target: '/x', headers: {} } as const;
    for (let bits = 0; bits < 2 ** FIELDS.length; bits += 1) {
      const chosen = FIELDS.filter((_, at) => (bits & (1 << at)) !== 0);
      const possible = pattern.test(chosen.map(([name, value]) => `${name}: ${value}\r\n`).join(''));
      seen[possible ? 'possible' : 'impossible'] += 1;
      if (possible) continue;
      const arrival = { request, status: 200, fields: chosen.flat(), sentMs: NOW, nowMs: NOW, targets };
      expect(judge(arrival), String(chosen)).toBeUndefined();
    }
    // Each of the first seven alone makes it possible.
    expect(seen.impossible).toBe(2 ** 7);
  });
});
