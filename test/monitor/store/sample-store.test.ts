import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync, chmodSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import { Labels } from '../../../src/model/labels.ts';
import type { SampleStore } from '../../../src/monitor/store/sample-store.ts';
import type { SampleStoreOptions } from '../../../src/monitor/store/upkeep/options.ts';
import {
  ManualClock,
  all,
  batchOf,
  histogramOf,
  labelsOf,
  openTestStore,
  plain,
  removeDirectory,
  temporaryDirectory,
} from './store-fixture.ts';
import { recordingLogger, type LogLine } from '../../support/recording-logger.ts';
import type { Point } from './store-fixture.ts';

const NOW = Date.parse('2026-11-20T12:00:00Z');
const [MIN, MAX] = [-8.64e15, 8.64e15];

let dir: string;
let store: SampleStore;
let lines: LogLine[];

beforeEach(() => {
  dir = temporaryDirectory();
  lines = [];
});
afterEach(async () => {
  await store?.close();
  removeDirectory(dir);
});

function open(options: Partial<SampleStoreOptions> = {}): SampleStore {
  store = openTestStore(dir, { logger: recordingLogger(lines), ...options });
  return store;
}

const append = (points: readonly Point[]) => store.append(batchOf(store, points));
const points = (name: string, times: readonly number[], value = (t: number): number => t): Point[] =>
  times.map((t) => ({ labels: labelsOf(name), t, v: value(t) }));
const range = (from: number, to: number, step = 1): number[] =>
  Array.from({ length: Math.ceil((to - from) / step) }, (_, i) => from + i * step);

