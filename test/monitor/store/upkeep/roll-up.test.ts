import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Histogram } from '../../../../src/model/histogram.ts';
import { Columns } from '../../../../src/monitor/store/codec/columns.ts';
import { isCounterName, rollUpSamples } from '../../../../src/monitor/store/upkeep/roll-up.ts';

const STEP = 300_000;

function columnsOf(values: readonly number[], everyMs: number): Columns {
  const columns = new Columns(0);
  values.forEach((v, i) => columns.push(i * everyMs, v, Number.isNaN(v), 0, undefined));
  return columns;
}

const increase = (v: ArrayLike<number>, count: number): number => {
  let sum = 0;
  for (let i = 1; i < count; i += 1) sum += v[i] < v[i - 1] ? v[i] : v[i] - v[i - 1];
  return sum;
};

describe('a roll-up', () => {
  it('keeps the increase of a counter exactly, resets included', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof({ weight: 20, arbitrary: fc.nat(9) }, { weight: 1, arbitrary: fc.constant(-1) }), {
          minLength: 1,
          maxLength: 400,
        }),
        (steps) => {
          let value = 0;
          const values = steps.map((step) => (value = step < 0 ? 0 : value + step));
          const columns = columnsOf(values, 15_000);
          const rolled = rollUpSamples(columns, true);
          // Before its first kept sample a counter's past is not known; the last sample of the first step begins it.
          const from = columns.t.indexOf(rolled.t[0]);
          expect(increase(rolled.v, rolled.count)).toBe(increase(columns.v.subarray(from), columns.count - from));
          expect(rolled.t[rolled.count - 1]).toBe(columns.t[columns.count - 1]);
        },
      ),
    );
  });

  it('keeps the smallest, largest and last sample of a gauge in each step', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 200 }), (values) => {
        const columns = columnsOf(values, 15_000);
        const rolled = rollUpSamples(columns, false);
        const kept = [...rolled.v.subarray(0, rolled.count)];
        expect(Math.max(...kept)).toBe(Math.max(...values));
        expect(Math.min(...kept)).toBe(Math.min(...values));
        expect(rolled.count).toBeLessThanOrEqual(4 * (Math.floor((values.length * 15_000) / STEP) + 1));
      }),
    );
  });

  it('keeps stale markers', () => {
    const rolled = rollUpSamples(columnsOf([1, NaN, 3, 4], 15_000), true);
    expect([...rolled.v.subarray(0, rolled.count)]).toEqual([1, NaN, 4]);
    expect(rolled.staleAt).toEqual([1]);
  });

  it('keeps the increase of a counter exactly across stale markers', () => {
    const values = [1, 5, NaN, 2, 4, NaN, NaN, 9, 1, NaN, 3];
    const live = (columns: Columns): number[] =>
      [...columns.v.subarray(0, columns.count)].filter((_, i) => !columns.staleAt.includes(i));
    const columns = columnsOf(values, 15_000);
    const rolled = rollUpSamples(columns, true);
    expect(increase(live(rolled), live(rolled).length)).toBe(increase(live(columns), live(columns).length));
    expect(rolled.staleAt.map((at) => rolled.t[at])).toEqual(columns.staleAt.map((at) => columns.t[at]));
  });

  it('keeps a NaN of a counter with its neighbours, and the samples around a new start time', () => {
    const columns = new Columns(0);
    for (const [i, v] of [1, 2, NaN, 4, 5, 6, 7, 8].entries()) {
      columns.push(i * 15_000, v, false, i < 6 ? 1 : 80_000, undefined);
    }
    const rolled = rollUpSamples(columns, true);
    expect([...rolled.v.subarray(0, rolled.count)]).toEqual([1, 2, NaN, 4, 6, 7, 8]);
  });

  it('keeps both native histograms around a reset, however the reset shows', () => {
    const base: Histogram = {
      schema: 0,
      count: 4,
      sum: 4,
      zeroThreshold: 0.001,
      zeroCount: 0,
      positiveSpans: [{ offset: 0, length: 2 }],
      positiveBuckets: [2, 2],
      negativeSpans: [],
      negativeBuckets: [],
      customValues: [],
      resetHint: 'unknown',
    };
    const kept = (...later: Partial<Histogram>[]): number[] => {
      const columns = new Columns(0);
      const all = [base, base, ...later.map((part) => ({ ...base, ...part })), base, base];
      for (const [i, h] of all.entries()) columns.push(i * 15_000, NaN, false, 0, h);
      const rolled = rollUpSamples(columns, false);
      return Array.from(rolled.t.subarray(0, rolled.count), (t) => t / 15_000);
    };
    expect(kept({}, {})).toEqual([0, 5]);
    expect(kept({ count: 3 })).toEqual([0, 1, 2, 4]);
    // The count rises while one bucket falls.
    expect(kept({ count: 9, positiveBuckets: [1, 8] })).toEqual([0, 1, 2, 3, 4]);
    expect(kept({ resetHint: 'reset' })).toEqual([0, 1, 2, 4]);
    expect(kept({ schema: 1 })).toEqual([0, 1, 2, 3, 4]);
    expect(kept({ resetHint: 'gauge', count: 1 }, { resetHint: 'gauge', count: 0 })).toEqual([0, 1, 2, 5]);
  });

  it('uses the declared type, else the name', () => {
    expect(isCounterName('x_total', undefined)).toBe(true);
    expect(isCounterName('x_bucket', 'histogram')).toBe(true);
    expect(isCounterName('x', 'counter')).toBe(true);
    expect(isCounterName('open_count', 'gauge')).toBe(false);
    expect(isCounterName('temperature', undefined)).toBe(false);
  });
});
