/** The queries that tiles name as their source give what the tiles show. */
import { metrics } from '@opentelemetry/api';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Computation } from '../../../src/dashboards/computed.ts';
import { BALANCER_UPSTREAMS, CACHE, KPIS, LEDGER, TRAFFIC, UPSTREAMS } from '../../../src/dashboards/computed.ts';
import type { Querier } from '../../../src/model/ports.ts';
import { MemoryStore } from '../../../src/monitor/alerts/rules/memory-store.ts';
import type { CurrentFigures } from '../../../src/monitor/api/contract.ts';
import { LiveState } from '../../../src/monitor/api/live.ts';
import { IngestCounters } from '../../../src/monitor/ingest/checks/counters.ts';
import { FrameReceiver } from '../../../src/monitor/ingest/request/frames.ts';
import { Intake } from '../../../src/monitor/ingest/request/intake.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import { FakeBalancer } from '../../support/page/fake-stack.ts';
import { memorySinks } from '../../support/telemetry/memory-sinks.ts';
import { movedClock } from '../../support/moved-clock.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');

/** The same collections, each second of five minutes, seen by the live figures and kept in a store. */
async function seen(): Promise<{ current: CurrentFigures; querier: Querier }> {
  const store = new MemoryStore();
  const live = new LiveState();
  const balancer = new FakeBalancer(NOW - 300_000, Number.MAX_SAFE_INTEGER);
  const intake = new Intake({
    sinks: { ...memorySinks(), samples: store },
    clock: movedClock(NOW),
    counters: new IngestCounters(metrics.getMeter('test')),
    times: { maxAheadMs: 0, anyTime: true },
  });
  const receiver = new FrameReceiver(intake);
  for (let t = NOW - 300_000; t <= NOW; t += 1_000) {
    const frame = balancer.frame(t);
    live.push('balancer', frame);
    const timed = frame.metrics.map((metric) => ({
      ...metric,
      points: metric.points.map((point) => ({ ...point, endMs: t })),
    }));
    await receiver.receive({ ...frame, metrics: timed });
  }
  return { current: live.current(NOW), querier: embeddedQuerier(store) };
}

describe('the queries of tiles and tables', () => {
  let current: CurrentFigures;
  let querier: Querier;
  beforeAll(async () => {
    ({ current, querier } = await seen());
  });

  /** By the values of all labels, joined. */
  const ask = async (of: Computation, name: string): Promise<ReadonlyMap<string, number>> => {
    const query = of.queries.find((one) => one.name === name);
    const { value } = await querier.instant(query?.expr ?? '', NOW);
    if (value.kind !== 'vector') throw new Error('no vector');
    return new Map(value.series.map(({ labels, point }) => [[...labels].map(([, text]) => text).join(' '), point.v]));
  };
  const one = async (of: Computation, name: string): Promise<number> => {
    const found = await ask(of, name);
    expect([name, found.size]).toEqual([name, 1]);
    return [...found.values()][0];
  };

  it.each([
    [KPIS.requests, 'at the balancer', (now: CurrentFigures) => now.balancer?.requests_per_second],
    [
      KPIS.requests,
      'sent to upstreams, shown when no server reports',
      (now: CurrentFigures) => now.server?.requests_per_second,
    ],
    [KPIS.latency, 'p95, estimated from buckets', (now: CurrentFigures) => now.balancer?.p95_seconds],
    [KPIS.latency, 'average', (now: CurrentFigures) => now.balancer?.average_seconds],
    [
      KPIS.latency,
      'mean to the first byte, which decides the state',
      (now: CurrentFigures) => now.balancer?.first_byte_seconds,
    ],
    [KPIS.errors, 'of requests answered 5xx', (now: CurrentFigures) => now.balancer?.error_ratio],
    [KPIS.cache, 'hits of look-ups', (now: CurrentFigures) => now.cache?.hit_ratio],
    [KPIS.cache, 'hits', (now: CurrentFigures) => now.cache?.hits],
    [KPIS.cache, 'misses', (now: CurrentFigures) => now.cache?.misses],
    [KPIS.cpu, 'of all processes', (now: CurrentFigures) => now.cpu_cores],
    [KPIS.cpu, 'memory', (now: CurrentFigures) => now.memory_bytes],
    [UPSTREAMS, 'waiting', (now: CurrentFigures) => now.queue_size],
    [UPSTREAMS, 'entries of the cache', (now: CurrentFigures) => now.cache?.entries],
    [CACHE, 'held', (now: CurrentFigures) => now.cache?.size_bytes],
    [TRAFFIC, 'queue', (now: CurrentFigures) => now.queue_size],
  ] as const)('$title: %s', async (of, name, shown) => {
    const figure = shown(current) ?? NaN;
    const computed = await one(of, name);
    expect(figure).toBeGreaterThan(0);
    // The window of the figure is of whole collections; rate() goes on to the edges of the minute.
    expect(computed / figure).toBeGreaterThan(0.95);
    expect(computed / figure).toBeLessThan(1.05);
  });

  it('the uptime of each component', async () => {
    const computed = await ask(KPIS.uptime, 'time since the last start');
    expect(Object.fromEntries(computed)).toEqual(
      Object.fromEntries(current.components.map(({ component, uptime_seconds: seconds }) => [component, seconds])),
    );
  });

  it('rates and states of upstreams', async () => {
    const [rates, up, share] = [
      await ask(UPSTREAMS, 'requests'),
      await ask(UPSTREAMS, '1 while it takes traffic'),
      await ask(BALANCER_UPSTREAMS, 'share'),
    ];
    for (const { upstream, requests_per_second: rate, up: isUp } of current.upstreams) {
      expect(rates.get(upstream)).toBeCloseTo(rate, 0);
      expect(up.get(upstream)).toBe(Number(isUp));
    }
    expect([...share.values()].reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 6);
  });

  it('the ledger: means, shares and errors by route', async () => {
    const [mean, share, errors, phases] = [
      await ask(LEDGER, 'mean'),
      await ask(LEDGER, 'share of all time'),
      await ask(LEDGER, 'errors'),
      await ask(LEDGER, 'mean time in each phase'),
    ];
    expect(current.routes.length).toBeGreaterThan(3);
    for (const route of current.routes) {
      const key = `${route.method} ${route.route}`;
      expect(share.get(key)).toBeCloseTo(route.time_share, 3);
      expect(errors.get(key)).toBeCloseTo(route.error_ratio, 3);
      expect(mean.get(key)).toBeCloseTo(route.mean_seconds, 4);
      expect(phases.get(`${key} upstream`)).toBeCloseTo(route.phases.upstream, 4);
    }
  });
});
