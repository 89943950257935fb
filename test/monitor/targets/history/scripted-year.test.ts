/** A year of checks through the file on the disk, with restarts, and its availability to the second, computed by hand. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { availability, calendarSpans, type Span } from '../../../../src/monitor/targets/history/availability.ts';
import { CheckFile } from '../../../../src/monitor/targets/history/check-file.ts';
import type { NewCheck } from '../../../../src/monitor/targets/history/check-tables.ts';
import { presentRun, type Run } from '../../../../src/monitor/targets/history/runs.ts';

const at = (text: string): number => Date.parse(text);
const DAY = 86_400_000;
const ZONE = 'Europe/Berlin';
const year = { fromMs: at('2026-01-01T00:00:00+01:00'), toMs: at('2027-01-01T00:00:00+01:00') };
/** A check seven seconds after each quarter of an hour; a verdict holds for two intervals and a time-out of 10 s. */
const EVERY = 900_000;
const OFFSET = 7_000;
const RETRY = 5_000;
const rules = { holdMs: 2 * EVERY + 10_000, failures: 2, successes: 1 };

/** Times in which the target does not answer. */
const outages = [
  // Over midnight.
  ['2026-02-10T23:45:00+01:00', '2026-02-11T00:30:00+01:00'],
  // Over both changes of the clock: an hour of them does not exist, and one comes twice.
  ['2026-03-29T01:30:00+01:00', '2026-03-29T03:30:00+02:00'],
  ['2026-10-25T01:30:00+02:00', '2026-10-25T03:30:00+01:00'],
  // One check and its retry; and one check whose retry is good.
  ['2026-04-15T15:00:00+02:00', '2026-04-15T15:01:00+02:00'],
  ['2026-04-16T15:00:00+02:00', '2026-04-16T15:00:10+02:00'],
  // Half of it is in maintenance.
  ['2026-06-01T10:00:00+02:00', '2026-06-01T12:00:00+02:00'],
  // The monitor ends while the target is down, and comes back when it is up.
  ['2026-09-10T08:00:00+02:00', '2026-09-10T09:00:00+02:00'],
  // Over the end of the year.
  ['2026-12-31T23:45:00+01:00', '2027-01-01T00:15:00+01:00'],
].map(([from, to]) => ({ fromMs: at(from), toMs: at(to) }));
const maintenance = { fromMs: at('2026-06-01T11:00:00+02:00'), toMs: at('2026-06-01T13:00:00+02:00') };
/** The monitor itself is away. */
const away = [
  ['2026-08-01T00:00:00+02:00', '2026-08-02T12:00:00+02:00'],
  ['2026-09-10T08:02:00+02:00', '2026-09-10T09:20:00+02:00'],
].map(([from, to]) => ({ fromMs: at(from), toMs: at(to) }));
/** Restarts without a gap: each Monday, at midnight in an outage, between a failed check and its retry, in the maintenance. */
const restarts = [
  ...calendarSpans(year, 'week', ZONE).map(({ fromMs }) => fromMs),
  at('2026-02-11T00:00:00+01:00'),
  at('2026-04-15T15:00:10+02:00'),
  at('2026-06-01T11:30:00+02:00'),
].sort((a, b) => a - b);

const within = (ms: number, spans: readonly Span[]): boolean =>
  spans.some(({ fromMs, toMs }) => ms >= fromMs && ms < toMs);
const check = (timeMs: number): NewCheck => {
  const success = !within(timeMs, outages);
  const evidence = { sent: 'GET /', address: '127.0.0.1' };
  const reason = success ? '' : 'The connection was refused.';
  return {
    target: 'shop',
    rules,
    result: { timeMs, success, reason, phases: {}, durationSeconds: 0.01, traceId: '', evidence },
  };
};

/** The instants of checks: a failed one is repeated once soon. */
function* instants(): Generator<number> {
  for (let t = year.fromMs + OFFSET; t < year.toMs + DAY; t += EVERY) {
    if (within(t, away)) continue;
    yield t;
    if (within(t, outages) && !within(t - EVERY, outages) && !within(t + RETRY, away)) yield t + RETRY;
  }
}

const dir = mkdtempSync(path.join(tmpdir(), 'year-'));
let file: CheckFile;
let runs: readonly Run[];
let maintained: readonly Span[];

