import { afterEach, beforeEach, expect, it } from 'vitest';
import { cardinalityOf } from '../../../../src/monitor/store/head/cardinality.ts';
import { batchOf, labelsOf, openTestStore, removeDirectory, temporaryDirectory } from '../store-fixture.ts';

let dir: string;
beforeEach(() => void (dir = temporaryDirectory()));
afterEach(() => removeDirectory(dir));

it('counts as Prometheus does, largest first and within the limit', () => {
  const pairs = new Map([
    [
      '__name__',
      new Map([
        ['a', 3],
        ['bb', 5],
        ['c', 1],
      ]),
    ],
    ['job', new Map([['shop', 9]])],
  ]);
  expect(cardinalityOf(pairs, 2)).toEqual({
    labelPairs: 4,
    seriesByMetric: [
      { name: 'bb', value: 5 },
      { name: 'a', value: 3 },
    ],
    valuesByLabel: [
      { name: '__name__', value: 3 },
      { name: 'job', value: 1 },
    ],
    memoryByLabel: [
      { name: 'job', value: 36 },
      { name: '__name__', value: 14 },
    ],
    seriesByPair: [
      { name: 'job=shop', value: 9 },
      { name: '__name__=bb', value: 5 },
    ],
  });
});

it('reports the data that a store has in memory', async () => {
  const store = openTestStore(dir);
  expect(store.headStats(10)).toMatchObject({ series: 0, chunks: 0, minTimeMs: 0, maxTimeMs: 0 });
  const points = Array.from({ length: 40 }, (_, at) => [
    { labels: labelsOf('up', { job: 'a' }), t: 1_000 + at, v: at },
    { labels: labelsOf('up', { job: 'b' }), t: 2_000 + at, v: at },
  ]).flat();
  await store.append(batchOf(store, points));
  expect(store.headStats(10)).toMatchObject({
    series: 2,
    chunks: 4,
    minTimeMs: 1_000,
    maxTimeMs: 2_039,
    labelPairs: 3,
    seriesByMetric: [{ name: 'up', value: 2 }],
  });
  await store.close();
});
