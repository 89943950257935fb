import { metrics, type Meter } from '@opentelemetry/api';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { afterEach, expect, it, vi } from 'vitest';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { newestGaugesFault } from '../../../src/telemetry/metrics/newest-gauges.ts';

afterEach(() => {
  vi.useRealTimers();
  metrics.disable();
});

it('a gauge shows what was recorded last, also after the wall clock was set back', async () => {
  expect([newestGaugesFault(), newestGaugesFault()]).toEqual([undefined, undefined]);
  const reader = new LiveReader();
  const meter: Meter = new MeterProvider({ readers: [reader] }).getMeter('test');
  let up = 1;
  meter.createObservableGauge('observed').addCallback((result) => result.observe(up));
  const recorded = meter.createGauge('recorded');
  const values = async (): Promise<unknown> => {
    recorded.record(up);
    const { resourceMetrics } = await reader.collect();
    return Object.fromEntries(
      resourceMetrics.scopeMetrics.flatMap(({ metrics: all }) =>
        all.map(({ descriptor, dataPoints }) => [descriptor.name, dataPoints[0].value]),
      ),
    );
  };
  vi.useFakeTimers({ toFake: ['Date'], now: Date.UTC(2026, 10, 20, 12) });
  expect(await values()).toEqual({ observed: 1, recorded: 1 });
  for (const back of [1, 3, 5]) {
    vi.setSystemTime(Date.UTC(2026, 10, 20, 12 - back));
    up += 1;
    expect(await values()).toEqual({ observed: up, recorded: up });
  }
});
