import { describe, expect, it } from 'vitest';
import type { Histogram } from '../../../../src/model/histogram.ts';
import { Labels } from '../../../../src/model/labels.ts';
import type { MatrixSeries } from '../../../../src/model/ports.ts';
import { chartAnswer } from '../../../../src/monitor/api/charts/chart-answer.ts';
import { bucketRows } from '../../../../src/monitor/api/charts/native-buckets.ts';
import { WatchedLimits } from '../../../../src/monitor/api/charts/watched.ts';
import { fakeQuerier } from '../../../support/page/fake-stack.ts';
import { movedClock } from '../../../support/moved-clock.ts';

const NOW = 1_800_000_000_000;

/** Buckets from index 1 of a schema on. */
const histogram = (schema: number, counts: readonly number[], more: Partial<Histogram> = {}): Histogram => ({
  schema,
  count: counts.reduce((sum, count) => sum + count, 0),
  sum: 1,
  zeroThreshold: 0,
  zeroCount: 0,
  positiveSpans: [{ offset: 1, length: counts.length }],
  positiveBuckets: counts,
  negativeSpans: [],
  negativeBuckets: [],
  customValues: [],
  resetHint: 'gauge',
  ...more,
});

const series = (...h: readonly (Histogram | undefined)[]): MatrixSeries => ({
  labels: Labels.from({ job: 'a' }),
  t: Float64Array.from(h, (_, at) => NOW - (h.length - 1 - at) * 15_000),
  v: new Float64Array(h.length).fill(NaN),
  h,
});

const short = (rows: ReturnType<typeof bucketRows>): unknown => rows.map(({ from, to, v }) => [from, to, [...v]]);

describe('the rows of native histograms', () => {
  it('are their buckets, with zero, negative and missing ones', () => {
    const one = histogram(0, [2, 3], {
      zeroThreshold: 0.5,
      zeroCount: 4,
      negativeSpans: [{ offset: 1, length: 1 }],
      negativeBuckets: [1],
    });
    expect(short(bucketRows([series(one, undefined, histogram(0, [0, 5]))], 100))).toEqual([
      [-2, -1, [1, 0]],
      [-0.5, 0.5, [4, 0]],
      [1, 2, [2, 0]],
      [2, 4, [3, 5]],
    ]);
  });

  it('are in the coarsest schema, and no observation is lost in merging', () => {
    const fine = histogram(
      8,
      Array.from({ length: 700 }, () => 1),
    );
    const rows = bucketRows([series(fine, histogram(0, [5, 6]))], 100);
    expect(short(rows)).toEqual([
      [1, 2, [256, 5]],
      [2, 4, [256, 6]],
      [4, 8, [188, 0]],
    ]);
    const many = bucketRows([series(fine)], 100);
    expect(many.length).toBeLessThanOrEqual(100);
    expect(many.length).toBeGreaterThan(80);
    expect(many.reduce((sum, { v }) => sum + v[0], 0)).toBe(700);
    for (const [at, row] of many.entries()) if (at > 0) expect(row.from).toBe(many[at - 1].to);
  });

  it('may have bounds of their own', () => {
    const custom = histogram(-53, [1, 2, 3], { positiveSpans: [{ offset: 0, length: 3 }], customValues: [0.1, 1] });
    expect(short(bucketRows([series(custom)], 100))).toEqual([
      [-Infinity, 0.1, [1]],
      [0.1, 1, [2]],
      [1, Infinity, [3]],
    ]);
  });

  it('are in the answer for a chart, beside numbers, and bounded', async () => {
    const number: MatrixSeries = { labels: Labels.from({ n: '1' }), t: Float64Array.of(NOW), v: Float64Array.of(7) };
    const all = Array.from({ length: 60 }, () =>
      series(
        histogram(
          8,
          Array.from({ length: 700 }, () => 1),
        ),
      ),
    );
    const ask = async (found: readonly MatrixSeries[]) => {
      const querier = {
        ...fakeQuerier(NOW),
        range: () => Promise.resolve({ value: { kind: 'matrix' as const, series: found }, warnings: [], infos: [] }),
      };
      const query = new URLSearchParams({ expr: 'a', from: String(NOW - 60_000), to: String(NOW), step: '15s' });
      const sources = { querier, clock: movedClock(NOW), limits: () => new WatchedLimits([]) };
      return (await chartAnswer(query, sources, new AbortController().signal)).queries[0];
    };
    const { series: sent } = await ask([
      number,
      series(
        histogram(0, [2], { zeroCount: 1 }),
        histogram(-53, [4], { positiveSpans: [{ offset: 1, length: 1 }], customValues: [3] }),
      ),
    ]);
    expect(sent.map(({ bucket, values }) => [bucket, values.slice(-2)])).toEqual([
      [undefined, [null, 7]],
      [
        ['0', '0'],
        [1, 0],
      ],
      [
        ['1', '2'],
        [2, 0],
      ],
      [
        ['3', '+Inf'],
        [0, 4],
      ],
    ]);
    expect((await ask(all)).series.length).toBeLessThanOrEqual(100);
  });
});
