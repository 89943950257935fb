/** Rules over a full disk and over steps of the clock: nothing resolves, nothing is made up, and the watcher still watches. */
import { describe, expect, it } from 'vitest';
import { steadyClock } from '../../../../src/base/clock.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { Alert } from '../../../../src/model/alert.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { RuleEngine } from '../../../../src/monitor/alerts/rules/engine.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { embeddedQuerier } from '../../../../src/monitor/promql/embedded.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const HOUR = 3_600_000;
const RULES = `groups:
  - name: user
    interval: 1s
    rules:
      - { alert: Hot, expr: hot > 1 }
      - { alert: HotForLong, expr: 'rate(work_total[10s]) > 0.5', for: 90s }
      - { alert: Gone, expr: absent(hot), for: 5s }
`;
const OWN = `groups: [{ name: own, interval: 1s, rules: [{ alert: StoreNotWritable, expr: 'min by (job) (writable) == 0' }, { alert: OfOthers, expr: 'other > 0' }] }]`;

/** Queries give the thread back between their steps: an evaluation takes some turns of the loop. */
const rest = async (): Promise<void> => {
  for (let i = 0; i < 12; i += 1) await new Promise((resolve) => setImmediate(resolve));
};

function bench() {
  const wall = movedClock(START);
  const clock = steadyClock(wall);
  const store = new MemoryStore();
  const memory = new MemoryStore();
  const sent: Alert[] = [];
  const lines: string[] = [];
  const disk = { full: false };
  const put = (into: MemoryStore, name: string, value: number): void => {
    const ref = into.resolve(Labels.from({ __name__: name, job: 'm' }));
    void into.append({
      count: 1,
      refs: Uint32Array.of(ref),
      t: Float64Array.of(clock.now()),
      v: Float64Array.of(value),
    });
  };
  const engine = new RuleEngine({
    groups: [...parseRuleFile(RULES, 'user.yaml'), ...parseRuleFile(OWN, 'own.yaml')],
    querier: embeddedQuerier(store, { clock }),
    samples: {
      generation: 0,
      resolve: (labels) => store.resolve(labels),
      append: (batch) => (disk.full ? Promise.reject(new Error('disk full')) : store.append(batch)),
    },
    alerts: { alerts: (alerts) => void sent.push(...alerts) },
    clock,
    logger: {
      ...silentLogger,
      warn: (_fields, text) => void lines.push(text),
      error: (_f, text) => void lines.push(text),
    },
    graceMs: 0,
    paused: () => (disk.full ? 'the store keeps no samples' : undefined),
    own: { querier: embeddedQuerier(memory, { clock }), covers: ({ file }) => file === 'own.yaml' },
  });
  let work = 0;
  /** Seconds of real time, with figures in each. */
  const live = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i += 1) {
      work += 1;
      put(memory, 'writable', disk.full ? 0 : 1);
      if (!disk.full) {
        put(store, 'hot', 5);
        put(store, 'other', 1);
        put(store, 'work_total', work);
        put(store, 'writable', 1);
      }
      await wall.advance(1_000);
      await rest();
    }
  };
  const states = (): Record<string, string> =>
    Object.fromEntries(engine.alerts().map(({ labels, state }) => [labels.get('alertname'), state]));
  const healthOf = (name: string): unknown => {
    const found = engine
      .groups()
      .flatMap(({ rules }) => rules)
      .find((rule) => rule.name === name);
    return found?.kind === 'alerting' && [found.health, found.state];
  };
  return { wall, clock, engine, live, states, sent, lines, disk, healthOf, put, store };
}

describe('while the store keeps no samples', () => {
  it('alerts keep their state, and alerts about the monitor itself still begin, are sent, and end', async () => {
    const { engine, live, states, sent, lines, disk, healthOf } = bench();
    engine.start();
    await live(30);
    expect(states()).toEqual({ Hot: 'firing', HotForLong: 'pending', OfOthers: 'firing' });
    disk.full = true;
    // Longer than the look-back of queries: without the pause Hot would resolve after five minutes.
    await live(600);
    expect(states()).toEqual({ Hot: 'firing', HotForLong: 'pending', OfOthers: 'firing', StoreNotWritable: 'firing' });
    expect(healthOf('Hot')).toEqual(['unknown', 'unknown']);
    expect(healthOf('StoreNotWritable')).toEqual(['ok', 'firing']);
    expect(sent.some(({ labels }) => labels.get('alertname') === 'StoreNotWritable')).toBe(true);
    expect(sent.filter(({ resolvedAtMs }) => resolvedAtMs !== undefined)).toEqual([]);
    // Two groups, one line a minute each.
    expect(lines.length).toBeLessThanOrEqual(22);
    disk.full = false;
    await live(5);
    expect(states()).toEqual({ Hot: 'firing', HotForLong: 'pending', OfOthers: 'firing' });
    await live(180);
    expect(states()).toEqual({ Hot: 'firing', HotForLong: 'firing', OfOthers: 'firing' });
    expect(healthOf('Hot')).toEqual(['ok', 'firing']);
    await engine.close();
  });
});

describe('a step of the clock', () => {
  it.each([-9 * HOUR, -HOUR, -10_000, 10_000, HOUR, 9 * HOUR])(
    'of %i ms neither begins nor ends an alert, and `for` counts real time',
    async (step) => {
      const { wall, engine, live, states, sent, lines } = bench();
      engine.start();
      await live(60);
      expect(states()).toEqual({ Hot: 'firing', HotForLong: 'pending', OfOthers: 'firing' });
      wall.step(step);
      // 60 s of the 90 have passed at most: nothing may fire yet.
      await live(25);
      expect(states()).toEqual({ Hot: 'firing', HotForLong: 'pending', OfOthers: 'firing' });
      await live(60);
      expect(states()).toEqual({ Hot: 'firing', HotForLong: 'firing', OfOthers: 'firing' });
      expect(sent.filter(({ resolvedAtMs }) => resolvedAtMs !== undefined)).toEqual([]);
      expect(lines.filter((text) => text.includes('missed'))).toEqual([]);
      await engine.close();
    },
  );

  it('does not hide the end of an alert', async () => {
    const { wall, engine, live, states, put, store } = bench();
    engine.start();
    await live(10);
    wall.step(-HOUR);
    await live(10);
    put(store, 'hot', 0);
    await wall.advance(2_000);
    await rest();
    expect(states()['Hot']).toBeUndefined();
    await engine.close();
  });
});
