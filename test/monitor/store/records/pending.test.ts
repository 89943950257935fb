import { expect, it } from 'vitest';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import { Pending } from '../../../../src/monitor/store/records/pending.ts';
import { rowOf } from '../../../support/records/plain-records.ts';
import { NOW } from './record-fixture.ts';

const SCAN = { signal: 'requests', fromMs: -Infinity, toMs: Infinity } as const;

function codesIn(pending: Pending<'requests'>): string[] {
  const codes: string[] = [];
  for (const view of pending.views(undefined)) {
    const batch = view.batch(SCAN);
    for (let row = batch?.begin ?? 0; row < (batch?.end ?? 0); row += 1) codes.push(batch?.record(row).code ?? '');
  }
  return codes.sort();
}

it('keeps ledger rows as the objects that the ledger completes for fifteen seconds, then as columns', () => {
  const pending = new Pending('requests');
  const rows: RequestRow[] = [];
  for (let at = 0; at < 200; at += 1) {
    const record = rowOf(at, NOW + at, { code: `CODE${at}` });
    rows.push(record);
    pending.add({ service: 'gate', record, sequence: at, length: 230 }, at * 100);
  }
  const [group] = pending.groups();
  expect(group.rows.settled).toBe(49);
  // The ledger keeps the same object.
  expect(group.rows.record(60)).toBe(rows[60]);
  expect([...pending.records()]).toEqual(rows);
  expect(codesIn(pending)).toEqual(rows.map(({ code }) => code).sort());
  const before = pending.bytes;
  group.rows.settle(200);
  expect(group.rows.bytes).toBeLessThan(before / 2);
  expect([...pending.records()]).toEqual(rows);
});

it('keeps the newest of a great many as objects', () => {
  const pending = new Pending('requests');
  for (let at = 0; at < 6_000; at += 1)
    pending.add({ service: 'gate', record: rowOf(at, NOW + at), sequence: at, length: 230 }, 0);
  const [group] = pending.groups();
  const objects = group.rows.count - group.rows.settled;
  expect(objects).toBeGreaterThan(2_000);
  expect(objects).toBeLessThan(3_000);
  expect(pending.bytes).toBeLessThan(4 * 1024 * 1024);
});

it('orders rows of one microsecond by their nanoseconds, also where one has none', () => {
  const pending = new Pending('requests');
  const begin = BigInt(NOW) * 1_000_000n;
  for (const [sequence, below] of [500n, 0n, 999n, 1n].entries())
    pending.add(
      { service: 'gate', record: rowOf(sequence, NOW, { startUnixNano: begin + below }), sequence, length: 230 },
      0,
    );
  const [group] = pending.groups();
  group.rows.settle(4);
  const [view] = pending.views(undefined);
  const batch = view.batch(SCAN);
  const below = Array.from({ length: 4 }, (_, row) => (batch?.positionOf(row).timeUnixNano ?? 0n) - begin);
  expect(below).toEqual([0n, 1n, 500n, 999n]);
});

it('gives a search the waiting rows in pieces, newest apart from oldest', () => {
  const pending = new Pending('requests');
  for (let at = 0; at < 2_500; at += 1)
    pending.add({ service: 'gate', record: rowOf(at, NOW + at), sequence: at, length: 230 }, 0);
  const [group] = pending.groups();
  group.rows.settle(2_500);
  const views = pending.views(undefined);
  expect(views.map(({ count }) => count).sort((a, b) => a - b)).toEqual([500, 1_000, 1_000]);
  const begins = views.map(({ extent }) => extent.firstMs).sort((a, b) => a - b);
  expect(begins).toEqual([NOW - 1, NOW + 999, NOW + 1_999]);
});
