import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Frame, FrameMetric, FramePoint } from '../../../src/model/frame.ts';
import { between, quantileOf, together, trafficOf } from '../../../src/monitor/api/live-figures.ts';
import { emptySample, sampleOf, statusClass } from '../../../src/monitor/api/live-sample.ts';
import { LiveState, MAX_PROCESSES } from '../../../src/monitor/api/live.ts';
import { METRICS } from '../../../src/telemetry/names.ts';
import { FakeBalancer } from '../../support/page/fake-stack.ts';

const T0 = 1_800_000_000_000;

const metric = (name: string, points: readonly FramePoint[]): FrameMetric => ({
  name,
  unit: '',
  description: '',
  kind: 'sum',
  monotonic: true,
  points,
});
const point = (attributes: FramePoint['attributes'], value: FramePoint['value']): FramePoint => ({
  attributes,
  startMs: 0,
  endMs: 0,
  value,
});
const requests = (count: number, attributes: FramePoint['attributes'] = {}, seconds = 0.02): FrameMetric =>
  metric(METRICS.httpServerDuration.name, [
    point(
      { 'http.request.method': 'GET', 'http.route': '/a', 'http.response.status_code': 200, ...attributes },
      { kind: 'histogram', bounds: [0.01, 0.1], counts: [0, count, 0], sum: count * seconds, count },
    ),
  ]);
const frame = (timeMs: number, metrics: readonly FrameMetric[], resource?: Frame['resource']): Frame => ({
  kind: 'frame',
  sequence: 1,
  timeMs,
  resource,
  metrics,
  spans: [],
  logs: [],
  skippedFrames: 0,
  droppedSpans: 0,
  droppedLogs: 0,
});
const BALANCER = { 'service.name': 'vitrine-balancer' };

describe('sampleOf', () => {
  it('reduces a collection to the figures that are needed', () => {
    const sample = sampleOf(
      [
        requests(10),
        requests(2, { 'http.response.status_code': 503 }),
        requests(1, { 'http.response.status_code': '', 'error.type': 'ECONNRESET' }),
        metric(METRICS.queueSize.name, [point({}, 4)]),
        metric(METRICS.cacheLookups.name, [
          point({ 'vitrine.cache.result': 'hit' }, 3),
          point({ 'vitrine.cache.result': '__proto__' }, 9),
        ]),
        metric(METRICS.upstreamUp.name, [point({ 'vitrine.upstream': 'a:1' }, 1)]),
        metric(METRICS.upstreamRequests.name, [
          point({ 'vitrine.upstream': 'a:1', 'http.response.status_code': 502 }, 5),
        ]),
        metric(METRICS.componentUptime.name, [point({ 'vitrine.component': 'cache' }, 7)]),
        metric('constructor', [point({}, 1)]),
      ],
      T0,
    );
    expect(sample.requests.count).toBe(13);
    expect(sample.errors).toBe(3);
    expect(Object.fromEntries(sample.byStatus)).toEqual({ '2xx': 10, '5xx': 2, other: 1 });
    expect(sample.queueSize).toBe(4);
    expect([...sample.lookups]).toEqual([['hit', 3]]);
    expect(sample.upstreams.get('a:1')).toEqual({ up: true, requests: 5, errors: 5 });
    expect(sample.uptimeSeconds.get('cache')).toBe(7);
    expect(statusClass('204')).toBe('2xx');
    expect(statusClass('99')).toBe('other');
  });

  it('limits routes and upstreams and counts those that it refuses', () => {
    const many = Array.from({ length: 600 }, (_, at) => requests(1, { 'http.route': `/r${at}` }));
    const upstreams = Array.from({ length: 210 }, (_, at) => point({ 'vitrine.upstream': `u${at}` }, 1));
    const sample = sampleOf([...many, metric(METRICS.upstreamUp.name, upstreams)], T0);
    expect(sample.routes.size).toBe(500);
    expect(sample.upstreams.size).toBe(200);
    expect(sample.refused).toBe(110);
    expect(sample.requests.count).toBe(600);
  });

  it('keeps count and sum of other bucket layouts and of exponential histograms, and drops non-finite values', () => {
    const value = (over: object): FramePoint =>
      point({}, { ...(requests(4).points[0].value as object), ...over } as never);
    const sample = sampleOf(
      [
        metric(METRICS.httpServerDuration.name, [
          value({}),
          value({ bounds: [1], counts: [4, 0] }),
          value({ sum: Number.NaN }),
          point(
            {},
            {
              kind: 'exponential',
              scale: 1,
              zeroCount: 0,
              zeroThreshold: 0,
              positive: { offset: 0, counts: [2] },
              negative: { offset: 0, counts: [] },
              sum: 1,
              count: 2,
            },
          ),
        ]),
      ],
      T0,
    );
    expect(sample.requests.count).toBe(10);
    expect(sample.requests.counts).toEqual([0, 4, 0]);
  });
});