describe('appended data', () => {
  it('is found in order, before and after a flush and a restart', async () => {
    open();
    const x = labelsOf('x', { b: '2' });
    const result = await append([
      { labels: x, t: -5_000, v: 1 },
      { labels: labelsOf('x', { a: '1' }), t: 0, v: -0 },
      { labels: x, t: 5_000, v: NaN, stale: true },
      { labels: x, t: 86_400_000 * 3, v: Infinity },
      { labels: labelsOf('y'), t: 1, v: 9 },
    ]);
    expect(result).toEqual({ accepted: 5, rejected: [] });
    const check = async (): Promise<void> => {
      const found = await store.select(all('x'), MIN, MAX);
      expect(plain(found)).toEqual({
        '{"__name__":"x","a":"1"}': [0, -0],
        '{"__name__":"x","b":"2"}': [-5_000, 1, 5_000, NaN, 86_400_000 * 3, Infinity],
      });
      expect(found.map(({ labels }) => labels.get('a'))).toEqual(['1', '']);
      expect(found[1].samples.stale).toEqual(Uint8Array.of(0, 1, 0));
      expect(plain(await store.select(all('x'), 0, 5_000))).toEqual({
        '{"__name__":"x","a":"1"}': [0, -0],
        '{"__name__":"x","b":"2"}': [5_000, NaN],
      });
      expect(await store.select(all('x'), 6_000, 7_000)).toEqual([]);
    };
    await check();
    await store.close();
    open();
    await check();
    await store.flush();
    expect(store.stats().headBytes).toBe(0);
    await check();
    await store.close();
    open();
    await check();
    expect(readdirSync(dir).filter((name) => name.endsWith('.db'))).toEqual([
      'head.db',
      'samples-1969-12-31.db',
      'samples-1970-01-01.db',
      'samples-1970-01-04.db',
    ]);
  });

  it('is the same as a plain list, whatever is appended, flushed and reopened', async () => {
    const step = fc.oneof(
      fc.record({ series: fc.nat(3), steps: fc.array(fc.integer({ min: 1, max: 40_000_000 }), { maxLength: 80 }) }),
      fc.constant('flush' as const),
      fc.constant('reopen' as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        removeDirectory(dir);
        open();
        const expected = new Map<number, number[]>();
        for (const todo of steps) {
          if (todo === 'flush') await store.flush();
          else if (todo === 'reopen') {
            await store.close();
            open();
          } else {
            const known = expected.get(todo.series) ?? [];
            let t = known.at(-2) ?? 1_000;
            const fresh = todo.steps.map((delta) => (t += delta));
            const labels = labelsOf('m', { s: String(todo.series) });
            await append(fresh.map((at) => ({ labels, t: at, v: at / 8, st: at > 5e8 ? 77 : 0 })));
            if (fresh.length > 0) expected.set(todo.series, [...known, ...fresh.flatMap((at) => [at, at / 8])]);
          }
        }
        const found = await store.select(all('m'), MIN, MAX);
        expect(plain(found)).toEqual(
          Object.fromEntries([...expected].map(([s, list]) => [`{"__name__":"m","s":"${s}"}`, list])),
        );
        for (const { samples } of found) {
          samples.st?.forEach((st, i) => expect(st).toBe(samples.t[i] > 5e8 ? 77 : 0));
        }
        await store.close();
      }),
      { numRuns: 40 },
    );
  });

  it('keeps histograms, start timestamps, exemplars and metadata over a restart', async () => {
    open();
    const labels = labelsOf('h');
    const batch = batchOf(store, [
      { labels, t: 1, h: histogramOf(5, 2.5), st: 1 },
      { labels, t: 2, h: histogramOf(9, -0), st: 1 },
      { labels, t: 3, v: 4, st: 3 },
    ]);
    const exemplar = { labels: Labels.from({ trace_id: 'abc' }), value: 0.5, timestampMs: 2 };
    const described = { name: 'h', type: 'histogram', help: 'An h.', unit: 'seconds' } as const;
    await store.append({ ...batch, exemplars: [{ ref: batch.refs[0], exemplar }], metadata: [described] });
    for (const flush of [false, false, true]) {
      if (flush) await store.flush();
      const [{ samples }] = await store.select(all('h'), MIN, MAX);
      expect(samples.h).toEqual([histogramOf(5, 2.5), histogramOf(9, -0), undefined]);
      expect([...(samples.st ?? [])]).toEqual([1, 1, 3]);
      expect(await store.exemplars([all('h')], 0, 10)).toEqual([{ labels, exemplars: [exemplar] }]);
      expect(await store.exemplars([all('other')], 0, 10)).toEqual([]);
      expect(await store.metadata()).toEqual([described]);
      await store.close();
      open();
    }
  });

  it('answers for names and values by selector and range', async () => {
    open();
    await append([
      { labels: labelsOf('a', { job: 'x', code: '200' }), t: 1_000, v: 1 },
      { labels: labelsOf('b', { job: 'y' }), t: 90_000_000, v: 1 },
    ]);
    for (const flush of [false, true]) {
      if (flush) await store.flush();
      expect(await store.labelNames([], MIN, MAX)).toEqual(['__name__', 'code', 'job']);
      expect(await store.labelNames([all('b')], MIN, MAX)).toEqual(['__name__', 'job']);
      expect(await store.labelValues('job', [], MIN, MAX)).toEqual(['x', 'y']);
      expect(await store.labelValues('job', [], 0, 2_000)).toEqual(['x']);
      expect(await store.labelValues('__name__', [[{ name: 'code', op: '=', value: '' }]], MIN, MAX)).toEqual(['b']);
      expect((await store.series([all('a'), all('b'), all('a')], MIN, MAX, 10)).map(({ name }) => name)).toEqual([
        'a',
        'b',
      ]);
      expect(await store.series([[]], MIN, MAX, 1)).toHaveLength(1);
      expect(await store.series([[{ name: 'job', op: '=~', value: 'x|z' }]], 2_000, MAX, 9)).toEqual([]);
    }
  });
});