beforeAll(() => {
  file = new CheckFile(dir);
  let batch: NewCheck[] = [];
  let next = 0;
  let prunedMs = 0;
  for (const t of instants()) {
    if (t >= (restarts[next] ?? Infinity)) {
      file.append(batch);
      batch = [];
      file[Symbol.dispose]();
      file = new CheckFile(dir);
      while (t >= (restarts[next] ?? Infinity)) next += 1;
    }
    batch.push(check(t));
    if (t - prunedMs < DAY) continue;
    file.append(batch);
    batch = [];
    prunedMs = t;
    file.prune(t);
  }
  file.append(batch);
  file.setMaintenance('shop', maintenance);
  const range = { fromMs: year.fromMs, toMs: year.toMs + DAY };
  const present = presentRun(file.runState('shop'), range.toMs);
  runs = [...file.runs('shop', range), ...(present === undefined ? [] : [present])];
  maintained = file.maintenance('shop', range);
}, 120_000);
afterAll(() => {
  file[Symbol.dispose]();
  rmSync(dir, { recursive: true });
});

const seconds = (span: Span, rule?: 'exclude' | 'count') => {
  const { upMs, downMs, maintenanceMs, unknownMs, outages: count } = availability(runs, maintained, span, rule);
  return {
    up: upMs / 1_000,
    down: downMs / 1_000,
    maintenance: maintenanceMs / 1_000,
    unknown: unknownMs / 1_000,
    count,
  };
};

test('the year, by hand, to the second', () => {
  // Each outage begins and ends with a check, seven seconds after a quarter.
  const down =
    45 * 60 + // 10 February, 23:45:07 to 00:30:07
    3_600 + // 29 March, 01:30:07 to 03:30:07, where two o'clock does not exist
    3 * 3_600 + // 25 October, the same, where it comes twice
    15 * 60 + // 15 April, 15:00:07 to the next check; the 16th is none
    (3_600 - 7) + // 1 June, 10:00:07 to the maintenance at 11:00:00
    (1_810 + 5) + // 10 September, 08:00:07, of which the retry at 08:00:12 was the last that was known, for 1,810 s
    (15 * 60 - 7); // 31 December, 23:45:07 to the end of the year
  const unknown =
    7 + // the first check of the year
    // From 1,810 s after the last check at 23:45:07 to the first one at 12:00:07 of the next day but one.
    (36 * 3_600 + 15 * 60 - 1_810) +
    // From 08:30:22 to 09:30:07.
    (59 * 60 + 45);
  const maintenanceSeconds = 2 * 3_600;
  const up = 365 * 86_400 - down - unknown - maintenanceSeconds;
  expect(seconds(year)).toEqual({ up, down, maintenance: maintenanceSeconds, unknown, count: 7 });
  expect([down, unknown, up]).toEqual([24_301, 132_282, 31_372_217]);
  // Counted as any other time, the maintenance holds 3,607 s of outage.
  expect(seconds(year, 'count')).toMatchObject({ down: 24_301 + 3_607, maintenance: 0, count: 7 });
});

test('each month and the days around midnight and the changes of the clock', () => {
  const months = calendarSpans(year, 'month', ZONE).map((span) => seconds(span).down);
  expect(months).toEqual([0, 2_700, 3_600, 900, 0, 3_593, 0, 0, 1_815, 10_800, 0, 893]);
  const days = new Map(calendarSpans(year, 'day', ZONE).map((span) => [span.fromMs, span]));
  const day = (text: string) => {
    const span = days.get(at(text));
    return span === undefined ? undefined : { hours: (span.toMs - span.fromMs) / 3_600_000, ...seconds(span) };
  };
  expect(day('2026-02-10T00:00:00+01:00')).toMatchObject({ hours: 24, down: 893, count: 1 });
  expect(day('2026-02-11T00:00:00+01:00')).toMatchObject({ hours: 24, down: 1_807, count: 1 });
  expect(day('2026-03-29T00:00:00+01:00')).toMatchObject({ hours: 23, down: 3_600, up: 22 * 3_600 });
  expect(day('2026-10-25T00:00:00+02:00')).toMatchObject({ hours: 25, down: 10_800, up: 22 * 3_600 });
  expect(day('2026-06-01T00:00:00+02:00')).toMatchObject({
    down: 3_593,
    maintenance: 7_200,
    up: 86_400 - 3_593 - 7_200,
  });
  expect(day('2026-08-01T00:00:00+02:00')).toMatchObject({ down: 0, up: 917, unknown: 86_400 - 917 });
  expect(day('2026-08-02T00:00:00+02:00')).toMatchObject({ down: 0, unknown: 12 * 3_600 + 7 });
});

test('single checks are gone after a month, and no outage with them', () => {
  expect(file.checks('shop', { fromMs: 0, toMs: year.toMs - 31 * DAY })).toEqual([]);
  expect(file.checks('shop', year).length).toBeGreaterThan(2_500);
  expect(runs.filter(({ state }) => state === 'down')).toHaveLength(7);
});
