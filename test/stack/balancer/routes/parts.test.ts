/** The pure parts of the switches: templates, keys, rates, rings, wildcards, and what the configuration refuses. */
import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balancerSchema } from '../../../../src/stack/balancer/config.ts';
import { clientAddress, addressList } from '../../../../src/stack/balancer/http/address-list.ts';
import { makePeer } from '../../../../src/stack/balancer/http/forward-head.ts';
import { parseTemplate } from '../../../../src/stack/balancer/options/template.ts';
import { parseEndpoint } from '../../../../src/stack/balancer/options/upstream-options.ts';
import { Concurrency } from '../../../../src/stack/balancer/routes/concurrency.ts';
import { HashRing, hashText } from '../../../../src/stack/balancer/routes/hash-ring.ts';
import { passwordMatches, readHtpasswd } from '../../../../src/stack/balancer/routes/htpasswd.ts';
import { addressKey } from '../../../../src/stack/balancer/routes/limit-key.ts';
import { wildcard } from '../../../../src/stack/balancer/routes/matching.ts';
import { plainPath } from '../../../../src/stack/balancer/routes/path.ts';
import { RateLimit } from '../../../../src/stack/balancer/routes/rate-limit.ts';
import { loadConfig } from '../../../../src/config/load.ts';
import { z } from 'zod';
import { movedClock } from '../../../support/moved-clock.ts';

describe('a rate limit', () => {
  const rules = { requests: 10, per: 1_000, max_keys: 16 };

  it('lets a burst through and then one request per interval', () => {
    const clock = movedClock(0);
    const limit = new RateLimit({ ...rules, burst: 5 }, clock);
    const allowed = (): boolean => limit.take('a').allowed;
    expect(Array.from({ length: 7 }, allowed)).toEqual([true, true, true, true, true, false, false]);
    clock.jump(99);
    expect(allowed()).toBe(false);
    clock.jump(1);
    expect([allowed(), allowed()]).toEqual([true, false]);
    clock.jump(60_000);
    expect(Array.from({ length: 6 }, allowed)).toEqual([true, true, true, true, true, false]);
  });

  it('never allows more requests in a window than rate and burst together', () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(300), { minLength: 1, maxLength: 200 }),
        fc.integer({ min: 1, max: 20 }),
        (gaps, burst) => {
          const clock = movedClock(0);
          const limit = new RateLimit({ ...rules, burst }, clock);
          let passed = 0;
          for (const gap of gaps) {
            clock.jump(gap);
            if (limit.take('a').allowed) passed += 1;
          }
          expect(passed).toBeLessThanOrEqual(burst + clock.monotonic() / 100);
        },
      ),
    );
  });

  it('has a limit of keys, forgets the least recently used one, and counts a key that lost part of its state', () => {
    const clock = movedClock(0);
    const limit = new RateLimit({ ...rules, requests: 1, per: 60_000 }, clock);
    for (let at = 0; at < 16; at += 1) limit.take(`k${at}`);
    limit.take('k0');
    for (let at = 16; at < 1_000; at += 1) limit.take(`k${at}`);
    expect([limit.keys, limit.forgotten]).toEqual([16, 984]);
    clock.jump(120_000);
    for (let at = 0; at < 16; at += 1) limit.take(`n${at}`);
    expect([limit.keys, limit.forgotten]).toEqual([16, 984]);
  });
});

describe('concurrency limits', () => {
  it('remember only keys with a request in progress', () => {
    const places = new Concurrency(2);
    expect([places.enter('a'), places.enter('a'), places.enter('a'), places.enter('b')]).toEqual([
      true,
      true,
      false,
      true,
    ]);
    places.leave('a');
    places.leave('a');
    places.leave('b');
    expect(places.keys).toBe(0);
  });
});

