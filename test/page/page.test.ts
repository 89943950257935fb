/// <reference lib="dom" />
import { describe, expect, it } from 'vitest';
import type { CurrentFigures, LiveFrame, RouteLedger, ServiceRow, SpanView } from '../../src/monitor/api/contract.ts';
import { questionOf } from '../../src/page/alerts/trace-question.ts';
import { countedNames, firingStatus, summaryOf } from '../../src/page/alerts/alert-text.ts';
import { grewMost, verdictOf } from '../../src/page/overview/verdict.ts';
import {
  attributeText,
  bytes,
  clockTime,
  digits,
  duration,
  joined,
  percent,
  uptime,
} from '../../src/page/state/format.ts';
import { growingFrom } from '../../src/page/state/range.ts';
import { seriesToken } from '../../src/page/state/series-colour.ts';
import { rowsOf, ticksOf, treeOf } from '../../src/page/traces/span-tree.ts';
import { phasesOf } from '../../src/page/traces/trace-phases.ts';
import { fakeHealth } from '../support/page/fake-stack.ts';

describe('figures', () => {
  it.each([
    [0, '0'],
    [0.000_04, '<0.001'],
    [0.0123, '0.012'],
    [1.2345, '1.23'],
    [268.4, '268'],
    [9_999, '9999'],
    [12_345, '12.3 k'],
    [1_234_567, '1.23 M'],
    [5e9, '5 G'],
  ])('%d is %s', (value, text) => expect(digits(value)).toBe(text));

  it('have the unit that fits', () => {
    expect(joined(duration(0.268))).toBe('268\u2009ms');
    expect(joined(duration(0.000_05))).toBe('50\u2009µs');
    expect(joined(duration(42))).toBe('42\u2009s');
    expect(joined(duration(600))).toBe('10\u2009min');
    expect(joined(duration(null))).toBe('–');
    expect(joined(percent(0.0163))).toBe('1.63\u2009%');
    expect(joined(bytes(52_428_800))).toBe('50\u2009MiB');
    expect(uptime(187_920)).toBe('2\u2009d 4\u2009h');
    expect(uptime(0)).toBe('0\u2009s');
    expect(clockTime(new Date(2026, 1, 1, 4, 5, 6, 7).getTime(), 'millis')).toBe('04:05:06.007');
    expect(attributeText({ a: 1 })).toBe('{"a":1}');
  });

  it('keep the colour of a name, and give two names two colours while there are enough', () => {
    const names = Array.from({ length: 12 }, (_, at) => `service-${at}`);
    const tokens = names.map(seriesToken);
    expect(new Set(tokens).size).toBe(12);
    expect(names.map(seriesToken)).toEqual(tokens);
    expect(seriesToken('one-more')).toMatch(/^s\d+$/);
  });
});

const span = (spanId: string, parentSpanId: string, from: number, to: number, attributes = {}): SpanView => ({
  spanId,
  parentSpanId,
  service: 's',
  name: spanId,
  kind: 'internal',
  startOffsetMs: from,
  durationMs: to - from,
  startUnixNano: '0',
  status: 'unset',
  statusMessage: '',
  attributes,
  events: [],
  resource: {},
});

