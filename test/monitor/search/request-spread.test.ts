/** The choice of rows that the duration chart of the ledger draws. */
import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { systemClock } from '../../../src/base/clock.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { requestSpread, type RequestSpread } from '../../../src/monitor/search/request-spread.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { rowOf } from '../../support/records/plain-records.ts';

const FROM = Date.UTC(2026, 10, 20);
const TO = FROM + 60_000;

interface Given {
  readonly atMs: number;
  readonly durationMs: number;
  readonly failed: boolean;
}

function spreadOf(given: readonly Given[], limit: number, q = ''): Promise<RequestSpread> {
  const records = new ArrayRecords(16);
  const rows = given.map(({ atMs, durationMs, failed }, at) =>
    rowOf(at, FROM + atMs, { durationMs, reason: failed ? 'timeout' : '', path: `/${at}` }),
  );
  records.add('requests', rows);
  const asked = { signal: 'requests', filter: checkedFilter(q, TO), fromMs: FROM, toMs: TO } as const;
  return requestSpread(records, asked, limit, systemClock);
}

it('has the slowest of each part, and a failed one beside it when there is one', async () => {
  const given = Array.from({ length: 600 }, (_, at) => ({
    atMs: at * 100,
    durationMs: at % 60 === 7 ? 900 : 10,
    failed: at % 60 === 30,
  }));
  const { rows, total, complete } = await spreadOf(given, 20);
  expect({ total, complete }).toEqual({ total: 600, complete: true });
  expect(rows).toHaveLength(20);
  expect(rows.filter(({ record }) => record.durationMs === 900)).toHaveLength(10);
  expect(rows.filter(({ record }) => record.reason === 'timeout')).toHaveLength(10);
  const times = rows.map(({ record }) => record.startUnixNano);
  expect(times).toEqual(times.toSorted((a, b) => Number(b - a)));
});

it('keeps to the filter and to its bound, and has the slowest of all', async () => {
  const row = fc.record({ atMs: fc.nat(59_999), durationMs: fc.nat(1_000), failed: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(row, { maxLength: 120 }), fc.integer({ min: 2, max: 40 }), async (given, limit) => {
      const { rows, total } = await spreadOf(given, limit, 'reason:*');
      const failed = given.filter((one) => one.failed);
      expect(total).toBe(failed.length);
      expect(rows.length).toBeLessThanOrEqual(limit);
      expect(rows.every(({ record }) => record.reason === 'timeout')).toBe(true);
      const slowest = Math.max(0, ...failed.map(({ durationMs }) => durationMs));
      expect(Math.max(0, ...rows.map(({ record }) => record.durationMs))).toBe(slowest);
    }),
    { numRuns: 60 },
  );
});
