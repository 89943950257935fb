/** Values that Go 1.26 prints, and properties that hold for any number. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { exponentialBound } from '../../../../src/monitor/promql/histograms/exponential-bounds.ts';
import { exp2, log2 } from '../../../../src/monitor/promql/histograms/go-math.ts';

describe('log2 and exp2', () => {
  it('are exact for powers of two, down to the smallest number', () => {
    for (const exponent of [-1074, -1050, -1023, -1022, -3, 0, 1, 1000, 1023]) {
      expect(log2(2 ** exponent)).toBe(exponent);
      expect(exp2(exponent)).toBe(2 ** exponent);
    }
  });

  it('differ from the true value by a unit in the last place at most', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-300, max: 1e300, noNaN: true }), (x) => {
        expect(Math.abs(log2(x) - Math.log2(x))).toBeLessThanOrEqual(Math.abs(Math.log2(x)) * 2 ** -51 + 2 ** -53);
        expect(Math.abs(exp2(log2(x)) / x - 1)).toBeLessThan(1e-12);
      }),
    );
  });

  it('keep the special cases of Go', () => {
    expect([log2(0), log2(-1), log2(Infinity), log2(Number.NaN)]).toEqual([-Infinity, NaN, Infinity, NaN]);
    expect([exp2(1025), exp2(-Infinity), exp2(Number.NaN), exp2(-2000)]).toEqual([Infinity, 0, NaN, 0]);
  });
});

describe('exponentialBound', () => {
  it("has the digits of Prometheus' table", () => {
    const bounds = [
      [1, 1],
      [3, 2],
      [-1, 3],
      [1, 8],
      [2, -1],
    ] as const;
    expect(bounds.map(([index, schema]) => exponentialBound(index, schema))).toEqual([
      1.414213562373095, 1.6817928305074288, 0.9170040432046711, 1.0027112750502025, 16,
    ]);
  });

  it('ends at the largest number, and below the smallest', () => {
    for (const schema of [-4, 0, 8]) {
      const last = 1024 * 2 ** schema;
      expect([exponentialBound(last, schema), exponentialBound(last + 1, schema)]).toEqual([
        Number.MAX_VALUE,
        Infinity,
      ]);
    }
    expect(exponentialBound(-1074 * 256, 8)).toBe(Number.MIN_VALUE);
    expect(exponentialBound(-1073 * 2 + 1, 1)).toBe(3 * Number.MIN_VALUE);
  });
});