describe('order', () => {
  it('refuses an older sample, accepts a repetition, and reports a contradiction', async () => {
    open();
    await append(points('x', [10]));
    await append([{ labels: labelsOf('n'), t: 10, v: NaN, stale: true }]);
    await append([{ labels: labelsOf('h'), t: 10, h: histogramOf(4, 1) }]);
    const result = await append([
      { labels: labelsOf('x'), t: 10, v: 10 },
      { labels: labelsOf('x'), t: 10, v: 11 },
      { labels: labelsOf('x'), t: 9, v: 9 },
      { labels: labelsOf('x'), t: NaN, v: 9 },
      { labels: labelsOf('n'), t: 10, v: NaN, stale: true },
      { labels: labelsOf('n'), t: 10, v: NaN },
      { labels: labelsOf('h'), t: 10, h: histogramOf(4, 1) },
      { labels: labelsOf('h'), t: 10, h: histogramOf(4, 2) },
      { labels: labelsOf('x'), t: 11, v: 1 },
    ]);
    expect(result.accepted).toBe(4);
    expect(result.rejected.map(({ reason, count }) => [reason, count])).toEqual([
      ['duplicate', 3],
      ['out_of_order', 1],
      ['invalid', 1],
    ]);
    expect(result.rejected[1].message).toContain('1970-01-01T00:00:00.009Z');
    expect(plain(await store.select(all('x'), MIN, MAX))).toEqual({ '{"__name__":"x"}': [10, 10, 11, 1] });
  });

  it('refuses times far from the clock outside of test mode', async () => {
    open({ testMode: false, clock: new ManualClock(NOW) });
    const result = await append([
      ...points('x', [NOW - 3_600_001]),
      ...points('x', [NOW - 3_600_000]),
      ...points('x', [NOW + 600_000]),
      ...points('x', [NOW + 600_001]),
      ...points('y', [1]),
    ]);
    expect(result.accepted).toBe(2);
    expect(result.rejected.map(({ reason, count }) => [reason, count])).toEqual([
      ['too_old', 2],
      ['too_far_ahead', 1],
    ]);
  });

  it('continues after the clock was set back and the store was opened again', async () => {
    open({ testMode: false, clock: new ManualClock(NOW) });
    await append(points('x', [NOW - 5_000, NOW]));
    await append(points('y', [NOW]));
    await store.flush();
    await append(points('x', [NOW + 1_000]));
    await store.close();
    open({ testMode: false, clock: new ManualClock(NOW - 3_600_000) });
    expect((await append(points('x', [NOW - 3_600_000]))).rejected).toEqual([]);
    expect((await append(points('y', [NOW - 3_600_000]))).rejected).toEqual([]);
    expect(lines.map(({ message }) => message).join()).toContain('the clock of this machine was set back');
  });

  it('continues a flushed series after a restart', async () => {
    open();
    await append(points('x', range(0, 300)));
    await store.flush();
    await store.close();
    open();
    expect((await append(points('x', [5, 299]))).rejected.map(({ reason }) => reason)).toEqual(['out_of_order']);
    expect((await append([{ labels: labelsOf('x'), t: 300, v: 1 }])).accepted).toBe(1);
  });

  it('refuses a reference that it never gave out', async () => {
    open();
    const batch = batchOf(store, points('x', [1]));
    for (const ref of [0, 999, 0x1_00001]) {
      const result = await store.append({ ...batch, refs: Uint32Array.of(ref) });
      expect(result.rejected[0]).toMatchObject({ reason: 'invalid', count: 1 });
    }
  });
});

describe('limits', () => {
  it('send series over the limit to overflow series, with one warning that names the label', async () => {
    open({ maxSeries: 50, maxSeriesPerMetric: 20 });
    const refs = new Set<number>();
    for (let i = 0; i < 1_000; i += 1) refs.add(store.resolve(labelsOf('hits', { user: `u${i}`, code: '200' })));
    expect(refs.size).toBe(21);
    for (let i = 0; i < 5_000; i += 1) refs.add(store.resolve(labelsOf(`random_${i}`)));
    expect(store.stats().series).toBeLessThanOrEqual(58);
    expect(store.stats().seriesOverflowed).toBeGreaterThan(5_000);
    expect(lines.filter(({ level }) => level === 'warn')).toHaveLength(2);
    expect(lines[0].message).toContain('label user has 20 values');
    const result = await append([
      { labels: labelsOf('hits', { user: 'new1' }), t: 1, v: 1 },
      { labels: labelsOf('hits', { user: 'new2' }), t: 1, v: 2 },
    ]);
    expect(result).toMatchObject({ accepted: 1, rejected: [{ reason: 'series_limit', count: 1 }] });
    const [overflow] = await store.select([{ name: 'otel_metric_overflow', op: '=', value: 'true' }], MIN, MAX);
    expect(overflow.labels.name).toBe('hits');
  });

  it('moves old samples to chunks when memory is full, and answers the same', async () => {
    open({ headBytes: 256 * 1024 });
    const series = range(0, 20).map((i) => labelsOf('m', { i: String(i) }));
    for (let t = 0; t < 2_000; t += 1) {
      await append(series.map((labels, i) => ({ labels, t: t * 1_000, v: t * i })));
      expect(store.stats().headBytes).toBeLessThan(400 * 1024);
    }
    const found = await store.select(all('m'), MIN, MAX);
    expect(found).toHaveLength(20);
    found.forEach(({ labels, samples }) => {
      expect([...samples.t]).toEqual(range(0, 2_000_000, 1_000));
      expect(samples.v[1_999]).toBe(1_999 * Number(labels.get('i')));
    });
    expect(store.stats().days).toBe(1);
  });

  it('drops idle series from memory once their samples are in chunks', async () => {
    const clock = new ManualClock(NOW);
    open({ testMode: false, clock });
    await append(points('old', range(NOW - 1_000, NOW)));
    const ref = store.resolve(labelsOf('old'));
    expect(store.generation).toBe(0);
    clock.move(3_600_000);
    await append(points('new', [clock.now()]));
    await expect
      .poll(() => {
        clock.move(5_000);
        return store.generation;
      })
      .toBeGreaterThan(0);
    expect(store.stats().series).toBe(1);
    expect(plain(await store.select(all('old'), MIN, MAX))['{"__name__":"old"}']).toHaveLength(2_000);
    const late = { count: 1, refs: Uint32Array.of(ref), t: Float64Array.of(clock.now()), v: Float64Array.of(1) };
    expect((await store.append(late)).rejected[0].reason).toBe('invalid');
    const again = store.resolve(labelsOf('again'));
    expect(again).not.toBe(ref);
    await append(points('again', [clock.now()]));
    await store.close();
    open({ testMode: false, clock });
    expect(store.stats().series).toBe(2);
    expect(plain(await store.select(all('old'), MIN, MAX))['{"__name__":"old"}']).toHaveLength(2_000);
  });
});

