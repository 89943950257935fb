/** Objectives over the request ledger: what is counted as it comes, and what is counted after the fact. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RequestRow } from '../../../../src/model/request-row.ts';
import { eventFilters } from '../../../../src/monitor/targets/objectives/event-filter.ts';
import { PastEvents } from '../../../../src/monitor/targets/objectives/past-events.ts';
import { RequestEvents } from '../../../../src/monitor/targets/objectives/request-events.ts';
import { objectiveConfig } from '../../../../src/monitor/targets/objectives/schema.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { ArrayRecords } from '../../../support/records/array-records.ts';
import { rowOf } from '../../../support/records/plain-records.ts';

const T = Date.UTC(2026, 10, 15, 12, 20);
const HOUR = 3_600_000;
const checkout = objectiveConfig.parse({
  name: 'checkout',
  objective: '99.9%',
  requests: { total: 'route:/checkout*', good: 'status:<500 duration:<300ms' },
});
const [filter] = eventFilters([checkout]);
const row = (at: number, startMs: number, given: Partial<RequestRow> = {}): RequestRow =>
  rowOf(at, startMs, { route: '/checkout/:id', status: 200, durationMs: 10, ...given });
const isUsers = ({ route, synthetic }: RequestRow): boolean => route.startsWith('/checkout') && !synthetic;
const isGood = ({ status, durationMs }: RequestRow): boolean => status !== 0 && status < 500 && durationMs < 300;
/** By hand: no filter, no batches. */
const countOf = (rows: readonly RequestRow[], fromMs: number, toMs: number) => {
  const within = rows.filter(
    ({ startUnixNano: at }) => at >= BigInt(fromMs) * 1_000_000n && at < BigInt(toMs) * 1_000_000n,
  );
  const counted = within.filter(isUsers);
  return { good: counted.filter(isGood).length, total: counted.length };
};

describe('requests as they come', () => {
  const counts = (events: RequestEvents) => Object.fromEntries(events.counts());

  test('each is counted once, with the route that the application told within a second', () => {
    const events = new RequestEvents();
    events.replace([checkout]);
    const late = { ...row(1, T), route: '/*' };
    events.take(
      [row(2, T), row(3, T, { status: 500 }), row(4, T, { durationMs: 300 }), row(5, T, { route: '/' }), late],
      T,
    );
    events.tick(T + 999);
    expect(counts(events)).toEqual({ checkout: { good: 0, total: 0 } });
    late.route = '/checkout/:id';
    events.tick(T + 1_000);
    events.tick(T + 2_000);
    expect(counts(events)).toEqual({ checkout: { good: 2, total: 4 } });
  });

  test('synthetic checks are no users', () => {
    const events = new RequestEvents();
    events.replace([checkout]);
    events.take([row(1, T, { synthetic: true }), row(2, T)], T);
    events.tick(T + 1_000);
    expect(counts(events)).toEqual({ checkout: { good: 1, total: 1 } });
  });

  test('rows that wait are bounded: the oldest are counted at once, and none is lost', () => {
    const events = new RequestEvents(10);
    events.replace([checkout]);
    for (let at = 0; at < 25; at += 1) events.take([row(at, T)], T);
    expect(counts(events)).toEqual({ checkout: { good: 15, total: 15 } });
    events.tick(T + 1_000);
    expect(counts(events)).toEqual({ checkout: { good: 25, total: 25 } });
  });

  test('a reload keeps the counts of objectives that stay, and begins again for other filters', () => {
    const events = new RequestEvents();
    events.replace([checkout]);
    events.take([row(1, T)], T);
    events.tick(T + 1_000);
    const other = objectiveConfig.parse({ name: 'all', objective: '99%', requests: { good: 'status:<500' } });
    events.replace([checkout, other]);
    expect(counts(events)).toEqual({ checkout: { good: 1, total: 1 }, all: { good: 0, total: 0 } });
    events.replace([]);
    events.take([row(2, T)], T);
    expect(counts(events)).toEqual({});
  });
});

