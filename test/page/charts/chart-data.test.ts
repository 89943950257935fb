import { describe, expect, it } from 'vitest';
import { quantileOfEither } from '../../../src/dashboards/queries.ts';
import type { ChartAnswer, ChartQueryAnswer, ChartSeries } from '../../../src/monitor/api/charts/contract.ts';
import type { ChartData, Line } from '../../../src/page/charts/data/chart-data.ts';
import {
  advanced,
  dataOf,
  firstOf,
  gapsOf,
  isEmpty,
  largestOf,
  limitsOf,
  seriesName,
  since,
} from '../../../src/page/charts/data/chart-data.ts';
import { bucketQuery } from '../../../src/page/charts/data/bucket-query.ts';
import { heatOf } from '../../../src/page/charts/data/heatmap-data.ts';
import { picked, sortedRows, statsOf, topLines, withOthers } from '../../../src/page/charts/data/series-stats.ts';

const queries = [{ expr: 'rate', legend: '{{code}}' }];
const result = (series: readonly ChartSeries[], more: Partial<ChartQueryAnswer> = {}): ChartQueryAnswer => ({
  expr: 'rate',
  startMs: 0,
  stepMs: 15_000,
  count: 3,
  series,
  seriesTotal: series.length,
  peaksKept: true,
  limits: [],
  tookMs: 1,
  read: null,
  warnings: [],
  infos: [],
  ...more,
});
const answer = (...results: ChartQueryAnswer[]): ChartAnswer => ({
  fromMs: 0,
  toMs: 30_000,
  width: 100,
  queries: results,
});
const line = (key: string, values: Line['values'], more: Partial<Line> = {}): Line => ({
  key,
  name: key,
  labels: {},
  query: 0,
  colour: 's1',
  main: false,
  values,
  ...more,
});
const dataWith = (...lines: Line[]): ChartData => ({
  timesMs: lines[0]?.values.map((_, at) => at * 15_000) ?? [],
  lines,
  stepMs: 15_000,
  fromMs: 0,
  toMs: 30_000,
});

describe('dataOf', () => {
  it('puts all queries on one axis of times: a missing point is no gap, a null is', () => {
    const data = dataOf(
      answer(
        result([{ labels: { code: '200' }, values: [1, null, 3] }]),
        result([{ labels: { code: '500' }, at: [0, 1, 5], values: [7, null, 9] }], { stepMs: 5_000, count: 7 }),
      ),
      [...queries, { expr: 'b', legend: '', colour: 'p95', main: true }],
    );
    expect(data.timesMs).toEqual([0, 5_000, 15_000, 25_000, 30_000]);
    expect(data.stepMs).toBe(5_000);
    expect(data.lines.map(({ name, values, colour, main, query }) => [name, values, colour, main, query])).toEqual([
      ['200', [1, undefined, null, undefined, 3], expect.stringMatching(/^s\d+$/), false, 0],
      ['{code="500"}', [7, null, undefined, 9, undefined], 'p95', true, 1],
    ]);
  });

  it('has each limit of a rule once', () => {
    const limit = { rule: 'R', severity: '', op: '>', limit: 1 } as const;
    const limits = [limit, { ...limit, limit: 2 }];
    expect(limitsOf(answer(result([], { limits }), result([], { limits })))).toEqual(limits);
  });

  it('names series as Prometheus writes them', () => {
    expect(seriesName({ __name__: 'up' })).toBe('up');
    expect(seriesName({ __name__: 'up', job: 'a"b' })).toBe('up{job="a\\"b"}');
    expect(seriesName({})).toBe('{}');
  });
});