describe('the directory', () => {
  it('is private, and a second process is told the owner', async () => {
    open();
    await append(points('x', range(0, 300)));
    await store.flush();
    expect(statSync(dir).mode & 0o777).toBe(0o700);
    for (const name of readdirSync(dir)) expect(statSync(path.join(dir, name)).mode & 0o077).toBe(0);
    expect(() => openTestStore(dir)).toThrow(
      expect.objectContaining({ code: 'data_dir_in_use', message: expect.stringContaining(`pid ${process.pid}`) }),
    );
    await store.close();
    expect(readdirSync(dir)).not.toContain('lock');
    await expect(
      store.append({ count: 0, refs: new Uint32Array(0), t: new Float64Array(0), v: new Float64Array(0) }),
    ).rejects.toThrow('closed');
  });

  it('is named in the error when it cannot be used', () => {
    const file = path.join(dir, 'file');
    writeFileSync(file, '');
    expect(() => openTestStore(path.join(file, 'data'))).toThrow(
      expect.objectContaining({ code: 'data_dir_unusable', message: expect.stringContaining(file) }),
    );
  });

  it('survives an invalid head.db: the file is set aside, days are read, and writes continue', async () => {
    open();
    await append(points('x', range(0, 200)));
    await store.flush();
    await store.close();
    writeFileSync(path.join(dir, 'head.db'), 'this is no database, and long enough to be looked at '.repeat(40));
    open();
    expect((await store.select(all('x'), MIN, MAX))[0].samples.t).toHaveLength(200);
    expect((await append(points('y', [1]))).accepted).toBe(1);
    expect(readdirSync(dir)).toContain('head.db.damaged');
    expect(lines.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual([
      'head.db cannot be read and was set aside; the samples of the last hour are missing, older days are kept',
    ]);
  });

  it('loses only one chunk, not the whole day, when the bytes of that chunk are damaged', async () => {
    open();
    await append([...points('x', range(0, 2_000)), ...points('y', range(0, 200))]);
    await store.flush();
    await store.close();
    const db = new DatabaseSync(path.join(dir, 'samples-1970-01-01.db'));
    db.exec("UPDATE chunk SET data = x'ffffffffff' WHERE id = (SELECT min(id) FROM chunk)");
    db.close();
    open();
    const left = (await store.select(all('x'), MIN, MAX))[0].samples.t;
    expect(left.length).toBeGreaterThan(0);
    expect(left.length).toBeLessThan(2_000);
    expect(left.at(-1)).toBe(1_999);
    expect((await store.select(all('y'), MIN, MAX))[0].samples.t).toHaveLength(200);
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
  });

  it('does not touch a day of a newer version, and reads the others', async () => {
    open();
    await append([...points('x', range(0, 200)), ...points('x', range(86_400_000, 86_400_200))]);
    await store.flush();
    await store.close();
    const file = path.join(dir, 'samples-1970-01-01.db');
    const db = new DatabaseSync(file);
    db.exec('PRAGMA user_version = 99');
    db.close();
    const before = readFileSync(file);
    open();
    expect((await store.select(all('x'), MIN, MAX))[0].samples.t[0]).toBe(86_400_000);
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(lines.map(({ message }) => message).join()).toContain('schema version 99');
  });

  it('of a newer version is refused and not changed', () => {
    const file = path.join(dir, 'head.db');
    const db = new DatabaseSync(file);
    db.exec('CREATE TABLE t (x); PRAGMA user_version = 99');
    db.close();
    const before = readFileSync(file);
    expect(() => openTestStore(dir)).toThrow(
      expect.objectContaining({ code: 'data_dir_unusable', message: expect.stringContaining('schema version 99') }),
    );
    expect(readFileSync(file).equals(before)).toBe(true);
    expect(readdirSync(dir)).toEqual(['head.db']);
  });

  it('survives a damaged day: the file is set aside, and the others are read', async () => {
    open();
    await append([...points('x', range(0, 200)), ...points('x', range(86_400_000, 86_400_200))]);
    await store.flush();
    await store.close();
    const file = path.join(dir, 'samples-1970-01-01.db');
    writeFileSync(file, Buffer.alloc(8_192, 7));
    chmodSync(file, 0o600);
    open();
    expect((await store.select(all('x'), MIN, MAX))[0].samples.t[0]).toBe(86_400_000);
    expect(readdirSync(dir)).toContain('samples-1970-01-01.db.damaged');
    expect(lines.filter(({ level }) => level === 'error')).toHaveLength(1);
    expect((await append(points('x', [86_500_000]))).accepted).toBe(1);
  });

  it('stays small and correct over many restarts', async () => {
    for (let round = 0; round < 25; round += 1) {
      open();
      await append(points('x', range(round * 10, round * 10 + 10)));
      await store.close();
    }
    open();
    expect([...(await store.select(all('x'), MIN, MAX))[0].samples.t]).toEqual(range(0, 250));
    expect(store.stats().series).toBe(1);
    expect(store.stats().sizeBytes).toBeLessThan(1024 * 1024);
  });
});

describe('a backup', () => {
  it('contains all writes acknowledged before it, while writes continue', async () => {
    open();
    await append(points('x', range(0, 1_000)));
    await store.flush();
    await append(points('x', range(1_000, 1_100)));
    const target = path.join(dir, 'backup');
    const copying = store.backup(target);
    for (let t = 1_100; t < 1_200; t += 1) await append(points('x', [t]));
    await store.flush();
    await copying;
    const copy = openTestStore(target);
    const [{ samples }] = await copy.select(all('x'), MIN, MAX);
    expect([...samples.t.subarray(0, 1_100)]).toEqual(range(0, 1_100));
    await copy.close();
    await expect(store.backup(target)).rejects.toThrow(expect.objectContaining({ code: 'conflict' }));
    mkdirSync(path.join(dir, 'empty'));
    await store.backup(path.join(dir, 'empty'));
  });
});

describe('errors', () => {
  it('of appends are VitrineErrors with Retry-After while the disk is below its limit', async () => {
    const clock = new ManualClock(NOW);
    open({ testMode: false, clock, minFreeBytes: 2 ** 60 });
    clock.move(6_000);
    await expect.poll(() => store.stats().writable).toBe(false);
    const error = await append(points('x', [clock.now()])).catch((cause: unknown) => cause);
    expect(error).toBeInstanceOf(VitrineError);
    expect(error).toMatchObject({ code: 'storage_full', status: 503, headers: { 'Retry-After': '5' } });
    clock.move(10_000);
    expect(store.stats().writable).toBe(false);
  });

  it('are returned after the directory was removed, even when another one has its name', async () => {
    const clock = new ManualClock(NOW);
    open({ testMode: false, clock, minFreeBytes: 0 });
    await append(points('x', [clock.now()]));
    renameSync(dir, `${dir}-away`);
    mkdirSync(dir);
    clock.move(6_000);
    await expect.poll(() => store.stats().writable).toBe(false);
    await expect(append(points('x', [clock.now()]))).rejects.toThrow('was removed or replaced');
    rmSync(dir, { recursive: true });
    renameSync(`${dir}-away`, dir);
    clock.move(6_000);
    await expect.poll(() => store.stats().writable).toBe(true);
    expect((await append(points('x', [clock.now()]))).accepted).toBe(1);
  });

  it('do not end the process when the directory is removed', async () => {
    const clock = new ManualClock(NOW);
    open({ testMode: false, clock, minFreeBytes: 1 });
    await append(points('x', range(NOW, NOW + 300)));
    removeDirectory(dir);
    await expect(store.flush()).rejects.toMatchObject({ code: 'storage_full' });
    expect(plain(await store.select(all('x'), MIN, MAX))['{"__name__":"x"}']).toHaveLength(600);
    await expect(append(points('x', [NOW + 300]))).rejects.toMatchObject({ code: 'storage_full' });
    expect(store.stats().writable).toBe(false);
    clock.move(5_000);
    await expect.poll(() => lines.filter(({ level }) => level === 'error').length).toBe(1);
  });
});
