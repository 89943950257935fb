import { metrics } from '@opentelemetry/api';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { beforeEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../../src/base/clock.ts';
import type { LogFields, Logger } from '../../../../src/base/logger.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { Alert } from '../../../../src/model/alert.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { RuleEngine } from '../../../../src/monitor/alerts/rules/engine.ts';
import type { RuleEngineOptions } from '../../../../src/monitor/alerts/rules/engine.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { FakeQuerier } from './fake-querier.ts';

const S = 1_000;
const settle = async (): Promise<void> => {
  for (let i = 0; i < 200; i += 1) await Promise.resolve();
};

/** Time that moves when told to; timers run in order, and what they start is waited for. */
class FakeClock implements Clock {
  ms = 0;
  #timers: { at: number; run: () => void }[] = [];
  now(): number {
    return this.ms;
  }
  monotonic(): number {
    return this.ms;
  }
  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.ms + delayMs, run };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }
  get pending(): number {
    return this.#timers.length;
  }
  async advance(ms: number): Promise<void> {
    const end = this.ms + ms;
    for (;;) {
      const [next] = this.#timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#timers = this.#timers.filter((timer) => timer !== next);
      this.ms = Math.max(this.ms, next.at);
      next.run();
      await settle();
    }
    this.ms = end;
  }
}

let clock: FakeClock;
let store: MemoryStore;
let querier: FakeQuerier;
let sent: { alerts: readonly Alert[]; nowMs: number }[];
let logged: (LogFields & { message: string })[];
const logger: Logger = {
  ...silentLogger,
  warn: (f, message) => void logged.push({ ...f, message }),
  error: (f, message) => void logged.push({ ...f, message }),
};

beforeEach(() => {
  clock = new FakeClock();
  store = new MemoryStore();
  querier = new FakeQuerier(store);
  sent = [];
  logged = [];
});

const groupsOf = (text: string): RuleEngineOptions['groups'] => parseRuleFile(text, 'r.yaml');
const engineOf = (text: string, more: Partial<RuleEngineOptions> = {}): RuleEngine =>
  new RuleEngine({
    groups: groupsOf(text),
    querier,
    samples: store,
    alerts: { alerts: (alerts, nowMs) => void sent.push({ alerts, nowMs }) },
    clock,
    logger,
    intervalMs: S,
    ...more,
  });
const put = (name: string, value: number, labels: Record<string, string> = {}): void => {
  const ref = store.resolve(Labels.from({ __name__: name, ...labels }));
  void store.append({ count: 1, refs: Uint32Array.of(ref), t: Float64Array.of(clock.ms), v: Float64Array.of(value) });
};
/** `time:value` of a series, `!` for a stale marker. */
const samples = (name: string, labels: Record<string, string> = {}): string[] =>
  store
    .select(
      Object.entries({ __name__: name, ...labels }).map(([name, value]) => ({ name, op: '=', value })),
      -1e12,
      1e12,
    )
    .flatMap(({ samples: { t, v, stale } }) => [...t].map((time, i) => `${time / S}:${stale?.[i] === 1 ? '!' : v[i]}`));

