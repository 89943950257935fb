/** Compares tables, which bypass the SDK, with the API's observable instruments: a reader must not be able to tell them apart. */
import { metrics } from '@opentelemetry/api';
import type { ResourceMetrics } from '@opentelemetry/sdk-metrics';
import { DataPointType, MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { CELLS_LIMIT, closeCells, currentCells, openCells } from '../../../src/telemetry/metrics/cells.ts';
import { joinCells } from '../../../src/telemetry/metrics/cells-producer.ts';
import type { MetricName } from '../../../src/telemetry/names.ts';
import { observeTable } from '../../../src/telemetry/metrics/observe.ts';
import { resetApi } from '../collector.ts';

class Reader extends MetricReader {
  protected onShutdown(): Promise<void> {
    return Promise.resolve();
  }
  protected onForceFlush(): Promise<void> {
    return Promise.resolve();
  }
}

const metric = (kind: MetricName['kind']): MetricName => ({
  name: `t.${kind}`,
  unit: 'By',
  kind,
  attributes: ['way'],
  description: `A ${kind}.`,
});
const TABLE = { counter: metric('counter'), updowncounter: metric('updowncounter'), gauge: metric('gauge') };
const KEYS = Object.keys(TABLE) as (keyof typeof TABLE)[];

/** A collection as plain data, without times and the value type. */
const seen = ({ scopeMetrics }: ResourceMetrics): unknown =>
  scopeMetrics
    .filter(({ metrics: found }) => found.some(({ dataPoints }) => dataPoints.length > 0))
    .map(({ scope, metrics: found }) => ({
      scope: scope.name,
      metrics: found
        .filter(({ dataPoints }) => dataPoints.length > 0)
        .map((one) => ({
          name: one.descriptor.name,
          unit: one.descriptor.unit,
          description: one.descriptor.description,
          type: one.dataPointType,
          temporality: one.dataPointType === DataPointType.GAUGE ? 'none' : one.aggregationTemporality,
          monotonic: one.dataPointType === DataPointType.SUM && one.isMonotonic,
          points: one.dataPoints.map(({ attributes, value }) => ({ attributes, value })),
        })),
    }));

let now = 0;
const clock: Clock = { now: () => now, monotonic: () => now, after: () => () => {} };

function table(values: () => Readonly<Record<string, number>>): () => void {
  return observeTable('test', TABLE, clock, (observe) => {
    for (const key of KEYS) for (const [way, value] of Object.entries(values())) observe(key, value, { way });
  });
}

afterEach(() => {
  const left = currentCells();
  if (left !== undefined) closeCells(left);
  resetApi();
});

describe('a table', () => {
  it('a table gives the points that API instruments would give', async () => {
    const api = new Reader();
    metrics.setGlobalMeterProvider(new MeterProvider({ readers: [api] }));
    let values: Readonly<Record<string, number>> = {};
    const ends = [table(() => values)];
    const cells = openCells(clock);
    const own = joinCells(cells, new Reader());
    void new MeterProvider({ readers: [own] });
    ends.push(table(() => values));
    for (values of [
      { in: 5, out: 2 },
      { in: 7, out: 2 },
      { in: 7, out: 2.5 },
      { in: 3, out: 4 },
    ]) {
      now += 1_000;
      const [theirs, ours] = [await api.collect(), await own.collect()];
      expect(seen(ours.resourceMetrics)).toEqual(seen(theirs.resourceMetrics));
    }
    for (const end of ends) end();
    now += 1_000;
    expect(seen((await own.collect()).resourceMetrics)).toEqual([]);
  });

  it('keeps as many attribute sets as the SDK', async () => {
    const own = joinCells(openCells(clock), new Reader());
    void new MeterProvider({ readers: [own] });
    table(() => Object.fromEntries(Array.from({ length: CELLS_LIMIT + 5 }, (_, at) => [`w${at}`, at])));
    const [scope] = (await own.collect()).resourceMetrics.scopeMetrics;
    expect(scope.metrics.map(({ dataPoints }) => dataPoints.length)).toEqual([CELLS_LIMIT, CELLS_LIMIT, CELLS_LIMIT]);
  });
});
