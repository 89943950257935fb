/** What is deleted by a filter is gone from every file: also from free pages, from the gaps inside pages and from the journal. */
import { cpSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, expect, it } from 'vitest';
import { fieldValue } from '../../../../src/model/record-fields.ts';
import { RECORD_SIGNALS, type RecordBatch, type RecordSignal } from '../../../../src/model/record-source.ts';
import { encodeBatch, type EncodedBatch } from '../../../../src/monitor/store/records/columns/batch-writer.ts';
import { RecordFiles } from '../../../../src/monitor/store/records/disk/record-files.ts';
import { RecordJournal } from '../../../../src/monitor/store/records/disk/record-journal.ts';
import type { RecordStore } from '../../../../src/monitor/store/records/record-store.ts';
import { silentLogger } from '../../../../src/base/logger.ts';
import { seededRandom } from '../../../../src/base/random.ts';
import { recordingLogger, type LogLine } from '../../../support/recording-logger.ts';
import { rowOf } from '../../../support/records/plain-records.ts';
import { removeDirectory, temporaryDirectory } from '../store-fixture.ts';
import { found, line, NOW, openTestRecords, span } from './record-fixture.ts';

const dirs: string[] = [];
function directory(): string {
  const dir = temporaryDirectory();
  dirs.push(dir);
  return dir;
}
afterEach(() => {
  for (const dir of dirs.splice(0)) removeDirectory(dir);
});

const random = seededRandom(5);
/** A text that does not compress, so that its bytes are found again in a compressed column. */
const noise = (length: number): string =>
  Array.from({ length }, () => String.fromCharCode(33 + Math.floor(random() * 90))).join('');

const USER = 'zebedee@example.org';
const OTHER = 'mira@example.org';
const userField: Readonly<Record<RecordSignal, string>> = { logs: 'user.id', traces: 'user.id', requests: 'user' };

const rowsOf =
  (user: string) =>
  (batch: RecordBatch): number[] => {
    const rows: number[] = [];
    for (let row = batch.begin; row < batch.end; row += 1)
      if (fieldValue(batch.signal, batch.record(row), userField[batch.signal]) === user) rows.push(row);
    return rows;
  };

async function erase(store: RecordStore, user = USER, dryRun = false): Promise<number[]> {
  const counts: number[] = [];
  for (const signal of RECORD_SIGNALS)
    counts.push(await store.erase({ signal, fromMs: -Infinity, toMs: Infinity }, rowsOf(user), dryRun));
  return counts;
}

/** One record in ten is the user's, and one in ten the other's. */
async function fill(store: RecordStore, from: number, count: number, service: string): Promise<void> {
  const all = Array.from({ length: count }, (_, at) => from + at);
  const userOf = (at: number): string => ({ 3: USER, 7: OTHER })[at % 10] ?? `user-${at}`;
  await store.append(
    'logs',
    all.map((at) => line(NOW + at, { service, body: noise(120), attributes: { 'user.id': userOf(at), at } })),
  );
  const attributes = (at: number): Record<string, string> => ({ 'user.id': userOf(at), note: noise(80) });
  await store.append(
    'traces',
    all.map((at) => span((at + 1).toString(16), NOW + at, { status: 'error', attributes: attributes(at) })),
  );
  await store.append(
    'requests',
    all.map((at) => ({ ...rowOf(at, NOW + at), service, path: `/x/${noise(60)}`, user: userOf(at) })),
  );
}

/** All texts and blobs in the databases of a data directory, as a copy of it gives them. */
function valuesIn(dir: string): Buffer[] {
  const copy = directory();
  cpSync(dir, copy, { recursive: true });
  const values: Buffer[] = [];
  for (const name of readdirSync(copy).filter((file) => file.endsWith('.db'))) {
    const db = new DatabaseSync(path.join(copy, name));
    const tables = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").all();
    for (const { name: table } of tables) {
      for (const row of db.prepare(`SELECT * FROM "${String(table)}"`).iterate())
        for (const value of Object.values(row)) if (value instanceof Uint8Array) values.push(Buffer.from(value));
    }
    db.close();
  }
  return values;
}

const WINDOW = 24;
const STRIDE = 16;

function* windowsOf(values: readonly Buffer[]): Generator<string> {
  for (const value of values)
    for (let at = 0; at + WINDOW <= value.length; at += STRIDE) yield value.toString('latin1', at, at + WINDOW);
}

/** Parts of values that were stored before and are stored no more. */
function goneWindows(before: readonly Buffer[], after: readonly Buffer[]): Set<string> {
  const kept = Buffer.concat(after).toString('latin1');
  return new Set([...windowsOf(before)].filter((window) => !kept.includes(window)));
}

/** Every place of every file is a beginning: of pages in use, free pages and gaps alike. */
function windowsLeft(dir: string, gone: ReadonlySet<string>): string[] {
  const left: string[] = [];
  for (const name of readdirSync(dir)) {
    const bytes = readFileSync(path.join(dir, name)).toString('latin1');
    for (let at = 0; at + WINDOW <= bytes.length; at += 1) {
      if (gone.has(bytes.slice(at, at + WINDOW))) left.push(`${name} ${at}`);
    }
  }
  return left.slice(0, 20);
}