describe('quantileOf', () => {
  it('is linear inside a bucket and gives the highest bound in the open one', () => {
    const buckets = { count: 100, sum: 0, bounds: [0.1, 0.2], counts: [50, 50, 0] };
    expect(quantileOf(buckets, 0.5)).toBeCloseTo(0.1);
    expect(quantileOf(buckets, 0.75)).toBeCloseTo(0.15);
    expect(quantileOf({ ...buckets, counts: [0, 0, 10] }, 0.5)).toBe(0.2);
    expect(quantileOf({ ...buckets, counts: [0, 0, 0] }, 0.5)).toBeNull();
  });

  it('never falls as q rises', () => {
    const bounds = [0.01, 0.1, 1];
    fc.assert(
      fc.property(
        fc.array(fc.nat(1_000), { minLength: 4, maxLength: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (counts, q) => {
          const buckets = { count: 0, sum: 0, bounds, counts };
          const low = quantileOf(buckets, q / 2);
          const high = quantileOf(buckets, q);
          return low === null ? high === null : (high ?? -1) >= low - 1e-12;
        },
      ),
    );
  });
});

describe('between', () => {
  it('gives the increase, and the new value after a reset', () => {
    const older = sampleOf([requests(10)], T0);
    expect(between(older, sampleOf([requests(25)], T0 + 1_000)).requests.count).toBe(15);
    const reset = between(older, sampleOf([requests(4)], T0 + 1_000));
    expect(reset.requests.count).toBe(4);
    expect(reset.requests.counts).toEqual([0, 4, 0]);
  });

  it('adds up to the whole for any division of a run', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(50), { minLength: 2, maxLength: 20 }), (added) => {
        let total = 0;
        const samples = added.map((n, at) => sampleOf([requests((total += n))], T0 + at * 1_000));
        const pieces = samples.slice(1).map((sample, at) => between(samples[at], sample).requests.count);
        const whole = between(samples[0], samples.at(-1) ?? samples[0]).requests.count;
        return pieces.reduce((a, b) => a + b, 0) === whole;
      }),
    );
  });

  it('adds processes up', () => {
    const total = together([sampleOf([requests(3)], T0), sampleOf([requests(4)], T0)]);
    expect(trafficOf(total, 7)?.requests_per_second).toBe(1);
    expect(trafficOf(emptySample(T0), 7)).toBeNull();
  });
});