describe('treeOf', () => {
  const spans = [
    span('root', '', 0, 100),
    span('a', 'root', 10, 40),
    span('b', 'root', 20, 90),
    span('c', 'b', 30, 80),
  ];
  const none = new Set<string>();

  it('nests by parent, in order, with the time each span has for itself', () => {
    const rows = rowsOf(treeOf(spans), none);
    expect(rows.map(({ span: { spanId }, depth, selfMs }) => [spanId, depth, selfMs])).toEqual([
      ['root', 0, 20],
      ['a', 1, 30],
      ['b', 1, 20],
      ['c', 2, 50],
    ]);
    expect(rowsOf(treeOf(spans), new Set(['b'])).map(({ span: { spanId } }) => spanId)).toEqual(['root', 'a', 'b']);
  });

  it('marks what was waited for, whose parts add up to the trace', () => {
    const rows = rowsOf(treeOf(spans), none);
    const parts = Object.fromEntries(rows.map(({ span: { spanId }, critical }) => [spanId, critical]));
    expect(parts.a).toEqual([]);
    expect(parts.c).toEqual([{ fromMs: 30, toMs: 80 }]);
    const total = rows.flatMap(({ critical }) => critical).reduce((sum, { fromMs, toMs }) => sum + toMs - fromMs, 0);
    expect(total).toBe(100);
  });

  it('waits for a child of another clock until its own end, and not for what it left running', () => {
    const over = [
      span('root', '', 0, 100),
      { ...span('there', 'root', 10, 104), service: 'elsewhere' },
      span('left', 'root', 50, 150),
    ];
    const parts = rowsOf(treeOf(over), none).map(({ span: { spanId }, critical }) => [spanId, critical]);
    expect(Object.fromEntries(parts)).toEqual({
      root: [{ fromMs: 0, toMs: 10 }],
      there: [{ fromMs: 10, toMs: 100 }],
      left: [],
    });
  });

  it('draws each span once, whatever a sender makes of parents', () => {
    const broken = [
      span('self', 'self', 0, 1),
      span('x', 'y', 0, 1),
      span('y', 'x', 0, 1),
      span('orphan', 'gone', 0, 1),
      span('twin', '', 0, 1),
      span('twin', 'self', 0, 1),
    ];
    expect(rowsOf(treeOf(broken), none)).toHaveLength(broken.length);
    expect(treeOf([])).toEqual([]);
    expect(rowsOf(treeOf([span('x', 'y', 0, 1), span('y', 'x', 0, 1)]), none)).toHaveLength(2);
    const deep = Array.from({ length: 5_000 }, (_, at) => span(`${at}`, at === 0 ? '' : `${at - 1}`, 0, 1));
    expect(rowsOf(treeOf(deep), none)).toHaveLength(5_000);
  });

  it('finds phases where a span carries them', () => {
    expect(phasesOf(spans)).toBeUndefined();
    expect(phasesOf([span('r', '', 0, 1, { 'vitrine.phase.queue': 500, 'vitrine.phase.cache': 'x' })])).toEqual({
      queue: 0.5,
      cache: 0,
      connect: 0,
      upstream: 0,
      transfer: 0,
    });
  });

  it('has round ticks', () => {
    expect(ticksOf(912)).toEqual([0, 200, 400, 600, 800]);
    expect(ticksOf(0)).toEqual([0]);
    expect(ticksOf(912, 1).length).toBeLessThanOrEqual(2);
  });
});

const phases = { queue: 0, cache: 0, connect: 0, upstream: 0.2, transfer: 0 };
const route = (over: Partial<RouteLedger> = {}): RouteLedger => ({
  method: 'GET',
  route: '/a',
  requests_per_second: 10,
  error_ratio: 0,
  mean_seconds: 0.2,
  phases,
  before: { mean_seconds: 0.05, phases: { ...phases, upstream: 0.05 } },
  time_share: 1,
  ...over,
});
const current: CurrentFigures = {
  time: '',
  window_seconds: 60,
  balancer: {
    requests: 600,
    requests_per_second: 10,
    errors: 0,
    error_ratio: 0,
    by_status: {},
    first_byte_seconds: 0.05,
    average_seconds: 0.1,
    p50_seconds: 0.1,
    p95_seconds: 0.15,
    p99_seconds: 0.2,
  },
  server: null,
  services: [],
  cache: null,
  queue_size: 0,
  upstreams: [],
  components: [],
  routes: [route()],
  cpu_cores: null,
  memory_bytes: null,
};
const live = (over: Partial<LiveFrame> = {}): LiveFrame => ({
  kind: 'frame',
  timeMs: 1_000_000,
  health: fakeHealth('healthy', 60),
  current,
  alerts: [],
  ...over,
});
const sentence = (frame: LiveFrame | undefined, services: readonly ServiceRow[] = []): string => {
  const { status, parts } = verdictOf(frame, services);
  return `${status}: ${parts.map(({ text }) => text).join('')}`;
};

