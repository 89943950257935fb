/** Series made of spans, with Tempo's names: what they count, how they pair, and their bounds. */
import { describe, expect, it } from 'vitest';
import type { SpanRecord } from '../../../src/model/records.ts';
import { samplingWeight } from '../../../src/model/text/sampling-weight.ts';
import { CallPairs } from '../../../src/monitor/insight/call-pairs.ts';
import { SpanMetrics } from '../../../src/monitor/insight/span-metrics.ts';
import { spanOf } from '../../support/records/plain-records.ts';
import { NOW_MS, stillClock } from '../../support/telemetry/ingest-bench.ts';
import { MemorySampleSink, MemorySpanSink } from '../../support/telemetry/memory-sinks.ts';
import { decodeTraces, decodeTracesJson } from '../../support/telemetry/decoders.ts';

/** A call of `pay` by `gate`, which a user asked, and of the database by `pay`. */
function trace(n: number, over: Partial<SpanRecord> = {}): SpanRecord[] {
  const at = { trace: n, startMs: NOW_MS, durationMs: 300 };
  const spans = [
    spanOf({ ...at, span: 1, service: 'gate', kind: 'server', name: 'GET /pay' }),
    spanOf({ ...at, span: 2, parent: 1, service: 'gate', kind: 'client', name: 'GET', durationMs: 250 }),
    spanOf({
      ...at,
      span: 3,
      parent: 2,
      service: 'pay',
      kind: 'server',
      name: 'GET /pay',
      durationMs: 200,
      error: n === 1,
    }),
    spanOf({
      ...at,
      span: 4,
      parent: 3,
      service: 'pay',
      kind: 'client',
      name: 'SELECT',
      durationMs: 3,
      attributes: { 'db.system.name': 'sqlite', 'db.namespace': 'cards' },
    }),
    spanOf({ ...at, span: 5, parent: 3, service: 'pay', kind: 'internal', name: 'sum', durationMs: 1 }),
  ];
  return spans.map((span) => ({ ...span, ...over }));
}

function rig(
  maxCombinations = 500,
  checkTraces?: string,
): {
  made: SpanMetrics;
  clock: ReturnType<typeof stillClock>;
  sink: MemorySampleSink;
  overflows: number[];
  last: (afterMs?: number) => Promise<Record<string, number>>;
} {
  const clock = stillClock();
  const sink = new MemorySampleSink();
  const overflows: number[] = [];
  const made = new SpanMetrics({
    sink: new MemorySpanSink(),
    clock,
    maxCombinations,
    checkTraces,
    onOverflow: (spans) => overflows.push(spans),
  });
  const last = async (afterMs = 15_000): Promise<Record<string, number>> => {
    clock.nowMs += afterMs;
    await made.samples(clock.nowMs, sink);
    return sink.last();
  };
  return { made, clock, sink, overflows, last };
}

