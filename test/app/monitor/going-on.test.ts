/** A monitor that is started again on the store of one that died. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../src/base/logger.ts';
import { steadyClock } from '../../../src/base/clock.ts';
import { Labels } from '../../../src/model/labels.ts';
import { goOn } from '../../../src/app/monitor/going-on.ts';
import { RuleEngine } from '../../../src/monitor/alerts/rules/engine.ts';
import { LogWindows } from '../../../src/monitor/ingest/lines/log-windows.ts';
import { SampleColumns } from '../../../src/monitor/ingest/metrics/sample-columns.ts';
import { embeddedQuerier } from '../../../src/monitor/promql/embedded.ts';
import type { SampleStore } from '../../../src/monitor/store/sample-store.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { MemoryLogSink } from '../../support/telemetry/memory-sinks.ts';
import { openTestStore, removeDirectory, temporaryDirectory } from '../../monitor/store/store-fixture.ts';

const START = Date.parse('2026-11-20T12:00:00Z');
let dir: string;
let store: SampleStore;

beforeEach(() => {
  dir = temporaryDirectory();
  store = openTestStore(dir);
});
afterEach(async () => {
  await store.close();
  removeDirectory(dir);
});

describe('a monitor that goes on after another', () => {
  it('ends the gauges of the dead one at once, and leaves counters and other processes alone', async () => {
    const wall = movedClock(START);
    const columns = new SampleColumns();
    const dead = { job: 'vitrine-monitor', instance: 'a' };
    const add = (name: string, labels: Record<string, string>, value: number): void =>
      columns.add(store.resolve(Labels.from({ __name__: name, ...labels })), START - 1_000, value, false, 0);
    add('vitrine_component_uptime_seconds', { ...dead, vitrine_component: 'monitor' }, 50);
    add(
      'vitrine_component_uptime_seconds',
      { job: 'vitrine-balancer', instance: 'b', vitrine_component: 'balancer' },
      50,
    );
    add('vitrine_store_writable', dead, 0);
    add('vitrine_store_writable', { job: 'vitrine-monitor', instance: 'elsewhere' }, 0);
    add('vitrine_samples_total', dead, 9);
    add('vitrine_log_error_ratio_1m', { service: 'shop' }, 1);
    add('vitrine_log_last_seen_timestamp_seconds', { service: 'shop' }, START / 1_000 - 1);
    for (const [name, type] of [
      ['vitrine_component_uptime_seconds', 'gauge'],
      ['vitrine_store_writable', 'gauge'],
      ['vitrine_samples_total', 'counter'],
    ] as const)
      columns.addMetadata({ name, type, help: '', unit: '' });
    await store.append(columns.batch());
    const clock = steadyClock(wall);
    const querier = embeddedQuerier(store, { clock });
    const rules = new RuleEngine({
      groups: [],
      querier,
      samples: store,
      alerts: { alerts: () => {} },
      clock,
      logger: silentLogger,
    });
    await goOn(clock, { store, rules, windows: new LogWindows({ sink: new MemoryLogSink(), clock }) });
    const there = async (expr: string): Promise<number> => {
      const { value } = await querier.instant(expr, clock.now());
      return value.kind === 'vector' ? value.series.length : -1;
    };
    expect(await there('vitrine_store_writable == 0')).toBe(1);
    expect(await there('vitrine_store_writable{instance="a"}')).toBe(0);
    expect(await there('vitrine_component_uptime_seconds')).toBe(1);
    expect(await there('vitrine_log_error_ratio_1m')).toBe(0);
    expect(await there('vitrine_samples_total')).toBe(1);
    expect(await there('vitrine_log_last_seen_timestamp_seconds')).toBe(1);
  });

  it('is never behind the one before', async () => {
    const columns = new SampleColumns();
    const uptime = Labels.from({
      __name__: 'vitrine_component_uptime_seconds',
      vitrine_component: 'monitor',
      job: 'j',
    });
    columns.add(store.resolve(uptime), START + 5_000, 1, false, 0);
    await store.append(columns.batch());
    const clock = steadyClock(movedClock(START));
    const rules = { goOn: (downAtMs: number) => void downs.push(downAtMs) } as unknown as RuleEngine;
    const downs: number[] = [];
    await goOn(clock, { store, rules, windows: new LogWindows({ sink: new MemoryLogSink(), clock }) });
    expect(clock.now()).toBeGreaterThan(START + 5_000);
    expect(downs).toEqual([START + 5_000]);
  });
});