describe('keys by address', () => {
  it.each([
    ['192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:DB8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['64:ff9b::192.0.2.33', '64:ff9b:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ])('%s counts as %s', (address, key) => expect(addressKey(address)).toBe(key));

  it('use the nearest address that is not a trusted proxy’s', () => {
    const trusted = addressList(['10.0.0.0/8', '::1']);
    const of = (chain: readonly string[], peer = '10.0.0.1'): string =>
      clientAddress(
        { raw: chain.flatMap((value) => ['X-Forwarded-For', value]) } as never,
        makePeer(peer, peer.startsWith('10.')),
        trusted,
      );
    expect(of(['1.1.1.1, 2.2.2.2', '10.0.0.2'])).toBe('2.2.2.2');
    expect(of(['1.1.1.1:80'])).toBe('1.1.1.1');
    expect(of(['[2001:db8::1]:443, ::ffff:10.0.0.9'])).toBe('2001:db8::1');
    expect(of(['1.1.1.1, unknown, 10.0.0.3'])).toBe('10.0.0.3');
    expect(of([])).toBe('10.0.0.1');
    expect(of(['1.1.1.1'], '9.9.9.9')).toBe('9.9.9.9');
  });
});

describe('a hash ring', () => {
  const names = ['a:1', 'b:1', 'c:1', 'd:1'];
  const shares = (ring: HashRing, may = (): boolean => true): number[] => {
    const counts = [0, 0, 0, 0];
    for (let at = 0; at < 20_000; at += 1) counts[ring.find(hashText(`key-${at}`), may)] += 1;
    return counts.map((count) => count / 20_000);
  };

  it('gives each upstream its share by weight', () => {
    for (const share of shares(new HashRing(names, [1, 1, 1, 1]))) expect(Math.abs(share - 0.25)).toBeLessThan(0.06);
    const [heavy] = shares(new HashRing(names, [3, 1, 1, 1]));
    expect(Math.abs(heavy - 0.5)).toBeLessThan(0.08);
  });

  it('moves only the keys of a removed upstream, and spreads them over all others', () => {
    const ring = new HashRing(names, [1, 1, 1, 1]);
    const moved = [0, 0, 0, 0];
    for (let at = 0; at < 5_000; at += 1) {
      const hash = hashText(`key-${at}`);
      const [before, after] = [ring.find(hash, () => true), ring.find(hash, (owner) => owner !== 1)];
      if (before === 1) moved[after] += 1;
      else expect(after).toBe(before);
    }
    for (const at of [0, 2, 3]) expect(moved[at]).toBeGreaterThan(100);
    expect(ring.find(7, () => false)).toBe(-1);
  });
});

describe('texts', () => {
  it('match wildcards in a time that depends only on the length of the text', () => {
    expect(wildcard('a*b*c')('a-b-c')).toBe(true);
    expect(wildcard('a*b*c')('a-c')).toBe(false);
    expect(wildcard('aa*aa')('aaa')).toBe(false);
    expect(wildcard('*')('')).toBe(true);
    expect(wildcard('x')('xy')).toBe(false);
    expect(wildcard(`${'*a'.repeat(200)}b`)('a'.repeat(20_000))).toBe(false);
  });

  it('are parsed as templates, and unknown variables are named', () => {
    expect(parseTemplate('https://{host}{uri}')).toEqual({ texts: ['https://', '', ''], variables: ['host', 'uri'] });
    expect(parseTemplate('{"a": {}}')).toMatchObject({ variables: [] });
    expect(parseTemplate('{hots}')).toBe('unknown variable "{hots}", did you mean "{host}"?');
  });

  it('are decoded as paths where the encoding is unnecessary', () => {
    expect(plainPath('/%61%2Fb%2e%7Ec%zz%00')).toBe('/a%2Fb.~c%zz%00');
  });

  it('are parsed as upstreams', () => {
    expect(parseEndpoint('unix:/run/app.sock')).toMatchObject({ socket: '/run/app.sock' });
    expect(parseEndpoint('unix:///run/app.sock')).toMatchObject({ socket: '/run/app.sock' });
    expect(parseEndpoint('https://[::1]')).toMatchObject({ host: '::1', port: 443, tls: { serverName: '::1' } });
    for (const bad of ['unix:app.sock', `unix:/${'a'.repeat(120)}`, 'ftp://a', 'https://a/b', 'https://u@a', ''])
      expect(parseEndpoint(bad)).toBeUndefined();
  });
});

describe('passwords', () => {
  it('of invalid files are reported by line and never shown', () => {
    for (const bad of ['ana', 'ana:plain', ':{SHA}x', 'ana:$2y$31$' + 'x'.repeat(53)])
      expect(() => readHtpasswd(`ok:{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=\n${bad}`, 'f')).toThrow(/^f:2 is no user/);
  });
  it('of salted SHA-1 hashes match only the right password', () => {
    const salt = Buffer.from('salt');
    const digest = createHash('sha1').update('pässword').update(salt).digest();
    const hash = `{SSHA}${Buffer.concat([digest, salt]).toString('base64')}`;
    expect([passwordMatches('pässword', hash), passwordMatches('x', hash)]).toEqual([true, false]);
    expect(passwordMatches('x', '{OTHER}')).toBe(false);
  });
});

describe('the configuration of a route', () => {
  const issues = (text: string): string => {
    try {
      loadConfig({ schema: z.strictObject({ balancer: balancerSchema }), file: 'v.yaml', text, env: {} });
      return '';
    } catch (error) {
      return (error as Error).message;
    }
  };
  const one = (line: string): string =>
    issues(`balancer:\n  routes:\n    - upstreams: [http://127.0.0.1:1]\n      ${line}\n`);

  it.each([
    ['strip_prefx: /a', 'unknown key "strip_prefx", did you mean "strip_prefix"?'],
    ['rate_limit: { requests: 5, perr: 1s }', 'unknown key "perr", did you mean "per"?'],
    ['rate_limit: { requests: 0 }', 'rate_limit.requests'],
    ['rate_limit: { requests: 5, by: ip }', 'expected client, route, header:NAME or cookie:NAME'],
    ['redirect: "https://{hots}/"', 'unknown variable "{hots}", did you mean "{host}"?'],
    ['request_headers: { set: { Content-Length: "1" } }', '"Content-Length" frames the message'],
    ['response_headers: { remove: [Transfer-Encoding] }', '"Transfer-Encoding" frames the message'],
    ['response_headers: { set: { Host: a } }', '"Host" frames the message'],
    ['request_headers: { set: { X-A: "a\\r\\nb: c" } }', 'a line break cannot stand here'],
    ['allow: [10.0.0.0/40]', 'an address or a network'],
    ['methods: [get]', 'a method like "GET"'],
    ['sticky: { cookie: a, header: b }', 'unknown key'],
    ['policy: fastest', 'policy'],
  ])('%s is wrong: %s', (line, message) => expect(one(line)).toContain(message));

  it('reports all mistakes at once, each with its place', () => {
    const text = issues(
      'balancer:\n  routes:\n    - name: a\n      upstreams: [{ url: http://a, server_name: b }, { url: https://10.0.0.1, verify: false }]\n    - name: a\n    - upstreams: [{ url: http://a, backup: true }]\n',
    );
    for (const part of [
      'v.yaml:4:',
      'only an https upstream has a server_name',
      'only the certificate of a loopback upstream may go unchecked',
    ])
      expect(text).toContain(part);
    const more = issues(
      'balancer:\n  routes:\n    - name: a\n      upstreams: [http://a]\n    - name: a\n    - upstreams: [{ url: http://a, backup: true }]\n',
    );
    for (const part of [
      'a route needs upstreams or a redirect',
      'another route is named "a" too',
      'must not be a backup',
    ])
      expect(more).toContain(part);
  });
});
