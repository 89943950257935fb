/**
 * The built-in rules neither cry wolf nor sleep: a team's generated week, and the same with ten incidents in it. Here some
 * hours of it: a night with its backup, and an afternoon with a deployment, a restart and a burst of log lines of a service that
 * is known by then; with VITRINE_NIGHTLY=1 the whole week, as `node test/bench/noise.ts` prints it.
 */
import { describe, expect, it } from 'vitest';
import { runNoise, type Page } from '../../support/noise/run.ts';
import { DAY_S, HOUR_S, WEEK_S, plantedIncidents, quietWeek, type Condition } from '../../support/noise/schedule.ts';

const NIGHTLY = process.env['VITRINE_NIGHTLY'] === '1';
const SEED = 1;
const QUIET: readonly (readonly [number, number])[] = NIGHTLY
  ? [[0, WEEK_S]]
  : [
      [2 * HOUR_S + 900, 3 * HOUR_S],
      [2 * DAY_S + 14 * HOUR_S + 900, 2 * DAY_S + 14 * HOUR_S + 2_100],
    ];
/** A service that has logged for less than ten minutes may be a job. */
const KNOWN_AFTER_S = 600;
const [APART_S, FROM_S] = NIGHTLY ? [12 * HOUR_S, HOUR_S] : [220, DAY_S + 13 * HOUR_S];
const CALM_S = 15;
const TIMEOUT_MS = NIGHTLY ? 3 * 3_600_000 : 600_000;

const isExpected = ({ atS }: Page, incidents: readonly Condition[]): boolean =>
  // A service that comes back has been silent for as long as the incident took, and windows of a minute remember it.
  incidents.some(({ startS, endS }) => atS >= startS && atS < endS + 120);

describe('a generated week of a team with five services', () => {
  it('pages once at most while it is quiet', { timeout: TIMEOUT_MS }, async () => {
    const conditions = quietWeek(SEED);
    const pages: Page[] = [];
    for (const [fromS, toS] of QUIET)
      pages.push(...(await runNoise({ seed: SEED, conditions, fromS, toS, calmStepS: CALM_S })));
    expect(pages.length, JSON.stringify(pages, undefined, 1)).toBeLessThanOrEqual(1);
  });

  it('pages for each of ten incidents within two minutes', { timeout: TIMEOUT_MS }, async () => {
    const incidents = plantedIncidents(FROM_S + KNOWN_AFTER_S, APART_S);
    const conditions = [...quietWeek(SEED), ...incidents];
    const toS = (incidents.at(-1)?.endS ?? 0) + 60;
    const pages = await runNoise({ seed: SEED, conditions, fromS: FROM_S, toS, calmStepS: CALM_S });
    const delays = incidents.map(({ name, alert, startS, endS }) => {
      const first = pages.find((page) => page.alert === alert && page.atS >= startS && page.atS < endS);
      return { name, paged: first !== undefined && first.atS - startS <= 120 };
    });
    expect(incidents).toHaveLength(10);
    expect(delays).toEqual(incidents.map(({ name }) => ({ name, paged: true })));
    const others = pages.filter((page) => !isExpected(page, incidents));
    expect(others.length, JSON.stringify(others, undefined, 1)).toBeLessThanOrEqual(1);
  });
});