describe('requests of the past', () => {
  const ledger = (rows: readonly RequestRow[]) => {
    const source = new ArrayRecords();
    source.add('requests', rows);
    let scans = 0;
    const counting = Object.assign(Object.create(source) as ArrayRecords, {
      scan: (scan: Parameters<ArrayRecords['scan']>[0]) => {
        scans += 1;
        return source.scan(scan);
      },
    });
    return { source, past: new PastEvents({ source: counting, clock: new FastClock(T) }), scans: () => scans };
  };

  test('any range is equal to counting the rows, asked once or again', async () => {
    const rows = fc.array(
      fc.record({
        ageMs: fc.integer({ min: 0, max: 40 * 24 * HOUR }),
        status: fc.constantFrom(0, 200, 404, 500),
        durationMs: fc.constantFrom(1, 299.999, 300, 900),
        route: fc.constantFrom('/checkout', '/checkout/:id', '/cart'),
        synthetic: fc.boolean(),
      }),
      { maxLength: 60 },
    );
    const range = fc.tuple(fc.integer({ min: 0, max: 40 * 24 * HOUR }), fc.integer({ min: 0, max: 40 * 24 * HOUR }));
    await fc.assert(
      fc.asyncProperty(rows, fc.array(range, { minLength: 1, maxLength: 3 }), async (given, ranges) => {
        const all = given.map(({ ageMs, ...more }, at) => row(at, T - ageMs, more));
        const { past } = ledger(all);
        for (const [a, b] of [...ranges, ...ranges]) {
          const [fromMs, toMs] = [T - Math.max(a, b), T - Math.min(a, b)];
          expect(await past.counts(filter, fromMs, toMs)).toEqual(countOf(all, fromMs, toMs));
        }
      }),
      { numRuns: 60 },
    );
  });

  test('a month that was counted is not read again; a late row and a deletion are seen', async () => {
    const rows = Array.from({ length: 300 }, (_, at) =>
      row(at, T - at * 2 * HOUR, { status: at % 7 === 0 ? 500 : 200 }),
    );
    const { source, past, scans } = ledger(rows);
    const month = () => past.counts(filter, T - 720 * HOUR, T);
    expect(await month()).toEqual(countOf(rows, T - 720 * HOUR, T));
    const first = scans();
    await month();
    // The two ends of the range, which are no whole hours.
    expect(scans() - first).toBe(2);
    const late = row(999, T - 100 * HOUR, { status: 503 });
    source.add('requests', [late]);
    past.came([late]);
    expect(await month()).toEqual(countOf([...rows, late], T - 720 * HOUR, T));
    const before = scans();
    past.forget();
    await month();
    expect(scans() - before).toBeGreaterThan(20);
    past.keep([], T);
    expect(await month()).toEqual(countOf([...rows, late], T - 720 * HOUR, T));
  });

  test('filters that are tried are remembered for some time, and never in place of an objective', async () => {
    const rows = Array.from({ length: 50 }, (_, at) =>
      row(at, T - at * 3 * HOUR, { status: at % 7 === 0 ? 500 : 200 }),
    );
    const { past, scans } = ledger(rows);
    past.keep([filter], T - 720 * HOUR);
    const count = (one: typeof filter) => past.counts(one, T - 150 * HOUR, T);
    expect(await count(filter)).toEqual(countOf(rows, T - 150 * HOUR, T));
    const tried = Array.from({ length: 30 }, (_, at) => {
      const [made] = eventFilters([{ ...checkout, requests: { total: '', good: `status:<${400 + at}` } }]);
      return made;
    });
    for (const one of tried) expect(await count(one)).toEqual({ good: 42, total: 49 });
    expect(past.remembered).toBe(1 + 8);
    const before = scans();
    for (const one of [filter, ...tried.slice(-8)]) await count(one);
    expect(scans() - before, 'only the ends of the range').toBe(9 * 2);
    expect(past.remembered).toBe(1 + 8);
  });

  test('rows that cannot be read in time are an error, and the next question is answered', async () => {
    const { source } = ledger([row(1, T - HOUR)]);
    let fails = true;
    const clock = new FastClock(T);
    const past = new PastEvents({
      source: Object.assign(Object.create(source) as ArrayRecords, {
        scan: (scan: Parameters<ArrayRecords['scan']>[0]) => {
          if (fails) throw new Error('the store is closed');
          return source.scan(scan);
        },
      }),
      clock,
    });
    await expect(past.counts(filter, T - 2 * HOUR, T)).rejects.toThrow('closed');
    fails = false;
    expect(await past.counts(filter, T - 2 * HOUR, T)).toEqual({ good: 1, total: 1 });
  });
});
