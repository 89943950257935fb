/** Sums of native histograms in place: nothing is lost to rounding, to wider zero buckets or to coarser layouts. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CUSTOM_BUCKETS_SCHEMA, type Histogram } from '../../../../src/model/histogram.ts';
import { Annotations } from '../../../../src/monitor/promql/columns/annotations.ts';
import { allBuckets } from '../../../../src/monitor/promql/histograms/buckets.ts';
import { HistogramTotal } from '../../../../src/monitor/promql/histograms/histogram-total.ts';
import { HistogramSum } from '../../../../src/monitor/promql/histograms/sums.ts';

const POS = { start: 0, end: 1 };
const exponential = (more: Partial<Histogram> = {}): Histogram => ({
  schema: 0,
  count: 4,
  sum: 1,
  zeroThreshold: 0.001,
  zeroCount: 1,
  positiveSpans: [{ offset: 0, length: 2 }],
  positiveBuckets: [1, 1],
  negativeSpans: [{ offset: 1, length: 1 }],
  negativeBuckets: [1],
  customValues: [],
  resetHint: 'unknown',
  ...more,
});
const custom = (customValues: readonly number[], counts: readonly number[]): Histogram =>
  exponential({
    schema: CUSTOM_BUCKETS_SCHEMA,
    customValues,
    zeroThreshold: 0,
    zeroCount: 0,
    positiveSpans: [{ offset: 0, length: counts.length }],
    positiveBuckets: counts,
    negativeSpans: [],
    negativeBuckets: [],
  });

function totalOf(list: readonly Histogram[]): Histogram {
  const total = new HistogramTotal(list[0]);
  for (const h of list.slice(1)) expect(total.add(h)).toBe(true);
  return total.result();
}

describe('a sum of histograms', () => {
  const any = fc.record({
    schema: fc.integer({ min: -1, max: 3 }),
    zeroThreshold: fc.constantFrom(0, 1e-128, 0.001, 0.5, 3),
    zeroCount: fc.integer({ min: 0, max: 9 }),
    first: fc.integer({ min: 14, max: 20 }),
    counts: fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 8 }),
  });

  it('keeps every observation, in whatever order they come', () => {
    fc.assert(
      fc.property(fc.array(any, { minLength: 1, maxLength: 6 }), (plan) => {
        const list = plan.map(({ schema, zeroThreshold, zeroCount, first, counts }) =>
          exponential({
            schema,
            zeroThreshold,
            zeroCount,
            count: zeroCount + 2 * counts.reduce((sum, count) => sum + count, 0),
            positiveSpans: [{ offset: first, length: counts.length }],
            positiveBuckets: counts,
            negativeSpans: [{ offset: first, length: counts.length }],
            negativeBuckets: counts,
          }),
        );
        // The bounds depend on the order, as in Prometheus: a zero bucket that ends inside a coarser bucket takes it whole.
        for (const total of [totalOf(list), totalOf([...list].reverse())]) {
          const inBuckets = allBuckets(total).reduce((sum, { count }) => sum + count, 0);
          expect(inBuckets).toBe(list.reduce((sum, { count }) => sum + count, 0));
          expect(total.count).toBe(inBuckets);
        }
      }),
    );
  });

  it('loses no digits: what is added and taken away leaves what was small', () => {
    const sums = [1, 1e16, 3.14, -1e16];
    const list = sums.map((sum) => exponential({ sum, positiveBuckets: [Math.abs(sum), 0.1] }));
    expect(totalOf(list).sum).toBeCloseTo(4.14, 12);
    expect(totalOf(list).positiveBuckets).toEqual([2e16 + 4, 0.4]);
  });

  it('widens the zero bucket to the end of a populated bucket', () => {
    const wide = exponential({
      zeroThreshold: 1.5,
      zeroCount: 2,
      positiveSpans: [{ offset: 2, length: 1 }],
      positiveBuckets: [5],
      negativeSpans: [],
      negativeBuckets: [],
    });
    for (const list of [
      [exponential(), wide],
      [wide, exponential()],
    ]) {
      const total = totalOf(list);
      // (1, 2] of the other contains 1.5.
      expect([total.zeroThreshold, total.zeroCount, total.positiveBuckets]).toEqual([2, 6, [5]]);
    }
  });

  it('with custom bounds has the bounds that both have, and says so', () => {
    const total = new HistogramTotal(custom([1, 2, 5], [1, 1, 1, 1]));
    expect(total.add(custom([1, 2, 5], [1, 0, 0, 0]))).toBe(true);
    expect(total.reconciled).toBe(false);
    expect(total.add(custom([1, 4, 5, 9], [1, 1, 1, 1, 1]))).toBe(true);
    expect(total.reconciled).toBe(true);
    expect(total.result()).toMatchObject({ customValues: [1, 5], positiveBuckets: [3, 4, 3] });
    expect(total.add(exponential())).toBe(false);
    expect(total.copy().result()).toEqual(total.result());
  });

  it('keeps the hint that both have', () => {
    const hints = (...list: Histogram['resetHint'][]): string =>
      totalOf(list.map((resetHint) => exponential({ resetHint }))).resetHint;
    expect([hints('reset', 'reset'), hints('reset', 'not_reset'), hints('not_reset', 'gauge')]).toEqual([
      'reset',
      'unknown',
      'gauge',
    ]);
  });
});

describe('a mean of histograms', () => {
  const meanOf = (list: readonly Histogram[]): { h: Histogram | undefined; warnings: readonly string[] } => {
    const notes = new Annotations('avg(x)');
    const sum = new HistogramSum(true);
    for (const [i, h] of list.entries()) sum.add(h, `metric_${i}`);
    return { h: sum.result(notes, POS), warnings: notes.warnings };
  };

  it('does not overflow where the sum would', () => {
    const { h } = meanOf([1e308, 1.5e308, 1.1e308].map((sum) => exponential({ sum })));
    expect(h?.sum).toBeCloseTo(1.2e308, -300);
    expect((h?.sum ?? 0) / 1.2e308).toBeCloseTo(1, 12);
    expect(h?.count).toBeCloseTo(4, 12);
  });

  it('of two kinds of buckets does not exist, and the warning names the series that does not fit', () => {
    const { h, warnings } = meanOf([
      exponential({ resetHint: 'reset' }),
      custom([1], [1, 1]),
      exponential({ resetHint: 'not_reset' }),
    ]);
    expect(h).toBeUndefined();
    expect(warnings).toHaveLength(2);
    expect(warnings.join('\n')).toContain('conflicting counter resets during histogram aggregation');
    expect(warnings.join('\n')).toContain('metric name "metric_1"');
  });
});