describe('an alert', () => {
  const alert = {
    fingerprint: 'f',
    name: 'SlowResponses',
    severity: 'critical',
    state: 'firing',
    labels: { job: 'pay' },
    annotations: {},
    activeAtMs: 400_000.5,
    firedAtMs: 640_000,
    resolvedAtMs: null,
    value: 1,
    reason: 'The condition is met.',
  } as const;

  it('says its summary, or why it is there', () => {
    expect(summaryOf(alert)).toBe('The condition is met');
    expect(summaryOf({ ...alert, annotations: { summary: ' Slow. ' } })).toBe('Slow');
    expect(summaryOf({ ...alert, annotations: { summary: ' ' } })).toBe('The condition is met');
  });

  it('has the shape of its severity, and is counted by its name', () => {
    expect(['critical', 'warning', 'info', undefined, 'page'].map(firingStatus)).toEqual([
      'crit',
      'warn',
      'unknown',
      'warn',
      'warn',
    ]);
    expect(countedNames(['Slow', 'Down', 'Slow', 'Slow'], 5)).toBe('Slow (3), Down');
    expect(countedNames(['a', 'b', 'c', 'b'], 2)).toBe('a, b (2) and 1 more');
    expect(countedNames([], 2)).toBe('');
  });

  it('asks for traces of its time: failed ones when it is about errors', () => {
    expect(questionOf(alert)).toEqual({ service: 'pay', errors: false, from: '340000', to: undefined });
    const ended = { ...alert, name: 'HighErrorRate', labels: { service: 's', job: 'j' }, resolvedAtMs: 700_000.2 };
    expect(questionOf(ended)).toEqual({ service: 's', errors: true, from: '340000', to: '700001' });
  });
});