describe('span metrics', () => {
  it('leave synthetic checks out: spans that say so, and traces with the digits of this installation', async () => {
    const [{ traceId }] = trace(2);
    const { made, last } = rig(500, traceId.slice(0, 32));
    await made.append([...trace(2), ...trace(3, { attributes: { 'user_agent.synthetic.type': 'test' } })]);
    expect(await last()).toEqual({});
    await made.append(trace(4));
    expect(Object.keys(await last())).not.toEqual([]);
  });

  it('count spans, time and bytes by service, name, kind and status', async () => {
    const { made, last, sink } = rig();
    await made.append([...trace(1), ...trace(2)]);
    const series = await last();
    const pay = 'service="pay",span_kind="SPAN_KIND_SERVER",span_name="GET /pay",status_code=';
    expect(series[`traces_spanmetrics_calls_total{${pay}"STATUS_CODE_UNSET"}`]).toBe(1);
    expect(series[`traces_spanmetrics_calls_total{${pay}"STATUS_CODE_ERROR"}`]).toBe(1);
    expect(
      series[
        'traces_spanmetrics_calls_total{service="gate",span_kind="SPAN_KIND_CLIENT",span_name="GET",status_code="STATUS_CODE_UNSET"}'
      ],
    ).toBe(2);
    const buckets = Object.entries(series).filter(
      ([name]) =>
        name.startsWith('traces_spanmetrics_latency_bucket') && name.includes('gate') && name.includes('CLIENT'),
    );
    expect(buckets.map(([name, value]) => [/le="([^"]+)"/.exec(name)?.[1], value])).toEqual(
      [
        '0.002',
        '0.004',
        '0.008',
        '0.016',
        '0.032',
        '0.064',
        '0.128',
        '0.256',
        '0.512',
        '1.024',
        '2.048',
        '4.096',
        '8.192',
        '16.384',
        '+Inf',
      ].map((le, at) => [le, at < 7 ? 0 : 2]),
    );
    const gate = '{service="gate",span_kind="SPAN_KIND_CLIENT",span_name="GET",status_code="STATUS_CODE_UNSET"}';
    expect(series[`traces_spanmetrics_latency_sum${gate}`]).toBeCloseTo(0.5);
    expect(series[`traces_spanmetrics_latency_count${gate}`]).toBe(2);
    expect(series[`traces_spanmetrics_size_total${gate}`]).toBe(2 * 63);
    // The first sample of each series is a zero at the time before, so that increase() has the first spans.
    expect(
      sink.samples.every(([first, second]) => first.v === 0 && first.t === NOW_MS && second.t === NOW_MS + 15_000),
    ).toBe(true);
    await made.append(trace(3));
    sink.generation += 1;
    expect((await last())[`traces_spanmetrics_calls_total${gate}`]).toBe(3);
    expect(sink.samples[0].map(({ t }) => t)).toEqual([NOW_MS, NOW_MS + 15_000, NOW_MS + 30_000]);
  });

  it('count sampled spans as often as their trace state says', async () => {
    expect(
      ['ot=th:c', 'rojo=1, ot=rv:ab;th:8', 'ot=th:0', 'ot=th:xyz', '', 'th:c', 'ot=th:ffffffffffffff'].map(
        samplingWeight,
      ),
    ).toEqual([4, 2, undefined, undefined, undefined, undefined, undefined]);
    const { made, last } = rig();
    await made.append(trace(1, { weight: 4 }));
    const series = await last();
    expect(series['traces_service_graph_request_total{client="gate",server="pay"}']).toBe(4);
    expect(series['traces_service_graph_request_failed_total{client="gate",server="pay"}']).toBe(4);
    const gate = '{service="gate",span_kind="SPAN_KIND_CLIENT",span_name="GET",status_code="STATUS_CODE_UNSET"}';
    expect(series[`traces_spanmetrics_latency_sum${gate}`]).toBeCloseTo(1);
  });

  it('have a bound: what is beyond it is counted together, and said', async () => {
    const { made, last, overflows, sink } = rig(2);
    await made.append(
      Array.from({ length: 50 }, (_, at) =>
        spanOf({ trace: 1, span: at + 1, startMs: NOW_MS, durationMs: 1, name: `op ${at}` }),
      ),
    );
    const series = await last();
    expect(series['traces_spanmetrics_calls_total{otel_metric_overflow="true"}']).toBe(48);
    const calls = Object.entries(series).filter(([name]) => name.startsWith('traces_spanmetrics_calls_total'));
    expect(calls.reduce((sum, [, value]) => sum + value, 0)).toBe(50);
    expect(overflows).toEqual([48]);
    // A combination for which nothing came in a quarter of an hour makes room.
    await last(16 * 60_000);
    await made.append([spanOf({ trace: 1, span: 1, startMs: NOW_MS, durationMs: 1, name: 'late' })]);
    const written = sink.labels.length;
    expect(Object.keys(await last()).filter((name) => name.includes('"late"'))).toHaveLength(19);
    expect(sink.labels.length - written).toBe(19);
    const long = spanOf({ trace: 1, span: 1, startMs: NOW_MS, durationMs: 1, name: 'x'.repeat(5_000) });
    await made.append([long]);
    expect(Object.keys(await last()).every((name) => name.length < 1_000)).toBe(true);
  });
});

