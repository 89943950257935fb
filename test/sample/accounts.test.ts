import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { asyncProperty, assert as holds, array, integer, record } from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { systemClock } from '../../src/base/clock.ts';
import { Database } from '../../src/sample/database.ts';
import { OPENING_BALANCE, demoAccount, demoUser } from '../../src/sample/demo-data.ts';
import { Accounts, MIGRATIONS } from '../../src/sample/accounts.ts';
import { recordTelemetry } from '../support/telemetry/recorded-telemetry.ts';

const telemetry = recordTelemetry();
const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-ledger-'));
afterAll(() => rmSync(dir, { recursive: true }));
let files = 0;

function open(file = path.join(dir, `l${(files += 1)}.db`), busyMs = 1_000) {
  const db = new Database({ file, migrations: MIGRATIONS, busyMs, clock: systemClock, before: async () => {} });
  return { db, file, ledger: new Accounts(db, systemClock) };
}
const request = (id: string, from: number, to: number, amount: number, idempotencyKey = id) => ({
  id,
  requestedBy: demoUser(from),
  idempotencyKey,
  from: demoAccount(from),
  to: demoAccount(to),
  amount,
});

describe('the ledger', () => {
  it('moves money once per key', async () => {
    const { db, ledger } = open();
    await ledger.seed('x');
    await ledger.seed('x');
    const first = await ledger.transfer(request('tx_1', 0, 1, 500, 'k'));
    const again = await ledger.transfer(request('tx_2', 0, 1, 500, 'k'));
    expect(first).toMatchObject({
      replayed: false,
      transfer: { id: 'tx_1', from: 'acc-001', to: 'acc-002', amount: 500 },
    });
    expect(again).toEqual({ replayed: true, transfer: first.transfer });
    expect(await ledger.balance('acc-001')).toBe(OPENING_BALANCE - 500);
    await expect(ledger.transfer(request('tx_3', 0, 1, 501, 'k'))).rejects.toMatchObject({ code: 'conflict' });
    await expect(ledger.transfer(request('tx_4', 0, 1, OPENING_BALANCE))).rejects.toMatchObject({
      code: 'insufficient_funds',
    });
    await expect(ledger.transfer({ ...request('tx_5', 0, 1, 1), to: 'nobody' })).rejects.toMatchObject({
      code: 'not_found',
    });
    await expect(ledger.balance('nobody')).rejects.toMatchObject({ code: 'not_found' });
    expect(await ledger.history('acc-001', 10, Number.MAX_SAFE_INTEGER)).toMatchObject([
      { transfer: 'tx_1', amount: -500 },
    ]);
    expect(await ledger.transferById('tx_1')).toEqual(first.transfer);
    expect(await ledger.transferById('tx_4')).toBeUndefined();
    expect(await ledger.check()).toMatchObject({ ok: true, accounts: 200, transfers: 1, total: 200 * OPENING_BALANCE });
    db[Symbol.dispose]();
  });

  it('notices what does not add up', async () => {
    const { db, ledger } = open();
    await ledger.seed('x');
    await db.query("UPDATE accounts SET balance = balance + 1 WHERE id = 'acc-009'");
    expect(await ledger.check()).toMatchObject({ ok: false, unexplained_balances: 1 });
    await expect(db.query("UPDATE accounts SET balance = -1 WHERE id = 'acc-009'")).rejects.toThrow(/CHECK/);
    db[Symbol.dispose]();
  });

  it('keeps its sum under any transfers', async () => {
    const { db, ledger } = open();
    await ledger.seed('x');
    const step = record({
      from: integer({ min: 0, max: 3 }),
      to: integer({ min: 4, max: 6 }),
      amount: integer({ min: 1, max: 150_000 }),
      key: integer({ min: 0, max: 9 }),
    });
    let run = 0;
    await holds(
      asyncProperty(array(step, { maxLength: 12 }), async (steps) => {
        run += 1;
        await Promise.allSettled(
          steps.map(({ from, to, amount, key }, i) =>
            ledger.transfer(request(`tx_${run}_${i}`, from, to, amount, `${run}-${key}`)),
          ),
        );
        expect(await ledger.check()).toMatchObject({ ok: true });
      }),
      { numRuns: 60 },
    );
    db[Symbol.dispose]();
  });

  it('keeps its sum when two processes write to one file', async () => {
    const file = path.join(dir, 'shared.db');
    const worker = path.join(import.meta.dirname, 'transfer-worker.ts');
    const node = promisify(execFile);
    const results = await Promise.all(
      ['1', '2'].map((seed) => node(process.execPath, [worker, file, seed, '400'], { timeout: 25_000 })),
    );
    const outcomes = results.map(({ stdout }) => JSON.parse(stdout) as Record<string, number>);
    const completed = outcomes.reduce((sum, outcome) => sum + (outcome.completed ?? 0), 0);
    const { db, ledger } = open(file);
    expect(await ledger.check()).toMatchObject({ ok: true, accounts: 200, transfers: completed });
    expect(completed).toBeGreaterThan(50);
    for (const outcome of outcomes) expect(Object.values(outcome).reduce((a, b) => a + b)).toBe(400);
    db[Symbol.dispose]();
  });
});

