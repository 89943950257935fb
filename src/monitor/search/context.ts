/** The lines around one line: those of the same service just before and just after it. */
import type { Clock } from '../../base/clock.ts';
import { comparePositions, recordService, type PlacedRecord } from '../store/recent/record-rows.ts';
import type { RecordPosition, RecordSource } from '../../model/record-source.ts';
import { checkedFilter } from './checker.ts';
import type { Filter } from './filter.ts';
import { searchPage } from './page.ts';
import { scanMatches } from './scan.ts';

/** Sources are read from new to old; lines after a place are looked for in growing ranges. */
const RANGES_MS = [1_000, 30_000, 600_000, 4 * 3_600_000, 48 * 3_600_000, 30 * 86_400_000];

/** Newest first; undefined when there is no line at the place. */
export async function contextOf(
  source: RecordSource,
  at: RecordPosition,
  before: number,
  after: number,
  clock: Clock,
): Promise<readonly PlacedRecord<'logs'>[] | undefined> {
  const atMs = Number(at.timeUnixNano / 1_000_000n);
  const all = checkedFilter('', clock.now());
  const line = await lineAt(source, at, atMs, all, clock);
  if (line === undefined) return undefined;
  const service = recordService('logs', line.record);
  const filter: Filter = {
    ...all,
    condition: { kind: 'field', field: 'service', test: { kind: 'equal', text: service, folded: false } },
  };
  const older =
    before === 0
      ? []
      : (await searchPage(source, { signal: 'logs', filter, fromMs: 0, toMs: atMs + 1, before: at }, before, clock))
          .rows;
  const newer = after === 0 ? [] : await linesAfter(source, at, filter, after, clock);
  return [...newer.toReversed(), line, ...older];
}

async function lineAt(
  source: RecordSource,
  at: RecordPosition,
  atMs: number,
  filter: Filter,
  clock: Clock,
): Promise<PlacedRecord<'logs'> | undefined> {
  const before = { ...at, sequence: at.sequence + 1 };
  const request = { signal: 'logs', filter, fromMs: atMs, toMs: atMs + 1, before } as const;
  const [found] = (await searchPage(source, request, 1, clock)).rows;
  return found !== undefined && comparePositions(found.position, at) === 0 ? found : undefined;
}

/** Oldest first. */
async function linesAfter(
  source: RecordSource,
  at: RecordPosition,
  filter: Filter,
  count: number,
  clock: Clock,
): Promise<readonly PlacedRecord<'logs'>[]> {
  const atMs = Number(at.timeUnixNano / 1_000_000n);
  let oldest: PlacedRecord<'logs'>[] = [];
  for (const rangeMs of RANGES_MS) {
    oldest = [];
    const request = { signal: 'logs', filter, fromMs: atMs, toMs: atMs + rangeMs } as const;
    await scanMatches(source, request, clock, (batch, rows) => {
      for (const row of rows) {
        const position = batch.positionOf(row);
        if (comparePositions(position, at) <= 0) continue;
        oldest.push({ position, record: batch.record(row) });
      }
      if (oldest.length > count)
        oldest = oldest.sort((a, b) => comparePositions(a.position, b.position)).slice(0, count);
    });
    if (oldest.length >= count || atMs + rangeMs > clock.now()) break;
  }
  return oldest.sort((a, b) => comparePositions(a.position, b.position)).slice(0, count);
}
