import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { SpanRecord } from '../../../src/model/records.ts';
import { callsOf, ServiceGraph } from '../../../src/monitor/insight/service-graph.ts';
import { compareTraces } from '../../../src/monitor/insight/trace-comparison.ts';
import { criticalPath, errorOrigins } from '../../../src/monitor/insight/trace-shape.ts';
import { serviceMap } from '../../../src/monitor/insight/service-map.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { searchTraces } from '../../../src/monitor/search/traces.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { mulberry32 } from '../../support/records/seeded.ts';
import { spanOf } from '../../support/records/plain-records.ts';

const NOW = Date.UTC(2026, 10, 30, 12);
const span = (id: number, parent: number, fromMs: number, toMs: number, error = false): SpanRecord =>
  spanOf({ trace: 1, span: id, parent, startMs: NOW + fromMs, durationMs: toMs - fromMs, error });
const hex = (id: number): string => id.toString(16).padStart(16, '0');

describe('the critical path', () => {
  it('is the root where no child runs, and the child that ended last where one does', () => {
    // 1 waits for 2 and 3 at once; 3 ends later. 4 follows.
    const spans = [span(1, 0, 0, 100), span(2, 1, 10, 40), span(3, 1, 10, 60), span(4, 1, 70, 90), span(5, 3, 20, 30)];
    expect(criticalPath(spans).map(({ spanId, nanos }) => [spanId, Number(nanos) / 1e6])).toEqual([
      [hex(3), 40],
      [hex(1), 30],
      [hex(4), 20],
      [hex(5), 10],
    ]);
  });

  it('adds up to the duration of the root, whatever the clocks of its spans', () => {
    const parts = fc.array(fc.tuple(fc.nat(8), fc.integer({ min: -50, max: 150 }), fc.nat(120)), { maxLength: 12 });
    fc.assert(
      fc.property(parts, (rows) => {
        const spans = [
          span(1, 0, 0, 100),
          ...rows.map(([parent, from, length], at) => span(at + 2, 1 + (parent % (at + 1)), from, from + length)),
        ];
        const sum = criticalPath(spans).reduce((total, { nanos }) => total + nanos, 0n);
        expect(sum).toBe(100_000_000n);
      }),
    );
    expect(criticalPath([])).toEqual([]);
    expect(criticalPath([span(1, 2, 0, 1), span(2, 1, 0, 1)])).toEqual([]);
  });
});

it('errors began in the failed spans below which none failed', () => {
  const spans = [
    span(1, 0, 0, 9, true),
    span(2, 1, 0, 9, true),
    span(3, 2, 0, 9),
    span(4, 3, 0, 9, true),
    span(5, 1, 1, 9, true),
    span(6, 9, 2, 9),
  ];
  expect(errorOrigins(spans).map(({ spanId }) => spanId)).toEqual([hex(4), hex(5)]);
});

describe('the comparison of two sets of traces', () => {
  const trace = (n: number, over: { tier?: string; queries?: number; version?: string }): SpanRecord[] => [
    spanOf({
      trace: n,
      span: 1,
      startMs: NOW,
      durationMs: 10,
      service: 'shop',
      name: 'GET /cart',
      version: over.version ?? '1',
      attributes: { 'user.tier': over.tier ?? 'free', 'user.id': `u${n}`, 'http.route': '/cart', shard: n % 3 },
    }),
    ...Array.from({ length: over.queries ?? 3 }, (_, at) =>
      spanOf({ trace: n, span: at + 2, parent: 1, startMs: NOW, durationMs: 1, service: 'shop', name: 'SELECT' }),
    ),
  ];
  const random = mulberry32(3);

  it('ranks the slowed user tier first, and no id', () => {
    const selection = Array.from({ length: 200 }, (_, n) => trace(n, { tier: random() < 0.9 ? 'gold' : 'free' }));
    const baseline = Array.from({ length: 400 }, (_, n) =>
      trace(1_000 + n, { tier: random() < 0.1 ? 'gold' : 'free' }),
    );
    const [first, ...rest] = compareTraces(selection, baseline, new Set(['duration']), 10);
    expect(first).toMatchObject({ name: 'user.tier', kind: 'attribute' });
    expect(first.values[0].selection).toBeGreaterThan(0.8);
    expect(rest.map(({ name }) => name)).not.toContain('user.id');
  });

  it('ranks an N+1 query first between two versions', () => {
    const of = (version: string, queries: number): SpanRecord[][] =>
      Array.from({ length: 100 }, (_, n) => trace(n, { version, queries: queries + (n % 2) }));
    const [first] = compareTraces(of('2', 41), of('1', 3), new Set(['version', 'service.version']), 10);
    expect(first).toMatchObject({ name: 'shop SELECT', kind: 'calls', means: { selection: 41.5, baseline: 3.5 } });
  });

  it('ranks the places of processes last when the sets were chosen by process, and first when one place is slow', () => {
    const on = (port: number, version: string, queries: number): SpanRecord[][] =>
      Array.from({ length: 100 }, (_, n) =>
        trace(n, { version, queries }).map((span) => ({
          ...span,
          attributes: { ...span.attributes, 'server.port': port, 'network.peer.port': port },
          resource: {
            attributes: { ...span.resource.attributes, 'service.instance.id': `i${port}`, 'process.pid': port },
          },
        })),
      );
    const byVersion = compareTraces(on(1, '2', 41), on(2, '1', 3), new Set(['version', 'service.version']), 10);
    expect(byVersion[0].name).toBe('shop SELECT');
    expect(byVersion.map(({ name }) => name)).toContain('process.pid');
    const bySlowness = compareTraces(on(1, '1', 3), on(2, '1', 3), new Set(['duration']), 10);
    expect(bySlowness.map(({ name }) => name)).toEqual([
      'network.peer.port',
      'process.pid',
      'server.port',
      'service.instance.id',
    ]);
  });

  it('finds nothing in two sets of one kind, or in an empty one', () => {
    const of = (from: number): SpanRecord[][] =>
      Array.from({ length: 100 }, (_, n) => trace(from + n, { queries: n % 20 }));
    expect(compareTraces(of(0), of(300), new Set(), 10)).toEqual([]);
    expect(compareTraces([], of(0), new Set(), 10)).toEqual([]);
  });
});