describe('advanced', () => {
  const at = (timeMs: number, ...codes: string[]) =>
    new Map([
      ['rate', { expr: 'rate', timeMs, series: codes.map((code, value) => ({ labels: { code }, value: value + 1 })) }],
    ]);
  const empty: ChartData = { timesMs: [0, 15_000], lines: [], stepMs: 15_000, fromMs: 0, toMs: 15_000 };

  it('gives an empty chart its lines with the first traffic, and a new series its own', () => {
    const first = advanced(empty, queries, ['rate'], at(16_000, '200'), 0);
    expect(first.lines.map(({ name, values }) => [name, values])).toEqual([['200', [null, 1]]]);
    const second = advanced(first, queries, ['rate'], at(30_000, '200', '500'), 15_000);
    expect(second.timesMs).toEqual([15_000, 30_000]);
    expect(second).toMatchObject({ fromMs: 15_000, toMs: 30_000 });
    expect(second.lines.map(({ name, values }) => [name, values])).toEqual([
      ['200', [1, 1]],
      ['500', [null, 2]],
    ]);
    expect(advanced(second, queries, ['rate'], at(61_000, '200'), 0).lines[0].values).toEqual([1, 1, null, 1]);
  });

  it('changes nothing for old results, and keeps a gap where the newest has no value', () => {
    expect(advanced(empty, queries, ['rate'], new Map(), 0)).toBe(empty);
    const data = dataWith(line('0\n[["code","200"]]', [1, 2, 3]));
    expect(advanced(data, queries, ['rate'], at(10, '200'), 0)).toBe(data);
    expect(advanced(data, queries, ['rate'], at(46_000), 0).lines[0].values).toEqual([1, 2, 3, null]);
  });

  it('has a limit of lines', () => {
    const many = Array.from({ length: 400 }, (_, code) => String(code));
    expect(advanced(empty, queries, ['rate'], at(16_000, ...many), 0).lines).toHaveLength(120);
  });
});

describe('the columns', () => {
  it('have a first value, an extent and gaps', () => {
    const data = dataWith(
      line('a', [null, 1, null, undefined, 2, null]),
      line('b', [null, -9, null, null, null, null]),
    );
    expect(firstOf(data)).toBe(15_000);
    expect(firstOf(dataWith())).toBe(Infinity);
    expect(gapsOf(data)).toEqual([
      [0, 0],
      [2, 3],
    ]);
    expect(gapsOf(dataWith(line('a', [null, null])))).toEqual([]);
    expect([isEmpty(data), isEmpty(dataWith(line('a', [null])))]).toEqual([false, true]);
    expect(largestOf(data.lines)).toBe(9);
    expect(largestOf([line('a', [1, 2]), line('b', [3, -1])], true)).toBe(4);
    expect(largestOf([], true)).toBe(0);
  });

  it('are cut where the range begins', () => {
    const data = dataWith(line('a', [null, 1, 2]));
    expect(since(data, undefined)).toBe(data);
    expect(since(data, 0)).toBe(data);
    expect(since(data, 15_000)).toMatchObject({
      timesMs: [15_000, 30_000],
      fromMs: 15_000,
      lines: [{ values: [1, 2] }],
    });
  });
});

describe('figures of lines', () => {
  it('weigh each point by its time, so that a down-sampled line has the mean of the whole', () => {
    expect(statsOf([2, undefined, 4, null, 4], [0, 1, 2, 3, 4])).toEqual({
      last: 4,
      min: 2,
      mean: (2 * 1 + 4 * 1 + 4 * 1) / 3,
      max: 4,
      maxAt: 2,
    });
    expect(statsOf([null, undefined], [0, 1])).toMatchObject({ last: null, mean: null, maxAt: -1 });
  });

  it('are sorted by any column, in both directions, without a value last', () => {
    const data = dataWith(line('b', [1, 5, 2]), line('a', [3, 3, 3]), line('c', [null, null, null]));
    const names = (by: 'name' | 'last' | 'max', descending: boolean): string[] =>
      sortedRows(data, { by, descending }).map(({ line: { name } }) => name);
    expect(names('name', false)).toEqual(['a', 'b', 'c']);
    expect(names('last', true)).toEqual(['a', 'b', 'c']);
    expect(names('max', true)).toEqual(['b', 'a', 'c']);
    expect(sortedRows(data, undefined).map(({ line: { name } }) => name)).toEqual(['b', 'a', 'c']);
  });

  it('give the top ten of many, and the sum of the others for a stack', () => {
    const data = dataWith(...Array.from({ length: 15 }, (_, n) => line(`l${n}`, [n, n === 0 ? null : 1])));
    const top = topLines(data);
    expect(top.others).toBe(5);
    expect(top.data.lines.map(({ key }) => key)).toEqual(Array.from({ length: 10 }, (_, n) => `l${n + 5}`));
    const { lines } = withOthers(data, top.data.lines);
    expect(lines.at(-1)).toMatchObject({ name: 'other 5', values: [0 + 1 + 2 + 3 + 4, 4] });
    expect(withOthers(data, data.lines)).toBe(data);
    expect(topLines(dataWith(line('a', [1]))).others).toBe(0);
    const gap = dataWith(line('a', [1]), line('b', [null]));
    expect(withOthers(gap, [gap.lines[0]]).lines[1].values).toEqual([null]);
  });

  it('are drawn alone after a click, all again after a second one, and put on or off with Ctrl', () => {
    const all = ['a', 'b', 'c'];
    const alone = picked(new Set(), all, 'b', false);
    expect([...alone]).toEqual(['a', 'c']);
    expect([...picked(alone, all, 'b', false)]).toEqual([]);
    expect([...picked(alone, all, 'a', false)]).toEqual(['b', 'c']);
    expect([...picked(new Set(['a']), all, 'b', true)]).toEqual(['a', 'b']);
    expect([...picked(new Set(['a']), all, 'a', true)]).toEqual([]);
    expect([...picked(new Set(['a', 'b']), all, 'c', true)]).toEqual([]);
  });
});

