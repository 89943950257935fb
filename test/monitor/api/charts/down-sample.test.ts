import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allSteps, downSample } from '../../../../src/monitor/api/charts/down-sample.ts';
import { coarse, filledIn, finest, gridOf, roundStep } from '../../../../src/monitor/api/charts/resolution.ts';

/** Values at some of `count` steps: the others are gaps. NaN and Inf count as gaps too. */
const series = fc
  .record({
    columns: fc.integer({ min: 1, max: 40 }),
    values: fc.array(
      fc.option(fc.oneof(fc.integer({ min: -5, max: 5 }), fc.constantFrom(NaN, Infinity)), { freq: 4 }),
      {
        minLength: 1,
        maxLength: 400,
      },
    ),
  })
  .map(({ columns, values }) => {
    const steps = values.flatMap((value, at) => (value === null ? [] : [at]));
    return { columns, count: values.length, steps, given: steps.map((step) => values[step] as number) };
  });

const columnOf = (step: number, count: number, columns: number): number =>
  Math.min(columns - 1, Math.floor((step * columns) / count));

describe('downSample', () => {
  it('keeps first, last, smallest and largest value of every pixel column, at their own steps', () => {
    fc.assert(
      fc.property(series, ({ columns, count, steps, given }) => {
        const { at, values } = downSample(steps, given, count, columns);
        const real = steps.map((step, i) => ({ step, value: given[i] })).filter(({ value }) => Number.isFinite(value));
        const kept = at.map((step, i) => ({ step, value: values[i] })).filter(({ value }) => value !== null);
        const known = new Map(real.map(({ step, value }) => [step, value]));
        for (const { step, value } of kept) expect(known.get(step)).toBe(value);
        const of = <T extends { step: number }>(points: readonly T[]): Map<number, T[]> =>
          Map.groupBy(points, ({ step }) => columnOf(step, count, columns));
        const keptBy = of(kept);
        for (const [column, all] of of(real)) {
          const some = keptBy.get(column) ?? [];
          expect(some.length).toBeLessThanOrEqual(4);
          expect(some[0]).toEqual(all[0]);
          expect(some.at(-1)).toEqual(all.at(-1));
          const numbers = all.map(({ value }) => value);
          const shown = some.map(({ value }) => value as number);
          expect(Math.min(...shown)).toBe(Math.min(...numbers));
          expect(Math.max(...shown)).toBe(Math.max(...numbers));
        }
        expect(kept.length).toBeLessThanOrEqual(4 * columns);
        expect(at.every((step, i) => i === 0 || step > at[i - 1])).toBe(true);
      }),
    );
  });

  it('breaks the line between two points exactly when a step between them has no value', () => {
    fc.assert(
      fc.property(series, ({ columns, count, steps, given }) => {
        const { at, values } = downSample(steps, given, count, columns);
        const real = new Set(steps.filter((_, i) => Number.isFinite(given[i])));
        for (let i = 1; i < at.length; i += 1) {
          if (values[i] === null || values[i - 1] === null) continue;
          for (let step = at[i - 1]; step <= at[i]; step += 1) expect(real.has(step)).toBe(true);
        }
        for (const [i, value] of values.entries()) if (value === null) expect(real.has(at[i])).toBe(false);
      }),
    );
  });

  it('spreads values over all steps, with null where there is none', () => {
    expect(allSteps([0, 2, 3, 9], [1, NaN, 4, 5], 5)).toEqual([1, null, null, 4, null]);
    expect(downSample([], [], 10, 4)).toEqual({ at: [], values: [] });
  });
});

describe('the resolution', () => {
  const HOUR = 3_600_000;
  const now = Date.UTC(2026, 0, 8, 9, 10, 11);

  it.each([
    [0.25 * HOUR, 15_000, 15_000],
    [0.25 * HOUR, 1_000, 1_000],
    [6 * HOUR, 1_000, 2_000],
    [24 * HOUR, 15_000, 15_000],
    [7 * 24 * HOUR, 15_000, 60_000],
    [30 * 24 * HOUR, 15_000, 900_000],
    [365 * 24 * HOUR, 15_000, HOUR],
    [20 * 365 * 24 * HOUR, 15_000, 24 * HOUR],
  ])('of %d ms with steps of at least %d ms is %d ms', (range, least, step) => {
    const grid = finest(now - range, now, least);
    expect(grid.stepMs).toBe(step);
    expect(grid.count).toBeLessThanOrEqual(11_000);
    expect(grid.startMs % step).toBe(0);
    expect(grid.endMs % step).toBe(0);
  });

  it('is at most one point a pixel when it is coarse', () => {
    expect(coarse(now - 24 * HOUR, now, 15_000, 800)).toMatchObject({ stepMs: 120_000 });
    expect(roundStep(100 * HOUR)).toBe(120 * HOUR);
    expect(gridOf(now, now + 1, 60_000).count).toBe(1);
  });

  it('fills placeholders in, so that the text can be pasted into Prometheus', () => {
    const expr = 'rate(a[$__rate_interval]) / b[$__interval:] offset $__range';
    expect(filledIn(expr, gridOf(now - HOUR, now, 15_000))).toBe('rate(a[1m]) / b[15s:] offset 1h');
    expect(filledIn('a[$__rate_interval]', gridOf(now - 30 * 24 * HOUR, now, 900_000))).toBe('a[20m]');
    expect(filledIn('a[$__rate_interval] $__rate_intervals', gridOf(now - 24 * HOUR, now, 2 * HOUR))).toBe(
      'a[2h] $__rate_intervals',
    );
  });
});
