/** Searches over the store on disk against a second reading of every record: what the store leaves out must not match. */
import * as fc from 'fast-check';
import { afterEach, expect, it } from 'vitest';
import { VitrineError } from '../../../src/base/errors.ts';
import type { RecordSource } from '../../../src/model/record-source.ts';
import type { Syntax } from '../../../src/monitor/search/syntax.ts';
import { checkedFilter } from '../../../src/monitor/search/checker.ts';
import type { Filter } from '../../../src/monitor/search/filter.ts';
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
