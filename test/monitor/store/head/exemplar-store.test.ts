import { expect, it } from 'vitest';
import { Labels } from '../../../../src/model/labels.ts';
import { MemoryExemplars } from '../../../../src/monitor/store/head/exemplar-store.ts';
import { labelsOf } from '../store-fixture.ts';

const at = (timestampMs: number, trace = 'a') => ({ labels: Labels.from({ trace_id: trace }), value: 1, timestampMs });

it('keeps the last exemplars of each series, for a limited number of series', () => {
  const store = new MemoryExemplars();
  const x = labelsOf('x');
  for (let t = 0; t < 100; t += 1) expect(store.add(x, at(t))).toBe(true);
  expect(store.add(x, at(99))).toBe(false);
  expect(store.add(x, at(NaN))).toBe(false);
  expect(store.add(x, at(200, 'a'.repeat(600)))).toBe(false);
  const [found] = store.find((labels) => labels.name === 'x', 0, 97);
  expect(found.exemplars.map(({ timestampMs }) => timestampMs)).toEqual([
    84, 85, 86, 87, 88, 89, 90, 91, 92, 93, 94, 95, 96, 97,
  ]);
  expect(store.find(() => true, 500, 600)).toEqual([]);
  for (let i = 0; i < 20_500; i += 1) store.add(labelsOf('y', { i: String(i) }), at(1));
  expect(store.size).toBe(20_000);
  expect(store.find((labels) => labels.name === 'x', 0, 100)).toEqual([]);
});