describe('the database', () => {
  it('applies each migration once, and none of a set that fails', async () => {
    const { db, file } = open();
    db[Symbol.dispose]();
    const more = { busyMs: 100, clock: systemClock, before: async () => {}, file };
    using next = new Database({ ...more, migrations: [...MIGRATIONS, 'CREATE TABLE extra (x)'] });
    expect(await next.query('SELECT version FROM schema_migrations')).toEqual([{ version: 1 }, { version: 2 }]);
    expect(
      () => new Database({ ...more, migrations: [...MIGRATIONS, 'x', 'CREATE TABLE third (x)', 'nonsense'] }),
    ).toThrow();
    expect(await next.query("SELECT name FROM sqlite_master WHERE name = 'third'")).toEqual([]);
  });

  it('says that it is busy, and measures that as an error', async () => {
    const first = open(undefined, 20);
    await first.ledger.seed('x');
    const second = open(first.file, 20);
    first.db[Symbol.dispose]();
    const holder = open(first.file, 20);
    let inner: unknown;
    const held = holder.db.transaction(() => {
      inner = 'held';
    });
    await held;
    expect(inner).toBe('held');
    const patient = open(first.file, 60_000);
    const raw = open(first.file, 20);
    await raw.db.query('BEGIN IMMEDIATE');
    await expect(second.ledger.transfer(request('tx_b', 0, 1, 1))).rejects.toMatchObject({ code: 'overloaded' });
    const waiting = patient.ledger.transfer(request('tx_w', 0, 1, 1));
    // Who waits to write reads meanwhile.
    expect(await patient.db.query('SELECT count(*) AS transfers FROM transfers')).toHaveLength(1);
    await raw.db.query('ROLLBACK');
    expect(await waiting).toMatchObject({ replayed: false });
    patient.db[Symbol.dispose]();
    expect(await telemetry.total('db.client.operation.duration', { 'error.type': 'busy' })).toBe(1);
    for (const { db } of [second, holder, raw]) db[Symbol.dispose]();
  });

  it('makes a client span and a measurement of each statement', async () => {
    const { db, ledger } = open(path.join(dir, 'spans.db'));
    await ledger.seed('x');
    telemetry.reset();
    await ledger.transfer(request('tx_s', 0, 1, 1));
    const names = telemetry.spans().map(({ name }) => name);
    expect(names[0]).toBe('BEGIN spans.db');
    expect(names.at(-1)).toBe('COMMIT spans.db');
    expect(names.filter((name) => name.startsWith('INSERT'))).toHaveLength(3);
    expect(telemetry.spans()[1].attributes).toMatchObject({
      'db.system.name': 'sqlite',
      'db.operation.name': 'SELECT',
      'db.query.text': expect.stringContaining('idempotency_key = ?') as string,
    });
    const labels = { 'db.system.name': 'sqlite', 'db.namespace': 'spans.db', 'db.operation.name': 'COMMIT' };
    expect(await telemetry.total('db.client.operation.duration', labels)).toBe(2);
    db[Symbol.dispose]();
  });
});