describe('the service graph', () => {
  const part = (
    id: number,
    parent: number,
    service: string,
    kind: SpanRecord['kind'],
    attributes = {},
    error = false,
  ): SpanRecord =>
    spanOf({ trace: 1, span: id, parent, service, kind, attributes, error, startMs: NOW, durationMs: 10 * id });

  it('pairs callers and servers, and makes virtual nodes of the rest', () => {
    const spans = [
      part(1, 0, 'gate', 'server'),
      part(2, 1, 'gate', 'client'),
      part(3, 2, 'shop', 'server', {}, true),
      part(4, 3, 'shop', 'client', { 'db.system.name': 'postgresql', 'db.namespace': 'orders' }),
      part(5, 3, 'shop', 'client', { 'server.address': 'api.example' }),
      part(6, 3, 'shop', 'producer', { 'messaging.system': 'kafka', 'messaging.destination.name': 'mail' }),
      part(7, 3, 'shop', 'client'),
      part(8, 99, 'late', 'server'),
      part(9, 3, 'shop', 'internal'),
    ];
    const graph = new ServiceGraph();
    for (const call of callsOf(spans)) graph.add(call);
    expect(graph.edges().map(({ client, server, connection, errors }) => [client, server, connection, errors])).toEqual(
      [
        ['gate', 'shop', '', 1],
        ['shop', 'api.example', 'virtual_node', 0],
        ['shop', 'mail', 'messaging_system', 0],
        ['shop', 'orders', 'database', 0],
        ['shop', 'unknown', 'virtual_node', 0],
        ['user', 'gate', 'virtual_node', 0],
      ],
    );
  });

  it('tells what of a call is the network: the median of what the caller waited beyond the server', () => {
    const graph = new ServiceGraph();
    const call = { client: 'a', server: 'b', connection: '', failed: false } as const;
    for (const [clientSeconds, serverSeconds] of [
      [0.5, 0.4],
      [0.3, 0.25],
      // The server went on after its answer.
      [0.1, 0.2],
      [0.2, undefined],
    ] as const) {
      graph.add({ ...call, clientSeconds, serverSeconds });
    }
    graph.add({ ...call, server: 'database', clientSeconds: 1, serverSeconds: undefined });
    const [both, alone] = graph.edges();
    expect(both.networkSeconds).toBeCloseTo(0.05);
    expect(alone.networkSeconds).toBeUndefined();
  });

  it('keeps exact percentiles up to a thousand calls, and is bounded', () => {
    const graph = new ServiceGraph();
    const call = { client: 'a', connection: '', failed: false, serverSeconds: undefined } as const;
    for (let n = 1; n <= 1_000; n += 1) graph.add({ ...call, server: 'b', clientSeconds: n });
    expect(graph.edges()[0]).toMatchObject({ calls: 1_000, p95Seconds: 950 });
    for (let n = 0; n < 2_500; n += 1) graph.add({ ...call, server: `s${n}`, clientSeconds: 1 });
    expect([graph.edges().length, graph.omitted]).toEqual([2_000, 501]);
  });
});

describe('answers that a limit cut short', () => {
  const asked = {
    signal: 'traces',
    filter: checkedFilter('', NOW),
    fromMs: NOW - 60_000,
    toMs: NOW + 1,
    before: undefined,
  } as const;
  const records = new ArrayRecords(10);
  // One call by a user each second, newest last.
  records.add(
    'traces',
    Array.from({ length: 50 }, (_, at) =>
      spanOf({ trace: at + 1, span: 1, kind: 'server', startMs: NOW - 50_000 + at * 1_000, durationMs: 1 }),
    ),
  );

  it('the map says that it is not complete, how far it came, and rates of the time that it covers', async () => {
    const whole = await serviceMap(records, asked, movedClock(NOW), 51);
    expect(whole).toMatchObject({ complete: true, spans: 50, omitted: 0, reachedMs: NOW - 60_000 });
    const cut = await serviceMap(records, asked, movedClock(NOW), 20);
    expect(cut).toMatchObject({ complete: false, spans: 20 });
    // The next older span began at 31 s before now; all newer ones were taken.
    expect(cut.reachedMs).toBe(NOW - 21_000 + 1);
    expect(cut.edges[0].rate).toBeCloseTo(1);
    // A limit that is met by the last span left nothing out.
    expect(await serviceMap(records, asked, movedClock(NOW), 50)).toMatchObject({ complete: true, spans: 50 });
  });

  it('a search of traces says so when it could not read all of their spans', async () => {
    const long = new ArrayRecords(1_000);
    const wide = (spans: number): SpanRecord[] =>
      Array.from({ length: spans }, (_, at) => spanOf({ trace: 1, span: at + 1, startMs: NOW - 9_000, durationMs: 1 }));
    long.add('traces', wide(10_000));
    expect(await searchTraces(long, asked, 10, movedClock(NOW))).toMatchObject({ complete: true });
    long.add('traces', wide(1));
    expect(await searchTraces(long, asked, 10, movedClock(NOW))).toMatchObject({ complete: false });
  });
});