describe('a heatmap', () => {
  it('has the count of each bucket, without empty ones at its ends', () => {
    const bucket = (le: string, ...values: (number | null)[]): Line => line(le, values, { labels: { le } });
    const heat = heatOf(
      dataWith(bucket('0.1', 0, 0), bucket('0.5', 2, null), bucket('1', 5, 0), bucket('5', 5, 0), bucket('+Inf', 5, 0)),
    );
    expect(heat?.rows).toEqual([
      { from: 0, to: 0.1, counts: [0, 0] },
      { from: 0.1, to: 0.5, counts: [2, null] },
      { from: 0.5, to: 1, counts: [3, 0] },
      { from: 1, to: 5, counts: [0, 0] },
    ]);
    expect(heat?.largest).toBe(3);
    expect(heatOf(dataWith(line('a', [1])))).toBeUndefined();
    expect(heatOf(dataWith(bucket('0.1', 0), bucket('+Inf', 0)))?.rows).toHaveLength(2);
    // Two series of one bound are one row, and a bucket read a moment later is never below zero.
    expect(heatOf(dataWith(bucket('1', 2), bucket('1', 3), bucket('2', 4)))?.rows.map(({ counts }) => counts)).toEqual([
      [5],
      [0],
    ]);
  });

  it('has the buckets of native histograms as they are, and those of a metric with both kinds once', () => {
    const native = (from: number, to: number, ...values: (number | null)[]): Line =>
      line(`${from}`, values, { bucket: [from, to] });
    const rows = [native(0.5, 1, 1, 2), native(-0.1, 0.1, 0, null), native(0.5, 1, 3, null), native(1, Infinity, 0, 0)];
    const heat = heatOf(dataWith(...rows));
    expect(heat?.rows).toEqual([
      { from: -0.1, to: 0.1, counts: [0, null] },
      { from: 0.5, to: 1, counts: [4, 2] },
      { from: 1, to: Infinity, counts: [0, 0] },
    ]);
    expect(heat?.largest).toBe(4);
    const both = heatOf(dataWith(...rows, line('le', [7, 8], { labels: { le: '+Inf' } })));
    expect(both?.rows.map(({ counts }) => counts)).toEqual([[7, 8]]);
  });

  it('asks for the buckets behind a quantile', () => {
    const of = (expr: string): string | undefined => bucketQuery([{ expr, legend: '' }])?.expr;
    expect(of('histogram_quantile(0.95, sum by (job, le) (rate(a_bucket{x="1"}[1m])))')).toBe(
      'sum by (le) (rate(a_bucket{x="1"}[1m])) or sum(rate(a{x="1"}[1m]))',
    );
    expect(of('histogram_quantile(0.95, sum by (job) (rate(a{x="1"}[1m])))')).toBe('sum(rate(a{x="1"}[1m]))');
    for (const by of ['', 'job'])
      expect(of(quantileOfEither(0.95, 'a', { by, matchers: 'x="[1]"', before: '5m' }))).toBe(
        'sum by (le) (rate(a_bucket{x="[1]"}[1m] offset 5m)) or sum(rate(a{x="[1]"}[1m] offset 5m))',
      );
    expect(of('histogram_quantile(0.5, sum(rate(a[5m])))')).toBe('sum(rate(a[5m]))');
    expect(of('sum by (le) (rate(a_bucket[1m]))')).toBe('sum by (le) (rate(a_bucket[1m]))');
    expect(of('histogram_quantile(0.9, a)')).toBeUndefined();
  });
});
