import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { PageState } from '../../src/page/state/page-state.ts';
import { decodeState, encodeState, SHARED_PARAMS } from '../../src/page/state/page-state.ts';
import { redirectOf, REDIRECTS } from '../../src/page/state/redirects.ts';
import { carried, pageState, param, place } from '../../src/page/state/router.ts';

const bound = fc.oneof(
  fc.constantFrom('now', 'now/d', 'now-1d/d', 'now-1M+2h/w'),
  fc
    .tuple(fc.integer({ min: 1, max: 999_999 }), fc.constantFrom('s', 'm', 'h', 'd', 'w', 'M', 'y'))
    .map(([n, unit]) => `now-${n}${unit}`),
  fc.integer({ min: 0, max: 8_640_000_000_000_000 }).map(String),
);
const text = fc.string({ unit: 'grapheme', maxLength: 40 });
const hostile = fc.constantFrom(
  '<img src=x onerror=alert(1)>',
  '\u202Egpj.exe',
  '\u200B',
  '  ',
  '%2F&=?#',
  'x'.repeat(4_096),
);
const states: fc.Arbitrary<PageState> = fc.record({
  path: fc
    .array(text.filter((part) => part !== '').map(encodeURIComponent), { maxLength: 3 })
    .map((parts) => `/${parts.join('/')}`),
  range: fc.option(
    fc.record({ from: bound, to: bound }).filter(({ from, to }) => from !== 'now-15m' || to !== 'now'),
    { nil: undefined },
  ),
  zone: fc.constantFrom('local', 'utc', 'Africa/Johannesburg', 'America/New_York', 'Asia/Kathmandu'),
  live: fc.oneof(
    fc.constantFrom('live' as const, 'always' as const),
    fc.integer({ min: 0, max: 8_640_000_000_000_000 }),
  ),
  params: fc.array(
    fc.tuple(
      fc
        .oneof(fc.constantFrom('q', 'service', 'view'), text)
        .filter((name) => !(SHARED_PARAMS as readonly string[]).includes(name)),
      fc.oneof(text, hostile),
    ),
    { maxLength: 5 },
  ),
});

const readBack = (url: string): PageState => {
  const { pathname, search } = new URL(url, 'http://x');
  return decodeState(pathname, search);
};

describe('the state of a page', () => {
  it('is the same after it was written to an address and read back', () => {
    fc.assert(
      fc.property(states, (state) => {
        const url = encodeState(state);
        // A path that the URL standard itself changes (`..`, an empty first part) is no address.
        fc.pre(new URL(url, 'http://x').pathname === state.path);
        expect(readBack(url)).toEqual(state);
      }),
      { numRuns: 500 },
    );
  });

  it('reads any address, and writes it so that reading changes nothing more', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (search) => {
        const once = decodeState('/x', search);
        expect(readBack(encodeState(once))).toEqual(once);
      }),
    );
  });

  it('leaves out what is at its default, and what it cannot read', () => {
    expect(encodeState(readBack('/explore?q=up&from=now-15m&to=now&tz=local'))).toBe('/explore?q=up');
    expect(encodeState(readBack('/?from=yesterday&to=x&tz=Mars/Olympus&live=2'))).toBe('/?live=2');
    expect(encodeState(readBack('/?from=now-1h'))).toBe('/?from=now-1h&to=now');
    expect(encodeState(readBack('/?to=1733000000000'))).toBe('/?from=1732999100000&to=1733000000000');
    expect(encodeState(readBack('/?to=now'))).toBe('/');
    expect(encodeState(readBack('/?from=99999999999999999'))).toBe('/');
    expect(encodeState({ ...readBack('/'), params: [['from', 'now-9d']] })).toBe('/');
  });

  it('goes with links that have no range of their own', () => {
    place.value = { path: '/', query: new URLSearchParams('service=a&from=now-6h&to=now&tz=utc&live=5') };
    expect(pageState.value.params).toEqual([['service', 'a']]);
    expect(param('service') + param('nothing')).toBe('a');
    expect(carried('/traces')).toBe('/traces?from=now-6h&to=now&tz=utc&live=5');
    expect(carried('/traces?errors=true')).toBe('/traces?errors=true&from=now-6h&to=now&tz=utc&live=5');
    expect(carried('/traces?from=1&to=2')).toBe('/traces?from=1&to=2&tz=utc');
    place.value = { path: '/', query: new URLSearchParams() };
    expect(carried('/traces')).toBe('/traces');
  });
});

describe('old addresses', () => {
  it.each([
    ['/overview', '', '/'],
    ['/index.html', '?from=now-1h&to=now', '/?from=now-1h&to=now'],
    ['/balancer', '', '/traffic'],
    ['/cache/', '', '/traffic'],
    ['/upstreams', '', '/traffic'],
    ['/trace/7c1e9f04', '', '/traces/7c1e9f04'],
    ['/traces/7C1E9F04', '?span=1', '/traces/7c1e9f04?span=1'],
    ['/graph', '?g0.expr=up%20%3D%3D%200&g0.range_input=1h', '/explore?q=up+%3D%3D+0&from=now-1h&to=now'],
    ['/query', '?g0.expr=up', '/explore?q=up'],
    ['/graph', '?g0.range_input=<b>', '/explore'],
    ['/service', '?name=checkout', '/service?service=checkout'],
    ['/alert', '', '/alerts'],
    ['/alerting', '', '/alerts'],
    ['/search', '?service=a', '/traces?q=service%3Aa'],
    [
      '/traces',
      '?service=a&errors=true&min_duration_ms=9&attribute=user.id=4&from=1',
      '/traces?from=1&q=service%3Aa+duration%3A%3E%3D9ms+user.id%3A4+span.status%3Aerror',
    ],
    ['/alerts/', '', '/alerts'],
    ['//evil.example//x', '', '/evil.example/x'],
  ])('%s%s leads to %s', (path, search, target) => expect(redirectOf(path, search)).toBe(target));

  it.each(['/', '/traces', '/traces/7c1e9f04', '/services', '/alerts', '/explore', '/nothing'])('%s stays', (path) =>
    expect(redirectOf(path, '?a=1')).toBeUndefined(),
  );

  it('never lead to an old address again', () => {
    expect(REDIRECTS.length).toBeGreaterThan(5);
    fc.assert(
      fc.property(fc.webPath(), fc.webQueryParameters(), (path, query) => {
        // The browser has resolved `.` and `..` already.
        const first = redirectOf(new URL(`http://x${path}`).pathname, query);
        if (first === undefined) return;
        const { pathname, search } = new URL(first, 'http://x');
        expect(redirectOf(pathname, search)).toBeUndefined();
      }),
    );
  });
});
