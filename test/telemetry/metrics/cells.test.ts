/** Compares cells with the API's own histograms: a reader must not be able to tell them apart. */
import { metrics } from '@opentelemetry/api';
import type { HistogramMetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { array, assert, asyncProperty, constantFrom, double, nat, oneof, tuple } from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import {
  boundHistogram,
  Cells,
  CELLS_LIMIT,
  closeCells,
  currentCells,
  openCells,
} from '../../../src/telemetry/metrics/cells.ts';
import { joinCells } from '../../../src/telemetry/metrics/cells-producer.ts';
import { cellsFault } from '../../../src/telemetry/metrics/cells-proof.ts';
import { histogramOf } from '../../../src/telemetry/metrics/meters.ts';
import { DURATION_BOUNDS, METRICS } from '../../../src/telemetry/names.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const SCOPE = 'test';
const METRIC = METRICS.httpServerDuration;

/** The one histogram of a collection as plain data, without times. */
function seen(collected: ResourceMetrics): unknown {
  const metric = collected.scopeMetrics
    .filter(({ scope }) => scope.name === SCOPE)
    .flatMap((scope) => scope.metrics)
    .find(({ descriptor }) => descriptor.name === METRIC.name) as HistogramMetricData | undefined;
  if (metric === undefined) return undefined;
  const { name, unit, description, valueType } = metric.descriptor;
  return {
    descriptor: { name, unit, description, valueType },
    temporality: metric.aggregationTemporality,
    type: metric.dataPointType,
    points: metric.dataPoints.map(({ attributes, value }) => ({ attributes, value })),
  };
}

function pair() {
  const cells = new Cells(systemClock);
  const api = new Reader();
  const own = joinCells(cells, new Reader());
  const provider = new MeterProvider({ readers: [api] });
  const empty = new MeterProvider({ readers: [own] });
  const plain = histogramOf(provider.getMeter(SCOPE), METRIC);
  const bound = cells.histogram(SCOPE, METRIC, DURATION_BOUNDS);
  const both = async (): Promise<[unknown, unknown]> => [
    seen((await api.collect()).resourceMetrics),
    seen((await own.collect()).resourceMetrics),
  ];
  return { plain, bound, both, own, empty, cells };
}

afterEach(() => {
  const left = currentCells();
  if (left !== undefined) closeCells(left);
  metrics.disable();
});

describe('cells', () => {
  it('hold the values that an API histogram would, also for bounds and invalid values', async () => {
    const value = oneof(
      constantFrom(...DURATION_BOUNDS, 0, NaN, 1e9, 0.0005000001),
      double({ min: 0, max: 20, noNaN: true }),
    );
    await assert(
      asyncProperty(array(tuple(value, constantFrom('GET', 'PUT'), nat(2))), async (records) => {
        const { plain, bound, both } = pair();
        for (const [seconds, method, status] of records) {
          plain.record(seconds, { 'http.request.method': method, 'http.response.status_code': 200 + status });
          bound.bind({ 'http.response.status_code': 200 + status, 'http.request.method': method }).record(seconds);
        }
        const [api, own] = await both();
        // In the SDK a record of NaN alone makes an empty point, which carries no information.
        if (records.every(([seconds]) => !Number.isNaN(seconds))) expect(own).toEqual(api);
      }),
      { numRuns: 60 },
    );
  });

  it('puts attribute sets beyond the limit into the overflow point', async () => {
    const { plain, bound, both } = pair();
    for (let at = 0; at < CELLS_LIMIT + 20; at += 1) {
      plain.record(1, { at });
      bound.bind({ at }).record(1);
    }
    const [api, own] = (await both()) as [{ points: unknown[] }, { points: unknown[] }];
    expect(own.points).toHaveLength(CELLS_LIMIT);
    expect(own).toEqual(api);
    expect(own.points.at(-1)).toMatchObject({ attributes: { 'otel.metric.overflow': true }, value: { count: 21 } });
  });

  it('join the scope of the SDK, and call back before each collection', async () => {
    const { bound, own, empty, cells } = pair();
    let asked = 0;
    cells.onCollect(() => (asked += 1));
    empty.getMeter(SCOPE).createCounter('other').add(1);
    bound.bind({}).record(1);
    const { resourceMetrics } = await own.collect();
    expect(resourceMetrics.scopeMetrics.filter(({ scope }) => scope.name === SCOPE)).toHaveLength(1);
    expect(resourceMetrics.scopeMetrics[0].metrics.map(({ descriptor }) => descriptor.name)).toEqual([
      'other',
      METRIC.name,
    ]);
    expect(asked).toBe(1);
  });

  it('are used between openCells and closeCells; otherwise the API is used', async () => {
    const reader = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }));
    const cells = openCells(systemClock);
    boundHistogram(SCOPE, METRIC, DURATION_BOUNDS).bind({ a: 1 }).record(1);
    expect(seen((await reader.collect()).resourceMetrics)).toBeUndefined();
    closeCells(cells);
    boundHistogram(SCOPE, METRIC, DURATION_BOUNDS).bind({ a: 1 }).record(1);
    expect(seen((await reader.collect()).resourceMetrics)).toMatchObject({ points: [{ value: { count: 1 } }] });
    expect(() => boundHistogram(SCOPE, METRIC, DURATION_BOUNDS).bind({ a: 1 }).record(1)).not.toThrow();
  });

  it('are tried on the running SDK, and an SDK that collects differently fails the trial', async () => {
    expect(await cellsFault(systemClock)).toBeUndefined();
    expect(await cellsFault(systemClock, (_cells, reader) => reader)).toContain('[] instead of');
    const throwing: typeof joinCells = () => {
      throw new Error('no such method');
    };
    expect(await cellsFault(systemClock, throwing)).toBe('no such method');
    const doubled: typeof joinCells = (cells, reader) => {
      const joined = joinCells(cells, reader);
      const collect = joined.collect?.bind(joined);
      return Object.assign(joined, {
        collect: async () => JSON.parse(JSON.stringify(await collect?.()).replace('"count":7', '"count":8')) as unknown,
      });
    };
    expect(await cellsFault(systemClock, doubled)).toContain('"count":8');
  });
});