describe('recording rules', () => {
  it('see the results of earlier rules, and write stale markers', async () => {
    const engine = engineOf(`groups: [{name: g, rules: [
      {record: big, expr: 'x > 1', labels: {kind: big, drop: ''}},
      {record: total, expr: sum(big)}, {record: one, expr: 1}]}]`);
    engine.start();
    put('x', 5, { a: '1', drop: 'd' });
    put('x', 3, { a: '2', drop: 'd' });
    await clock.advance(S);
    put('x', 0, { a: '2', drop: 'd' });
    await clock.advance(S);
    expect(samples('total')).toEqual(['1:8', '2:5']);
    expect(samples('big', { a: '1', kind: 'big', drop: '' })).toEqual(['1:5', '2:5']);
    expect(samples('big', { a: '2' })).toEqual(['1:3', '2:!']);
    expect(samples('one')).toEqual(['1:1', '2:1']);
    expect(engine.groups()[0]).toMatchObject({
      name: 'g',
      file: 'r.yaml',
      intervalMs: S,
      lastEvaluationMs: 2 * S,
      rules: [{ kind: 'recording', name: 'big', health: 'ok' }, {}, {}],
    });
    await engine.close();
  });

  it('report the error, do not stop the others, and write no stale markers then', async () => {
    const engine = engineOf(`groups: [{name: g, limit: 1, rules: [
      {record: same, expr: x, labels: {a: ''}}, {record: many, expr: x}, {record: text, expr: '"s"'}, {record: fine, expr: sum(x)}]}]`);
    engine.start();
    put('x', 1, { a: '1' });
    await clock.advance(S);
    expect(engine.groups()[0].rules.map(({ health }) => health)).toEqual(['ok', 'ok', 'err', 'ok']);
    put('x', 2, { a: '2' });
    await clock.advance(S);
    expect(engine.groups()[0].rules.map(({ lastError }) => lastError)).toEqual([
      'vector contains metrics with the same labelset after applying rule labels',
      'exceeded limit of 1 with 2 series',
      'rule result is not a vector or scalar',
      '',
    ]);
    expect(samples('many', { a: '1' })).toEqual(['1:1']);
    expect(samples('fine')).toEqual(['1:1', '2:3']);
    await engine.close();
  });

  it('query the time before query_offset, and write at that time', async () => {
    const engine = engineOf('groups: [{name: g, query_offset: 1s, rules: [{record: y, expr: x}]}]');
    engine.start();
    put('x', 7);
    await clock.advance(3 * S);
    expect(samples('y')).toEqual(['0:7', '1:7', '2:7']);
    await engine.close();
  });

  it('reports the samples that the sink refused', async () => {
    const engine = engineOf('groups: [{name: g, rules: [{record: y, expr: 1}, {record: y, expr: 2}]}]');
    engine.start();
    await clock.advance(S);
    expect(logged).toMatchObject([{ refused: 1, rule: 'y' }]);
    await engine.close();
  });
});

const ALERT = `groups: [{name: g, rules: [{alert: Big, expr: 'x > 1', for: 2s,
  labels: {severity: critical, size: '{{ if gt $value 10.0 }}huge{{ else }}big{{ end }}'},
  annotations: {summary: '{{ $labels.a }} is {{ $value }} {{ with query "x" }}{{ len . }}{{ end }} {{ query "1" | first | value }} {{ query "\\"s\\"" | first | strvalue }}'}}]}]`;

