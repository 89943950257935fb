/** Rules whose metrics have not changed are not evaluated at each tick, and no alert comes later by that. */
import { expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { RuleEngine, type RuleEngineOptions } from '../../../../src/monitor/alerts/rules/engine.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { until } from '../../../support/until.ts';
import { FakeQuerier } from './fake-querier.ts';

const START_MS = 1_700_000_000_000;

function setUp(rules: string, more: Partial<RuleEngineOptions> = {}) {
  const clock = movedClock(START_MS);
  const store = new MemoryStore();
  const querier = new FakeQuerier(store);
  /** Newest value of each metric: the digest of these tests. */
  const newest = new Map<string, number>();
  const engine = new RuleEngine({
    groups: parseRuleFile(`groups: [{name: g, rules: [${rules}]}]`, 'r.yaml'),
    querier,
    samples: store,
    alerts: { alerts: () => {} },
    clock,
    logger: silentLogger,
    intervalMs: 1_000,
    digestOf: (metrics) => metrics.reduce((sum, name) => sum + (newest.get(name) ?? -1), 0),
    ...more,
  });
  const put = (name: string, value: number): void => {
    newest.set(name, value);
    const refs = Uint32Array.of(store.resolve(Labels.from({ __name__: name })));
    void store.append({ count: 1, refs, t: Float64Array.of(clock.now()), v: Float64Array.of(value) });
  };
  /** One letter a second: `E` evaluated, `-` not. */
  const secondsOf = async (seconds: number): Promise<string> => {
    let letters = '';
    for (let second = 0; second < seconds; second += 1) {
      const before = querier.asked.length;
      await clock.advance(1_000);
      await until(() => engine.groups()[0].lastEvaluationMs === clock.now() && clock.dueIn() <= 1_000);
      letters += querier.asked.length > before ? 'E' : '-';
    }
    return letters;
  };
  engine.start();
  return { engine, put, secondsOf };
}

it('evaluates a rule over unchanged values each five seconds, and at once when a value changes', async () => {
  const { engine, put, secondsOf } = setUp("{alert: A, expr: 'x > 1'}");
  put('x', 1);
  expect(await secondsOf(12)).toBe('E----E----E-');
  put('other', 5);
  expect(await secondsOf(2)).toBe('--');
  put('x', 2);
  expect(await secondsOf(1)).toBe('E');
  expect(engine.alerts()).toMatchObject([{ state: 'firing', value: 2 }]);
  await engine.close();
});

it('evaluates a rule with an alert at each tick, also when its values stay', async () => {
  const { engine, put, secondsOf } = setUp("{alert: A, expr: 'x > 1', for: 3s}");
  put('x', 2);
  expect(await secondsOf(6)).toBe('EEEEEE');
  expect(engine.alerts()).toMatchObject([{ state: 'firing' }]);
  await engine.close();
});

it.each([
  ['a recording rule', "{record: r, expr: 'x'}", {}],
  ['a selector of any name', '{alert: A, expr: \'{job="a"} > 1\'}', {}],
  ['an age', "{alert: A, expr: 'time() - x > 2e9'}", {}],
  ['values that are not known here', "{alert: A, expr: 'x > 1'}", { digestOf: undefined }],
])('evaluates %s at each tick', async (_name, rule, more) => {
  const { engine, put, secondsOf } = setUp(rule, more);
  put('x', 1);
  expect(await secondsOf(4)).toBe('EEEE');
  await engine.close();
});

it('finds within five seconds a condition that no value shows', async () => {
  const { engine, put, secondsOf } = setUp("{alert: A, expr: 'x'}", { digestOf: () => 1 });
  expect(await secondsOf(2)).toBe('E-');
  put('x', 1);
  expect(await secondsOf(4)).toBe('---E');
  expect(engine.alerts()).toHaveLength(1);
  await engine.close();
});