describe('LiveState', () => {
  const busy = (seconds: number): LiveState => {
    const live = new LiveState();
    const balancer = new FakeBalancer(T0, T0 + 600_000);
    for (let at = 0; at <= seconds; at += 1) live.push('b', balancer.frame(T0 + at * 1_000));
    return live;
  };

  it('gives null without traffic and without a process', () => {
    const live = new LiveState();
    expect(live.current(T0)).toMatchObject({
      balancer: null,
      server: null,
      cache: null,
      routes: [],
      window_seconds: 0,
    });
    live.push('b', frame(T0, [requests(0)], BALANCER));
    live.push('b', frame(T0 + 1_000, [requests(0)]));
    expect(live.current(T0 + 1_000).balancer).toBeNull();
  });

  it('computes the last minute as the balancer measured it', () => {
    const current = busy(120).current(T0 + 120_000);
    expect(current.window_seconds).toBe(60);
    expect(current.balancer?.requests_per_second).toBeCloseTo(120, 0);
    expect(current.balancer?.average_seconds).toBeGreaterThan(0);
    expect(current.server?.source).toBe('upstreams');
    expect(current.cache?.hit_ratio).toBeCloseTo(0.75, 1);
    expect(current.queue_size).toBe(3);
    expect(current.upstreams.map(({ up }) => up)).toEqual([false, true, true]);
    expect(current.components.map(({ component }) => component)).toEqual(['balancer', 'server', 'cache', 'monitor']);
    expect(current.cpu_cores).toBeGreaterThan(0.3);
  });

  it('counts all the CPU time of a process that began in the window', () => {
    const live = new LiveState();
    const metrics = [
      metric('process.cpu.time', [point({ 'cpu.mode': 'user' }, 3)]),
      metric('process.uptime', [point({}, 6)]),
    ];
    live.push('a', frame(T0, metrics, BALANCER));
    expect(live.current(T0).cpu_cores).toBeCloseTo(0.5, 9);
  });

  it('shows the time of each phase and its baseline', () => {
    const { routes } = busy(660).current(T0 + 660_000);
    expect(routes[0]).toMatchObject({ method: 'POST', route: '/payments' });
    const [slowest] = routes;
    const sum = Object.values(slowest.phases).reduce((a, b) => a + b, 0);
    expect(slowest.mean_seconds).toBeCloseTo(sum, 9);
    expect(slowest.before?.mean_seconds).toBeLessThan(slowest.mean_seconds / 2);
    expect(routes.reduce((all, route) => all + route.time_share, 0)).toBeCloseTo(1, 9);
  });

  it('counts from the restart of a process', () => {
    const live = new LiveState();
    live.push('b', frame(T0, [requests(1_000)], BALANCER));
    live.push('b', frame(T0 + 1_000, [requests(1_010)]));
    live.push('b', frame(T0 + 2_000, [requests(5)]));
    live.push('b', frame(T0 + 3_000, [requests(15)]));
    expect(live.current(T0 + 3_000).balancer?.requests).toBe(15);
  });

  it('prefers the counts that services report to the count of requests sent to them', () => {
    const live = busy(10);
    live.observe('s1', 'payments', [requests(0)], T0);
    live.observe('s1', 'payments', [requests(50)], T0 + 10_000);
    expect(live.current(T0 + 10_000).server).toEqual({ requests_per_second: 5, source: 'services' });
    expect(live.current(T0 + 10_000).services.map(({ service }) => service)).toEqual(['payments', 'vitrine-balancer']);
  });

  it('leaves a silent process out after ten seconds', () => {
    const live = busy(30);
    expect(live.current(T0 + 39_000).balancer).not.toBeNull();
    expect(live.current(T0 + 41_000)).toMatchObject({ balancer: null, queue_size: null, components: [] });
  });

  it('waits for a process with a long interval, and uses three of its intervals', () => {
    const live = new LiveState(60_000);
    for (const at of [0, 1, 2, 3, 4]) {
      live.push('stack', frame(T0 + at * 60_000, [requests(at * 600)], at === 0 ? BALANCER : undefined));
    }
    const { window_seconds, balancer } = live.current(T0 + 4.9 * 60_000);
    expect(window_seconds).toBe(120);
    expect(balancer?.requests_per_second).toBe(10);
    expect(live.current(T0 + 7.1 * 60_000).balancer).toBeNull();
  });

  it('gives no rate from a window of milliseconds, as when two reporters share one name', () => {
    const live = new LiveState();
    for (let second = 0; second < 10; second += 1) {
      live.observe('shop', 'shop', [requests(1_000 + second * 33)], T0 + second * 1_000);
      live.observe('shop', 'shop', [requests(5)], T0 + second * 1_000 + 3);
    }
    const [shop] = live.current(T0 + 9_100).services;
    expect(shop.instances).toBe(1);
    expect(shop.traffic?.requests_per_second ?? 0).toBeLessThan(100);
  });

  it('ignores a frame that is not newer', () => {
    const live = new LiveState();
    live.push('b', frame(T0, [requests(10)], BALANCER));
    live.push('b', frame(T0 + 1_000, [requests(20)]));
    live.push('b', frame(T0 + 500, [requests(90)]));
    expect(live.current(T0 + 1_000).balancer?.requests).toBe(10);
  });

  it('keeps a quarter of an hour in steps and leaves gaps empty', () => {
    const live = new LiveState();
    const balancer = new FakeBalancer(T0, T0 + 9e9);
    for (let at = 0; at <= 900; at += 1) {
      if (at < 300 || at > 420) live.push('b', balancer.frame(T0 + at * 1_000));
    }
    const history = live.history(T0 + 900_000);
    expect(history.timesMs).toHaveLength(60);
    expect(history.requestsPerSecond.filter((value) => value === null).length).toBeGreaterThanOrEqual(8);
    expect(history.requestsPerSecond.at(-1)).toBeCloseTo(120, 0);
    expect(history.hitRatio.at(-1)).toBeCloseTo(0.75, 1);
  });

  it('refuses and counts processes over the limit, and forgets those long silent', () => {
    const live = new LiveState();
    for (let at = 0; at < MAX_PROCESSES + 3; at += 1) live.observe(`p${at}`, 's', [], T0);
    expect(live.refused).toBe(3);
    live.observe('late', 's', [requests(1)], T0 + 901_000);
    expect(live.refused).toBe(3);
    live.disconnected('late');
  });
});
