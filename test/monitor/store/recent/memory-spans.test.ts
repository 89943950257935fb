import { describe, expect, it } from 'vitest';
import type { SpanRecord } from '../../../../src/model/records.ts';
import { MEMORY_SPANS_DEFAULTS, MemorySpans } from '../../../../src/monitor/store/recent/memory-spans.ts';

let ids = 0;
function span(
  traceId: string,
  rest: Partial<SpanRecord> & { startMs?: number; lengthMs?: number; service?: string } = {},
): SpanRecord {
  const { startMs = 0, lengthMs = 10, service = 'api', ...given } = rest;
  ids += 1;
  return {
    traceId,
    spanId: String(ids),
    parentSpanId: '',
    name: 'GET /',
    kind: 'server',
    startUnixNano: BigInt(startMs) * 1_000_000n,
    endUnixNano: BigInt(startMs + lengthMs) * 1_000_000n,
    status: 'unset',
    statusMessage: '',
    attributes: {},
    events: [],
    links: [],
    resource: { attributes: { 'service.name': service } },
    scope: { name: '', version: '' },
    ...given,
  };
}

describe('spans in memory', () => {
  it('are found by service, route, attribute, time, length and error', () => {
    const store = new MemorySpans(MEMORY_SPANS_DEFAULTS);
    const root = span('t1', { startMs: 1_000, lengthMs: 100, attributes: { 'http.route': '/pay' } });
    const child = span('t1', {
      startMs: 1_010,
      parentSpanId: root.spanId,
      service: 'db',
      status: 'error',
      attributes: { transaction_id: 'tx-9', tags: ['a', 'b'], n: 7n, deep: { k: 1 } },
    });
    expect(store.append([child, root, span('t2', { startMs: 2_000, name: 'job' })])).toEqual({
      accepted: 3,
      rejected: [],
    });
    expect(store.append([child]).accepted).toBe(1);
    const ask = (query: Partial<Parameters<MemorySpans['find']>[0]>): string[] =>
      store.find({ limit: 10, ...query }).map(({ traceId }) => traceId);
    expect(ask({})).toEqual(['t2', 't1']);
    expect(ask({ limit: 1 })).toEqual(['t2']);
    expect(ask({ service: 'db' })).toEqual(['t1']);
    expect(ask({ route: '/pay' })).toEqual(['t1']);
    for (const [name, value] of [
      ['transaction_id', 'tx-9'],
      ['tags', 'b'],
      ['n', '7'],
      ['deep', '{"k":1}'],
      ['service.name', 'db'],
    ]) {
      expect(ask({ attribute: { name, value } })).toEqual(['t1']);
    }
    expect(ask({ attribute: { name: '__proto__', value: '' } })).toEqual([]);
    expect(ask({ onlyErrors: true })).toEqual(['t1']);
    expect(ask({ minDurationMs: 50 })).toEqual(['t1']);
    expect(ask({ fromMs: 1_500 })).toEqual(['t2']);
    expect(ask({ toMs: 1_500 })).toEqual(['t1']);
    expect(store.find({ limit: 1, service: 'db' })[0]).toEqual({
      traceId: 't1',
      root: { service: 'api', name: 'GET /' },
      startUnixNano: 1_000_000_000n,
      durationMs: 100,
      spans: 2,
      errors: 1,
      services: ['api', 'db'],
    });
    expect(store.trace('t1')).toEqual([root, child]);
    expect(store.trace('none')).toEqual([]);
  });

  it('without a root are listed once their root should have arrived', () => {
    const store = new MemorySpans(MEMORY_SPANS_DEFAULTS);
    store.append([span('told', { startMs: 5_000 }), span('half', { startMs: 5_000, parentSpanId: 'elsewhere' })]);
    const ids = (rootlessBeforeMs?: number) => store.find({ limit: 9, rootlessBeforeMs }).map(({ traceId }) => traceId);
    expect(ids()).toEqual(['told', 'half']);
    expect(ids(5_000)).toEqual(['told']);
    expect(ids(5_001)).toEqual(['told', 'half']);
  });

  it('stay within their limits of spans and bytes; failed and slow traces stay longer', () => {
    const store = new MemorySpans({ ...MEMORY_SPANS_DEFAULTS, maxSpans: 100 });
    store.append([span('failed', { status: 'error' }), span('slow', { lengthMs: 5_000 })]);
    for (let i = 0; i < 1_000; i += 1) store.append([span(`t${i}`, { startMs: i })]);
    expect(store.stats).toMatchObject({ spans: 100, traces: 100, evictedSpans: 902 });
    expect(store.trace('failed')).toHaveLength(1);
    expect(store.trace('slow')).toHaveLength(1);
    expect(store.trace('t999')).toHaveLength(1);
    const small = new MemorySpans({ ...MEMORY_SPANS_DEFAULTS, maxBytes: 50_000 });
    for (let i = 0; i < 300; i += 1) {
      small.append([span(`t${i}`, { status: 'error', attributes: { text: 'x'.repeat(1_000) } })]);
      expect(small.stats.sizeBytes).toBeLessThanOrEqual(50_000);
    }
    expect(small.trace('t299')).toHaveLength(1);
    for (let i = 0; i < 300; i += 1) small.append([span(`ok${i}`, { attributes: { text: 'x'.repeat(1_000) } })]);
    expect(small.find({ limit: 1_000, onlyErrors: true }).length).toBeGreaterThan(5);
    expect(small.find({ limit: 1_000 }).length).toBeGreaterThan(20);
  });

  it('refuse spans without ids and bound the spans of a trace', () => {
    const store = new MemorySpans({ ...MEMORY_SPANS_DEFAULTS, maxSpansPerTrace: 5 });
    const event = { name: 'e', timeUnixNano: 0n, attributes: {} };
    const link = { traceId: 'x', spanId: 'y', attributes: {} };
    const result = store.append([
      span(''),
      ...Array.from({ length: 7 }, () => span('one', { events: [event], links: [link] })),
    ]);
    expect(result.accepted).toBe(5);
    expect(result.rejected.map(({ reason, count }) => [reason, count])).toEqual([
      ['invalid', 1],
      ['queue_full', 2],
    ]);
  });
});
