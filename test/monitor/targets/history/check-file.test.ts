import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CheckFile, openCheckFile } from '../../../../src/monitor/targets/history/check-file.ts';
import { CHECK_LIMITS, type NewCheck } from '../../../../src/monitor/targets/history/check-tables.ts';
import { NO_CHECKS } from '../../../../src/monitor/targets/history/runs.ts';
import { recordingLogger } from '../../../support/recording-logger.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(path.join(tmpdir(), 'checks-'));
});
afterEach(() => rmSync(dir, { recursive: true }));

const rules = { holdMs: 70_000, failures: 2, successes: 1 };
const check = (timeMs: number, success: boolean, target = 'shop'): NewCheck => ({
  target,
  rules,
  result: {
    timeMs,
    success,
    reason: success ? '' : 'The connection was refused.',
    phases: { resolve: 0.001, connect: 0.002 },
    durationSeconds: 0.003,
    traceId: 'a'.repeat(32),
    evidence: { sent: 'GET /', address: '127.0.0.1', status: success ? 200 : undefined },
  },
});
const RANGE = { fromMs: 0, toMs: 1e15 };
const T = 1_700_000_000_000;

test.each<[string, (file: string) => void]>([
  ['no byte left', (file) => writeFileSync(file, '')],
  ['no database', (file) => writeFileSync(file, 'hello')],
  [
    'a table lost',
    (file) => {
      using db = new DatabaseSync(file);
      db.exec('DROP TABLE hours');
    },
  ],
])('a file that cannot be read is set aside with a sentence: %s', (_name, damage) => {
  const logger = recordingLogger();
  using stack = new DisposableStack();
  new CheckFile(dir)[Symbol.dispose]();
  damage(path.join(dir, 'checks.db'));
  const file = stack.use(openCheckFile(dir, CHECK_LIMITS, logger));
  file.append([check(T, true)]);
  expect(file.checks('shop', RANGE)).toHaveLength(1);
  expect(logger.lines.map(({ message }) => message)).toEqual([
    'checks.db cannot be read and was set aside: the history of checks begins anew',
  ]);
  expect(existsSync(path.join(dir, 'checks.db.damaged'))).toBe(true);
});

test('a row whose JSON was damaged says less, and the file opens', () => {
  {
    using file = new CheckFile(dir);
    file.append([check(T, false)]);
  }
  {
    using db = new DatabaseSync(path.join(dir, 'checks.db'));
    db.exec(`UPDATE targets SET runs = '{"state'; UPDATE checks SET phases = 'x'; UPDATE evidence SET body = '{'`);
  }
  const logger = recordingLogger();
  using file = openCheckFile(dir, CHECK_LIMITS, logger);
  expect(file.checks('shop', RANGE)).toMatchObject([{ success: false, phases: {} }]);
  expect(file.evidence('shop', 10)).toEqual([]);
  expect([file.runState('shop').state, logger.lines]).toEqual([NO_CHECKS.state, []]);
});

test('checks, runs, hours and evidence survive a restart', () => {
  {
    using file = new CheckFile(dir);
    file.append([check(T, true), check(T + 30_000, false), check(T + 35_000, false), check(T + 60_000, true)]);
    file.setAlive(T + 60_000);
  }
  using file = new CheckFile(dir);
  expect(file.runs('shop', RANGE)).toEqual([
    { fromMs: T, toMs: T + 30_000, state: 'up' },
    { fromMs: T + 30_000, toMs: T + 60_000, state: 'down' },
  ]);
  expect(file.runState('shop')).toMatchObject({ state: 'up', fromMs: T + 60_000 });
  expect(file.checks('shop', RANGE)).toHaveLength(4);
  expect(file.checks('shop', RANGE)[1]).toMatchObject({ success: false, reason: 'The connection was refused.' });
  expect(file.checks('shop', RANGE, 1)[0].timeMs).toBe(T + 60_000);
  expect(file.hours('shop', RANGE)).toMatchObject([{ checks: 4, failed: 2, sumMs: 12, maxMs: 3 }]);
  expect(file.evidence('shop', 10).map(({ success }) => success)).toEqual([false, false, true]);
  expect(file.aliveMs).toBe(T + 60_000);
  file.append([check(T + 60_000, false)]);
  expect(file.checks('shop', RANGE), 'the same moment again').toHaveLength(4);
});

