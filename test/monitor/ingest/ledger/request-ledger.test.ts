import { describe, expect, it } from 'vitest';
import type { RouteLesson } from '../../../../src/model/learned-route.ts';
import type { AppendResult } from '../../../../src/model/ports.ts';
import type { Attributes, SpanKind, SpanRecord } from '../../../../src/model/records.ts';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import { supportCode } from '../../../../src/model/text/support-code.ts';
import { RequestLedger } from '../../../../src/monitor/ingest/ledger/request-ledger.ts';

const id = (number: number, length: number): string => number.toString(16).padStart(length, '0');

function span(at: number, kind: SpanKind, parent: number, scope: string, attributes: Attributes = {}): SpanRecord {
  return {
    traceId: id(7, 32),
    spanId: id(at, 10).padEnd(16, '0'),
    parentSpanId: parent === 0 ? '' : id(parent, 10).padEnd(16, '0'),
    name: '',
    kind,
    startUnixNano: 1_000_000_123_456_789n,
    endUnixNano: 1_000_000_125_000_000n,
    status: 'unset',
    statusMessage: '',
    attributes,
    events: [],
    links: [],
    resource: { attributes: { 'service.name': scope, 'service.instance.id': 'h:1' } },
    scope: { name: scope, version: '' },
  };
}

const BALANCER = 'vitrine-balancer';
const server = span(1, 'server', 0, BALANCER, {
  'http.route': '/users/:id',
  'http.request.method': 'GET',
  'url.path': '/users/7',
  'http.response.status_code': 503,
  'error.type': 'no_upstream',
  'vitrine.duration': 1.25,
  'vitrine.upstream': '127.0.0.1:3001',
  'vitrine.tries': 2,
  'vitrine.cache.result': 'miss',
  'vitrine.phase.queue': 0.25,
  'http.response.body.size': 12,
});
const attempt = span(2, 'client', 1, BALANCER);
const app = span(3, 'server', 2, 'shop', { 'http.route': '/users/{user}', 'user.id': 42 });
const inner = span(4, 'server', 3, 'other', { 'http.route': '/inner' });

function ledger(): { readonly rows: RequestRow[]; readonly take: RequestLedger['take']; readonly it: RequestLedger } {
  const rows: RequestRow[] = [];
  const one = new RequestLedger({
    userAttribute: 'user.id',
    append(given) {
      rows.push(...given);
      return Promise.resolve({ accepted: given.length, rejected: [] });
    },
  });
  return { rows, take: (spans) => one.take(spans), it: one };
}

it('makes a row of the balancer’s span', async () => {
  const { rows, take } = ledger();
  await take([attempt, server, inner]);
  expect(rows).toEqual([
    {
      startUnixNano: 1_000_000_123_456_000n,
      durationMs: 1.25,
      service: BALANCER,
      instance: 'h:1',
      version: '',
      route: '/users/:id',
      method: 'GET',
      path: '/users/7',
      status: 503,
      reason: 'no_upstream',
      upstream: '127.0.0.1:3001',
      tries: 2,
      cache: 'miss',
      phases: { queue: 0.25, cache: undefined, connect: undefined, upstream: undefined, transfer: undefined },
      requestBytes: undefined,
      responseBytes: 12,
      traceId: id(7, 32),
      code: supportCode(server.spanId),
      requestId: '',
      user: '',
      synthetic: false,
    },
  ]);
  await take([{ ...server, attributes: { ...server.attributes, 'user_agent.synthetic.type': 'test' } }]);
  expect(rows[1].synthetic).toBe(true);
});

it('takes the application’s route and user, in whatever order the spans come', async () => {
  const orders = [
    [[attempt, server], [app]],
    [[app], [attempt, server]],
    [[app, attempt], [server]],
    [[server], [attempt], [app]],
    [[server], [app], [attempt]],
    [[attempt], [app], [server, inner]],
  ];
  for (const order of orders) {
    const { rows, take } = ledger();
    for (const spans of order) await take(spans);
    expect(rows).toMatchObject([{ route: '/users/{user}', user: '42' }]);
  }
});

