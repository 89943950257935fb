import { rmSync } from 'node:fs';
import { afterEach, expect, it } from 'vitest';
import { silentLogger } from '../../../../src/base/logger.ts';
import { ACCESS_OWNER, accessStore } from '../../../../src/monitor/store/state/access-tables.ts';
import { openStateDatabase } from '../../../../src/monitor/store/state/state-database.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import { freshDir } from '../../../support/program.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) rmSync(dir, { recursive: true });
});
const open = (dir: string) =>
  openStateDatabase({ dir, owners: [ACCESS_OWNER], clock: movedClock(0), logger: silentLogger });

it('keeps tokens and the record of changes over a restart', async () => {
  const dir = freshDir();
  dirs.push(dir);
  const token = {
    id: 'a1',
    name: 'CI',
    role: 'ingest',
    hash: 'h',
    createdMs: 1,
    createdBy: 'x',
    expiresMs: null,
  } as const;
  {
    await using state = open(dir);
    const store = accessStore(state);
    await store.add(token);
    await store.add({ ...token, id: 'b2', hash: 'i', role: 'admin', expiresMs: 9 });
    await store.note({ atMs: 1, who: 'x', action: 'POST /a', status: 200 });
    await store.note({ atMs: 2, who: 'y', action: 'DELETE /b', status: 204 });
    await expect(store.add(token)).rejects.toThrow(/UNIQUE/);
    await store.remove('b2');
  }
  await using state = open(dir);
  const store = accessStore(state);
  expect(store.tokens()).toEqual([token]);
  expect(store.audit(1)).toEqual([{ atMs: 2, who: 'y', action: 'DELETE /b', status: 204 }]);
});

it('keeps the newest 10,000 changes, and reads an unknown role as the least', async () => {
  const dir = freshDir();
  dirs.push(dir);
  await using state = open(dir);
  const store = accessStore(state);
  await state.change((db) => {
    const add = db.prepare("INSERT INTO audit (at_ms, who, action, status) VALUES (?, 'x', 'a', 200)");
    for (let at = 0; at < 10_050; at += 1) add.run(at);
    db.prepare("INSERT INTO tokens VALUES ('z', 'z', 'owner', 'h', 0, '', NULL)").run();
  });
  await store.note({ atMs: 99_999, who: 'y', action: 'b', status: 200 });
  const kept = store.audit(20_000);
  expect([kept.length, kept[0].atMs, kept.at(-1)?.atMs]).toEqual([10_000, 99_999, 51]);
  expect(store.tokens()[0].role).toBe('viewer');
});

it('keeps accounts, each with its last link alone, and a name once whatever its letter case', async () => {
  const dir = freshDir();
  dirs.push(dir);
  const ana = { id: 'a', name: 'Ana', role: 'editor', password: '', createdMs: 1, createdBy: 'x' } as const;
  {
    await using state = open(dir);
    const store = accessStore(state);
    await store.putAccount(ana, { hash: 'h1', accountId: 'a', expiresMs: 5 });
    await store.putAccount(ana, { hash: 'h2', accountId: 'a', expiresMs: 6 });
    expect(store.links()).toEqual([{ hash: 'h2', accountId: 'a', expiresMs: 6 }]);
    await expect(store.putAccount({ ...ana, id: 'b', name: 'ANA' })).rejects.toThrow(/UNIQUE/);
    await store.putAccount({ ...ana, id: 'c', name: 'Bob' }, { hash: 'h3', accountId: 'c', expiresMs: 7 });
    await store.removeAccount('c');
    await store.putAccount({ ...ana, role: 'admin', password: 'scrypt$…' });
  }
  await using state = open(dir);
  const store = accessStore(state);
  expect(store.accounts()).toEqual([{ ...ana, role: 'admin', password: 'scrypt$…' }]);
  expect(store.links()).toEqual([]);
});
