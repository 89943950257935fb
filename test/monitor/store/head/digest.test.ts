import { afterEach, beforeEach, expect, it } from 'vitest';
import type { SampleStore } from '../../../../src/monitor/store/sample-store.ts';
import {
  batchOf,
  histogramOf,
  labelsOf,
  openTestStore,
  removeDirectory,
  temporaryDirectory,
} from '../store-fixture.ts';
import type { Point } from '../store-fixture.ts';

let dir: string;
let store: SampleStore;
let t = 1_000;
beforeEach(() => {
  dir = temporaryDirectory();
  store = openTestStore(dir);
});
afterEach(async () => {
  await store.close();
  removeDirectory(dir);
});

const put = async (name: string, more: Partial<Point>, job = 'a'): Promise<void> => {
  t += 1_000;
  await store.append(batchOf(store, [{ labels: labelsOf(name, { job }), t, ...more }]));
};
const changes = async (work: () => Promise<void>): Promise<boolean> => {
  const before = store.digestOf(['x', 'y']);
  await work();
  return store.digestOf(['x', 'y']) !== before;
};

it('stays while newer samples have the values of the older', async () => {
  await put('x', { v: 1 });
  await put('y', { v: -0.5 });
  expect(await changes(() => put('x', { v: 1 }))).toBe(false);
  expect(await changes(() => put('other', { v: 3 }))).toBe(false);
});

it('changes with a value, a series, values that change places, a stale marker, and each histogram', async () => {
  await put('x', { v: 1 });
  expect(await changes(() => put('x', { v: 1 + Number.EPSILON }))).toBe(true);
  expect(await changes(() => put('x', { v: 2 }, 'b'))).toBe(true);
  await put('x', { v: 1 });
  const exchange = async (): Promise<void> => {
    await put('x', { v: 2 });
    await put('x', { v: 1 }, 'b');
  };
  expect(await changes(exchange)).toBe(true);
  expect(await changes(() => put('x', { stale: true }))).toBe(true);
  await put('y', { h: histogramOf(1, 1) });
  expect(await changes(() => put('y', { h: histogramOf(1, 1) }))).toBe(true);
});
