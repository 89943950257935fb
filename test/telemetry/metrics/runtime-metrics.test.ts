/** Compares the runtime metrics with the standard instrumentation, whose names and meaning they share. */
import { metrics } from '@opentelemetry/api';
import { RuntimeNodeInstrumentation } from '@opentelemetry/instrumentation-runtime-node';
import { MeterProvider } from '@opentelemetry/sdk-metrics';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import type { FrameMetric } from '../../../src/model/frame.ts';
import { toFrameMetrics } from '../../../src/telemetry/road/collect-to-frame.ts';
import { LiveReader } from '../../../src/telemetry/metrics/live-reader.ts';
import { registerRuntimeMetrics } from '../../../src/telemetry/metrics/runtime-metrics.ts';
import { resetApi } from '../collector.ts';

afterEach(resetApi);

function reader(): { provider: MeterProvider; read: () => Promise<FrameMetric[]> } {
  const live = new LiveReader();
  const provider = new MeterProvider({ readers: [live] });
  return { provider, read: async () => toFrameMetrics((await live.collect()).resourceMetrics) };
}

/** Forces a garbage collection, without which its metric has no points. */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

async function turns(count: number): Promise<void> {
  for (let at = 0; at < count; at += 1) await nextTurn();
}

const described = (found: readonly FrameMetric[]): unknown[] =>
  found
    .map(({ name, unit, description, kind, monotonic, points }) => {
      const keys = [...new Set(points.flatMap(({ attributes }) => Object.keys(attributes)))];
      const [{ value }] = points;
      return {
        name,
        unit,
        description,
        kind,
        monotonic,
        keys,
        bounds: typeof value === 'number' ? [] : boundsOf(value),
      };
    })
    .sort((a, b) => (a.name < b.name ? -1 : 1));

const boundsOf = (value: object): unknown => ('bounds' in value ? value.bounds : undefined);

/** Reads until the metrics that need a garbage collection and some turns of the loop are present. */
async function whole(read: () => Promise<FrameMetric[]>, advance: () => void): Promise<FrameMetric[]> {
  collectGarbage();
  return expect
    .poll(async () => {
      await turns(8);
      advance();
      return read();
    })
    .toSatisfy((found: FrameMetric[]) =>
      ['v8js.gc.duration', 'nodejs.eventloop.delay.p99'].every((name) => found.some((one) => one.name === name)),
    )
    .then(read);
}

describe('the runtime', () => {
  it('is reported with the names, units, kinds and attributes of the standard instrumentation', async () => {
    const theirs = reader();
    const instrumentation = new RuntimeNodeInstrumentation({ monitoringPrecision: 1 });
    instrumentation.setMeterProvider(theirs.provider);
    const ours = reader();
    metrics.setGlobalMeterProvider(ours.provider);
    let now = 0;
    const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => {} };
    const end = registerRuntimeMetrics(clock);
    const advance = (): void => void (now += 1_000);
    try {
      expect(described(await whole(ours.read, advance))).toEqual(described(await whole(theirs.read, advance)));
    } finally {
      end();
      instrumentation.disable();
    }
  });

  it('reports the duration of loop iterations in the last complete window', async () => {
    const { provider, read } = reader();
    metrics.setGlobalMeterProvider(provider);
    let now = 0;
    const end = registerRuntimeMetrics({ now: () => now, monotonic: () => now, after: () => () => {} });
    const longest = async (): Promise<number> => {
      const found = (await read()).find(({ name }) => name === 'nodejs.eventloop.delay.max');
      return (found?.points[0].value ?? 0) as number;
    };
    try {
      await turns(3);
      now += 1_000;
      await longest();
      const until = performance.now() + 60;
      await nextTurn();
      while (performance.now() < until);
      await turns(3);
      now += 1_000;
      expect(await longest()).toBeLessThan(0.05);
      now += 5_000;
      expect(await longest()).toBeGreaterThanOrEqual(0.05);
    } finally {
      end();
    }
  });
});