describe('verdictOf', () => {
  const alert = {
    fingerprint: 'f',
    name: 'SlowResponses',
    severity: 'critical',
    state: 'firing',
    labels: { service: 'pay' },
    annotations: {},
    activeAtMs: 400_000,
    firedAtMs: 640_000,
    resolvedAtMs: null,
    value: 1,
    reason: 'p95 372 ms, limit 200 ms',
  } as const;

  it('says that all is well, or that nothing is there', () => {
    expect(sentence(undefined)).toBe('unknown: Waiting for the first data.');
    expect(sentence(live())).toBe('ok: All is well: 10\u2009req/s, p95 150\u2009ms, no errors.');
    const none = { ...current, balancer: null, server: null };
    expect(sentence(live({ current: none }))).toContain('No traffic in the last minute');
    const direct = { ...none, server: { requests_per_second: 24, source: 'services' as const } };
    expect(sentence(live({ current: direct }))).toContain(
      'No request came through the balancer in the last minute; the services were asked directly, 24\u2009req/s.',
    );
  });

  it('names the firing alert, since when, and the phase that grew most', () => {
    expect(sentence(live({ alerts: [alert] }))).toBe(
      'crit: pay is slow: p95 372 ms, limit 200 ms, for 6\u2009min. Most of the added time is waiting for the upstream of GET /a.',
    );
    const met = { ...alert, name: 'HighLogRate', reason: 'The condition is met.', labels: {} };
    expect(sentence(live({ alerts: [met] }))).toBe('crit: HighLogRate: the condition is met, for 6\u2009min.');
    const told = { ...met, annotations: { summary: 'pay logs 1228 lines a minute.' } };
    expect(sentence(live({ alerts: [told] }))).toBe('crit: pay logs 1228 lines a minute, for 6\u2009min.');
    expect(sentence(live({ alerts: [{ ...told, severity: 'info' }] }))).toMatch(/^ok/);
    expect(sentence(live({ alerts: [{ ...alert, name: 'Down', severity: 'warning', labels: {} }] }))).toMatch(
      /^warn: Down:/,
    );
    expect(sentence(live({ alerts: [{ ...alert, state: 'resolved' }] }))).toMatch(/^ok/);
  });

  it('ranks what users feel: failing, slow, about to fail, the monitor itself', () => {
    const of = (name: string, labels: Record<string, string>, severity: 'critical' | 'warning' = 'warning') => ({
      ...alert,
      name,
      labels,
      severity,
      reason: '',
    });
    const all = [
      of('TelemetryDropped', { job: 'x' }, 'critical'),
      of('HostMemoryLow', { host_name: 'vm-1' }, 'critical'),
      of('SlowResponses', { service: 'pay' }),
      of('ErrorResponses', { service: 'shop' }),
    ];
    const first = (alerts: typeof all): string => sentence(live({ alerts }));
    expect(first(all)).toMatch(/^warn: shop: ErrorResponses, for 6.min\..* 3 more need a look\.$/);
    expect(first(all.slice(0, 3))).toMatch(/^warn: pay is slow, for 6.min\..* 2 more need a look\.$/);
    expect(first(all.slice(0, 2))).toMatch(/^crit: vm-1: HostMemoryLow, for 6.min\. 1 more needs a look\.$/);
    expect(first(all.slice(0, 1))).toMatch(/^crit: x: TelemetryDropped/);
    const said = { ...of('Anything', { concern: 'failing', service: 'a' }), fingerprint: 'g' };
    expect(sentence(live({ alerts: [all[2], said] }))).toMatch(/^warn: a: Anything/);
    const bad = { service: 'cart', state: 'degraded', reason: 'errors 3 %' } as ServiceRow;
    expect(sentence(live({ alerts: [all[2]] }), [bad])).toMatch(/^warn: cart needs a look: errors 3 %\./);
  });

  it('names the route and the upstream of most failures', () => {
    const failing = { ...route(), method: 'POST', route: '/pay', error_ratio: 0.2, requests_per_second: 5 };
    const upstreams = [
      { upstream: 'a:1', up: true, requests_per_second: 5, errors: 9, error_ratio: 0.2 },
      { upstream: 'b:1', up: true, requests_per_second: 5, errors: 1, error_ratio: 0.01 },
    ];
    const down = { ...alert, name: 'ErrorResponses', reason: '' };
    const now = { ...current, routes: [route(), failing], upstreams };
    expect(sentence(live({ alerts: [down], current: now }))).toBe(
      'crit: pay: ErrorResponses, for 6\u2009min. Most failures are of POST /pay (20\u2009%), from a:1.',
    );
    const alike = upstreams.map((one) => ({ ...one, errors: 5, up: one.upstream === 'a:1' }));
    expect(sentence(live({ alerts: [down], current: { ...now, upstreams: alike } }))).toContain(
      'Most failures are of POST /pay (20\u2009%). b:1 takes no traffic.',
    );
    expect(sentence(live({ alerts: [down], current: { ...now, routes: [] } }))).toContain(
      'Most failures come from a:1.',
    );
  });

  it('says what was resolved in the last minutes when all is well', () => {
    const ended = { ...alert, state: 'resolved' as const, resolvedAtMs: 760_000 };
    expect(sentence(live({ alerts: [ended] }))).toContain(' SlowResponses of pay was resolved 4\u2009min ago.');
    const two = [ended, { ...ended, fingerprint: 'g', name: 'Down', labels: {}, resolvedAtMs: 940_000 }];
    expect(sentence(live({ alerts: two }))).toContain(' Down was resolved 1\u2009min ago and 1 more.');
  });

  it('shows a hostile name as one', () => {
    const hostile = { ...alert, labels: { service: '\u202Eevil\u0007' } };
    expect(sentence(live({ alerts: [hostile] }))).toContain('⟨202E⟩evil⟨0007⟩ is slow');
  });

  it('names a component, a service or an upstream that is out', () => {
    const health = fakeHealth('unhealthy', 1);
    const components = { server: { status: 'unhealthy' as const, uptime_seconds: 0, reason: 'no live upstream' } };
    expect(sentence(live({ health: { ...health, components } }))).toBe('crit: server is unhealthy: no live upstream.');
    const row = { service: 'pay', state: 'degraded', reason: 'errors 3 %' } as ServiceRow;
    expect(sentence(live(), [row])).toMatch(/^warn: pay needs a look: errors 3 %\./);
    const upstreams = [
      { upstream: 'a:1', up: false, requests_per_second: 0, errors: 0, error_ratio: null },
      { upstream: 'b:1', up: true, requests_per_second: 0, errors: 0, error_ratio: null },
    ];
    expect(sentence(live({ current: { ...current, upstreams } }))).toBe('warn: 1 of 2 upstreams out of rotation: a:1.');
  });

  it('finds what grew, and nothing where nothing did', () => {
    expect(grewMost(route())?.phase).toBe('upstream');
    expect(grewMost(route({ before: null }))).toBeUndefined();
    expect(grewMost(route({ before: { mean_seconds: 0.2, phases } }))).toBeUndefined();
  });
});

describe('the range', () => {
  const MINUTE = 60_000;
  it('slides over a quarter of an hour, and grows while nothing is so old', () => {
    expect(growingFrom(100 * MINUTE, 84 * MINUTE)).toBeUndefined();
    expect(growingFrom(100 * MINUTE, 85 * MINUTE)).toBeUndefined();
    expect(growingFrom(100 * MINUTE, 90 * MINUTE + 7_000)).toBe(90 * MINUTE);
    expect(growingFrom(100 * MINUTE, 99.9 * MINUTE)).toBe(98 * MINUTE);
  });
});
