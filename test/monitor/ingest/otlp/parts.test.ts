import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Metric, NumberPoint, ResourceMetrics } from '../../../../src/monitor/ingest/metrics/metric-points.ts';
import { listParts, metricParts } from '../../../../src/monitor/ingest/otlp/parts.ts';

const resourceOf = (sizes: readonly number[], id: number): ResourceMetrics => ({
  key: `${id}`,
  resource: { id },
  metrics: sizes.map((size, at): Metric => {
    const points = Array.from({ length: size }, (_, i) => ({ value: i }) as NumberPoint);
    return { name: `m${at}`, unit: '', description: '', kind: 'gauge', points };
  }),
});

const named = (resources: readonly ResourceMetrics[]): string[] =>
  resources.flatMap(({ key, metrics }) =>
    metrics.flatMap(({ name, points }) =>
      (points as readonly NumberPoint[]).map(({ value }) => `${key}/${name}/${value}`),
    ),
  );

it('parts hold every point once, in order, and no part has more than it may', () => {
  fc.assert(
    fc.property(
      fc.array(fc.array(fc.nat(30), { maxLength: 5 }), { maxLength: 6 }),
      fc.integer({ min: 1, max: 20 }),
      (all, most) => {
        const resources = all.map(resourceOf);
        const parts = [...metricParts(resources, most)];
        expect(parts.flatMap(named)).toEqual(named(resources));
        for (const part of parts) expect(named(part).length).toBeLessThanOrEqual(most);
      },
    ),
  );
});

it('a resource that fits is never cut, and metrics without points are kept', () => {
  const parts = [...metricParts([resourceOf([3, 0], 1), resourceOf([4, 0, 4], 2), resourceOf([12], 3)], 10)];
  expect(
    parts.map((part) => part.map(({ key, metrics }) => [key, metrics.map(({ points }) => points.length)])),
  ).toEqual([[['1', [3, 0]]], [['2', [4, 0, 4]]], [['3', [10]]], [['3', [2]]]]);
  expect([...metricParts([])]).toEqual([[]]);
});

it('lists are cut by length', () => {
  expect([...listParts([1, 2, 3, 4, 5], 2)]).toEqual([[1, 2], [3, 4], [5]]);
  expect([...listParts([], 2)]).toEqual([[]]);
});

it('the points of a metric that is cut are in order of time', () => {
  const points = [5, 1, 4, 2, 3].map((timeMs) => ({ timeMs, value: timeMs }) as NumberPoint);
  const metric: Metric = { name: 'm', unit: '', description: '', kind: 'gauge', points };
  const parts = [...metricParts([{ key: '1', resource: {}, metrics: [metric] }], 2)];
  expect(parts.flatMap(named)).toEqual([1, 2, 3, 4, 5].map((value) => `1/m/${value}`));
});
