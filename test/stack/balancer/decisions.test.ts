/** The pure parts: picking, ejecting, budgets, routes and templates, configuration. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { balancerSchema } from '../../../src/stack/balancer/config.ts';
import { afterFailure, afterSuccess, afterTime, GOOD_STANDING } from '../../../src/stack/balancer/upstream/ejection.ts';
import { fieldMeaning, FIELD, listedFields } from '../../../src/stack/balancer/http/fields.ts';
import { LabelSets, AttemptLabels } from '../../../src/stack/balancer/telemetry/label-sets.ts';
import { serverTiming } from '../../../src/stack/balancer/telemetry/phase-times.ts';
import { ALL_BUSY, NOBODY, pick, warmUpWeight, type Candidate } from '../../../src/stack/balancer/upstream/pick.ts';
import { fieldList, parseReplyHead } from '../../../src/stack/balancer/http/reply-head.ts';
import { ReplyParser } from '../../../src/stack/balancer/http/reply-parser.ts';
import { RetryBudget } from '../../../src/stack/balancer/upstream/retry-budget.ts';
import { pathTemplate, PathTemplates } from '../../../src/model/text/path-templates.ts';
import { hasDotSegments, otherReadings } from '../../../src/stack/balancer/routes/path.ts';
import { closeFrame, FrameTracker } from '../../../src/stack/balancer/http/websocket-frames.ts';

const one = (inflight = 0, available = true, weight = 1): Candidate => ({ inflight, streams: 0, available, weight });

describe('pick', () => {
  it('takes the upstreams in turn', () => {
    const all = [one(), one(), one()];
    expect([0, 1, 2, 3].map((turn) => pick('round_robin', all, turn, [], Infinity, () => 0))).toEqual([0, 1, 2, 0]);
  });
  it('takes the upstream with the fewest requests, and equal ones in turn', () => {
    expect(pick('least_inflight', [one(3), one(1), one(2)], 0, [], Infinity, () => 0)).toBe(1);
    expect(pick('least_inflight', [one(1), one(1)], 1, [], Infinity, () => 0)).toBe(1);
  });
  it('gives fewer requests to an upstream that warms up', () => {
    expect(pick('least_inflight', [one(0, true, 0.1), one(3)], 0, [], Infinity, () => 0)).toBe(1);
    expect(pick('round_robin', [one(0, true, 0.1), one()], 0, [], Infinity, () => 0.5)).toBe(1);
    expect(pick('round_robin', [one(0, true, 0.1)], 0, [], Infinity, () => 0.5)).toBe(0);
    expect([warmUpWeight(0, 100), warmUpWeight(50, 100), warmUpWeight(100, 100), warmUpWeight(0, 0)]).toEqual([
      0.1, 0.5, 1, 1,
    ]);
  });
  it('uses all upstreams when none is available, and reports when all are busy or were tried', () => {
    expect(pick('least_inflight', [one(0, false), one(1, false)], 0, [], Infinity, () => 0)).toBe(0);
    expect(pick('least_inflight', [one(2), one(2)], 0, [], 2, () => 0)).toBe(ALL_BUSY);
    expect(pick('least_inflight', [one(2), one(0, false)], 0, [], 2, () => 0)).toBe(ALL_BUSY);
    const all = [one(), one()];
    expect(pick('round_robin', all, 0, all, Infinity, () => 0)).toBe(NOBODY);
  });
  it('never picks an upstream that was tried or is at its limit while another is left', () => {
    const candidate = fc.record({
      inflight: fc.nat(5),
      streams: fc.nat(3),
      available: fc.boolean(),
      weight: fc.constantFrom(0.1, 0.5, 1),
    });
    fc.assert(
      fc.property(
        fc.array(candidate, { minLength: 1, maxLength: 6 }),
        fc.nat(),
        fc.nat(3),
        fc.constantFrom('round_robin' as const, 'least_inflight' as const),
        (all, turn, skip, policy) => {
          const tried = all.slice(0, skip);
          const at = pick(policy, all, turn, tried, 4, () => 0.3);
          if (at < 0) return;
          expect(tried).not.toContain(all[at]);
          expect(all[at].inflight).toBeLessThan(4);
          if (all.some((other) => other.available && !tried.includes(other))) expect(all[at].available).toBe(true);
        },
      ),
    );
  });
});

describe('ejection', () => {
  const rules = { failures: 3, base: 5_000, max: 12_000, max_ratio: 0.5 };
  const fail = (times: number, kind: 'refused' | 'error' | 'timeout', others = 0, total = 2, from = GOOD_STANDING) => {
    let verdict: ReturnType<typeof afterFailure> = { standing: from };
    for (let at = 0; at < times; at += 1) verdict = afterFailure(verdict.standing, kind, 1_000, rules, others, total);
    return verdict;
  };
  it('comes after the configured number of failures in a row', () => {
    expect(fail(2, 'error').ejectedFor).toBeUndefined();
    expect(fail(3, 'error')).toMatchObject({ ejectedFor: 'error', standing: { untilMs: 6_000, times: 1 } });
    expect(afterFailure(afterSuccess(fail(2, 'error').standing), 'error', 0, rules, 0, 2).ejectedFor).toBeUndefined();
  });
  it('ejects no more than half, unless connections are refused', () => {
    expect(fail(5, 'error', 1, 2).ejectedFor).toBeUndefined();
    expect(fail(3, 'refused', 1, 2).ejectedFor).toBe('refused');
    const mixed = fail(2, 'refused', 1, 2, fail(1, 'timeout', 1, 2).standing);
    expect(mixed.ejectedFor).toBeUndefined();
  });
  it('lasts longer each time, up to a limit, and is forgotten slowly', () => {
    let standing = GOOD_STANDING;
    const lasted: number[] = [];
    let now = 0;
    for (let round = 0; round < 4; round += 1) {
      for (let at = 0; at < 3; at += 1) ({ standing } = afterFailure(standing, 'error', now, rules, 0, 2));
      lasted.push(standing.untilMs - now);
      now = standing.untilMs;
      standing = afterTime(standing, now);
      expect(standing.untilMs).toBe(0);
    }
    expect(lasted).toEqual([5_000, 10_000, 12_000, 12_000]);
    expect(afterTime(standing, now + 10)).toBe(standing);
    expect(afterTime(standing, now + 30_000).times).toBe(3);
    expect(afterTime(GOOD_STANDING, 1e9)).toBe(GOOD_STANDING);
  });
  it('can be turned off', () => {
    expect(afterFailure(GOOD_STANDING, 'error', 0, { ...rules, failures: 0 }, 0, 9).ejectedFor).toBeUndefined();
  });
});

describe('retry budget', () => {
  it('allows a share of the requests and a few retries per second', () => {
    let now = 0;
    const budget = new RetryBudget(0.2, 3, { now: () => now, monotonic: () => now, after: () => () => {} });
    for (let at = 0; at < 100; at += 1) budget.request();
    let taken = 0;
    while (budget.take()) taken += 1;
    expect(taken).toBe(23);
    now = 1_000;
    taken = 0;
    while (budget.take()) taken += 1;
    expect(taken).toBe(3);
  });
  it('keeps the share that the last requests earned, even when no retry was needed for a long time', () => {
    let now = 0;
    const budget = new RetryBudget(0.2, 3, { now: () => now, monotonic: () => now, after: () => () => {} });
    for (; now < 60_000; now += 10) budget.request();
    let taken = 0;
    while (budget.take()) taken += 1;
    // Of a hundred requests a second: a fifth, of ten seconds.
    expect(taken).toBeGreaterThan(190);
    expect(taken).toBeLessThan(210);
  });
});

describe('paths', () => {
  it.each([
    ['/users/42', '/users/:id'],
    ['/users/42/orders/550e8400-e29b-41d4-a716-446655440000', '/users/:id/orders/:id'],
    ['/a/deadbeef01', '/a/:id'],
    ['/a/deadbeef', '/a/:id'],
    ['/v1/items', '/v1/items'],
    ['/apis/v1beta1/v2.1/V3', '/apis/v1beta1/v2.1/V3'],
    ['/v2024x/v-1/v12345', '/:id/:id/:id'],
    ['/api/accounts/acc-004/transfer', '/api/accounts/:id/transfer'],
    ['/reports/q1', '/reports/:id'],
    ['/health-checks/transactions', '/health-checks/transactions'],
    ['/a-name-of-25-letters-or-so', '/:id'],
    [`/${'k-'.repeat(12)}`, `/${'k-'.repeat(12)}`],
    ['/tx_12345678', '/:id'],
    ['/', '/'],
    ['/a%20b', '/:id'],
    [`/${'a'.repeat(40)}`, '/:id'],
    ['/1/2/3/4/5/6/7/8/9/10', '/:id/:id/:id/:id/:id/:id/:id/:id/*'],
  ])('%s is %s', (path, template) => expect(pathTemplate(path)).toBe(template));
  it('learns only paths that exist, up to a limit', () => {
    const templates = new PathTemplates('/');
    expect(templates.learn('/nothing', 404)).toBe('/*');
    expect(templates.find('/nothing')).toBeUndefined();
    expect(templates.learn('/users/1', 200)).toBe('/users/:id');
    expect(templates.find('/users/2')).toBe('/users/:id');
    for (let at = 0; at < 26 * 26; at += 1)
      templates.learn(`/p-${String.fromCharCode(97 + (at % 26), 97 + Math.floor(at / 26))}`, 200);
    expect(templates.learn('/one-more', 200)).toBe('/*');
    expect(templates.find('/users/3')).toBe('/users/:id');
    for (let at = 0; at < 5_000; at += 1) expect(templates.find(`/users/${at}`)).toBe('/users/:id');
  });
  it('recognizes dot segments, and other readings of slashes', () => {
    for (const path of ['/a/../b', '/a/./b', '/a/%2E%2e/b', '/..', '/a%2f..%2fb', '/a\\..\\b', '/a/..%5cb'])
      expect(hasDotSegments(path), path).toBe(true);
    for (const path of ['/a/b', '/a..b', '/.well-known/x', '/a.b', '/a//b', '/a%2fb', '/...'])
      expect(hasDotSegments(path), path).toBe(false);
    expect(otherReadings('/a/b.c')).toEqual([]);
    expect(otherReadings('/a%2Fb//c\\d')).toEqual(['/a/b//c/d', '/a%2Fb/c\\d', '/a/b/c/d']);
  });
});

describe('fields', () => {
  it('recognizes aliases of important names and no others', () => {
    expect(fieldMeaning('X_Forwarded_For')).toBe(FIELD.alias);
    expect(fieldMeaning('Authorization_')).toBe(FIELD.pass);
    expect(fieldMeaning('__proto__')).toBe(FIELD.pass);
    expect(fieldMeaning('a b')).toBe(FIELD.invalid);
    expect(listedFields('close, X-A ,upgrade')).toEqual(['x-a']);
    expect(listedFields('cookie')).toBeUndefined();
  });
  it('keeps label sets and their limit', () => {
    const bound = { bind: () => ({ record: () => {} }) };
    const sets = new LabelSets(bound, bound);
    expect(sets.server('GET', '/', true, 200, undefined)).toBe(sets.server('GET', '/', true, 200, undefined));
    for (let at = 0; at < 5_000; at += 1) sets.server('GET', `/${at}`, true, 200, undefined);
    expect(sets.server('GET', '/new', true, 500, '500')).not.toBe(sets.server('GET', '/new', true, 500, '500'));
    const tries = new AttemptLabels('a:1', 'a', 1, bound);
    tries.of('GET', 200, undefined).value += 1;
    tries.of('GET', undefined, 'refused').value += 2;
    expect([...tries.cells()].map((cell) => cell.value)).toEqual([2, 1]);
  });
  it('writes only the phases that occurred into Server-Timing', () => {
    expect(serverTiming([0, 0.123, NaN, 5, NaN], 'miss')).toBe(
      'Server-Timing: queue;dur=0, cache;desc=miss;dur=0.12, upstream;dur=5\r\n',
    );
    expect(serverTiming([NaN, NaN, NaN, NaN, NaN], undefined)).toBe('');
  });
});

describe('replies', () => {
  const ANSWERS: readonly (readonly [string, string])[] = [
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello', 'hello'],
    [
      'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x="y"\r\nllo\r\n0\r\nT: 1\r\n\r\n',
      'hello',
    ],
    ['HTTP/1.1 204 No Content\r\n\r\n', ''],
  ];
  it('are the same however the bytes are split', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...ANSWERS),
        fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 60 }),
        ([answer, body], cuts) => {
          const parser = new ReplyParser();
          let got = '';
          let ends = 0;
          parser.expect('GET', {
            onInterim() {},
            onHead() {},
            onBody: (bytes) => (got += bytes.toString('latin1')),
            onEnd: () => (ends += 1),
          });
          let at = 0;
          for (let cut = 0; at < answer.length; cut += 1) {
            const next = Math.min(answer.length, at + cuts[cut % cuts.length]);
            // The bytes behind the ones just read are old and must be ignored.
            parser.execute(Buffer.from(`${answer.slice(at, next)}\r\n\r\n0\r\n\r\n`, 'latin1'), next - at);
            at = next;
          }
          expect([got, ends, parser.done]).toEqual([body, 1, true]);
        },
      ),
    );
  });
  it('leave bytes after their end unread', () => {
    const parser = new ReplyParser();
    parser.expect('GET', { onInterim() {}, onHead() {}, onBody() {}, onEnd() {} });
    expect(parser.execute(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nxREST'))).toBe(39);
  });
  it('never throw anything but bad_gateway, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.constantFrom(
            'HTTP/1.1 200 OK\r\n',
            '\r\n',
            '\n',
            'A: b\r\n',
            'Content-Length: 3\r\n',
            'Transfer-Encoding: chunked\r\n',
            '3\r\nabc\r\n',
            '0\r\n\r\n',
            '\0',
            ' ',
            ':',
            'ffffffffffffffff\r\n',
          ),
          { maxLength: 20 },
        ),
        (parts) => {
          const parser = new ReplyParser();
          parser.expect('GET', { onInterim() {}, onHead() {}, onBody() {}, onEnd() {} });
          try {
            parser.execute(Buffer.from(parts.join(''), 'latin1'));
            parser.finish();
          } catch (error) {
            expect(error).toMatchObject({ code: 'bad_gateway' });
          }
        },
      ),
    );
  });
  it('give their fields as a list', () => {
    const head = parseReplyHead(
      'HTTP/1.1 200 OK\r\nA: 1\r\nConnection: x-b\r\nX-B: 2\r\nSet-Cookie:a=b\r\nSet-Cookie: c=d \r\nContent-Length: 0\r\n',
      'GET',
    );
    expect(fieldList(head.fields)).toEqual(['A', '1', 'Set-Cookie', 'a=b', 'Set-Cookie', 'c=d']);
    expect(head.keepAlive).toBe(true);
  });
});

describe('frames', () => {
  it('finds the end of a frame, however the bytes are split', () => {
    const frames = Buffer.concat([
      Buffer.from([0x81, 0x03, 1, 2, 3]),
      Buffer.from([0x82, 0xfe, 0x01, 0x00, 9, 9, 9, 9]),
      Buffer.alloc(256),
      Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]),
      Buffer.alloc(65_536),
    ]);
    for (const step of [1, 7, 100_000]) {
      const tracker = new FrameTracker();
      const ends: number[] = [];
      for (let at = 0; at < frames.length; at += step) {
        tracker.feed(frames.subarray(at, at + step));
        if (tracker.atBoundary) ends.push(Math.min(frames.length, at + step));
      }
      expect(ends.at(-1)).toBe(frames.length);
      if (step === 1) expect(ends).toEqual([5, 5 + 264, frames.length]);
    }
    const tracker = new FrameTracker();
    tracker.feed(closeFrame(true));
    expect(tracker.atBoundary).toBe(true);
  });
});

describe('configuration', () => {
  it('has complete defaults', () => {
    const options = balancerSchema.parse(undefined);
    expect(options).toMatchObject({
      listen: { host: '127.0.0.1', port: 8080 },
      routes: [],
      policy: 'least_inflight',
      timeouts: { connect: 5_000, first_byte: 60_000, idle: 600_000, hedge: 0, upstream_keep_alive: 4_000 },
      health_prefix: '/-',
      limits: { header: 16_384, fields: 100, target: 8_192, body: 10_485_760 },
      retries: { budget: 0.2, min: 3 },
      ejection: { failures: 3, base: 5_000, max: 300_000, max_ratio: 0.5 },
    });
  });
  it('takes the short form and routes together', () => {
    const options = balancerSchema.parse({
      upstreams: ['http://[::1]:3001', 'http://a'],
      routes: [{ path: '/x', policy: 'round_robin', upstreams: ['http://b:2'] }],
    });
    expect(options.routes.map((route) => [route.path, route.policy, route.upstreams.length])).toEqual([
      ['/x', 'round_robin', 1],
      ['/', 'least_inflight', 2],
    ]);
    expect(options.routes[1].upstreams[0]).toEqual({ host: '::1', port: 3001 });
    expect(balancerSchema.parse({ listen: '[::]:80' }).listen).toEqual({ host: '::', port: 80 });
  });
  it.each([
    [{ unknown: 1 }, /unknown/i],
    [{ listen: '8080' }, /an address like "127.0.0.1:8080"/],
    [{ listen: 'a:70000' }, /an address like "127.0.0.1:8080"/],
    [{ upstreams: ['ftp://a'] }, /an address like/],
    [{ upstreams: ['http://a/path'] }, /an address like/],
    [{ upstreams: ['http://u:p@a'] }, /an address like/],
    [{ timeouts: { connect: '10' } }, /a duration like "5m"/],
    [{ limits: { body: '10' } }, /a size like "64MiB"/],
    [{ retries: { budget: 'half' } }, /a ratio from 0 to 1/],
    [{ policy: 'random' }, /policy|option/i],
    [{ trusted_proxies: ['everyone'] }, /trusted_proxies|invalid/i],
  ])('refuses %j', (section, message) => {
    const result = balancerSchema.safeParse(section);
    expect(result.success).toBe(false);
    expect(JSON.stringify(result.error?.issues).replaceAll('\\"', '"')).toMatch(message);
  });
});