it('completes rows that were in memory before a restart', async () => {
  const before = ledger();
  await before.take([attempt, server]);
  const after = ledger();
  after.it.recover(before.rows, [attempt, server]);
  await after.take([app]);
  expect(before.rows[0].route).toBe('/users/{user}');
});

it('refuses spans whose rows cannot be kept, and forgets the oldest requests', async () => {
  const refusing = new RequestLedger({
    userAttribute: '',
    append: () => Promise.resolve({ accepted: 0, rejected: [{ reason: 'queue_full', count: 1, message: 'too many' }] }),
  });
  await expect(refusing.take([server])).rejects.toMatchObject({ code: 'overloaded', message: 'too many' });
  const { rows, take } = ledger();
  await take([attempt, server]);
  for (let at = 0; at < 51; at += 1)
    await take(Array.from({ length: 1_000 }, (_, i) => span(10_000 + at * 1_000 + i, 'server', 0, BALANCER)));
  await take([app]);
  expect(rows[0].route).toBe('/users/:id');
});

describe('lessons for the balancer', () => {
  const named = (at: number, method: string, path: string, guess: string, route: string): SpanRecord[] => [
    span(at, 'server', 9_000, BALANCER, {
      'http.route': guess,
      'http.request.method': method,
      'url.path': path,
      'vitrine.upstream': 'app:1',
    }),
    span(at + 1, 'client', at, BALANCER),
    span(at + 2, 'server', at + 1, 'shop', { 'http.route': route }),
  ];
  function taught(): { readonly lessons: RouteLesson[]; readonly it: RequestLedger } {
    const lessons: RouteLesson[] = [];
    const append = (rows: readonly RequestRow[]): Promise<AppendResult> =>
      Promise.resolve({ accepted: rows.length, rejected: [] });
    const onRoutes = (each: readonly RouteLesson[]): void => void lessons.push(...each);
    return { lessons, it: new RequestLedger({ userAttribute: '', append, onRoutes }) };
  }

  it('tells each route once, and none that the balancer knows', async () => {
    const { lessons, it: ledger } = taught();
    await ledger.take(named(10, 'GET', '/users/bob', '/users/bob', '/users/:id'));
    await ledger.take(named(20, 'GET', '/users/eve', '/users/eve', '/users/:id'));
    await ledger.take(named(30, 'GET', '/orders/7', '/orders/:id', '/orders/:id'));
    const lesson = { upstream: 'app:1', method: 'GET', pattern: ['users', null], open: false, route: '/users/:id' };
    expect(lessons).toEqual([lesson]);
    await ledger.take(named(40, 'GET', '/users/bob', '/users/:id', '/users/:name'));
    expect(lessons).toEqual([lesson, { ...lesson, route: '/users/:name' }]);
  });

  it('tells the balancer to keep its own name where the application has several routes of one pattern', async () => {
    const { lessons, it: ledger } = taught();
    for (let at = 0; at < 20; at += 1)
      await ledger.take(named(100 + at * 3, 'GET', '/n/7', 'other', at % 2 === 0 ? '/n/:even' : '/n/:odd'));
    expect(lessons.map(({ route }) => route)).toEqual(['/n/:even', '/n/:odd', '/n/:even', '/n/:odd', '']);
  });

  it('tells no more than its limit and counts the rest', async () => {
    const { lessons, it: ledger } = taught();
    for (let at = 0; at < 2_100; at += 1)
      await ledger.take(named(1_000 + at * 3, 'GET', `/raw/w${at}`, '/raw/:id', `/raw/w${at}`));
    expect(lessons).toHaveLength(2_000);
    expect(ledger.refusedRoutes).toBe(100);
  });
});
