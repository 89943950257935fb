/** Rows in memory beside a disk that refuses some changes. */
import { rmSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Records, type StateStore } from '../../../../../src/monitor/alerts/notify/state/records.ts';
import { openStateDatabase, type StateDatabase } from '../../../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../../../support/moved-clock.ts';
import { freshDir } from '../../../../support/program.ts';
import { recordingLogger } from '../../../../support/recording-logger.ts';

const OWNER = {
  name: 'test',
  migrations: [
    `CREATE TABLE rows (key TEXT PRIMARY KEY, body TEXT NOT NULL) STRICT, WITHOUT ROWID;
     CREATE TRIGGER refused BEFORE INSERT ON rows WHEN NEW.body LIKE '%refused%' BEGIN SELECT RAISE(ABORT, 'no'); END;
     CREATE TRIGGER kept BEFORE DELETE ON rows WHEN OLD.key LIKE 'kept%' BEGIN SELECT RAISE(ABORT, 'no'); END;`,
  ],
};

let dir: string;
let state: StateDatabase;
let records: Records<string>;
const open = (store: StateStore): Records<string> => new Records(store, 'rows', 'key', (body) => body as string);
beforeEach(() => {
  dir = freshDir('vitrine-records');
  state = openStateDatabase({ dir, owners: [OWNER], clock: movedClock(0), logger: recordingLogger() });
  records = open(state);
});
afterEach(async () => {
  await state[Symbol.asyncDispose]();
  rmSync(dir, { recursive: true });
});

const memory = (): Record<string, string> => Object.fromEntries(records.entries());
const disk = (): Record<string, string> => Object.fromEntries(open(state).entries());

describe('records', () => {
  it('are seen at once, and are gone when the disk refuses them', async () => {
    const kept = records.set('a', 'one');
    const gone = records.set('b', 'refused');
    expect(memory()).toEqual({ a: 'one', b: 'refused' });
    await kept;
    await expect(gone).rejects.toThrow('no');
    expect([memory(), disk(), records.size]).toEqual([{ a: 'one' }, { a: 'one' }, 1]);
  });

  it('are as before when their change or their deletion is refused', async () => {
    await records.set('kept', 'one');
    await expect(records.set('kept', 'refused')).rejects.toThrow('no');
    await expect(records.delete('kept')).rejects.toThrow('no');
    expect([memory(), disk()]).toEqual([{ kept: 'one' }, { kept: 'one' }]);
  });

  it.each([
    [['refused', 'two'], 'two'],
    [['two', 'refused'], 'two'],
    [['refused', 'refused'], 'one'],
    [['two', 'refused', 'three', 'refused'], 'three'],
  ])('have the last change that was kept, of %j in one turn', async (changes, expected) => {
    await records.set('a', 'one');
    await Promise.allSettled(changes.map((value) => records.set('a', value)));
    expect([memory(), disk()]).toEqual([{ a: expected }, { a: expected }]);
  });

  it('that the pipeline holds or drops stay so in memory', async () => {
    await records.set('kept', 'one');
    await expect(records.hold('a', 'refused')).rejects.toThrow('no');
    await expect(records.drop('kept')).rejects.toThrow('no');
    expect([memory(), disk()]).toEqual([{ a: 'refused' }, { kept: 'one' }]);
  });
});
