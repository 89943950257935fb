import { afterEach, expect, test } from 'vitest';
import { seededRandom } from '../../../../src/base/random.ts';
import type { CheckResult } from '../../../../src/monitor/targets/check.ts';
import type { ScheduledResult, ScheduledTarget } from '../../../../src/monitor/targets/schedule/messages.ts';
import { Scheduler } from '../../../../src/monitor/targets/schedule/scheduler.ts';
import { FastClock } from '../../../support/fast-clock.ts';
import { movedClock } from '../../../support/moved-clock.ts';
import type { Clock } from '../../../../src/base/clock.ts';
import { httpSpec } from '../rig.ts';

const closing: Scheduler[] = [];
afterEach(() => closing.splice(0).forEach((scheduler) => scheduler.close()));

const target = (id: string, more: Partial<ScheduledTarget> = {}): ScheduledTarget => ({
  id,
  spec: httpSpec('http://127.0.0.1/'),
  origin: 'file',
  intervalMs: 30_000,
  timeoutMs: 10_000,
  retryMs: 5_000,
  failures: 2,
  ...more,
});

interface Run {
  readonly id: string;
  readonly atMs: number;
}

function scheduled(
  clock: Clock,
  {
    maxConcurrent = 1_000,
    outcome = () => true,
    tookMs = () => 0,
  }: {
    maxConcurrent?: number;
    outcome?: (id: string) => boolean;
    tookMs?: (id: string) => number;
  } = {},
): { scheduler: Scheduler; runs: Run[]; results: ScheduledResult[]; most: () => number } {
  const runs: Run[] = [];
  const results: ScheduledResult[] = [];
  let running = 0;
  let most = 0;
  const scheduler = new Scheduler({
    clock,
    random: seededRandom(1),
    maxConcurrent,
    onResult: (result) => results.push(result),
    async run({ id }) {
      runs.push({ id, atMs: clock.now() });
      running += 1;
      most = Math.max(most, running);
      const took = tookMs(id);
      if (took > 0) await new Promise<void>((resolve) => clock.after(took, resolve));
      running -= 1;
      return { success: outcome(id), timeMs: clock.now() } as CheckResult;
    },
  });
  closing.push(scheduler);
  return { scheduler, runs, results, most: () => most };
}

test('2,000 targets do not bunch: no second has many more checks than the mean, and each target keeps its interval', async () => {
  const clock = new FastClock(1_000_000_000_000);
  const { scheduler, runs } = scheduled(clock);
  scheduler.replace(Array.from({ length: 2_000 }, (_, at) => target(`t${at}`)));
  await clock.moveTo(clock.now() + 60_000);
  const from = clock.now();
  await clock.moveTo(from + 120_000);
  const later = runs.filter(({ atMs }) => atMs >= from);
  const bySecond = Map.groupBy(later, ({ atMs }) => Math.floor(atMs / 1_000));
  expect(later.length).toBeGreaterThan(7_900);
  expect(later.length).toBeLessThan(8_100);
  const counts = [...bySecond.values()].map((one) => one.length);
  // The mean is 67; places are independent, so six standard deviations are 49.
  expect(Math.max(...counts)).toBeLessThan(67 + 49);
  const one = later.filter(({ id }) => id === 't7').map(({ atMs }) => atMs);
  for (let at = 1; at < one.length; at += 1)
    expect(Math.abs(one[at] - one[at - 1] - 30_000)).toBeLessThanOrEqual(1_000);
});

test('hanging targets delay no other, and a target is never checked twice at once', async () => {
  const clock = new FastClock(1_000_000_000_000);
  const hangs = (id: string): boolean => id.startsWith('hang');
  const { scheduler, results, runs } = scheduled(clock, { tookMs: (id) => (hangs(id) ? 10_000 : 20) });
  scheduler.replace([
    ...Array.from({ length: 500 }, (_, at) => target(`hang${at}`)),
    ...Array.from({ length: 500 }, (_, at) => target(`good${at}`)),
  ]);
  await clock.moveTo(clock.now() + 120_000);
  expect(Math.max(...results.filter(({ target: id }) => !hangs(id)).map(({ lateMs }) => lateMs))).toBeLessThan(1_000);
  const starts = runs.filter(({ id }) => id === 'hang3').map(({ atMs }) => atMs);
  for (let at = 1; at < starts.length; at += 1) expect(starts[at] - starts[at - 1]).toBeGreaterThanOrEqual(10_000);
});

test('checks beyond the bound wait in order and are counted late', async () => {
  const clock = movedClock(1_000_000_000_000);
  const { scheduler, results, most } = scheduled(clock, { maxConcurrent: 10, tookMs: () => 5_000 });
  scheduler.replace(Array.from({ length: 30 }, (_, at) => target(`t${at}`)));
  await clock.advance(25_000);
  expect(most()).toBe(10);
  expect(Math.max(...results.map(({ lateMs }) => lateMs))).toBeGreaterThan(4_000);
});

test('at most 16 programs run at once', async () => {
  const clock = movedClock(1_000_000_000_000);
  const { scheduler, most } = scheduled(clock, { tookMs: () => 5_000 });
  const spec = { kind: 'exec', command: ['/bin/true'], warningIsUp: true } as const;
  scheduler.replace(Array.from({ length: 40 }, (_, at) => target(`t${at}`, { spec })));
  await clock.advance(25_000);
  expect(most()).toBe(16);
});

test('a failed check is repeated soon until it decides, then at the interval', async () => {
  const clock = new FastClock(1_000_000_000_000);
  const { scheduler, runs } = scheduled(clock, { outcome: () => false });
  scheduler.replace([target('a', { failures: 3 })]);
  await clock.moveTo(clock.now() + 100_000);
  const gaps = runs.slice(1).map(({ atMs }, at) => atMs - runs[at].atMs);
  expect(gaps[0]).toBeLessThanOrEqual(5_000);
  expect(gaps[1]).toBeLessThanOrEqual(5_000);
  expect(gaps.slice(2).every((gap) => gap > 6_000)).toBe(true);
});

test('targets come and go; those that stay keep their instants', async () => {
  const clock = new FastClock(1_000_000_000_000);
  const { scheduler, runs } = scheduled(clock);
  scheduler.replace([target('a'), target('b')]);
  await clock.moveTo(clock.now() + 61_000);
  const before = runs.filter(({ id }) => id === 'a').at(-1)?.atMs ?? 0;
  scheduler.replace([target('a')]);
  const at = runs.length;
  await clock.moveTo(clock.now() + 65_000);
  const after = runs.slice(at);
  expect(after.every(({ id }) => id === 'a')).toBe(true);
  const apart = (after[0].atMs - before) % 30_000;
  expect(Math.min(apart, 30_000 - apart)).toBeLessThanOrEqual(1_000);
});