it('leaves nothing of deleted rows in any file', async () => {
  const dir = directory();
  const store = openTestRecords(dir);
  for (let round = 0; round < 6; round += 1) {
    await fill(store, round * 1_000, 60 + round * 40, `shop-${round % 3}`);
    await store.flush();
  }
  // These are in write-ahead rows only.
  await fill(store, 9_000, 50, 'shop-0');
  const before = valuesIn(dir);
  const dry = await erase(store, USER, true);
  expect(dry.every((count) => count > 90)).toBe(true);
  expect(await erase(store)).toEqual(dry);
  const between = valuesIn(dir);
  const gone = goneWindows(before, between);
  expect(gone.size).toBeGreaterThan(1_000);
  expect(windowsLeft(dir, gone)).toEqual([]);
  // Another person, when the first deletion has moved what was left.
  expect(await erase(store, OTHER)).toEqual(dry);
  const both = goneWindows([...before, ...between], valuesIn(dir));
  expect(windowsLeft(dir, both)).toEqual([]);
  await store.close();
  expect(windowsLeft(dir, both)).toEqual([]);
  const again = openTestRecords(dir);
  for (const signal of RECORD_SIGNALS) {
    const left = await found(again, { signal });
    expect(left.length).toBeGreaterThan(700);
    const users = left.map(({ record }) => fieldValue(signal, record, userField[signal]));
    expect(users.filter((user) => user === USER || user === OTHER)).toEqual([]);
  }
  await again.close();
}, 120_000);

const encoded = (bodies: readonly string[]): EncodedBatch => {
  const records = bodies.map((body, at) => line(NOW + at, { body, attributes: { 'user.id': USER } }));
  const steps = encodeBatch({ signal: 'logs', service: 'shop', records, sequences: records.map((_, at) => at + 1) });
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
};

/** As a kill leaves the files after a batch was delivered and before the delivery was noted. */
function deliveredTwice(dir: string): void {
  const journal = new RecordJournal(dir, 'normal', () => NOW);
  const files = new RecordFiles(dir, silentLogger, 'normal');
  const batch = { id: journal.nextBatch(), batch: encoded(['one', 'two', 'three']) };
  journal.turnIntoBatches('logs', 0, [{ ...batch, kind: 'logs', day: '2026-11-20' }], [], 3);
  files.add('logs', '2026-11-20', [batch]);
  files.close();
  journal.close();
}

it('gives the records of a batch once whose delivery was not noted before a kill', async () => {
  const dir = directory();
  deliveredTwice(dir);
  const store = openTestRecords(dir);
  const bodies = async (): Promise<unknown[]> =>
    (await found(store, { signal: 'logs' })).map(({ record }) => record.body);
  expect(await bodies()).toEqual(['three', 'two', 'one']);
  expect(store.services('logs', -Infinity, Infinity)).toEqual(['shop']);
  expect(store.stats().logs.records).toBe(3);
  await store.flush();
  expect(await bodies()).toEqual(['three', 'two', 'one']);
  await store.close();
});

it('deletes from a batch that waits for its file since a kill', async () => {
  const dir = directory();
  deliveredTwice(dir);
  const store = openTestRecords(dir);
  expect(await erase(store)).toEqual([3, 0, 0]);
  expect(await found(store, { signal: 'logs' })).toEqual([]);
  await store.close();
  const again = openTestRecords(dir);
  expect(await found(again, { signal: 'logs' })).toEqual([]);
  await again.close();
});

it('deletes batches and columns that cannot be read, and says so', async () => {
  const dir = directory();
  const first = openTestRecords(dir);
  await fill(first, 0, 100, 'shop');
  await first.flush();
  await fill(first, 1_000, 100, 'shop');
  await first.flush();
  await first.close();
  const file = readdirSync(dir).find((name) => /^logs-.*\.db$/.test(name)) ?? '';
  const db = new DatabaseSync(path.join(dir, file));
  const ids = db
    .prepare('SELECT id FROM batch ORDER BY id')
    .all()
    .map(({ id }) => Number(id));
  const spoil = (from: number, to: number): void => {
    const parts = db.prepare('SELECT id, data FROM part WHERE id >= ? AND id < ?').all(from, to);
    for (const { id, data } of parts) {
      const bytes = Uint8Array.from(data as Uint8Array);
      bytes[bytes.length >> 1] ^= 85;
      db.prepare('UPDATE part SET data = ? WHERE id = ?').run(bytes, Number(id));
    }
  };
  spoil(ids[0] * 1024, ids[0] * 1024 + 1_024);
  db.close();
  const lines: LogLine[] = [];
  const store = openTestRecords(dir, { logger: recordingLogger(lines) });
  expect(await erase(store)).toEqual([10, 20, 20]);
  expect(lines.map(({ message }) => message)).toContain(
    'a batch of 100 records of shop is damaged and was deleted; the other batches are read',
  );
  expect(await found(store, { signal: 'logs' })).toHaveLength(90);
  await store.close();
});
