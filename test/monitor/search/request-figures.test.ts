import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import { valuesAtRanks } from '../../../src/monitor/search/ranks.ts';
import { requestCounts, requestFigures } from '../../../src/monitor/search/request-figures.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { openTestRecords, NOW } from '../store/records/record-fixture.ts';
import { rowOf } from '../../support/records/plain-records.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { RequestRow } from '../../../src/model/request-row.ts';

it('selects the values that sorting gives', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 9 }), fc.double({ noNaN: true }));
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 300 }),
      fc.array(fc.nat(), { maxLength: 5 }),
      (given, at) => {
        const ranks = at.map((one) => one % given.length).sort((a, b) => a - b);
        const sorted = Float64Array.from(given).sort();
        const values = Float64Array.from([...given, -1, -1]);
        // Zeros of both signs are equal.
        expect(valuesAtRanks(values, given.length, ranks).map((one) => one + 0)).toEqual(
          ranks.map((rank) => sorted[rank] + 0),
        );
      },
    ),
  );
});

/** By fields and step, computed row by row. */
function plainly(rows: readonly RequestRow[], by: readonly ('route' | 'status' | 'path')[], stepMs?: number): unknown {
  const groups = new Map<string, RequestRow[]>();
  for (const row of rows) {
    const ms = Number(row.startUnixNano / 1_000_000n);
    const key = JSON.stringify([
      stepMs === undefined ? null : Math.floor(ms / stepMs) * stepMs,
      ...by.map((field) => `${row[field] || ''}`),
    ]);
    groups.set(key, [...(groups.get(key) ?? []), row]);
  }
  const figures = [...groups].map(([key, of]) => {
    const [timeMs, ...values] = JSON.parse(key) as [number | null, ...string[]];
    const sorted = of.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
    return {
      timeMs: timeMs ?? undefined,
      values,
      requests: of.length,
      errors: of.filter(({ reason }) => reason !== '').length,
      p95: sorted[Math.ceil(0.95 * of.length) - 1],
      max: sorted[of.length - 1],
      queue: of.reduce((sum, { phases }) => sum + (phases.queue ?? 0), 0) / of.length,
    };
  });
  return figures.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
}

describe('figures over ledger rows', () => {
  const rows = Array.from({ length: 3_000 }, (_, at) =>
    rowOf(at, NOW - 600_000 + at * 100, {
      path: `/p/${at % 900}`,
      durationMs: ((at * 7_919) % 3_001) / 8,
      phases: { queue: at % 3 === 0 ? undefined : at / 16, cache: 1, connect: undefined, upstream: at, transfer: 0 },
    }),
  );

  it('equal a plain computation, in memory and on disk', async () => {
    const dir = mkdtempSync(path.join(tmpdir(), 'vitrine-figures-'));
    const store = openTestRecords(dir);
    await store.append('requests', rows);
    const clock = movedClock(NOW);
    for (let look = 0; look < 2; look += 1) {
      for (const [by, stepMs] of [
        [[], undefined],
        [['route', 'status'], undefined],
        [['path'], undefined],
        [['route'], 60_000],
      ] as const) {
        const request = { signal: 'requests', filter: checkedFilter('', NOW), fromMs: 0, toMs: NOW } as const;
        const { figures } = await requestFigures(store, request, by, stepMs, clock);
        const found = figures.map(({ timeMs, values, requests, errors, p95, max, phases }) => ({
          timeMs,
          values,
          requests,
          errors,
          p95,
          max,
          queue: phases.queue,
        }));
        found.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
        expect(found).toEqual(plainly(rows, [...by], stepMs));
        const { counts } = await requestCounts(store, request, by, stepMs, clock);
        expect(counts).toEqual(
          figures.map(({ values, timeMs, requests, errors }) => ({ values, timeMs, requests, errors })),
        );
      }
      await store.flush();
    }
    await store.close();
    rmSync(dir, { recursive: true });
  });
});