it('the weight comes from the trace state of OTLP, in both encodings', () => {
  const state = Buffer.from('ot=th:c');
  const message = (tag: number, body: Uint8Array): Buffer => Buffer.from([tag, body.length, ...body]);
  const binary = message(0x0a, message(0x12, message(0x12, message(0x1a, state))));
  expect(decodeTraces(binary)).toMatchObject([{ weight: 4 }]);
  const json = { resourceSpans: [{ scopeSpans: [{ spans: [{ traceState: 'ot=th:c' }, { name: 'whole' }] }] }] };
  const [sampled, whole] = decodeTracesJson(Buffer.from(JSON.stringify(json)));
  expect([sampled.weight, 'weight' in whole]).toEqual([4, false]);
});

describe('the service graph', () => {
  it('pairs both sides, with users, databases and outside callers as virtual nodes', async () => {
    const { made, last, clock } = rig();
    const at = { trace: 9, startMs: NOW_MS, durationMs: 100 };
    const [user, client, server, ...others] = trace(1);
    // The server's span comes before that of its client, from another process.
    await made.append([server, ...others]);
    clock.nowMs += 3_000;
    await made.append([user, client]);
    await made.append([
      spanOf({ ...at, span: 1, service: 'pay', kind: 'client', attributes: { 'server.address': 'bank.example' } }),
      spanOf({ ...at, span: 2, service: 'pay', kind: 'client' }),
      spanOf({ ...at, span: 3, parent: 77, service: 'pay', kind: 'server' }),
      spanOf({ ...at, span: 4, service: 'shop', kind: 'producer', attributes: { 'messaging.system': 'kafka' } }),
      spanOf({ ...at, span: 5, parent: 4, service: 'mail', kind: 'consumer' }),
    ]);
    const series = await last();
    const of = (name: string): Record<string, number> =>
      Object.fromEntries(
        Object.entries(series)
          .filter(([key]) => key.startsWith(`${name}{`))
          .map(([key, value]) => [key.slice(name.length), value]),
      );
    expect(of('traces_service_graph_request_total')).toEqual({
      '{client="gate",server="pay"}': 1,
      '{client="user",connection_type="virtual_node",server="gate"}': 1,
      '{client="pay",connection_type="database",server="cards"}': 1,
      '{client="pay",connection_type="virtual_node",server="bank.example"}': 1,
      '{client="shop",connection_type="messaging_system",server="mail"}': 1,
    });
    expect(of('traces_service_graph_request_failed_total')['{client="gate",server="pay"}']).toBe(1);
    expect(of('traces_service_graph_request_server_seconds_sum')['{client="gate",server="pay"}']).toBeCloseTo(0.2);
    expect(of('traces_service_graph_request_client_seconds_sum')['{client="gate",server="pay"}']).toBeCloseTo(0.25);
    expect(of('traces_service_graph_request_client_seconds_bucket')['{client="gate",le="0.4",server="pay"}']).toBe(1);
    expect(of('traces_service_graph_unpaired_spans_total')).toEqual({ '{client="pay"}': 1, '{server="pay"}': 1 });
  });

  it('holds a bounded number of sides that wait, and says what it dropped', async () => {
    const calls: string[] = [];
    const pairs = new CallPairs({ onCall: ({ client }) => calls.push(client), onUnpaired: () => {}, maxWaiting: 2 });
    const client = (span: number): SpanRecord =>
      spanOf({ trace: 1, span, startMs: NOW_MS, durationMs: 1, kind: 'client' });
    for (const span of [1, 2, 3, 3, 1]) pairs.take(client(span), 0);
    expect([pairs.waiting, pairs.dropped]).toEqual([2, 2]);
    pairs.expire(9_999);
    expect(pairs.waiting).toBe(2);
    pairs.expire(10_000);
    expect([pairs.waiting, calls]).toEqual([0, []]);
    const { made, last } = rig();
    await made.append(Array.from({ length: 10_001 }, (_, at) => client(at + 1)));
    expect((await last())['traces_service_graph_dropped_spans_total']).toBe(1);
  });
});
