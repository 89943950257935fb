import { readdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { Columns } from '../../../../src/monitor/store/codec/columns.ts';
import { dayOf, pendingChunk } from '../../../../src/monitor/store/disk/day-file.ts';
import { DayFiles } from '../../../../src/monitor/store/disk/day-files.ts';
import { labelsOf, removeDirectory, temporaryDirectory } from '../store-fixture.ts';

const DAY = 86_400_000;
let dir: string;
let days: DayFiles;

beforeEach(() => {
  dir = temporaryDirectory();
  days = new DayFiles(dir, silentLogger, () => undefined);
});
afterEach(() => {
  days.close();
  removeDirectory(dir);
});

function chunk(t: number, v: number) {
  const columns = new Columns(1);
  columns.push(t, v, false, 0, undefined);
  return pendingChunk(labelsOf('x'), columns);
}

function readAll(from: number, to: number): number[] {
  const columns = new Columns(0);
  for (const file of days.overlapping(from, to)) file.read(labelsOf('x').key, from, to, columns);
  return [...columns.v.subarray(0, columns.count)];
}

describe('day files', () => {
  it('may be many on disk, of which few are open', () => {
    for (let day = 0; day < 100; day += 1) days.forWriting(day * DAY).add([chunk(day * DAY, day)]);
    expect(days.list()).toHaveLength(100);
    expect(readAll(0, 200 * DAY)).toEqual(Array.from({ length: 100 }, (_, day) => day));
    expect(readAll(3 * DAY, 5 * DAY + 1)).toEqual([3, 4, 5]);
    // A closed file has no side files.
    expect(readdirSync(dir).filter((name) => name.endsWith('-wal')).length).toBeLessThanOrEqual(64);
    days.close();
    days = new DayFiles(dir, silentLogger, () => undefined);
    expect(readAll(98 * DAY, Infinity)).toEqual([98, 99]);
  });

  it('share label sets that are already in memory', () => {
    days.forWriting(0).add([chunk(1, 1)]);
    days.close();
    const live = labelsOf('x');
    days = new DayFiles(dir, silentLogger, (key) => (key === live.key ? live : undefined));
    expect(days.open('1970-01-01')?.labelsOf(live.key)).toBe(live);
  });

  it('skip a file that is not a database, and remove leftovers of a roll-up', () => {
    writeFileSync(path.join(dir, 'samples-1970-01-03.db'), 'x'.repeat(5_000));
    writeFileSync(path.join(dir, 'samples-1970-01-03.tmp'), 'half');
    writeFileSync(path.join(dir, 'other.db'), '');
    days = new DayFiles(dir, silentLogger, () => undefined);
    days.forWriting(2 * DAY).add([chunk(2 * DAY, 7)]);
    expect(readAll(0, 9 * DAY)).toEqual([7]);
    expect(readdirSync(dir).filter((name) => !/-(?:wal|shm)$/.test(name))).toEqual([
      'other.db',
      'samples-1970-01-03.db',
      'samples-1970-01-03.db.damaged',
    ]);
  });

  it('report a removed directory as a disk error', () => {
    removeDirectory(dir);
    expect(() => days.forWriting(0)).toThrow(expect.objectContaining({ code: 'ENOENT' }));
  });

  it('have a name for every possible day', () => {
    expect(dayOf(0)).toBe('1970-01-01');
    expect(dayOf(-1)).toBe('1969-12-31');
    expect(dayOf(8.64e15)).toBe('+275760-09-13');
    expect(dayOf(-8.64e15)).toBe('-271821-04-20');
    days.forWriting(8.64e15).add([chunk(8.64e15, 1)]);
    days.forWriting(-8.64e15).add([chunk(-8.64e15, 2)]);
    days.close();
    days = new DayFiles(dir, silentLogger, () => undefined);
    expect(readAll(-Infinity, Infinity)).toEqual([2, 1]);
  });
});
