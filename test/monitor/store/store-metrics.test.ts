import { metrics } from '@opentelemetry/api';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, expect, it } from 'vitest';
import { observeStore } from '../../../src/monitor/store/store-metrics.ts';
import { Growth } from '../../../src/monitor/store/upkeep/growth.ts';

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
