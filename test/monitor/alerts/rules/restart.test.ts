/** Alerts over a restart of the monitor: what was pending waits on, what fired fires on, and what was resolved is still shown. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import type { Alert } from '../../../../src/model/alert.ts';
import { Labels } from '../../../../src/model/labels.ts';
import { RuleEngine } from '../../../../src/monitor/alerts/rules/engine.ts';
import { parseRuleFile } from '../../../../src/monitor/alerts/rules/file.ts';
import { MemoryStore } from '../../../../src/monitor/alerts/rules/memory-store.ts';
import { embeddedQuerier } from '../../../../src/monitor/promql/embedded.ts';
import { ALERT_TABLES, AlertTable } from '../../../../src/monitor/store/state/alert-table.ts';
import { openStateDatabase, type StateDatabase } from '../../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { removeDirectory, temporaryDirectory } from '../../store/store-fixture.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
const RULES = `groups:
  - name: g
    interval: 1s
    rules:
      - { alert: Hot, expr: hot > 1, labels: { severity: critical }, annotations: { summary: 'It is {{ $value }}' } }
      - { alert: Long, expr: hot > 1, for: 100s }
      - { alert: Kept, expr: kept > 1, keep_firing_for: 1h }
      - { alert: Kept, expr: kept > 2, keep_firing_for: 1h }
`;
const clock = movedClock(START);
let dir: string;
let state: StateDatabase;
let store: MemoryStore;
let engine: RuleEngine;
let errors: unknown[];

function start(rules = RULES, downAtMs = clock.now()): void {
  state = openStateDatabase({ dir, owners: [ALERT_TABLES], clock, logger: silentLogger });
  store = new MemoryStore();
  engine = new RuleEngine({
    groups: parseRuleFile(rules, 'r.yaml'),
    querier: embeddedQuerier(store, { clock }),
    samples: store,
    alerts: { alerts: () => {} },
    clock,
    logger: silentLogger,
    graceMs: 0,
    memory: new AlertTable({ state, onError: (error) => errors.push(error) }),
  });
  engine.goOn(downAtMs);
  engine.start();
}

/** The process dies; nothing is said to anybody. */
async function die(): Promise<number> {
  await engine.close();
  await state[Symbol.asyncDispose]();
  return clock.now();
}

async function live(seconds: number, values: Readonly<Record<string, number>>): Promise<void> {
  for (let i = 0; i < seconds; i += 1) {
    for (const [name, value] of Object.entries(values)) {
      const ref = store.resolve(Labels.from({ __name__: name }));
      void store.append({
        count: 1,
        refs: Uint32Array.of(ref),
        t: Float64Array.of(clock.now()),
        v: Float64Array.of(value),
      });
    }
    await clock.advance(1_000);
    for (let turn = 0; turn < 12; turn += 1) await new Promise((resolve) => setImmediate(resolve));
  }
}

const shown = (): string[] =>
  engine
    .recentAlerts()
    .map((alert) => `${alert.labels.get('alertname')} ${alert.resolvedAtMs === undefined ? alert.state : 'resolved'}`);
const alertOf = (name: string): Alert | undefined =>
  engine.recentAlerts().find(({ labels }) => labels.get('alertname') === name);

beforeEach(() => {
  dir = temporaryDirectory();
  errors = [];
});
afterEach(async () => {
  await engine.close();
  await state[Symbol.asyncDispose]();
  removeDirectory(dir);
  expect(errors).toEqual([]);
});

