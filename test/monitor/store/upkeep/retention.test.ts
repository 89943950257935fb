import { readdirSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SampleStore } from '../../../../src/monitor/store/sample-store.ts';
import type { SampleStoreOptions } from '../../../../src/monitor/store/upkeep/options.ts';
import {
  ManualClock,
  all,
  batchOf,
  labelsOf,
  openTestStore,
  removeDirectory,
  temporaryDirectory,
} from '../store-fixture.ts';

const DAY = 86_400_000;
const START = Date.parse('2026-11-01T00:00:00Z');

let dir: string;
let store: SampleStore;
let clock: ManualClock;

beforeEach(() => {
  dir = temporaryDirectory();
  clock = new ManualClock(START);
});
afterEach(async () => {
  await store.close();
  removeDirectory(dir);
});

const open = (options: Partial<SampleStoreOptions> = {}): void => {
  store = openTestStore(dir, { testMode: false, clock, ...options });
};
const days = (): string[] => readdirSync(dir).filter((name) => /^samples-.*\.db$/.test(name));

/** A sample a minute and series, for a day, then into chunks. */
async function writeDay(series: number, noise: () => number = () => 1): Promise<void> {
  for (let minute = 0; minute < 1_440; minute += 10) {
    const now = clock.now();
    const labels = Array.from({ length: series }, (_, i) => labelsOf(i === 0 ? 'c_total' : 'g', { i: String(i) }));
    for (let k = 0; k < 10; k += 1) {
      const t = now + k * 60_000;
      await store.append(
        batchOf(
          store,
          labels.map((of, i) => ({ labels: of, t, v: i === 0 ? t / 60_000 : noise() })),
        ),
      );
    }
    clock.move(600_000);
    if (minute % 360 === 350) await store.flush();
  }
}

describe('retention', () => {
  it('deletes days past their age and rolls up days past their raw age', async () => {
    open({ retentionMs: 4 * DAY, rawRetentionMs: 2 * DAY });
    for (let day = 0; day < 6; day += 1) await writeDay(2);
    await store.retain();
    expect(days()).toEqual([
      'samples-2026-11-03.db',
      'samples-2026-11-04.db',
      'samples-2026-11-05.db',
      'samples-2026-11-06.db',
    ]);
    const [{ samples }] = await store.select(all('c_total'), START, clock.now());
    const perDay = (day: number): number =>
      samples.t.filter((t) => t >= START + day * DAY && t < START + (day + 1) * DAY).length;
    expect([2, 3, 4, 5].map(perDay)).toEqual([576, 576, 1_440, 1_440]);
    // The counter grows by one a minute, whatever the resolution.
    expect(samples.v.every((v, i) => v === samples.t[i] / 60_000)).toBe(true);
    const size = store.stats().sizeBytes;
    await store.retain();
    expect(Math.abs(store.stats().sizeBytes - size)).toBeLessThan(100_000);
  });

  it('keeps the size under its limit, oldest days first', async () => {
    open({ maxSizeBytes: 9_000_000 });
    for (let day = 0; day < 6; day += 1) {
      await writeDay(200, Math.random);
      await store.retain();
      expect(store.stats().sizeBytes).toBeLessThanOrEqual(9_000_000 * 1.1);
    }
    expect(days().at(-1)).toBe('samples-2026-11-06.db');
    expect(days().length).toBeLessThan(6);
  });

  it('trims the only day when that alone is too large', async () => {
    open({ maxSizeBytes: 8_000_000 });
    await writeDay(400, Math.random);
    await store.retain();
    expect(days()).toHaveLength(1);
    const found = await store.select(all('g'), START, clock.now());
    const kept = found.reduce((sum, { samples }) => sum + samples.t.length, 0);
    expect(kept).toBeGreaterThan(1_000);
    expect(kept).toBeLessThan(399 * 1_440);
    expect(store.stats().sizeBytes).toBeLessThanOrEqual(8_000_000 * 1.1);
  });
});
