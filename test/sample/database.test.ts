/** The figures of the sample's database as a pool, with a second real connection that holds the write. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Database } from '../../src/sample/database.ts';
import { measuredPool } from '../../src/stack/server/database-pool.ts';
import { recordTelemetry } from '../support/telemetry/recorded-telemetry.ts';
import { until } from '../support/until.ts';

const telemetry = recordTelemetry();
const folder = mkdtempSync(path.join(tmpdir(), 'vitrine-pool-'));
afterAll(() => rmSync(folder, { recursive: true }));

const open = (name: string, busyMs: number): Database =>
  new Database({
    file: path.join(folder, name),
    migrations: ['CREATE TABLE notes (text TEXT) STRICT'],
    busyMs,
    clock: systemClock,
    before: async () => {},
  });

/** Another process' write, begun. */
function otherWriter(name: string): DatabaseSync {
  const other = new DatabaseSync(path.join(folder, name));
  other.exec('BEGIN IMMEDIATE');
  return other;
}

const write = (db: Database): Promise<void> =>
  db.transaction(({ run }) => run('INSERT INTO notes VALUES (?)', 'a transaction'));

const figure = (metric: string, pool: string, more = {}): Promise<number> =>
  telemetry.total(`db.client.connection.${metric}`, { 'db.client.connection.pool.name': pool, ...more });

describe('the database of the sample, as a pool of one connection', () => {
  it('counts its connection, the wait and the use of each transaction', async () => {
    const db = open('quiet.db', 60_000);
    await write(db);
    await write(db);
    expect(await figure('max', 'quiet.db')).toBe(1);
    expect(await figure('count', 'quiet.db', { 'db.client.connection.state': 'idle' })).toBe(1);
    expect(await figure('count', 'quiet.db', { 'db.client.connection.state': 'used' })).toBe(0);
    expect(await figure('pending_requests', 'quiet.db')).toBe(0);
    expect([await figure('wait_time', 'quiet.db'), await figure('use_time', 'quiet.db')]).toEqual([2, 2]);
    expect(await figure('timeouts', 'quiet.db')).toBe(0);
    db[Symbol.dispose]();
  });

  it('is not read any more once it is closed', async () => {
    let reads = 0;
    const pool = measuredPool('closed', () => ({ used: 0, idle: (reads += 1), max: 1, pending: 0 }));
    await figure('count', 'closed');
    const before = reads;
    expect(before).toBeGreaterThan(0);
    pool[Symbol.dispose]();
    await figure('count', 'closed');
    expect(reads).toBe(before);
  });

  it('shows what waits for the write of another process, and its wait afterwards', async () => {
    using db = open('held.db', 60_000);
    const other = otherWriter('held.db');
    const writes = [write(db), write(db)];
    await until(async () => (await figure('pending_requests', 'held.db')) === 2 || undefined);
    expect(await figure('wait_time', 'held.db')).toBe(0);
    other.exec('COMMIT');
    other.close();
    await Promise.all(writes);
    expect(await figure('pending_requests', 'held.db')).toBe(0);
    expect(await figure('wait_time', 'held.db')).toBe(2);
  });

  it('counts what gave up', async () => {
    using db = open('lost.db', 20);
    const other = otherWriter('lost.db');
    await expect(write(db)).rejects.toMatchObject({ code: 'overloaded' });
    other.close();
    expect(await figure('timeouts', 'lost.db')).toBe(1);
    expect([await figure('wait_time', 'lost.db'), await figure('use_time', 'lost.db')]).toEqual([0, 0]);
    expect(await figure('pending_requests', 'lost.db')).toBe(0);
  });

  it('counts the use of a transaction that failed, and none beyond it', async () => {
    using db = open('failed.db', 60_000);
    const failed = db.transaction(({ run }) => run('INSERT INTO absent VALUES (1)'));
    await expect(failed).rejects.toThrow('absent');
    await write(db);
    expect([await figure('wait_time', 'failed.db'), await figure('use_time', 'failed.db')]).toEqual([2, 2]);
  });
});
