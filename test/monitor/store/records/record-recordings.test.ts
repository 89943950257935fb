/** Records of the time around an alert go last, within their room, and never beyond a retention that was configured. */
import { randomBytes } from 'node:crypto';
import { afterEach, expect, it } from 'vitest';
import type { Recording, RecordingBook } from '../../../../src/model/record-source.ts';
import { RECORD_STORE_DEFAULTS } from '../../../../src/monitor/store/records/open-record-store.ts';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { ManualClock, removeDirectory, temporaryDirectory } from '../store-fixture.ts';
import { found, NOW, openTestRecords, span } from './record-fixture.ts';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const KIB = 1_024;

class Book implements RecordingBook {
  recordings: Recording[] = [];
  readonly released: string[] = [];

  add(alert: string, startsAtMs: number): void {
    const [fromMs, toMs] = [startsAtMs - 600_000, startsAtMs + 300_000];
    this.recordings.push({ alert, name: alert, startsAtMs, fromMs, toMs, releasedAtMs: undefined });
  }

  held(): readonly Recording[] {
    return this.recordings;
  }

  release(recording: Recording): void {
    this.released.push(recording.alert);
    this.recordings = this.recordings.filter((one) => one !== recording);
  }
}

const dirs: string[] = [];
const open: RecordStore[] = [];
afterEach(async () => {
  for (const store of open.splice(0)) await store.close();
  for (const dir of dirs.splice(0)) removeDirectory(dir);
});

function opened(options: Parameters<typeof openTestRecords>[1]): RecordStore {
  const dir = temporaryDirectory();
  dirs.push(dir);
  const store = openTestRecords(dir, options);
  open.push(store);
  return store;
}

/** A batch of one ordinary trace, of some 30 KiB that no compressor makes smaller. */
async function trace(store: RecordStore, id: string, ms: number): Promise<void> {
  const noise = randomBytes(24 * KIB).toString('base64');
  await store.append('traces', [span(id, ms, { attributes: { noise } })]);
  await store.flush();
}

const traces = async (store: RecordStore): Promise<string[]> =>
  (await found(store, { signal: 'traces' })).map(({ record }) => record.traceId.replace(/^0+/, '')).sort();

it('holds ordinary traces of the time around an alert as long as kept ones, and no longer', async () => {
  const clock = new ManualClock(NOW);
  const book = new Book();
  const store = opened({ clock, recordings: book });
  await trace(store, 'a', NOW - HOUR);
  await trace(store, 'b', NOW - 300_000);
  await trace(store, 'c', NOW + 200_000);
  await trace(store, 'd', NOW + HOUR);
  book.add('alert', NOW);
  clock.move(3 * DAY);
  await store.retain();
  expect(await traces(store)).toEqual(['b', 'c']);
  expect(book.released).toEqual([]);
  // A configured retention is a promise to delete.
  clock.move(12 * DAY);
  await store.retain();
  expect(await traces(store)).toEqual([]);
});

it('releases the oldest recordings when they need more than their room', async () => {
  const clock = new ManualClock(NOW);
  const book = new Book();
  const store = opened({ clock, recordings: book, recordingsBytes: 80 * KIB });
  for (let at = 0; at < 5; at += 1) {
    await trace(store, `a${at}`, NOW + at * HOUR);
    book.add(`alert ${at}`, NOW + at * HOUR);
  }
  clock.move(3 * DAY);
  await store.retain();
  expect(book.released).toEqual(['alert 0', 'alert 1']);
  // Those that were walked over before the room was known to be too small go at the next run.
  await store.retain();
  expect(await traces(store)).toEqual(['a2', 'a3', 'a4']);
  expect(book.released).toEqual(['alert 0', 'alert 1']);
});

it('deletes what was recorded last when space is short, and does not exceed the size for it', async () => {
  const clock = new ManualClock(NOW);
  const book = new Book();
  const limits = {
    ...RECORD_STORE_DEFAULTS.limits,
    traces: { retentionMs: 9 * DAY, maxSizeBytes: 400 * KIB, services: {} },
  };
  const store = opened({ clock, recordings: book, limits });
  book.add('first', NOW);
  for (let at = 0; at < 20; at += 1) {
    await trace(store, at.toString(16), NOW + at * HOUR);
    clock.move(HOUR);
  }
  await store.retain();
  const left = await traces(store);
  expect(left).toContain('13');
  expect(left).toContain(''); // The trace 0, of the time of the alert.
  expect(left).not.toContain('1');
  expect(store.stats().traces.diskBytes).toBeLessThan(400 * KIB);
  for (let at = 0; at < 20; at += 1) book.add(`later ${at}`, NOW + at * HOUR);
  for (let at = 20; at < 30; at += 1) {
    book.add(`later ${at}`, NOW + at * HOUR);
    await trace(store, at.toString(16), NOW + at * HOUR);
    clock.move(HOUR);
  }
  await store.retain();
  expect(store.stats().traces.diskBytes).toBeLessThan(400 * KIB);
  expect(await traces(store)).toContain('1d');
});