describe('alerting rules', () => {
  it('go from pending through firing to resolved, and write ALERTS', async () => {
    const engine = engineOf(ALERT);
    expect(engine.groups()[0].rules[0]).toMatchObject({ state: 'unknown', health: 'unknown' });
    engine.start();
    await clock.advance(S);
    expect(engine.groups()[0].rules[0]).toMatchObject({
      kind: 'alerting',
      state: 'inactive',
      forMs: 2_000,
      query: 'x > 1',
    });
    put('x', 5, { a: '1' });
    await clock.advance(S);
    expect(engine.alerts()).toMatchObject([{ state: 'pending', activeAtMs: 2 * S }]);
    await clock.advance(2 * S);
    expect(engine.groups()[0].rules[0]).toMatchObject({ state: 'firing' });
    expect(engine.alerts()[0].labels.toJSON()).toEqual({ a: '1', alertname: 'Big', severity: 'critical', size: 'big' });
    expect(engine.alerts()[0].annotations).toEqual({ summary: '1 is 5 1 1 s' });
    put('x', 0, { a: '1' });
    await clock.advance(S);
    expect(samples('ALERTS', { alertstate: 'pending' })).toEqual(['2:1', '3:1', '4:!']);
    expect(samples('ALERTS', { alertstate: 'firing' })).toEqual(['4:1', '5:!']);
    expect(samples('ALERTS_FOR_STATE')).toEqual(['2:2', '3:2', '4:2', '5:!']);
    expect(sent.map(({ alerts, nowMs }) => [nowMs / S, alerts.map(({ state }) => state)])).toEqual([
      [4, ['firing']],
      [5, ['inactive']],
    ]);
    expect(engine.alerts()).toEqual([]);
    await engine.close();
  });

  it('send again each minute while firing, and while resolved for 15 minutes', async () => {
    const engine = engineOf(ALERT.replace('for: 2s', 'for: 0s'), { resendMs: 10 * S });
    engine.start();
    put('x', 20, { a: '1' });
    await clock.advance(25 * S);
    expect(sent.map(({ nowMs }) => nowMs / S)).toEqual([1, 11, 21]);
    put('x', 0, { a: '1' });
    await clock.advance(3 * S);
    expect(sent.at(-1)).toMatchObject({ nowMs: 26 * S, alerts: [{ state: 'inactive', resolvedAtMs: 26 * S }] });
    expect(engine.alerts()).toEqual([]);
    expect(engine.recentAlerts()).toMatchObject([{ state: 'inactive', resolvedAtMs: 26 * S }]);
    put('x', 20, { a: '1' });
    await clock.advance(S);
    expect(sent.at(-1)).toMatchObject({ nowMs: 29 * S, alerts: [{ state: 'firing' }] });
    await engine.close();
  });

  it('fail above the limit of alerts, and their state is cleared', async () => {
    const engine = engineOf(ALERT.replace('name: g', 'name: g, limit: 1').replace('for: 2s', 'for: 0s'));
    engine.start();
    put('x', 2, { a: '1' });
    await clock.advance(S);
    put('x', 2, { a: '2' });
    await clock.advance(S);
    expect(engine.groups()[0].rules[0]).toMatchObject({
      health: 'err',
      lastError: 'exceeded limit of 1 with 2 alerts',
    });
    expect(engine.alerts()).toEqual([]);
    expect(samples('ALERTS', { a: '1' })).toEqual(['1:1']);
    await engine.close();
  });

  it('survive a sink that fails', async () => {
    const engine = engineOf(ALERT.replace('for: 2s', 'for: 0s'), {
      alerts: { alerts: () => Promise.reject(new Error('down')) },
    });
    engine.start();
    put('x', 2, { a: '1' });
    await clock.advance(2 * S);
    expect(logged).toMatchObject([{ what: 'sending alerts', err: new Error('down') }]);
    expect(engine.alerts()).toHaveLength(1);
    await engine.close();
  });

  it('keep over a restart the time that they have waited', async () => {
    const text = ALERT.replace('for: 2s', 'for: 1h');
    const minute = 60 * S;
    const options = { intervalMs: minute };
    const first = engineOf(text, options);
    first.start();
    put('x', 5, { a: '1' });
    put('x', 5, { a: '2' });
    // The first two evaluations decide what is restored; from the third on the state is written.
    for (let i = 0; i < 20; i += 1) {
      await clock.advance(minute);
      put('x', 5, { a: '1' });
      put('x', i < 15 ? 5 : 0, { a: '2' });
    }
    await first.close();
    expect(first.alerts()).toMatchObject([{ activeAtMs: minute }]);
    expect(samples('ALERTS_FOR_STATE', { a: '1' })[0]).toBe('180:60');
    await clock.advance(5 * minute);
    put('x', 5, { a: '1' });
    put('x', 5, { a: '2' });
    const second = engineOf(text, options);
    second.start();
    await clock.advance(minute);
    expect(second.alerts().map(({ activeAtMs }) => activeAtMs / minute)).toEqual([26, 26]);
    put('x', 5, { a: '1' });
    put('x', 5, { a: '2' });
    await clock.advance(minute);
    // Went down at 20, restored at 27: seven minutes do not count. The other had ended, so it starts anew.
    expect(second.alerts().map(({ activeAtMs }) => activeAtMs / minute)).toEqual([8, 26]);
    await second.close();
  });

  it('start again when there is nothing to restore from', async () => {
    const engine = engineOf(ALERT.replace('for: 2s', 'for: 1h'));
    engine.start();
    await clock.advance(2 * S);
    put('x', 5, { a: '1' });
    await clock.advance(2 * S);
    expect(samples('ALERTS_FOR_STATE')).toEqual(['3:3', '4:3']);
    await engine.close();
  });
});