describe('over a restart', () => {
  it('alerts keep their state, and an outage does not count towards for', async () => {
    start();
    await live(60, { hot: 5 });
    expect(shown()).toEqual(['Hot firing', 'Long pending']);
    const before = alertOf('Hot');
    const downAtMs = await die();
    clock.jump(300_000);
    start(RULES, downAtMs);
    // Before the first evaluation already.
    expect(shown()).toEqual(['Hot firing', 'Long pending']);
    expect(alertOf('Hot')).toEqual(before);
    await live(35, { hot: 6 });
    expect(shown()).toEqual(['Hot firing', 'Long pending']);
    expect(alertOf('Hot')).toMatchObject({
      firedAtMs: before?.firedAtMs,
      annotations: { summary: 'It is 6' },
      value: 6,
    });
    await live(10, { hot: 6 });
    expect(shown()).toEqual(['Hot firing', 'Long firing']);
  });

  it('an alert whose figures come late does not resolve, and one that has ended does after a minute', async () => {
    start();
    await live(3, { hot: 5 });
    const downAtMs = await die();
    clock.jump(20_000);
    start(RULES, downAtMs);
    await live(50, {});
    expect(shown()).toEqual(['Hot firing', 'Long pending']);
    await live(15, {});
    expect(shown()).toEqual(['Hot resolved']);
  });

  it('an alert resolves at once when its condition was seen again and then ended', async () => {
    start();
    await live(3, { hot: 5 });
    start(RULES, await die());
    await live(2, { hot: 5 });
    await live(2, { hot: 0 });
    expect(shown()).toEqual(['Hot resolved']);
  });

  it('resolved alerts are shown for their fifteen minutes, and the rule of the same name keeps its own', async () => {
    start();
    await live(2, { hot: 5, kept: 2 });
    await live(2, { hot: 0, kept: 0 });
    expect(shown()).toEqual(['Hot resolved', 'Kept firing']);
    const resolvedAtMs = alertOf('Hot')?.resolvedAtMs;
    const downAtMs = await die();
    clock.jump(60_000);
    start(RULES, downAtMs);
    expect(alertOf('Hot')?.resolvedAtMs).toBe(resolvedAtMs);
    expect(shown()).toEqual(['Hot resolved', 'Kept firing']);
    await live(1, {});
    clock.jump(16 * 60_000);
    await live(2, {});
    expect(shown()).toEqual(['Kept firing']);
  });

  it('alerts begin anew after more than an hour, and those of other rules are forgotten', async () => {
    start();
    await live(3, { hot: 5 });
    let downAtMs = await die();
    clock.jump(60_000);
    start(RULES.replaceAll('Hot,', 'Warm,'), downAtMs);
    expect(shown()).toEqual(['Long pending']);
    downAtMs = await die();
    clock.jump(3_700_000);
    start(RULES, downAtMs);
    expect(shown()).toEqual([]);
    await live(1, {});
    expect(state.db.prepare('SELECT rule FROM alerts').all()).toEqual([]);
  });

  it('a change of the rules forgets those that were removed', async () => {
    start();
    await live(3, { hot: 5 });
    const kept = parseRuleFile(RULES.replace(/.*Hot.*\n/, ''), 'r.yaml');
    await engine.replace(kept);
    await live(1, { hot: 5 });
    expect(state.db.prepare('SELECT count(*) AS n FROM alerts').get()).toEqual({ n: 1 });
  });
});

describe('the table of alerts', () => {
  const alert = (i: string, more: Partial<Alert> = {}): Alert => ({
    labels: Labels.from({ i }),
    annotations: {},
    state: 'firing',
    activeAtMs: 1,
    value: 2,
    reason: '',
    ...more,
  });

  it('is bounded, counts what it refuses, and reads back what JSON cannot hold', async () => {
    start();
    const table = new AlertTable({ state, onError: (error) => errors.push(error), maxAlerts: 2 });
    table.save('r', [alert('a'), alert('b', { value: Number.NaN }), alert('c')], []);
    table.save('r', [alert('a', { state: 'inactive', resolvedAtMs: 5 })], [Labels.from({ i: 'b' })]);
    table.save('q', [alert('d', { value: Infinity })], []);
    await state.change((db) => db.exec("INSERT INTO alerts VALUES ('x', 'y', '{\"state\":\"odd\"}')"));
    expect(table.refused).toBe(1);
    const loaded = new AlertTable({ state, onError: (error) => errors.push(error) }).load();
    expect([...loaded.keys()].sort()).toEqual(['q', 'r']);
    expect(loaded.get('r')).toEqual([alert('a', { state: 'inactive', resolvedAtMs: 5 })]);
    expect(loaded.get('q')?.[0].value).toBeNaN();
  });

  it('reports a change that the disk refuses', async () => {
    start();
    const refused: unknown[] = [];
    const table = new AlertTable({ state, onError: (error) => refused.push(error) });
    state.db.exec('PRAGMA query_only = ON');
    table.save('r', [alert('a')], []);
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    expect(refused).toHaveLength(1);
    state.db.exec('PRAGMA query_only = OFF');
  });
});
