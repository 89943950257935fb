import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import { observeStore } from '../../../src/monitor/store/store-metrics.ts';
import { Growth } from '../../../src/monitor/store/upkeep/growth.ts';
import { ManualClock, labelsOf, openTestStore, removeDirectory, temporaryDirectory } from './store-fixture.ts';

class PullReader extends MetricReader {
  protected override async onForceFlush(): Promise<void> {}
  protected override async onShutdown(): Promise<void> {}
}

afterEach(() => metrics.disable());

it('reports the store as gauges until it is closed', async () => {
  const reader = new PullReader();
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
  const stats = {
    series: 3,
    headBytes: 4,
    sizeBytes: 5,
    timeToFullSeconds: 6,
    writable: true,
    samplesAppended: 0,
    seriesOverflowed: 0,
    walBytes: 0,
    days: 0,
    exemplarSeries: 0,
  };
  let looks = 0;
  const stop = observeStore(() => {
    looks += 1;
    return stats;
  });
  const collect = async (): Promise<Record<string, unknown>> => {
    const { resourceMetrics } = await reader.collect();
    const found = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics);
    return Object.fromEntries(found.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0]?.value]));
  };
  expect(await collect()).toEqual({
    'vitrine.store.series': 3,
    'vitrine.store.head.size': 4,
    'vitrine.store.size': 5,
    'vitrine.store.time_to_full': 6,
    'vitrine.store.writable': 1,
  });
  stop();
  await collect();
  expect(looks).toBe(1);
});

it('predicts when the room is used up', () => {
  const growth = new Growth();
  expect(growth.secondsUntil(1_000)).toBeUndefined();
  for (let second = 0; second <= 300; second += 30) growth.note(second * 1_000, second * 10);
  expect(growth.secondsUntil(1_000)).toBe(100);
  expect(growth.secondsUntil(-5)).toBe(0);
});

describe('time to full', () => {
  it('leaves the journal out: it grows and shrinks with each cycle, and the days do not', async () => {
    const dir = temporaryDirectory();
    const clock = new ManualClock(Date.parse('2026-11-20T12:00:00Z'));
    const store = openTestStore(dir, { clock, testMode: false });
    try {
      const ref = store.resolve(labelsOf('x'));
      const sizes: number[] = [];
      for (let second = 0; second < 360; second += 1) {
        const count = 50;
        await store.append({
          count,
          refs: new Uint32Array(count).fill(ref),
          t: Float64Array.from({ length: count }, (_, i) => clock.now() - 999 + i * 20),
          v: Float64Array.from({ length: count }, () => Math.random()),
        });
        clock.move(1_000);
        if (second % 60 === 0) {
          await new Promise((resolve) => setImmediate(resolve));
          sizes.push(store.stats().sizeBytes);
        }
      }
      expect(sizes.at(-1)).toBeGreaterThan(sizes[0]);
      expect(store.stats().timeToFullSeconds).toBeUndefined();
    } finally {
      await store.close();
      removeDirectory(dir);
    }
  });
});
