import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../src/base/clock.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import {
  openStateDatabase,
  type StateDatabase,
  type StateOwner,
} from '../../../../src/monitor/store/state/state-database.ts';
import { recordingLogger } from '../../../support/recording-logger.ts';
import { removeDirectory, temporaryDirectory } from '../store-fixture.ts';

const TICKS: StateOwner = { name: 'ticks', migrations: ['CREATE TABLE ticks (n INTEGER PRIMARY KEY) STRICT'] };

let dir: string;
const logger = recordingLogger();
const open = (...owners: StateOwner[]): StateDatabase => openStateDatabase({ dir, owners, clock: systemClock, logger });
const ticksOf = (state: StateDatabase): unknown[] =>
  state.db
    .prepare('SELECT n FROM ticks ORDER BY n')
    .all()
    .map((row) => row['n']);
const add = (state: StateDatabase, n: number): Promise<void> =>
  state.change((db) => db.prepare('INSERT INTO ticks (n) VALUES (?)').run(n));

beforeEach(() => {
  dir = temporaryDirectory();
  logger.lines.length = 0;
});
afterEach(() => removeDirectory(dir));

describe('state.db', () => {
  it('is private, uses full sync, and keeps changes over a restart', async () => {
    {
      await using state = open(TICKS);
      expect(state.db.prepare('PRAGMA synchronous').get()).toEqual({ synchronous: 2 });
      await add(state, 1);
    }
    expect(statSync(path.join(dir, 'state.db')).mode & 0o777).toBe(0o600);
    await using state = open(TICKS);
    expect(ticksOf(state)).toEqual([1]);
  });

  it('keeps the other changes of a turn when one fails', async () => {
    await using state = open(TICKS);
    const results = await Promise.allSettled([add(state, 1), add(state, 1), add(state, 2)]);
    expect(results.map((result) => result.status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(ticksOf(state)).toEqual([1, 2]);
  });

  it('commits the changes of one turn together', async () => {
    await using state = open(TICKS);
    const before = statSync(path.join(dir, 'state.db-wal')).size;
    await Promise.all(Array.from({ length: 100 }, (_, n) => add(state, n)));
    const pages = (statSync(path.join(dir, 'state.db-wal')).size - before) / 4096;
    expect(pages).toBeLessThan(5);
  });

  it('commits waiting changes when it is closed', async () => {
    const state = open(TICKS);
    const kept = add(state, 7);
    await state[Symbol.asyncDispose]();
    await kept;
    await using again = open(TICKS);
    expect(ticksOf(again)).toEqual([7]);
  });

  it('migrates each owner from its own version to the newest', async () => {
    await open(TICKS)[Symbol.asyncDispose]();
    const more: StateOwner = {
      name: 'ticks',
      migrations: [...TICKS.migrations, 'ALTER TABLE ticks ADD COLUMN who TEXT'],
    };
    const other: StateOwner = { name: 'other', migrations: ['CREATE TABLE other (a TEXT) STRICT'] };
    await using state = open(more, other);
    expect(state.db.prepare('SELECT name, version FROM owners ORDER BY name').all()).toEqual([
      { name: 'other', version: 1 },
      { name: 'ticks', version: 2 },
    ]);
  });

  it('refuses a file from a newer version and does not change it', async () => {
    await open({ ...TICKS, migrations: [...TICKS.migrations, 'CREATE TABLE later (a) '] })[Symbol.asyncDispose]();
    expect(() => open(TICKS)).toThrow(/holds version 2 of "ticks"; this version of Vitrine knows 1/);
    expect(readdirSync(dir).filter((name) => name.includes('damaged'))).toEqual([]);
  });

  it('leaves nothing of a migration that fails', async () => {
    const bad: StateOwner = { name: 'bad', migrations: ['CREATE TABLE half (a)', 'NO SQL'] };
    expect(() => open(bad)).toThrow();
    await using state = open(TICKS);
    expect(state.db.prepare("SELECT count(*) AS n FROM sqlite_master WHERE name = 'half'").get()).toEqual({ n: 0 });
  });

  it('leaves out rows whose JSON was damaged, and keeps a copy of the file', async () => {
    const notes: StateOwner = {
      name: 'notes',
      migrations: ['CREATE TABLE notes (id INTEGER PRIMARY KEY, body TEXT NOT NULL) STRICT'],
      json: ['notes.body'],
    };
    const idsOf = ({ db }: StateDatabase): unknown[] =>
      db
        .prepare('SELECT id FROM notes')
        .all()
        .map(({ id }) => id);
    const state = open(notes);
    const bodies = ['{"a":1}', '[2]', '{"a":', '"text"', ''];
    await state.change((db) => {
      for (const body of bodies) db.prepare('INSERT INTO notes (body) VALUES (?)').run(body);
    });
    await state[Symbol.asyncDispose]();
    const next = open(notes);
    expect(idsOf(next)).toEqual([1, 2]);
    expect(logger.lines.map((line) => line.message)).toEqual([
      '3 rows of state.db are damaged and were left out; a copy of the file was set aside',
    ]);
    await next[Symbol.asyncDispose]();
    const [aside] = readdirSync(dir).filter((name) => name.startsWith('state.db.damaged-'));
    expect(statSync(path.join(dir, aside)).mode & 0o777).toBe(0o600);
    using copy = new DatabaseSync(path.join(dir, aside), { readOnly: true });
    expect(copy.prepare('SELECT count(*) AS n FROM notes').get()).toMatchObject({ n: 5 });
    await using again = open(notes);
    expect([idsOf(again), logger.lines.length]).toEqual([[1, 2], 1]);
  });

  it('cannot be opened by a second process', async () => {
    await using state = open(TICKS);
    await add(state, 1);
    expect(() => open(TICKS)).toThrow(expect.objectContaining({ code: 'data_dir_in_use' }));
  });

  it.each([
    ['bytes flipped', (bytes: Buffer) => bytes.map((byte, at) => (at > 4_096 ? byte ^ 0x5a : byte))],
    ['cut in the middle', (bytes: Buffer) => bytes.subarray(0, 5_000)],
    ['no database at all', () => Buffer.from('hello')],
    ['no byte left', () => Buffer.alloc(0)],
  ])('sets a damaged file aside and creates a new one: %s', async (_name, damage) => {
    const state = open(TICKS);
    for (let n = 0; n < 2_000; n += 1) void add(state, n);
    await add(state, 2_000);
    await state[Symbol.asyncDispose]();
    const file = path.join(dir, 'state.db');
    writeFileSync(file, damage(readFileSync(file)));
    await using fresh = open(TICKS);
    await add(fresh, 1);
    expect(ticksOf(fresh)).toEqual([1]);
    expect(readdirSync(dir).filter((name) => name.startsWith('state.db.damaged-'))).toHaveLength(1);
    expect(logger.lines.map((line) => line.message)).toEqual([
      expect.stringMatching(/^state\.db is damaged and was set/),
    ]);
  });
});

describe('a state.db that is none', () => {
  it.each<[string, (file: string) => void]>([
    ['a folder has its name', (file) => mkdirSync(path.join(file, 'inside'), { recursive: true })],
    [
      'another program made it',
      (file) => {
        using db = new DatabaseSync(file);
        db.exec('CREATE TABLE owners (id INTEGER); CREATE TABLE more (id INTEGER)');
      },
    ],
    [
      'it has lost a table',
      (file) => {
        using db = new DatabaseSync(file);
        db.exec(`CREATE TABLE owners (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT, WITHOUT ROWID;
          INSERT INTO owners VALUES ('ticks', 1); PRAGMA user_version = 1`);
      },
    ],
  ])('is set aside with a sentence: %s', async (_name, make) => {
    for (const round of [1, 2]) {
      make(path.join(dir, 'state.db'));
      const state = open(TICKS);
      await add(state, round);
      expect(ticksOf(state)).toEqual([round]);
      expect(logger.lines.map((line) => line.message)).toEqual(
        Array.from({ length: round }, () => expect.stringMatching(/^state\.db is damaged and was set/)),
      );
      await state[Symbol.asyncDispose]();
      rmSync(path.join(dir, 'state.db'));
    }
  });
});

const ROUNDS = process.env.VITRINE_NIGHTLY === '1' ? 30 : 4;

it(
  'keeps acknowledged changes after kill -9',
  async () => {
    const random = seededRandom(7);
    let next = 0;
    for (let round = 0; round < ROUNDS; round += 1) {
      const enough = 1 + Math.floor(random() * 200);
      const child = spawn(process.execPath, [path.join(import.meta.dirname, 'state-writer.ts'), dir, String(next)], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let out = '';
      child.stdout.on('data', (part: Buffer) => {
        out += part.toString();
        if (out.split('\n').length > enough) child.kill('SIGKILL');
      });
      await once(child, 'close');
      const acknowledged = out.slice(0, out.lastIndexOf('\n')).split('\n').map(Number);
      await using state = open(TICKS);
      const stored = ticksOf(state);
      expect(stored).toEqual(stored.map((_, at) => at));
      expect(stored.length).toBeGreaterThan(Math.max(...acknowledged));
      next = stored.length;
    }
  },
  ROUNDS * 15_000,
);
