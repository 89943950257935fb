import { beforeEach, expect, test } from 'vitest';
import { fileTargets, type TargetsInFile } from '../../../src/app/monitor/file-targets.ts';
import { targetsOf } from '../../../src/app/monitor/targets.ts';
import { settingsFrom } from '../../../src/app/process/settings.ts';
import { movedClock, type MovedClock } from '../../support/moved-clock.ts';

let clock: MovedClock;
let now: readonly string[];
let file: ReturnType<typeof fileTargets>;

beforeEach(() => {
  clock = movedClock(1_800_000_000_000);
  now = [];
  file = fileTargets(clock, (targets) => {
    now = targets.map(({ id }) => id);
  });
});

/** A file with targets of its own and those of a flat performance monitor. */
function written(durationMs: number | undefined, ...own: readonly string[]): TargetsInFile {
  const settings = settingsFrom(
    JSON.stringify({
      targets: own.map((name) => ({ name, url: 'http://127.0.0.1/' })),
      monitoring: { interval: 30, targets: [{ name: 'Web', url: 'http://127.0.0.1/', type: 'web' }] },
    }),
    { env: {} },
  );
  return { all: targetsOf(settings).targets, monitored: 1, durationMs };
}

test('targets of monitoring are checked for its duration, those beside them for ever', async () => {
  file.use(written(3_600_000, 'own'));
  await clock.advance(3_599_999);
  expect(now).toEqual(['own', 'web']);
  await clock.advance(1);
  expect(now).toEqual(['own']);
});

test('a reload neither begins the duration again nor is undone by its end', async () => {
  file.use(written(3_600_000, 'own'));
  await clock.advance(3_000_000);
  file.use(written(3_600_000, 'own', 'new'));
  expect(now).toEqual(['own', 'new', 'web']);
  await clock.advance(600_000);
  expect(now).toEqual(['own', 'new']);
  file.use(written(3_600_000, 'newest'));
  expect(now).toEqual(['newest']);
});

test('a reload can lengthen the duration or end it', async () => {
  file.use(written(3_600_000));
  file.use(written(undefined));
  await clock.advance(86_400_000);
  expect(now).toEqual(['web']);
  file.use(written(2 * 86_400_000));
  expect(now).toEqual(['web']);
  file.end();
  await clock.advance(3 * 86_400_000);
  expect(now).toEqual(['web']);
});
