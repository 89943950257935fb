/** A full disk is a state: a small tmpfs where this user may mount one. */
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import {
  ManualClock,
  all,
  batchOf,
  labelsOf,
  openTestStore,
  removeDirectory,
  temporaryDirectory,
} from './store-fixture.ts';
import { recordingLogger, type LogLine } from '../../support/recording-logger.ts';

/** The system's, not a package's. */
const [MOUNT, UNMOUNT] = ['mount', 'umount'];

function mountSmall(dir: string): string | undefined {
  try {
    execFileSync(MOUNT, ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', dir], { stdio: 'pipe' });
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

it('refuses writes while the disk is full, continues to read, and recovers by itself', async ({ skip }) => {
  const dir = temporaryDirectory();
  const trouble = mountSmall(dir);
  if (trouble !== undefined) {
    removeDirectory(dir);
    skip(`no tmpfs can be mounted here: ${trouble}`);
  }
  const lines: LogLine[] = [];
  const clock = new ManualClock(1_000_000);
  const ballast = path.join(dir, 'ballast');
  writeFileSync(ballast, Buffer.alloc(4 * 1024 * 1024));
  let store = openTestStore(dir, { clock, logger: recordingLogger(lines) });
  const series = Array.from({ length: 200 }, (_, i) => labelsOf('m', { i: String(i) }));
  const tick = (t: number) =>
    store.append(
      batchOf(
        store,
        series.map((labels, i) => ({ labels, t, v: Math.sin(t * 31 + i) })),
      ),
    );
  try {
    let t = 0;
    const refusals: unknown[] = [];
    while (refusals.length === 0 && t < 5_000) {
      await tick(t).catch((error: unknown) => refusals.push(error));
      t += 1;
    }
    const [refused] = refusals;
    expect(refused).toMatchObject({ code: 'storage_full', headers: { 'Retry-After': '5' } });
    const acknowledged = t - 1;
    expect(store.stats().writable).toBe(false);
    await expect(tick(t)).rejects.toMatchObject({ code: 'storage_full' });
    const found = await store.select(all('m'), -Infinity, Infinity);
    expect(found.map(({ samples }) => samples.t.length)).toEqual(series.map(() => acknowledged));
    clock.move(4_000);
    expect(store.stats().writable).toBe(false);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);

    rmSync(ballast);
    clock.move(2_000);
    expect(store.stats().writable).toBe(true);
    // The refused tick is sent again: nothing of it is in the way.
    expect(await tick(acknowledged)).toEqual({ accepted: 200, rejected: [] });
    await store.close();
    store = openTestStore(dir, { clock });
    const after = await store.select(all('m'), -Infinity, Infinity);
    expect(after.map(({ samples }) => samples.t.length)).toEqual(series.map(() => acknowledged + 1));
  } finally {
    await store.close();
    execFileSync(UNMOUNT, ['-l', dir]);
    removeDirectory(dir);
  }
});
