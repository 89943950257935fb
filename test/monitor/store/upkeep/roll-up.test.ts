import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
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

  it('keeps least, greatest and last of a gauge in each step', () => {
    fc.assert(
      fc.property(fc.array(fc.double({ noNaN: true }), { minLength: 1, maxLength: 200 }), (values) => {
        const columns = columnsOf(values, 15_000);
        const rolled = rollUpSamples(columns, false);
        const kept = [...rolled.v.subarray(0, rolled.count)];
        expect(Math.max(...kept)).toBe(Math.max(...values));
        expect(Math.min(...kept)).toBe(Math.min(...values));
        expect(rolled.count).toBeLessThanOrEqual(3 * (Math.floor((values.length * 15_000) / STEP) + 1));
      }),
    );
  });

  it('keeps stale markers', () => {
    const rolled = rollUpSamples(columnsOf([1, NaN, 3, 4], 15_000), true);
    expect([...rolled.v.subarray(0, rolled.count)]).toEqual([NaN, 4]);
    expect(rolled.staleAt).toEqual([0]);
  });

  it('uses the declared type, else the name', () => {
    expect(isCounterName('x_total', undefined)).toBe(true);
    expect(isCounterName('x_bucket', 'histogram')).toBe(true);
    expect(isCounterName('x', 'counter')).toBe(true);
    expect(isCounterName('open_count', 'gauge')).toBe(false);
    expect(isCounterName('temperature', undefined)).toBe(false);
  });
});