test('an unknown target has nothing, and a forgotten one neither', () => {
  using file = new CheckFile(dir);
  for (const list of [file.runs('x', RANGE), file.checks('x', RANGE), file.hours('x', RANGE), file.evidence('x', 1)]) {
    expect(list).toEqual([]);
  }
  file.append([check(T, false, 'x')]);
  file.setMaintenance('x', { fromMs: T, toMs: T + 5 });
  file.setMaintenance('x', { fromMs: T, toMs: T + 9 });
  expect(file.maintenance('x', RANGE)).toEqual([{ fromMs: T, toMs: T + 9 }]);
  file.forget('x');
  file.forget('x');
  expect(file.maintenance('x', RANGE)).toEqual([]);
  expect(file.evidence('x', 1)).toEqual([]);
});

test('evidence of failures stays longer than that of successes, and a long outage keeps its beginning', () => {
  using file = new CheckFile(dir);
  const EVERY = 300_000;
  const DAY = 86_400_000;
  const begin = Math.floor(T / DAY) * DAY;
  const kept = (): { failures: number[]; successes: number[] } => {
    const all = file.evidence('shop', 1_000);
    const of = (wanted: boolean) => all.filter(({ success }) => success === wanted).map(({ timeMs }) => timeMs - begin);
    return { failures: of(false).reverse(), successes: of(true).reverse() };
  };
  /** Checks up to a day, with failures as told. */
  let at = begin;
  const runTo = (days: number, fails: (sinceMs: number) => boolean): void => {
    const checks: NewCheck[] = [];
    for (; at < begin + days * DAY; at += EVERY) checks.push(check(at, !fails(at - begin)));
    file.append(checks);
    file.prune(at);
  };
  // One failure on the first day, and two good days.
  runTo(2, (ms) => ms === 10 * EVERY);
  expect(kept().failures).toEqual([10 * EVERY]);
  expect(kept().successes).toHaveLength(3);
  expect(kept().successes[0]).toBeGreaterThan(2 * DAY - 4 * 3_600_000);
  // Three days of outage, 857 failures.
  const from = 2 * DAY + 7 * EVERY;
  runTo(5, (ms) => ms >= from);
  const { failures } = kept();
  expect(failures.slice(0, 3)).toEqual([10 * EVERY, from, 2 * DAY + 3_600_000]);
  // The first of each hour up to 15:00 of the last day, and the last hundred in full.
  expect(failures.slice(-100)).toEqual(Array.from({ length: 100 }, (_, one) => 5 * DAY - (100 - one) * EVERY));
  expect(failures).toHaveLength(1 + 64 + 100);
  // Weeks later the successes of that time are gone, and the failures are there.
  runTo(26, () => false);
  expect(kept().failures).toEqual(failures);
  expect(kept().successes.every((ms) => ms > 25 * DAY)).toBe(true);
  // However long it lasts.
  runTo(60, () => true);
  expect(kept().failures).toHaveLength(300);
});

test('evidence of failures is bounded, and single checks are removed by age and number while runs stay', () => {
  using file = new CheckFile(dir, { checksMs: 3_600_000, runsMs: 1e12, maxChecks: 50 });
  file.append(Array.from({ length: 300 }, (_, at) => check(T + at * 30_000, at % 10 > 4)));
  const outages = file.runs('shop', RANGE).filter(({ state }) => state === 'down').length;
  expect(outages).toBe(30);
  expect(file.evidence('shop', 1_000).filter(({ success }) => !success).length).toBeLessThanOrEqual(300);
  const removed = file.prune(T + 300 * 30_000);
  expect(removed).toBe(70);
  expect(file.checks('shop', RANGE)).toHaveLength(50);
  expect(file.runs('shop', RANGE).filter(({ state }) => state === 'down')).toHaveLength(outages);
});