describe('groups', () => {
  it('do not wait for each other, and count missed evaluations', async () => {
    const gate = Promise.withResolvers<void>();
    querier.gates.set('slow', gate.promise);
    const engine = engineOf(
      `groups: [{name: stuck, rules: [{record: s, expr: sum(slow)}]}, {name: free, rules: [{record: f, expr: 1}]}]`,
    );
    engine.start();
    await clock.advance(5 * S);
    expect(samples('f')).toHaveLength(5);
    expect(querier.asked.filter(({ expr }) => expr.includes('slow'))).toHaveLength(1);
    gate.resolve();
    await settle();
    await clock.advance(S);
    expect(logged).toMatchObject([{ group: 'stuck', missed: 4 }]);
    await engine.close();
  });

  it('are evaluated at multiples of their own interval', async () => {
    clock.ms = 1_700;
    const engine = engineOf('groups: [{name: a, interval: 2s, rules: [{record: y, expr: 1}]}]');
    engine.start();
    engine.start();
    await clock.advance(5 * S);
    expect(samples('y')).toEqual(['2:1', '4:1', '6:1']);
    await engine.close();
    expect(clock.pending).toBe(0);
  });

  it('end at once when closed in the middle', async () => {
    const gate = Promise.withResolvers<void>();
    querier.gates.set('slow', gate.promise);
    const engine = engineOf(`groups: [{name: a, rules: [{record: s, expr: sum(slow)}, {record: y, expr: 1}]}]`);
    engine.start();
    await clock.advance(S);
    const closed = engine.close();
    gate.resolve();
    await closed;
    expect(samples('y')).toEqual([]);
  });
});

describe('replace', () => {
  it('keeps the state of rules that stay, and writes stale markers for removed rules', async () => {
    const engine = engineOf(
      `groups: [{name: g, rules: [{record: old, expr: 1}, {alert: Big, expr: 'x > 1', for: 5s}]}, {name: away, rules: [{record: gone, expr: 1}]}]`,
    );
    engine.start();
    put('x', 5);
    await clock.advance(2 * S);
    await engine.replace(
      groupsOf(
        `groups: [{name: g, rules: [{alert: Big, expr: 'x > 0', for: 3s}, {record: new, expr: 2}]}, {name: fresh, rules: []}]`,
      ),
    );
    expect(samples('gone')).toEqual(['1:1', '2:1', '2.001:!']);
    expect(engine.groups().map(({ name }) => name)).toEqual(['g', 'fresh']);
    expect(engine.alerts()).toMatchObject([{ state: 'pending', activeAtMs: S }]);
    await clock.advance(2 * S);
    expect(engine.alerts()).toMatchObject([{ state: 'firing', activeAtMs: S, firedAtMs: 4 * S }]);
    expect(samples('old')).toEqual(['1:1', '2:1', '3:!']);
    expect(samples('new')).toEqual(['3:2', '4:2']);
    await engine.close();
  });
});

it('reports its own state through OpenTelemetry', async () => {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 });
  const provider = new MeterProvider({ readers: [reader] });
  metrics.setGlobalMeterProvider(provider);
  try {
    const engine = engineOf(`groups: [{name: g, rules: [{record: bad, expr: '"s"'},
      {alert: A, expr: x > 1, labels: {severity: critical}}, {alert: B, expr: x > 9, labels: {severity: warning}}, {alert: C, expr: x > 1}]}]`);
    engine.start();
    put('x', 5);
    await clock.advance(2 * S);
    await reader.forceFlush();
    const seen = new Map<string, unknown>();
    for (const { metrics: list } of exporter.getMetrics()[0].scopeMetrics) {
      for (const { descriptor, dataPoints } of list) {
        for (const { attributes, value } of dataPoints) {
          const shown = typeof value === 'number' ? value : value.count;
          seen.set(`${descriptor.name} ${JSON.stringify(attributes)}`, shown);
        }
      }
    }
    expect(Object.fromEntries(seen)).toEqual({
      'vitrine.alert.firing {"severity":"critical"}': 1,
      'vitrine.alert.firing {"severity":"warning"}': 0,
      'vitrine.alert.firing {"severity":""}': 1,
      'vitrine.alert.evaluation.duration {"group":"g"}': 2,
      'vitrine.alert.evaluation.failures {"group":"g"}': 2,
    });
    await engine.close();
  } finally {
    metrics.disable();
    await provider.shutdown();
  }
});

it('logs the failures of a group', async () => {
  const engine = engineOf('groups: [{name: g, rules: [{record: y, expr: 1}]}]', {
    samples: { generation: 0, resolve: () => 1, append: () => Promise.reject(new Error('disk full')) },
  });
  engine.start();
  await clock.advance(S);
  expect(engine.groups()[0].rules[0]).toMatchObject({ health: 'err', lastError: 'disk full' });
  expect(logged).toMatchObject([{ message: 'A rule could not be evaluated', rule: 'y' }]);
  await engine.close();
});
