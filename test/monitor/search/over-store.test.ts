/** Searches over the store on disk against a second reading of every record: what the store leaves out must not match. */
import * as fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import type { Clock } from '../../../src/base/clock.ts';
import { VitrineError } from '../../../src/base/errors.ts';
import type { RecordSource } from '../../../src/model/record-source.ts';
import type { Syntax } from '../../../src/monitor/search/syntax.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import type { Filter } from '../../../src/monitor/search/filter.ts';
import { logAnalytics } from '../../../src/monitor/insight/log-analytics.ts';
import { fieldFigures } from '../../../src/monitor/search/counts.ts';
import { ArrayRecords } from '../../support/records/array-records.ts';
import { lineOf } from '../../support/records/plain-records.ts';
import { searchPage } from '../../../src/monitor/search/page.ts';
import { comparePositions, type PlacedRecord } from '../../../src/monitor/store/recent/record-rows.ts';
import { filterText } from '../../support/records/filters.ts';
import { NOW_MS, placedLine, placedSpan } from '../../support/records/random-records.ts';
import { SecondReading } from '../../support/records/second-reading.ts';
import { openRecordStore } from '../../../src/monitor/store/records/open-record-store.ts';
import { movedClock } from '../../support/moved-clock.ts';
import { removeDirectory, temporaryDirectory } from '../store/store-fixture.ts';

const dirs: string[] = [];
afterEach(() => {
  for (const dir of dirs.splice(0)) removeDirectory(dir);
});

const clock = movedClock(NOW_MS);

function accepted(text: string): Filter | undefined {
  try {
    return checkedFilter(text, NOW_MS);
  } catch (error) {
    if (error instanceof VitrineError) return undefined;
    throw error;
  }
}

async function found<S extends 'logs' | 'traces'>(
  source: RecordSource,
  signal: S,
  filter: Filter,
): Promise<readonly PlacedRecord<S>[]> {
  const page = await searchPage(source, { signal, filter, fromMs: 0, toMs: NOW_MS + 1 }, 1_000, clock);
  expect(page.complete).toBe(true);
  return page.rows;
}

it.each([
  ['logs' as const, placedLine],
  ['traces' as const, placedSpan],
])('a search over stored %s finds all that match and nothing else', async (signal, arbitrary) => {
  const dir = temporaryDirectory();
  dirs.push(dir);
  const store = openRecordStore({ dir, clock, memoryBytes: { logs: 4_096, traces: 4_096, requests: 4_096 } });
  const records = fc
    .sample(arbitrary as fc.Arbitrary<PlacedRecord<'logs' | 'traces'>>, { numRuns: 700, seed: 11 })
    .filter((placed) => signal === 'logs' || placed.record.traceId !== '')
    .map((placed, at) => ({ ...placed.record, spanId: at.toString(16).padStart(16, '0') }));
  for (let at = 0; at < records.length; at += 100) await store.append(signal, records.slice(at, at + 100));
  await store.flush();
  const everything = await found(store, signal, checkedFilter('', NOW_MS));
  expect(everything).toHaveLength(records.length);
  const second = new SecondReading<'logs' | 'traces'>(signal, NOW_MS);
  const matching = (tree: Syntax): readonly number[] =>
    everything
      .filter((placed) => second.matches(tree, placed))
      .sort((a, b) => comparePositions(b.position, a.position))
      .map(({ position }) => position.sequence);
  await fc.assert(
    fc.asyncProperty(filterText, async (text) => {
      const filter = accepted(text);
      if (filter === undefined) return;
      const rows = await found(store, signal, filter);
      expect(rows.map(({ position }) => position.sequence)).toEqual(matching(filter.syntax));
    }),
    { numRuns: process.env['VITRINE_NIGHTLY'] === '1' ? 5_000 : 60 },
  );
  await store.close();
});

it('counts the fields of stored records as it counts them record by record', async () => {
  const dir = temporaryDirectory();
  dirs.push(dir);
  const store = openRecordStore({ dir, clock });
  const array = new ArrayRecords();
  const lines = Array.from({ length: 900 }, (_, at) =>
    lineOf({
      timeMs: NOW_MS - 1_000 + at,
      body: `message ${at % 3}`,
      attributes: {
        route: ['/a', '/b', 'ü'][at % 3],
        id: `id-${at}`,
        n: at % 5 === 0 ? at / 8 : null,
        same: true,
        ...(at % 2 ? { odd: at % 7 } : {}),
      },
    }),
  );
  await store.append('logs', lines);
  await store.flush();
  array.add('logs', lines);
  const filter = checkedFilter('-route:/b', NOW_MS);
  const asked = { signal: 'logs', filter, fromMs: 0, toMs: NOW_MS + 1_000 } as const;
  const [stored, wanted] = [await fieldFigures(store, asked, clock), await fieldFigures(array, asked, clock)];
  expect(stored.fields).toEqual(wanted.fields);
  expect(stored.fields.find(({ name }) => name === 'route')).toEqual({
    name: 'route',
    type: 'text',
    records: 600,
    cardinality: 2,
    exact: true,
    bytes: 1_200,
  });
  await store.close();
});

describe('inside one batch', () => {
  const array = new ArrayRecords(10_000);
  const attributes = Object.fromEntries(Array.from({ length: 30 }, (_, at) => [`field_${at}`, `value ${at}`]));
  array.add(
    'logs',
    Array.from({ length: 4_000 }, (_, at) =>
      lineOf({
        timeMs: NOW_MS - 4_000 + at,
        body: `line ${at}`,
        traceId: at.toString(16).padStart(32, 'a'),
        attributes,
      }),
    ),
  );
  const asked = (text: string) =>
    ({ signal: 'logs', filter: checkedFilter(text, NOW_MS), fromMs: 0, toMs: NOW_MS + 1 }) as const;
  const id = (2_000).toString(16).padStart(32, 'a');
  const searches: Readonly<Record<string, (ticking: Clock) => Promise<unknown>>> = {
    'a search for an id': async (ticking) => {
      const { rows } = await searchPage(array, asked(id), 10, ticking);
      expect(rows.map(({ record }) => record.body)).toEqual(['line 2000']);
    },
    'the list of fields': (ticking) => fieldFigures(array, asked(''), ticking),
    'the analytics': (ticking) => logAnalytics(array, asked(''), 60_000, ticking),
  };

  it.each(Object.keys(searches))('%s gives the thread to others', async (name) => {
    let looks = 0;
    // Each look at the clock takes a millisecond.
    const ticking: Clock = { ...clock, now: () => NOW_MS, monotonic: () => (looks += 1) };
    let turns = 0;
    let over = false;
    const count = (): void => {
      turns += 1;
      if (!over) setImmediate(count);
    };
    setImmediate(count);
    await searches[name](ticking);
    over = true;
    expect(turns).toBeGreaterThan(1);
  });
});
